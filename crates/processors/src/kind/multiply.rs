//! `split` and `clone`: several records of one.

use super::field::data_reference;
use super::{Outcome, Processor};
use crate::effect::{Effect, FieldEffect};
use crate::record::Record;
use crate::reference::Reference;
use crate::setting::Settings;
use crate::value::Value;

/// More records than this are not made of one (P7).
const MOST: usize = 1_000_000;

struct Split(Reference);

pub(super) fn split(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Split(data_reference(settings, None)?)))
}

impl Split {
    fn parts(&self, mut record: Record) -> Result<Vec<Record>, String> {
        let items = match self.0.get(&mut record)? {
            Value::List(items) => items,
            other => return Err(format!("the field is {}, not a list", other.kind())),
        };
        if items.len() > MOST {
            return Err(format!(
                "a list of {} items is too long to be split",
                items.len()
            ));
        }
        // Without the list, which each part would copy.
        self.0.set(&mut record, Value::Null)?;
        let numbered = items.into_iter().enumerate();
        numbered
            .map(|(at, item)| {
                let mut part = record.clone();
                self.0.set(&mut part, item)?;
                part.metadata
                    .insert("split.index", Value::String(at.to_string()));
                Ok(part)
            })
            .collect()
    }
}

impl Processor for Split {
    fn process(&mut self, record: Record) -> Outcome {
        match self.parts(record) {
            Ok(parts) => Outcome::Many(parts),
            Err(why) => Outcome::Failed(why),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.0, FieldEffect::Any)
    }

    fn multiplies(&self) -> bool {
        true
    }
}

struct Copies(usize);

pub(super) fn clone(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let count: usize = settings.need("count")?.parse().unwrap_or(0);
    if count == 0 || count > MOST {
        return Err(format!("the setting `count` is a number from 1 to {MOST}"));
    }
    Ok(Box::new(Copies(count)))
}

impl Processor for Copies {
    fn process(&mut self, record: Record) -> Outcome {
        let copies = (0..=self.0).map(|at| {
            let mut copy = record.clone();
            copy.metadata
                .insert("clone.index", Value::String(at.to_string()));
            copy.is_changed = true;
            copy
        });
        Outcome::Many(copies.collect())
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }

    fn multiplies(&self) -> bool {
        true
    }
}
