//! Points in time, in UTC. Layouts are Go's: the reference time written as wanted.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Entry, Result, integer, string, text_of};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("now", 0, 0, |_| Ok(Value::Time(Timestamp::now()))),
    ("date", 2, 2, |a| {
        Ok(string(format(
            moment(&a[1])?,
            &text_of(a, 0),
            &TimeZone::UTC,
        )))
    }),
    ("dateInZone", 3, 3, in_zone),
    ("date_in_zone", 3, 3, in_zone),
    ("htmlDate", 1, 1, |a| {
        Ok(string(format(moment(&a[0])?, "2006-01-02", &TimeZone::UTC)))
    }),
    ("unixEpoch", 1, 1, |a| {
        Ok(string(moment(&a[0])?.as_second().to_string()))
    }),
    ("toDate", 2, 2, |a| {
        let text = text_of(a, 1);
        let layout = text_of(a, 0);
        match layout.as_str() {
            "2006-01-02" => format!("{text}T00:00:00Z").parse::<Timestamp>(),
            "2006-01-02 15:04:05" => format!("{}Z", text.replacen(' ', "T", 1)).parse(),
            "2006-01-02T15:04:05Z07:00" => text.parse(),
            other => return Err(format!("the layout `{other}` cannot be read here")),
        }
        .map(Value::Time)
        .map_err(|_| format!("`{text}` is not of the layout `{layout}`"))
    }),
];

fn in_zone(arguments: &[Value]) -> Result {
    let name = text_of(arguments, 2);
    let zone = match name.as_str() {
        "UTC" | "" => TimeZone::UTC,
        name => TimeZone::get(name).map_err(|_| format!("the time zone `{name}` is not known"))?,
    };
    Ok(string(format(
        moment(&arguments[1])?,
        &text_of(arguments, 0),
        &zone,
    )))
}

/// A moment; a number is seconds since the epoch.
fn moment(value: &Value) -> Result<Timestamp> {
    match value {
        Value::Time(time) => Ok(*time),
        Value::Number(_) => {
            let seconds = integer(std::slice::from_ref(value), 0)?;
            Timestamp::from_second(seconds).map_err(|error| error.to_string())
        }
        other => other
            .to_text()
            .parse()
            .map_err(|_| format!("`{}` is no point in time", other.to_text())),
    }
}

/// A method of a moment.
pub(super) fn method(time: Timestamp, name: &str, arguments: &[Value]) -> Option<Result> {
    let zoned = time.to_zoned(TimeZone::UTC);
    Some(Ok(match (name, arguments) {
        ("Format", [layout]) => string(format(time, &layout.to_text(), &TimeZone::UTC)),
        ("Unix", []) => Value::integer(time.as_second()),
        ("UnixMilli", []) => Value::integer(time.as_millisecond()),
        ("UnixMicro", []) => Value::integer(time.as_microsecond()),
        ("UnixNano", []) => Value::Number(time.as_nanosecond().to_string().into()),
        ("UTC", []) => Value::Time(time),
        ("String", []) => string(Value::Time(time).to_text()),
        ("Year", []) => Value::integer(i64::from(zoned.year())),
        ("Day", []) => Value::integer(i64::from(zoned.day())),
        ("Hour", []) => Value::integer(i64::from(zoned.hour())),
        ("Minute", []) => Value::integer(i64::from(zoned.minute())),
        ("Second", []) => Value::integer(i64::from(zoned.second())),
        _ => return None,
    }))
}

/// Parts of Go's reference time, the longer of two that begin alike first, and what `strftime` calls them.
const PARTS: [(&str, &str); 30] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("2006", "%Y"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
    ("-07", "%z"),
    ("Z07:00", "Z:"),
    ("Z0700", "Z"),
    (".000000000", "%.9f"),
    (".000000", "%.6f"),
    (".000", "%.3f"),
    (".999999999", "%.f"),
    ("_2", "%e"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
];

/// A moment in a layout of Go's.
pub(crate) fn format(time: Timestamp, layout: &str, zone: &TimeZone) -> String {
    let zoned = time.to_zoned(zone.clone());
    let mut out = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        let Some((part, meaning)) = PARTS.iter().find(|(part, _)| rest.starts_with(part)) else {
            // `5` is the last one-digit part.
            if first == '5' {
                let _ = write!(out, "{}", zoned.second());
            } else {
                out.push(first);
            }
            rest = &rest[first.len_utf8()..];
            continue;
        };
        match *meaning {
            "Z:" | "Z" if zoned.offset().is_zero() => out.push('Z'),
            "Z:" => out.push_str(&zoned.strftime("%:z").to_string()),
            "Z" => out.push_str(&zoned.strftime("%z").to_string()),
            meaning => out.push_str(&zoned.strftime(meaning).to_string()),
        }
        rest = &rest[part.len()..];
    }
    out
}
