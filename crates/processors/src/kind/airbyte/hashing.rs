//! `hashing`: a digest in place of a value.

use super::digest::Method;
use super::{Make, Replacing};
use crate::demand::Keeps;
use crate::kind::Processor;
use crate::kind::config::{Config, of_setting};

/// What Airbyte puts after the field's name.
const SUFFIX: &str = "_hashed";

struct Hashing(Method);

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let method = of_setting("method", Method::parse(config.need("method")?))?;
    Replacing::boxed(config, SUFFIX, Hashing(method))
}

impl Make for Hashing {
    fn make(&self, text: &str) -> Option<String> {
        Some(self.0.digest(text.as_bytes()))
    }

    fn keeps(&self) -> Keeps {
        Keeps::Sameness
    }
}
