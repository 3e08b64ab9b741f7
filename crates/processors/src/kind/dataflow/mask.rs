//! `mask`: fields made unreadable.

use crossdock_core::schema::DataType;

use super::config::Config;
use super::{Transform, Transforming};
use crate::effect::{Effect, FieldEffect};
use crate::kind::Processor;
use crate::path::Place;
use crate::record::Record;
use crate::scalar;
use crate::value::Value;

/// How many characters stand for a value whose length is not to be seen.
const LENGTH: usize = 3;

/// More characters in place of one would blow records up.
const WIDEST: usize = 16;

struct Mask {
    fields: Vec<Place>,
    with: String,
    keeps_length: bool,
}

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let with = config.text("maskChar")?.filter(|text| !text.is_empty());
    let with = with.unwrap_or("*");
    if with.chars().count() > WIDEST {
        return Err(format!(
            "the setting `maskChar` has more than {WIDEST} characters"
        ));
    }
    Ok(Transforming::boxed(Mask {
        keeps_length: config.flag("keepLength")?,
        fields: config.places("fields")?,
        with: with.to_owned(),
    }))
}

impl Transform for Mask {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let mut is_changed = false;
        for place in &self.fields {
            if let Some(value) = place.get_mut(payload) {
                let length = match self.keeps_length {
                    true => scalar::text_of(value).len(),
                    false => LENGTH,
                };
                *value = Value::String(self.with.repeat(length));
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    fn effects(&self) -> Vec<Effect> {
        let masked = FieldEffect::Typed(DataType::String);
        let masked = |place: &Place| Effect::Field(place.names().to_vec(), masked.clone());
        self.fields.iter().map(masked).collect()
    }
}
