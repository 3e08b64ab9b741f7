//! `timezone`: times in another zone.

use crossdock_core::schema::DataType;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::config::{Config, of_setting};
use super::insert::{RFC_3339, RFC_3339_NANO};
use super::{Transform, Transforming};
use crate::effect::{Effect, FieldEffect};
use crate::kind::Processor;
use crate::path::Place;
use crate::record::Record;
use crate::scalar;
use crate::template::format_time;
use crate::value::Value;

/// From here on a number is milliseconds since the epoch; below, seconds.
const MILLISECONDS: i128 = 1_000_000_000_000;

/// Digits of a second that are kept.
const NANO_DIGITS: usize = 9;

#[derive(Clone, Copy)]
enum Format {
    Text(&'static str),
    UnixMilli,
}

struct Timezone {
    zone: TimeZone,
    fields: Vec<Place>,
    /// The zone of times that name none.
    source: TimeZone,
    format: Format,
}

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let source = config.text("sourceTimezone")?.unwrap_or("UTC");
    let format = match config.text("format")? {
        None | Some("" | "RFC3339Nano") => Format::Text(RFC_3339_NANO),
        Some("RFC3339") => Format::Text(RFC_3339),
        Some("UnixMilli") => Format::UnixMilli,
        Some(other) => {
            return Err(format!(
                "the setting `format`: `{other}` is none of RFC3339Nano, RFC3339, UnixMilli"
            ));
        }
    };
    Ok(Transforming::boxed(Timezone {
        zone: of_setting("timezone", zone(config.need("timezone")?))?,
        fields: config.places("fields")?,
        source: of_setting("sourceTimezone", zone(source))?,
        format,
    }))
}

impl Transform for Timezone {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let mut is_changed = false;
        for place in &self.fields {
            let value = match place.get_mut(payload) {
                None | Some(Value::Null) => continue,
                Some(value) => value,
            };
            let time = self
                .moment(value)
                .map_err(|why| format!("`{}`: {why}", place.names().join(".")))?;
            *value = match self.format {
                Format::UnixMilli => Value::integer(time.as_millisecond()),
                Format::Text(layout) => Value::String(format_time(time, layout, &self.zone)),
            };
            is_changed = true;
        }
        Ok(is_changed)
    }

    fn effects(&self) -> Vec<Effect> {
        let data_type = match self.format {
            Format::UnixMilli => DataType::Integer,
            Format::Text(_) => DataType::TimestampWithTimezone,
        };
        let typed = FieldEffect::Typed(data_type);
        let typed = |place: &Place| Effect::Field(place.names().to_vec(), typed.clone());
        self.fields.iter().map(typed).collect()
    }
}

impl Timezone {
    fn moment(&self, value: &Value) -> Result<Timestamp, String> {
        let wrong = || {
            let text = scalar::text_of(value);
            let start: String = text.chars().take(60).collect();
            format!("`{start}` is no point in time")
        };
        match value {
            Value::Number(digits) => epoch(digits).ok_or_else(wrong),
            Value::Time(time) => Ok(*time),
            Value::String(text) => match text.trim().parse::<Timestamp>() {
                Ok(time) => Ok(time),
                Err(_) => {
                    let local: DateTime = text.trim().parse().map_err(|_| wrong())?;
                    let zoned = local.to_zoned(self.source.clone());
                    Ok(zoned.map_err(|_| wrong())?.timestamp())
                }
            },
            other => Err(format!("{} is no point in time", other.kind())),
        }
    }
}

/// A moment by its number, with all digits.
fn epoch(digits: &str) -> Option<Timestamp> {
    let plain = scalar::plain(digits)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let seconds: i128 = whole.parse().ok()?;
    let unit = if seconds.abs() >= MILLISECONDS {
        1_000_000
    } else {
        1_000_000_000
    };
    let fraction: String = fraction.chars().take(NANO_DIGITS).collect();
    let billionths: i128 = format!("{fraction:0<NANO_DIGITS$}").parse().ok()?;
    let part = billionths * unit / 1_000_000_000;
    let part = if whole.starts_with('-') { -part } else { part };
    let nanos = seconds.checked_mul(unit)?.checked_add(part)?;
    Timestamp::from_nanosecond(nanos).ok()
}

/// A zone of IANA's names, or of a fixed distance: `+02:00`.
fn zone(name: &str) -> Result<TimeZone, String> {
    if matches!(name, "" | "UTC" | "Z") {
        return Ok(TimeZone::UTC);
    }
    if let Some((sign, rest)) = sign(name) {
        let offset = offset(rest).and_then(|seconds| Offset::from_seconds(sign * seconds).ok());
        return offset
            .map(TimeZone::fixed)
            .ok_or_else(|| format!("`{name}` is no distance such as `+02:00`"));
    }
    TimeZone::get(name).map_err(|_| {
        format!("the time zone `{name}` is not known; write it as `Europe/Berlin` or `+02:00`")
    })
}

fn sign(name: &str) -> Option<(i32, &str)> {
    let rest = |sign| name.strip_prefix(sign);
    rest('+')
        .map(|rest| (1, rest))
        .or_else(|| rest('-').map(|rest| (-1, rest)))
}

/// The seconds of `HH:MM`.
fn offset(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: i32| {
        let is_pair = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<i32>().ok().filter(|_| is_pair);
        number.filter(|number| *number <= most)
    };
    Some(number(hours, 23)? * 3600 + number(minutes, 59)? * 60)
}
