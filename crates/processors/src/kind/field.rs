//! `field.set`, `field.rename`, `field.exclude`, `field.convert`.

use crossdock_core::schema::DataType;
use jiff::Timestamp;

use super::{Change, Processor};
use crate::effect::{Effect, FieldEffect};
use crate::record::Record;
use crate::reference::{Reference, Target};
use crate::setting::Settings;
use crate::template::Template;
use crate::value::Value;

/// A setting that is a reference.
pub(super) fn reference(
    settings: &mut Settings<'_>,
    name: &'static str,
) -> Result<Reference, String> {
    Reference::parse(settings.need(name)?).map_err(|why| format!("the setting `{name}`: {why}"))
}

/// A setting that is a reference to data, with a default.
pub(super) fn data_reference(
    settings: &mut Settings<'_>,
    default: Option<&'static str>,
) -> Result<Reference, String> {
    let text = match default {
        Some(default) => settings.or("field", default),
        None => settings.need("field")?,
    };
    let reference = Reference::parse(text).map_err(|why| format!("the setting `field`: {why}"))?;
    if reference.data().is_none() {
        return Err(format!(
            "the setting `field`: `{text}` is neither in `.Key` nor in `.Payload.Before` or `.Payload.After`"
        ));
    }
    Ok(reference)
}

struct Set {
    field: Reference,
    value: Template,
}

pub(super) fn set(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let field = reference(settings, "field")?;
    if field.target == Target::Payload {
        return Err("the setting `field`: `.Payload` cannot be set as a whole".to_owned());
    }
    let value = settings.need("value")?;
    let value = Template::parse(value).map_err(|why| format!("the setting `value`: {why}"))?;
    Ok(Box::new(Set { field, value }))
}

impl Change for Set {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let text = self.value.execute(record)?;
        self.field.set(record, Value::String(text))
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.field, FieldEffect::Typed(DataType::String))
    }
}

struct Rename(Vec<(Reference, String)>);

pub(super) fn rename(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let mut pairs = Vec::new();
    for pair in settings.need("mapping")?.split(',') {
        let Some((from, to)) = pair.split_once(':') else {
            return Err(format!(
                "the setting `mapping`: `{pair}` is not of the form `.Payload.After.name:new_name`"
            ));
        };
        let wrong = |why| format!("the setting `mapping`: {why}");
        let reference = Reference::parse(from.trim()).map_err(wrong)?;
        let is_field = match &reference.target {
            Target::MetadataField(_) => true,
            Target::Data(_, path) => !path.is_empty(),
            _ => false,
        };
        if !is_field || to.trim().is_empty() {
            return Err(wrong(format!(
                "`{pair}`: only fields have names, and no name is empty"
            )));
        }
        pairs.push((reference, to.trim().to_owned()));
    }
    Ok(Box::new(Rename(pairs)))
}

impl Change for Rename {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        self.0
            .iter()
            .try_for_each(|(from, to)| from.rename(record, to))
    }

    fn effects(&self) -> Vec<Effect> {
        let effects = self.0.iter();
        effects
            .flat_map(|(from, to)| Effect::at(from, FieldEffect::Renamed(to.clone())))
            .collect()
    }
}

struct Exclude(Vec<Reference>);

pub(super) fn exclude(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let mut fields = Vec::new();
    for field in settings.need("fields")?.split(',') {
        let reference =
            Reference::parse(field.trim()).map_err(|why| format!("the setting `fields`: {why}"))?;
        if reference.target == Target::Operation {
            return Err("the setting `fields`: `.Operation` cannot be excluded".to_owned());
        }
        fields.push(reference);
    }
    Ok(Box::new(Exclude(fields)))
}

impl Change for Exclude {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        self.0.iter().try_for_each(|field| field.delete(record))
    }

    fn effects(&self) -> Vec<Effect> {
        let fields = self.0.iter();
        fields
            .flat_map(|field| match field.target {
                Target::Payload => vec![Effect::Whole],
                _ => Effect::at(field, FieldEffect::Removed),
            })
            .collect()
    }
}

#[derive(Clone, Copy)]
enum Type {
    String,
    Int,
    Float,
    Bool,
    Time,
}

struct Convert {
    field: Reference,
    to: Type,
}

pub(super) fn convert(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let field = data_reference(settings, None)?;
    let to = match settings.need("type")? {
        "string" => Type::String,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "time" => Type::Time,
        other => {
            return Err(format!(
                "the setting `type`: `{other}` is none of string, int, float, bool, time"
            ));
        }
    };
    Ok(Box::new(Convert { field, to }))
}

impl Change for Convert {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let value = self.field.get(record)?;
        let converted = converted(&value, self.to)?;
        self.field.set(record, converted)
    }

    fn effects(&self) -> Vec<Effect> {
        let data_type = match self.to {
            Type::String => DataType::String,
            Type::Int => DataType::Integer,
            Type::Float => DataType::Number,
            Type::Bool => DataType::Boolean,
            Type::Time => DataType::TimestampWithTimezone,
        };
        Effect::at(&self.field, FieldEffect::Typed(data_type))
    }
}

fn converted(value: &Value, to: Type) -> Result<Value, String> {
    let text = match (value, to) {
        (Value::Bool(value), Type::Int | Type::Float) => i32::from(*value).to_string(),
        (value, _) => value.to_text(),
    };
    let wrong = |what: &str| {
        format!(
            "`{}` is no {what}",
            text.chars().take(60).collect::<String>()
        )
    };
    Ok(match to {
        Type::String => Value::String(text),
        Type::Int => match text.parse::<i64>() {
            Ok(number) => Value::integer(number),
            // A whole number that a double can hold may be written as one.
            Err(_) => value
                .as_integer()
                .map(Value::integer)
                .ok_or_else(|| wrong("whole number of 64 bits"))?,
        },
        Type::Float => {
            let number: f64 = text.parse().map_err(|_| wrong("number"))?;
            // A number that is one already keeps its digits.
            match value {
                Value::Number(_) => value.clone(),
                _ => Value::float(number),
            }
        }
        Type::Bool => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
            _ => return Err(wrong("boolean")),
        },
        Type::Time => match text.parse::<i64>() {
            // Nanoseconds since the epoch.
            Ok(nanos) => Value::Time(
                Timestamp::from_nanosecond(i128::from(nanos)).map_err(|_| wrong("time"))?,
            ),
            Err(_) => Value::Time(text.parse().map_err(|_| wrong("time of RFC 3339"))?),
        },
    })
}
