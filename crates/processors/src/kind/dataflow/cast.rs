//! `cast`: fields of other types.

use crossdock_core::schema::DataType;

use super::config::{Config, of_setting};
use super::{Transform, Transforming};
use crate::effect::{Effect, FieldEffect};
use crate::kind::Processor;
use crate::path::Place;
use crate::record::Record;
use crate::scalar;
use crate::value::Value;

#[derive(Clone, Copy)]
enum Type {
    String,
    Int64,
    Float64,
    Bool,
    Null,
}

struct Cast(Vec<(Place, Type)>);

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let spec = config.need_pairs("spec")?.into_iter();
    let spec = spec.map(|(path, name)| {
        let place = of_setting("spec", Place::parse(path))?;
        let to = match name {
            "string" => Type::String,
            "int64" => Type::Int64,
            "float64" => Type::Float64,
            "bool" => Type::Bool,
            "null" => Type::Null,
            other => {
                return Err(format!(
                    "the setting `spec.{path}`: `{other}` is none of string, int64, float64, bool, null"
                ));
            }
        };
        Ok((place, to))
    });
    Ok(Transforming::boxed(Cast(spec.collect::<Result<_, _>>()?)))
}

impl Transform for Cast {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let mut is_changed = false;
        for (place, to) in &self.0 {
            let Some(value) = place.get_mut(payload) else {
                continue;
            };
            let cast = cast(value, *to)
                .map_err(|why| format!("`{}` cannot be cast: {why}", place.names().join(".")))?;
            is_changed |= cast != *value;
            *value = cast;
        }
        Ok(is_changed)
    }

    fn effects(&self) -> Vec<Effect> {
        let effect = |(place, to): &(Place, Type)| {
            let effect = match to {
                Type::String => FieldEffect::Typed(DataType::String),
                Type::Int64 => FieldEffect::Typed(DataType::Integer),
                Type::Float64 => FieldEffect::Typed(DataType::Number),
                Type::Bool => FieldEffect::Typed(DataType::Boolean),
                // A column of nothing may be of any type.
                Type::Null => FieldEffect::Any,
            };
            Effect::Field(place.names().to_vec(), effect)
        };
        self.0.iter().map(effect).collect()
    }
}

fn cast(value: &Value, to: Type) -> Result<Value, String> {
    if matches!(value, Value::Null) || matches!(to, Type::Null) {
        return Ok(Value::Null);
    }
    if matches!(value, Value::List(_) | Value::Object(_)) {
        return Err(format!("it is {}", value.kind()));
    }
    // The digits as they came.
    let text = match value {
        Value::Number(digits) => digits.to_string(),
        other => scalar::text_of(other).into_owned(),
    };
    let wrong = |what: &str| {
        let start: String = text.chars().take(60).collect();
        format!("`{start}` is no {what}")
    };
    let is_number = !matches!(value, Value::Bool(_)) && scalar::is_number(&text);
    Ok(match to {
        Type::Int64 => {
            let plain = scalar::plain(&text).filter(|_| is_number);
            let number = plain.and_then(|plain| plain.parse::<i64>().ok());
            Value::integer(number.ok_or_else(|| wrong("whole number of 64 bits"))?)
        }
        Type::Float64 if is_number => Value::Number(text.into()),
        Type::Float64 => return Err(wrong("number")),
        Type::Bool if text.eq_ignore_ascii_case("true") || text == "1" => Value::Bool(true),
        Type::Bool if text.eq_ignore_ascii_case("false") || text == "0" => Value::Bool(false),
        Type::Bool => return Err(wrong("boolean")),
        Type::String | Type::Null => Value::String(text),
    })
}
