//! When a server says that it is ready again. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Reads `Retry-After`: seconds, or a date.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    // Some servers send fractions.
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    static DATES: DateTimeParser = DateTimeParser::new();
    let until = DATES.parse_timestamp(value).ok()?;
    Some(Duration::try_from(until - now).map_or(Duration::ZERO, |wait| wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().expect("a moment");
        let check = |value: &str, expected: Option<u64>| {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("1.0", Some(1));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(30));
        // It is over already.
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        check("1e300", None);
        check("", None);
    }
}
