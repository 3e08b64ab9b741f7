//! Times of day and timestamps with nanoseconds and their zone, out of text and back: for wires that
//! carry more than columns hold.

use super::{NANOS_PER_SECOND, Reading, Text, two, write_day};

/// Nanoseconds of a day without a leap second.
pub(in crate::convert) const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// A timestamp as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::convert) struct Stamp {
    /// Days since the epoch, by the clock of its own zone.
    pub(in crate::convert) days: i64,
    /// Nanoseconds since midnight, within a day.
    pub(in crate::convert) nanos: i64,
    /// Seconds east of UTC, where the text says.
    pub(in crate::convert) offset: Option<i32>,
}

/// Reads a timestamp, or a date alone, which begins at midnight. What follows nanoseconds is cut.
pub(in crate::convert) fn stamp(text: &[u8]) -> Option<Reading<Stamp>> {
    let mut text = Text::new(text);
    let days = text.date()?;
    let mut time = Reading {
        value: 0,
        exact: true,
    };
    let mut offset = None;
    if !text.rest.is_empty() {
        if !(text.eat(b'T') || text.eat(b't') || text.eat(b' ')) {
            return None;
        }
        time = text.time_in_nanos()?;
        offset = zone(&mut text)?;
    }
    let value = Stamp {
        // 24:00 and a leap second belong to the next day.
        days: days + time.value / NANOS_PER_DAY,
        nanos: time.value % NANOS_PER_DAY,
        offset,
    };
    Some(Reading {
        value,
        exact: time.exact,
    })
}

/// Reads a time of day: nanoseconds since midnight and seconds east of UTC, where the text says.
pub(in crate::convert) fn time(text: &[u8]) -> Option<Reading<(i64, Option<i32>)>> {
    let mut text = Text::new(text);
    let time = text.time_in_nanos()?;
    let offset = zone(&mut text)?;
    if text.before_christ || time.value >= NANOS_PER_DAY {
        return None;
    }
    Some(Reading {
        value: (time.value, offset),
        exact: time.exact,
    })
}

fn zone(text: &mut Text<'_>) -> Option<Option<i32>> {
    let micros = text.zone().ok()?;
    match micros {
        None => Some(None),
        Some(micros) => i32::try_from(micros / super::MICROS_PER_SECOND)
            .ok()
            .map(Some),
    }
}

/// Writes a time of day with as many of 0, 3, 6 or 9 digits of fraction as it needs, and its zone.
/// `nanos` is within a day.
pub(in crate::convert) fn write_clock(out: &mut Vec<u8>, nanos: i64, offset: Option<i32>) {
    let seconds = (nanos / NANOS_PER_SECOND) as u32;
    let fraction = (nanos % NANOS_PER_SECOND) as u32;
    let ([h0, h1], [m0, m1]) = (two(seconds / 3600), two(seconds / 60 % 60));
    let [s0, s1] = two(seconds % 60);
    out.extend_from_slice(&[h0, h1, b':', m0, m1, b':', s0, s1]);
    if fraction > 0 {
        let mut digits = [b'0'; 9];
        let mut rest = fraction;
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        let length = match fraction {
            f if f % 1_000_000 == 0 => 3,
            f if f % 1_000 == 0 => 6,
            _ => 9,
        };
        out.push(b'.');
        out.extend_from_slice(&digits[..length]);
    }
    match offset {
        None => {}
        Some(0) => out.push(b'Z'),
        Some(offset) => {
            let minutes = offset.unsigned_abs() / 60;
            let ([h0, h1], [m0, m1]) = (two(minutes / 60), two(minutes % 60));
            out.push(if offset < 0 { b'-' } else { b'+' });
            out.extend_from_slice(&[h0, h1, b':', m0, m1]);
        }
    }
}

/// Writes a timestamp. `stamp.days` fits 32 bits and `stamp.nanos` is within a day.
pub(in crate::convert) fn write_stamp(out: &mut Vec<u8>, stamp: Stamp) {
    write_day(out, stamp.days);
    out.push(b'T');
    write_clock(out, stamp.nanos, stamp.offset);
    out.extend_from_slice(super::era(stamp.days));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_keep_nanoseconds_and_zones() {
        let check = |text: &str, expected: &str, exact: bool| {
            let found = stamp(text.as_bytes()).unwrap();
            let mut out = Vec::new();
            write_stamp(&mut out, found.value);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(found.exact, exact, "{text}");
        };
        for text in [
            "2021-01-23T01:02:03",
            "2021-01-23T01:02:03.004Z",
            "2021-01-23T01:02:03.000005+05:30",
            "2021-01-23T01:02:03.123456789-00:45",
            "1969-12-31T23:59:59.999999999-12:00",
            "0044-03-15T12:00:00 BC",
            "12021-01-23T00:00:00+18:00",
        ] {
            check(text, text, true);
        }
        check("2021-01-23", "2021-01-23T00:00:00", true);
        check("2021-12-31 24:00Z", "2022-01-01T00:00:00Z", true);
        check(
            "2021-01-23 01:02:03.1234567891 UTC",
            "2021-01-23T01:02:03.123456789Z",
            false,
        );
        for text in ["", "2021-02-29", "2021-01-23X", "2021-01-23T25:00:00", "x"] {
            assert_eq!(stamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn times_keep_nanoseconds_and_zones() {
        let check = |text: &str, expected: &str| {
            let (nanos, offset) = time(text.as_bytes()).unwrap().value;
            let mut out = Vec::new();
            write_clock(&mut out, nanos, offset);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        for text in [
            "01:02:03",
            "23:59:59.999999999",
            "01:02:03.5+01:00",
            "00:00:00Z",
        ] {
            check(text, &text.replace(".5", ".500"));
        }
        assert_eq!(time(b"24:00"), None);
    }
}
