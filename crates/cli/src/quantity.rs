//! Numbers as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 record`, `2 records`.
pub(crate) fn of(number: u64, singular: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {singular}{ending}", count(number))
}

/// `4.2 MB`, in powers of 1000.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = as_f64(number) / 1000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `0.4s`, `12s`, `3m 05s`, `2h 03m`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// So many in that time, per second.
pub(crate) fn per_second(number: u64, time: Duration) -> u64 {
    // What took less than this tells nothing about speed.
    let seconds = time.as_secs_f64().max(0.001);
    from_f64(as_f64(number) / seconds)
}

/// Which part of the whole, in percent, if the whole is known.
pub(crate) fn percent(part: u64, whole: Option<u64>) -> Option<u8> {
    let whole = whole.filter(|whole| *whole > 0)?;
    let percent = u128::from(part) * 100 / u128::from(whole);
    // An estimate may be too small: 100 is as far as it goes.
    Some(u8::try_from(percent.min(100)).unwrap_or(100))
}

/// A moment, given in ms since the epoch, in UTC to the second.
pub(crate) fn moment(milliseconds: i64) -> String {
    match Timestamp::from_second(milliseconds.div_euclid(1000)) {
        Ok(moment) => moment.to_string(),
        Err(_) => format!("{milliseconds} ms"),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for display: three digits are shown of it"
)]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is right for a display"
)]
pub(crate) fn from_f64(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        let check = |number, expected: &str| assert_eq!(count(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(1_234_567, "1,234,567");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes_keep_one_digit() {
        let check = |number, expected: &str| assert_eq!(bytes(number), expected);
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(999_949, "999.9 kB");
        check(999_950, "1.0 MB");
        check(4_200_000_000, "4.2 GB");
        check(u64::MAX, "18.4 EB");
    }

    #[test]
    fn durations_have_two_units() {
        let check = |ms, expected: &str| assert_eq!(duration(Duration::from_millis(ms)), expected);
        check(40, "0.0s");
        check(9_940, "9.9s");
        check(59_999, "59s");
        check(185_000, "3m 05s");
        check(7_380_000, "2h 03m");
    }

    #[test]
    fn parts_of_an_estimate() {
        assert_eq!(percent(5, None), None);
        assert_eq!(percent(5, Some(0)), None);
        assert_eq!(percent(5, Some(10)), Some(50));
        assert_eq!(percent(11, Some(10)), Some(100));
        assert_eq!(percent(u64::MAX, Some(u64::MAX)), Some(100));
    }

    #[test]
    fn rates_survive_no_time_at_all() {
        assert_eq!(per_second(10, Duration::ZERO), 10_000);
        assert_eq!(per_second(10, Duration::from_secs(4)), 2);
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(1_700_000_000_123), "2023-11-14T22:13:20Z");
        assert_eq!(moment(i64::MAX), format!("{} ms", i64::MAX));
    }
}
