//! The types that the text of a column may have.

use crossdock_core::schema::{DataType, json_schema};
use jiff::civil;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A date such as `2026-11-26`.
    Date,
    /// A point in time with its zone, such as `2026-11-26T12:00:00Z`.
    Timestamp,
    /// A date and a time of day without a zone, such as `2026-11-26T12:00:00`.
    LocalTimestamp,
    /// JSON, kept as it is.
    Json,
}

/// The kinds that are recognised, the narrowest first.
const RECOGNISED: [Kind; 6] = [
    Kind::Integer,
    Kind::Number,
    Kind::Boolean,
    Kind::Date,
    Kind::Timestamp,
    Kind::LocalTimestamp,
];

impl Kind {
    /// The JSON Schema of a column.
    pub(crate) fn schema(self) -> Value {
        json_schema(match self {
            Self::String => DataType::String,
            Self::Integer => DataType::Integer,
            Self::Number => DataType::Number,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date,
            Self::Timestamp => DataType::TimestampWithTimezone,
            Self::LocalTimestamp => DataType::TimestampWithoutTimezone,
            Self::Json => DataType::Json,
        })
    }

    /// The kind of a column that [`Kind::schema`] described.
    pub(crate) fn of_schema(schema: &Value) -> Self {
        let is = |name: &str| match &schema["type"] {
            Value::String(one) => one == name,
            Value::Array(many) => many.iter().any(|one| one == name),
            _ => false,
        };
        if is("object") || is("array") {
            return Self::Json;
        }
        if is("string") {
            return match (schema["format"].as_str(), schema["airbyte_type"].as_str()) {
                (Some("date"), _) => Self::Date,
                (Some("date-time"), Some("timestamp_without_timezone")) => Self::LocalTimestamp,
                (Some("date-time"), _) => Self::Timestamp,
                _ => Self::String,
            };
        }
        match () {
            () if is("number") => Self::Number,
            () if is("integer") => Self::Integer,
            () if is("boolean") => Self::Boolean,
            () => Self::String,
        }
    }

    /// Whether `text` is of this kind. A number with leading zeros is none: it is a code, whose
    /// zeros matter.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::String => true,
            Self::Integer => is_number(text, false) && text.parse::<i64>().is_ok(),
            Self::Number => is_number(text, true),
            Self::Boolean => {
                text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
            }
            Self::Date => text.len() == 10 && text.parse::<civil::Date>().is_ok(),
            Self::Timestamp => is_time(text) && text.parse::<jiff::Timestamp>().is_ok(),
            Self::LocalTimestamp => {
                is_time(text)
                    && text.parse::<jiff::Timestamp>().is_err()
                    && text.parse::<civil::DateTime>().is_ok()
            }
            Self::Json => serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok(),
        }
    }

    /// What people call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
            Self::Date => "a date",
            Self::Timestamp => "a time with its zone",
            Self::LocalTimestamp => "a date and time without a zone",
            Self::Json => "JSON",
        }
    }
}

/// Whether `text` has the date and the `T` of a time. Other forms, such as a blank between, stay
/// text, so that a round trip does not change them.
fn is_time(text: &str) -> bool {
    text.len() >= 19 && text.as_bytes()[10] == b'T' && !text.contains('[')
}

/// Whether `text` is a number of JSON's grammar.
fn is_number(text: &str, fraction: bool) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(after) = rest.strip_prefix('.') {
        let length = digits(after);
        if length == 0 || !fraction {
            return false;
        }
        rest = &after[length..];
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let after = after.strip_prefix(['+', '-']).unwrap_or(after);
        let length = digits(after);
        if length == 0 || !fraction {
            return false;
        }
        rest = &after[length..];
    }
    rest.is_empty()
}

/// Tells the kind of a column from a sample of its values.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    possible: Vec<Kind>,
    seen: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            possible: RECOGNISED.to_vec(),
            seen: false,
        }
    }
}

impl Guess {
    /// Takes a value that is not null into account.
    pub(crate) fn see(&mut self, text: &str) {
        self.seen = true;
        self.possible.retain(|kind| kind.fits(text));
    }

    /// The narrowest kind that all values have; text where there was none.
    pub(crate) fn kind(&self) -> Kind {
        match self.possible.first() {
            Some(kind) if self.seen => *kind,
            _ => Kind::String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_from_values() {
        let check = |values: &[&str], expected: Kind| {
            let mut guess = Guess::default();
            values.iter().for_each(|value| guess.see(value));
            assert_eq!(guess.kind(), expected, "{values:?}");
        };
        check(&[], Kind::String);
        check(&["1", "-20", "0"], Kind::Integer);
        check(&["1", "2.5"], Kind::Number);
        check(&["1e5", "-0.0"], Kind::Number);
        check(&["007"], Kind::String);
        check(&["+1"], Kind::String);
        check(&["1.", ".5"], Kind::String);
        check(&["9223372036854775807"], Kind::Integer);
        check(&["9223372036854775808"], Kind::Number);
        check(&["true", "FALSE"], Kind::Boolean);
        check(&["true", "1"], Kind::String);
        check(&["2026-11-26"], Kind::Date);
        check(&["2026-02-30"], Kind::String);
        check(
            &["2026-11-26T12:00:00Z", "2026-11-26T12:00:00.5+01:00"],
            Kind::Timestamp,
        );
        check(&["2026-11-26T12:00:00"], Kind::LocalTimestamp);
        check(&["2026-11-26 12:00:00"], Kind::String);
        check(&["2026-11-26", "2026-11-26T12:00:00Z"], Kind::String);
        check(&["größe", "é"], Kind::String);
    }

    #[test]
    fn a_schema_gives_its_kind_back() {
        for kind in RECOGNISED.into_iter().chain([Kind::String, Kind::Json]) {
            assert_eq!(Kind::of_schema(&kind.schema()), kind);
        }
    }
}
