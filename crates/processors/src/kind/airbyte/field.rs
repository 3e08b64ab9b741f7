//! `field-filtering` and `field-renaming`.

use super::{replace, rows};
use crate::demand::{Demand, Keeps};
use crate::effect::{Effect, FieldEffect};
use crate::kind::config::Config;
use crate::kind::{Change, Processor};
use crate::record::Record;

struct Filtering(String);

pub(super) fn filtering(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Filtering(config.need("targetField")?.to_owned())))
}

impl Change for Filtering {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        rows(record, |row, _| row.remove(&self.0).is_some())
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Field(vec![self.0.clone()], FieldEffect::Removed)]
    }

    fn demands(&self) -> Vec<Demand> {
        vec![Demand::Removes(self.0.clone())]
    }
}

struct Renaming {
    from: String,
    to: String,
}

pub(super) fn renaming(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Renaming {
        from: config.need("originalFieldName")?.to_owned(),
        to: config.need("newFieldName")?.to_owned(),
    }))
}

impl Change for Renaming {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        if self.from == self.to {
            return Ok(());
        }
        rows(record, |row, _| {
            let Some(value) = row.get_mut(&self.from).map(std::mem::take) else {
                return false;
            };
            replace(row, &self.from, &self.to, value);
            true
        })
    }

    fn effects(&self) -> Vec<Effect> {
        if self.from == self.to {
            return Vec::new();
        }
        let renamed = FieldEffect::Renamed(self.to.clone());
        vec![Effect::Field(vec![self.from.clone()], renamed)]
    }

    fn demands(&self) -> Vec<Demand> {
        vec![Demand::Moves {
            from: self.from.clone(),
            to: self.to.clone(),
            keeps: Keeps::Order,
        }]
    }
}
