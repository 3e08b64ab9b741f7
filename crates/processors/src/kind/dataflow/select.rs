//! `select`, `remove`, `extractField`, `hoistField`: which part of the payload there is.

use super::config::{Config, of_setting};
use super::{Transform, Transforming};
use crate::effect::{Effect, FieldEffect};
use crate::kind::Processor;
use crate::path::{Path, Place};
use crate::record::Record;
use crate::value::{Object, Value};

struct Select(Vec<Path>);

pub(super) fn select(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Transforming::boxed(Select(config.paths("fields")?)))
}

impl Transform for Select {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let mut selected = Object::default();
        for path in &self.0 {
            if let Some(value) = path.find(payload) {
                selected.insert(path.last(), value.into_owned());
            }
        }
        if selected.is_empty() {
            return Ok(false);
        }
        *payload = Value::Object(selected);
        Ok(true)
    }

    fn effects(&self) -> Vec<Effect> {
        // Where there is a choice on the way, several parts stand for what can be anything.
        let anywhere = || vec![String::new(), String::new()];
        let member = |path: &Path| {
            let names = path.names().unwrap_or_else(anywhere);
            (names, path.last().to_owned())
        };
        vec![Effect::Only(self.0.iter().map(member).collect())]
    }
}

struct Remove(Vec<Place>);

pub(super) fn remove(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Transforming::boxed(Remove(config.places("fields")?)))
}

impl Transform for Remove {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let mut is_changed = false;
        for place in &self.0 {
            is_changed |= place.remove(payload).is_some();
        }
        Ok(is_changed)
    }

    fn effects(&self) -> Vec<Effect> {
        let removed = |place: &Place| Effect::Field(place.names().to_vec(), FieldEffect::Removed);
        self.0.iter().map(removed).collect()
    }
}

struct ExtractField(Path);

pub(super) fn extract_field(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let path = of_setting("field", Path::parse(config.need("field")?))?;
    Ok(Transforming::boxed(ExtractField(path)))
}

impl Transform for ExtractField {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let Some(found) = self.0.find(payload) else {
            return Ok(false);
        };
        *payload = found.into_owned();
        Ok(true)
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Whole]
    }
}

struct HoistField(String);

pub(super) fn hoist_field(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let field = config.need("field")?;
    if field.contains('.') {
        return Err(format!(
            "the setting `field`: `{field}` has a dot, but it is one name"
        ));
    }
    Ok(Transforming::boxed(HoistField(field.to_owned())))
}

impl Transform for HoistField {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let mut members = Object::default();
        members.insert(&self.0, std::mem::take(payload));
        *payload = Value::Object(members);
        Ok(true)
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Only(vec![(Vec::new(), self.0.clone())])]
    }
}
