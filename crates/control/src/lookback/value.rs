//! Values of a cursor, some time or number before: in the form that they have, and never later.

use std::time::Duration;

use crossdock_core::catalog::Lookback;
use crossdock_processors::Value;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

/// The value so much before. Null stays.
pub(super) fn back(value: &Value, by: Lookback) -> Result<Value, String> {
    match (value, by) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::Number(digits), Lookback::Number(number)) => less(digits, number)
            .map(|less| Value::Number(less.into()))
            .ok_or_else(|| "the cursor's value is no whole number".to_owned()),
        (Value::Number(_), Lookback::Time(_)) => {
            Err("the cursor is a number: write `lookback` as a number, in its unit".to_owned())
        }
        (Value::String(text), Lookback::Number(number)) => less(text, number)
            .map(Value::String)
            .ok_or_else(|| "the cursor is a time: write `lookback` as a duration".to_owned()),
        (Value::String(text), Lookback::Time(duration)) => earlier(text, duration)
            .map(Value::String)
            .ok_or_else(|| "the cursor's value is no date and no time".to_owned()),
        _ => Err("the cursor's value is no number, date or time".to_owned()),
    }
}

/// A whole number less another.
fn less(digits: &str, number: u64) -> Option<String> {
    let value: i128 = digits.parse().ok()?;
    let less = value.checked_sub(i128::from(number))?;
    // A cursor of 64 bits stays one.
    let least = i128::from(i64::MIN);
    Some(if value < least { less } else { less.max(least) }.to_string())
}

/// `2024-01-02`, `2024-01-02T03:04:05.678Z`, `2024-01-02 03:04:05+0100` and the like, so much before. What the
/// form has no digits for is cut off, which is earlier.
fn earlier(text: &str, by: Duration) -> Option<String> {
    let (date, rest) = text.split_at_checked("YYYY-MM-DD".len())?;
    let is_date = date.bytes().zip(0..).all(|(byte, at)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let date: Date = date.parse().ok().filter(|_| is_date)?;
    let by = SignedDuration::try_from(by).ok()?;
    if rest.is_empty() {
        let then = before(date.to_datetime(Time::midnight()), by).date();
        return Some(then.to_string());
    }
    let mut chars = rest.chars();
    let between = chars.next().filter(|c| matches!(c, 'T' | 't' | ' '))?;
    let rest = chars.as_str();
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'));
    let (clock, zone) = rest.split_at(end.unwrap_or(rest.len()));
    if !is_zone(zone) {
        return None;
    }
    let (whole, fraction) = match clock.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (clock, None),
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let two = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2);
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] if fraction.is_none() => (two(hour)?, two(minute)?, 0),
        [hour, minute, second] => (two(hour)?, two(minute)?, two(second)?),
        _ => return None,
    };
    if fraction.is_some_and(|digits| digits.is_empty() || digits.contains('.')) {
        return None;
    }
    // Windows have whole milliseconds, so digits beyond nine stay as they are.
    let digits = fraction.unwrap_or_default();
    let (nanos, beyond) = digits.split_at(digits.len().min(9));
    let nano: i32 = format!("{nanos:0<9}").parse().ok()?;
    let time = Time::new(hour, minute, second, nano).ok()?;
    let then = before(date.to_datetime(time), by);
    let mut clock = format!("{:02}:{:02}", then.hour(), then.minute());
    if parts.len() > 2 {
        clock += &format!(":{:02}", then.second());
    }
    if fraction.is_some() {
        let digits = format!("{:09}", then.subsec_nanosecond());
        clock += &format!(".{}{beyond}", &digits[..nanos.len()]);
    }
    Some(format!("{}{between}{clock}{zone}", then.date()))
}

/// Nothing is before the first year.
fn before(time: DateTime, by: SignedDuration) -> DateTime {
    let first = DateTime::constant(1, 1, 1, 0, 0, 0, 0);
    time.checked_sub(by).unwrap_or(first).max(first)
}

