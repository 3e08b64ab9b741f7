//! `filter` and `error`: together with a condition.

use super::{Outcome, Processor};
use crate::effect::Effect;
use crate::record::Record;
use crate::setting::Settings;
use crate::template::Template;

struct Filter;

pub(super) fn filter(_: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Filter))
}

impl Processor for Filter {
    fn process(&mut self, _: Record) -> Outcome {
        Outcome::Filtered
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }
}

struct Fail(Template);

pub(super) fn error(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let message = settings.or("message", "error processor triggered");
    let message =
        Template::parse(message).map_err(|why| format!("the setting `message`: {why}"))?;
    Ok(Box::new(Fail(message)))
}

impl Processor for Fail {
    fn process(&mut self, mut record: Record) -> Outcome {
        Outcome::Failed(self.0.execute(&mut record).unwrap_or_else(|why| why))
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }
}
