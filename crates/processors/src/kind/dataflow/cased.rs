//! `snakeCase` and `camelCase`: names in another case.

use super::config::Config;
use super::{Transform, Transforming};
use crate::case::Case;
use crate::effect::Effect;
use crate::kind::Processor;
use crate::record::Record;
use crate::value::{Object, Value};

struct Cased {
    case: Case,
    deep: bool,
}

pub(super) fn snake_case(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    build(config, Case::Snake)
}

/// The first letter is a capital, in spite of the name.
pub(super) fn camel_case(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    build(config, Case::Pascal)
}

fn build(config: &Config<'_>, case: Case) -> Result<Box<dyn Processor>, String> {
    let deep = config.flag("deep")?;
    Ok(Transforming::boxed(Cased { case, deep }))
}

impl Cased {
    /// `false`: the names had this case.
    fn named(&self, value: &mut Value) -> bool {
        let mut is_changed = false;
        match value {
            Value::Object(members) => {
                let mut named = Object::default();
                for (name, mut value) in std::mem::take(members).into_members() {
                    is_changed |= self.deep && self.named(&mut value);
                    let new = self.case.of(&name);
                    is_changed |= new != name;
                    named.insert(&new, value);
                }
                *members = named;
            }
            Value::List(items) if self.deep => {
                for item in items {
                    is_changed |= self.named(item);
                }
            }
            _ => {}
        }
        is_changed
    }
}

impl Transform for Cased {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        Ok(self.named(payload))
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Cased(self.case, self.deep)]
    }
}