/// What may stand after a time: nothing, `Z`, ` UTC`, or an offset.
fn is_zone(text: &str) -> bool {
    if matches!(text, "" | "Z" | "z" | " UTC") {
        return true;
    }
    let Some(offset) = text.trim_start().strip_prefix(['+', '-']) else {
        return false;
    };
    let digits = offset.bytes().filter(u8::is_ascii_digit).count();
    let forms = ["00", "0000", "00:00"];
    forms.iter().any(|form| form.len() == offset.len())
        && digits + offset.matches(':').count() == offset.len()
        && offset.find(':').is_none_or(|at| at == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;

    #[test]
    fn times_keep_their_form() {
        let check = |text: &str, seconds: u64, expected: Option<&str>| {
            let found = earlier(text, Duration::from_secs(seconds));
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("2024-03-01", DAY, Some("2024-02-29"));
        // A day that begins within the window belongs to it.
        check("2024-03-01", 1, Some("2024-02-29"));
        check("2024-03-01", DAY + 1, Some("2024-02-28"));
        check("2024-01-01T00:30:00Z", HOUR, Some("2023-12-31T23:30:00Z"));
        check("2024-01-01 00:30:00", HOUR, Some("2023-12-31 23:30:00"));
        check("2024-01-01T00:30", HOUR, Some("2023-12-31T23:30"));
        check(
            "2024-01-01T00:30:00.123456+02:00",
            HOUR,
            Some("2023-12-31T23:30:00.123456+02:00"),
        );
        check(
            "2024-01-01T12:00:00.5-0330",
            HOUR,
            Some("2024-01-01T11:00:00.5-0330"),
        );
        check(
            "2024-01-01 12:00:00 UTC",
            HOUR,
            Some("2024-01-01 11:00:00 UTC"),
        );
        check(
            "2024-01-01T12:00:00.123456789012Z",
            HOUR,
            Some("2024-01-01T11:00:00.123456789012Z"),
        );
        check("0001-01-01", DAY, Some("0001-01-01"));
        check("0001-01-01T00:00:00", DAY, Some("0001-01-01T00:00:00"));
        for wrong in [
            "",
            "x",
            "2024",
            "2024-01",
            "20240101",
            "2024-13-01",
            "2024-01-01X",
            "2024-01-01T",
            "2024-01-01T1:00",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00.1.2",
            "2024-01-01T00:00:00+1",
            "2024-01-01T00:00:00[Europe/Berlin]",
            "2024-01-01T25:00:00",
            "größe-01-01",
            "2024-01-01T00:00:00+0:000",
            "+024-01-01",
        ] {
            check(wrong, 1, None);
        }
    }

    #[test]
    fn parts_of_a_second_are_never_later() {
        let check = |text: &str, millis: u64, expected: &str| {
            let found = earlier(text, Duration::from_millis(millis)).unwrap();
            assert_eq!(found, expected);
            assert!(*found <= *text);
        };
        check("2024-01-01T00:00:10Z", 1, "2024-01-01T00:00:09Z");
        check("2024-01-01T00:00:10.0Z", 1, "2024-01-01T00:00:09.9Z");
        check("2024-01-01T00:00:10.000Z", 1, "2024-01-01T00:00:09.999Z");
        check("2024-01-01T00:01", 1, "2024-01-01T00:00");
    }

    #[test]
    fn numbers_keep_their_digits() {
        let check = |digits: &str, number: u64, expected: Option<&str>| {
            assert_eq!(less(digits, number).as_deref(), expected, "{digits}");
        };
        check("100", 30, Some("70"));
        check("10", 30, Some("-20"));
        check("9007199254740993", 1, Some("9007199254740992"));
        check(
            "12345678901234567890123",
            3,
            Some("12345678901234567890120"),
        );
        check("-9223372036854775807", 5, Some("-9223372036854775808"));
        check("-9223372036854775809", 5, Some("-9223372036854775814"));
        check("1.5", 1, None);
        check("1e3", 1, None);
    }

    #[test]
    fn a_window_is_in_the_cursors_unit() {
        let of = |value: &str, by: Lookback| {
            let value = Value::parse(value.as_bytes()).unwrap();
            match back(&value, by) {
                Ok(value) => value.to_json(),
                Err(why) => why,
            }
        };
        let (time, number) = (
            Lookback::Time(Duration::from_secs(DAY)),
            Lookback::Number(5),
        );
        assert_eq!(of("null", time), "null");
        assert_eq!(of("7", number), "2");
        assert_eq!(of(r#""7""#, number), r#""2""#);
        assert_eq!(of(r#""2024-01-02""#, time), r#""2024-01-01""#);
        assert_eq!(
            of("7", time),
            "the cursor is a number: write `lookback` as a number, in its unit"
        );
        assert_eq!(
            of(r#""2024-01-02""#, number),
            "the cursor is a time: write `lookback` as a duration"
        );
        assert_eq!(of("7.5", number), "the cursor's value is no whole number");
        assert_eq!(
            of("true", number),
            "the cursor's value is no number, date or time"
        );
    }
}
