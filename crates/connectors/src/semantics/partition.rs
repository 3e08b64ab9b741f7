//! What a folder of a stream is named after: a field, or a part of a date.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use crossdock_core::code;
use crossdock_core::convert;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, Field, StreamSchema};

use super::metadata::EXTRACTED_AT;
use super::plain_text::plain_text;

/// What a folder is named after where the field is null.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The longest name of a folder, in bytes: what file systems allow.
const LONGEST: usize = 255;

/// What a record's folder is named after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(super) field: Field,
    unit: Option<Unit>,
    /// What stands before the `=`.
    pub(super) name: String,
}

/// A part of a date that several days or hours share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
}

impl Unit {
    const ALL: [(&str, Self); 4] = [
        ("year", Self::Year),
        ("month", Self::Month),
        ("day", Self::Day),
        ("hour", Self::Hour),
    ];
}

impl Partition {
    /// Reads `field`, or `day(field)` and the like.
    pub(super) fn parse(text: &str, schema: &StreamSchema) -> Result<Self> {
        let declared = |name: &str| schema.fields.iter().find(|field| field.name == name);
        let (unit, name) = match unit_of(text).filter(|_| declared(text).is_none()) {
            Some((word, unit, name)) => (Some((word, unit)), name),
            None => (None, text),
        };
        // Every destination that has files knows when a record was extracted.
        let extracted = Field::new(EXTRACTED_AT, DataType::TimestampWithTimezone);
        let field =
            declared(name).or((name == EXTRACTED_AT && unit.is_some()).then_some(&extracted));
        let Some(field) = field else {
            let known: Vec<_> = schema.fields.iter().map(|f| f.name.as_str()).collect();
            return Err(Error::new(
                &code::FIELD_UNKNOWN,
                format!("`partition_by` names the field `{name}`, which the stream does not have"),
            )
            .hint(format!("its fields are: {}", known.join(", "))));
        };
        let is_date = matches!(
            field.data_type,
            DataType::Date | DataType::TimestampWithTimezone | DataType::TimestampWithoutTimezone
        );
        let fits = match unit {
            Some((_, Unit::Hour)) => is_date && field.data_type != DataType::Date,
            Some(_) => is_date,
            None => !matches!(field.data_type, DataType::Json | DataType::Binary),
        };
        if !fits {
            let data_type = field.data_type.as_str();
            return Err(Error::new(
                &code::CONFIG_INVALID,
                format!("`partition_by` has `{text}`, but the field is of type {data_type}"),
            )
            .hint("use fields with few values; `year(…)`, `month(…)`, `day(…)` and `hour(…)` take dates and timestamps"));
        }
        let suffix = unit.map(|(word, _)| format!("_{word}")).unwrap_or_default();
        Ok(Self {
            name: encoded(&format!("{}{suffix}", field.name)),
            field: field.clone(),
            unit: unit.map(|(_, unit)| unit),
        })
    }

    /// The field whose value the folder's name says, so that files need not repeat it: readers
    /// take it from there, and some refuse to find it twice.
    pub(crate) fn field_in_path(&self) -> Option<&str> {
        self.unit.is_none().then_some(self.field.name.as_str())
    }

    /// The folder of a row.
    pub(super) fn folder(&self, array: &dyn Array, row: usize) -> Result<String> {
        let text = if array.is_null(row) {
            NULL.to_owned()
        } else {
            let mut value = Vec::new();
            self.write(&mut value, array, row);
            encoded(&String::from_utf8_lossy(&value))
        };
        let folder = format!("{}={text}", self.name);
        if folder.len() > LONGEST {
            return Err(Error::new(
                &code::DATA_INVALID,
                "a value is too long to be the name of a folder",
            )
            .with("field", &self.field.name)
            .with("value", text.chars().take(60).collect::<String>() + "…")
            .hint("choose a field with short values for `partition_by`"));
        }
        Ok(folder)
    }

    /// Appends the value of a row.
    pub(super) fn write(&self, out: &mut Vec<u8>, array: &dyn Array, row: usize) {
        let Some(unit) = self.unit else {
            if let Some(write) = plain_text(array.data_type()) {
                write(out, array, row);
            }
            return;
        };
        const DAY: i64 = 86_400_000_000;
        let (days, rest) = match self.field.data_type {
            DataType::Date => (array.as_primitive::<Date32Type>().value(row).into(), 0),
            _ => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                (micros.div_euclid(DAY), micros.rem_euclid(DAY))
            }
        };
        let start = out.len();
        convert::write_date(out, days);
        // The month and the day have two digits each; an era stands behind them.
        let end = out[start..].iter().position(|b| *b == b' ');
        let end = end.map_or(out.len(), |at| start + at);
        match unit {
            Unit::Year => drop(out.drain(end - 6..end)),
            Unit::Month => drop(out.drain(end - 3..end)),
            Unit::Day => {}
            Unit::Hour => {
                let hour = format!("-{:02}", rest / (DAY / 24));
                out.splice(end..end, hour.bytes());
            }
        }
    }
}

fn unit_of(text: &str) -> Option<(&'static str, Unit, &str)> {
    Unit::ALL.into_iter().find_map(|(word, unit)| {
        let rest = text.trim().strip_prefix(word)?;
        let name = rest.strip_prefix('(')?.strip_suffix(')')?;
        Some((word, unit, name.trim()))
    })
}

/// Percent-encodes what file systems, shells or URLs trip over; letters of every script stay.
fn encoded(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
            name.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    name
}
