//! `timestamp`, `insertField`, `headersToPayload`: more fields.

use crossdock_core::schema::DataType;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config::{Config, halves, of_setting};
use super::{Transform, Transforming};
use crate::effect::{Effect, FieldEffect};
use crate::kind::Processor;
use crate::path::Place;
use crate::payload::MetadataName;
use crate::record::Record;
use crate::scalar;
use crate::template::format_time;
use crate::value::{Object, Value};

/// Go's layout of RFC 3339.
pub(super) const RFC_3339: &str = "2006-01-02T15:04:05Z07:00";

/// Go's layout of RFC 3339 with as much of a second as there is.
pub(super) const RFC_3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// The layouts that have a name in Go.
const LAYOUTS: [(&str, &str); 18] = [
    ("ANSIC", "Mon Jan _2 15:04:05 2006"),
    ("UnixDate", "Mon Jan _2 15:04:05 MST 2006"),
    ("RubyDate", "Mon Jan 02 15:04:05 -0700 2006"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("RFC3339", RFC_3339),
    ("RFC3339Nano", RFC_3339_NANO),
    ("Kitchen", "3:04PM"),
    ("Stamp", "Jan _2 15:04:05"),
    ("StampMilli", "Jan _2 15:04:05.000"),
    ("StampMicro", "Jan _2 15:04:05.000000"),
    ("StampNano", "Jan _2 15:04:05.000000000"),
    ("DateTime", "2006-01-02 15:04:05"),
    ("DateOnly", "2006-01-02"),
    ("TimeOnly", "15:04:05"),
];

struct Stamp {
    field: Place,
    layout: String,
}

pub(super) fn timestamp(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let field = config.text("fieldName")?.filter(|text| !text.is_empty());
    let field = of_setting("fieldName", Place::parse(field.unwrap_or("created_at")))?;
    let format = config.text("format")?.filter(|text| !text.is_empty());
    let format = format.unwrap_or("RFC3339");
    let named = LAYOUTS.iter().find(|(name, _)| *name == format);
    Ok(Transforming::boxed(Stamp {
        field,
        layout: named.map_or(format, |(_, layout)| layout).to_owned(),
    }))
}

impl Transform for Stamp {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let text = format_time(Timestamp::now(), &self.layout, &TimeZone::UTC);
        self.field.set(payload, Value::String(text))?;
        Ok(true)
    }

    fn effects(&self) -> Vec<Effect> {
        let data_type = match self.layout.as_str() {
            RFC_3339 | RFC_3339_NANO => DataType::TimestampWithTimezone,
            _ => DataType::String,
        };
        let path = self.field.names().to_vec();
        vec![Effect::Field(path, FieldEffect::Typed(data_type))]
    }
}

/// What is put into a field.
enum Source {
    /// Pieces of text.
    Text(Vec<Piece>),
    Json(Value),
}

enum Piece {
    Literal(String),
    Metadata(MetadataName),
    Now,
}

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(json) = text.strip_prefix("json:") {
            return Value::parse(json.as_bytes())
                .map(Self::Json)
                .map_err(|why| format!("what stands after `json:` is no JSON: {why}"));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return Err("a `${` has no `}`".to_owned());
            };
            pieces.push(Piece::Literal(before.to_owned()));
            pieces.push(Piece::named(name)?);
            rest = after;
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Literal(text) if text.is_empty()));
        Ok(Self::Text(pieces))
    }

    fn value(&self, record: &Record) -> Value {
        let pieces = match self {
            Self::Json(value) => return value.clone(),
            Self::Text(pieces) => pieces,
        };
        Value::String(pieces.iter().map(|piece| piece.text(record)).collect())
    }

    fn data_type(&self) -> FieldEffect {
        match self {
            Self::Json(_) => FieldEffect::Any,
            Self::Text(pieces) => FieldEffect::Typed(match pieces.as_slice() {
                [Piece::Now] => DataType::TimestampWithTimezone,
                _ => DataType::String,
            }),
        }
    }
}

impl Piece {
    fn named(name: &str) -> Result<Self, String> {
        match name.strip_prefix("metadata.") {
            Some(name) => MetadataName::parse(name).map(Self::Metadata),
            None if name == "now" => Ok(Self::Now),
            None => Err(format!(
                "`${{{name}}}` is not known; there are `${{metadata.NAME}}` and `${{now}}`, and `json:` before a text in quotes keeps it as it is"
            )),
        }
    }

    fn text(&self, record: &Record) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Now => format_time(Timestamp::now(), RFC_3339, &TimeZone::UTC),
            Self::Metadata(name) => match name.find(record) {
                Some(value) => scalar::text_of(&value).into_owned(),
                None => String::new(),
            },
        }
    }
}

struct InsertField(Vec<(Place, Source)>);

pub(super) fn insert_field(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let fields = config.need_pairs("fields")?.into_iter();
    let fields = fields.map(|(path, text)| {
        let place = of_setting("fields", Place::parse(path))?;
        let source = of_setting(&format!("fields.{path}"), Source::parse(text))?;
        Ok::<_, String>((place, source))
    });
    Ok(Transforming::boxed(InsertField(
        fields.collect::<Result<_, _>>()?,
    )))
}

impl Transform for InsertField {
    fn transform(&self, payload: &mut Value, record: &Record) -> Result<bool, String> {
        for (place, source) in &self.0 {
            place.set(payload, source.value(record))?;
        }
        Ok(true)
    }

    fn effects(&self) -> Vec<Effect> {
        let effect = |(place, source): &(Place, Source)| {
            Effect::Field(place.names().to_vec(), source.data_type())
        };
        self.0.iter().map(effect).collect()
    }
}

struct HeadersToPayload(Vec<(String, Place)>);

pub(super) fn headers_to_payload(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let mappings = config.need_texts("mappings")?.into_iter();
    let mappings = mappings.map(|mapping| {
        let (header, path) = halves("mappings", mapping, "Header:path")?;
        let place = of_setting("mappings", Place::parse(path))?;
        Ok::<_, String>((header.to_owned(), place))
    });
    Ok(Transforming::boxed(HeadersToPayload(
        mappings.collect::<Result<_, _>>()?,
    )))
}

impl Transform for HeadersToPayload {
    fn transform(&self, payload: &mut Value, record: &Record) -> Result<bool, String> {
        let parsed;
        let headers = match record.metadata.get("headers") {
            Some(Value::Object(headers)) => headers,
            // Metadata of Conduit are texts.
            Some(Value::String(text)) => match Object::parse(text.as_bytes()) {
                Ok(headers) => {
                    parsed = headers;
                    &parsed
                }
                Err(_) => return Ok(false),
            },
            _ => return Ok(false),
        };
        let mut is_changed = false;
        for (header, place) in &self.0 {
            if let Some(value) = headers.get(header) {
                let text = scalar::text_of(value).into_owned();
                place.set(payload, Value::String(text))?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    fn effects(&self) -> Vec<Effect> {
        let effect = FieldEffect::Perhaps(DataType::String);
        let effect =
            |(_, place): &(String, Place)| Effect::Field(place.names().to_vec(), effect.clone());
        self.0.iter().map(effect).collect()
    }
}
