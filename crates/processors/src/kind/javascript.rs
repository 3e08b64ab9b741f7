//! `custom.javascript` is not there yet.

use super::Processor;
use crate::setting::Settings;

pub(super) fn build(_: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Err("x".into())
}
