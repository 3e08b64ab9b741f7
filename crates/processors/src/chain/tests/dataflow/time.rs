//! `timestamp` and `timezone`.

use super::*;

#[test]
fn timestamp_by_cases() {
    let stamp = |settings: &str, field: &str| {
        let found = payloads("timestamp", settings, r#"{"a":9007199254740993}"#);
        let rest = found.strip_prefix(r#"{"a":9007199254740993,""#).unwrap();
        let rest = rest.strip_prefix(field).unwrap().strip_prefix(r#"":""#);
        rest.unwrap().strip_suffix(r#""}"#).unwrap().to_owned()
    };
    let before = jiff::Timestamp::now().as_second();
    let time: jiff::Timestamp = stamp("{}", "created_at").parse().unwrap();
    assert!((before..before + 60).contains(&time.as_second()), "{time}");
    assert!(stamp("{}", "created_at").ends_with('Z'));
    assert!(
        stamp(r#"{"fieldName":"$.t","format":"RFC3339Nano"}"#, "t")
            .parse::<jiff::Timestamp>()
            .is_ok()
    );
    assert_eq!(stamp(r#"{"fieldName":"t","format":"2006"}"#, "t").len(), 4);
    assert!(stamp(r#"{"format":"RFC1123"}"#, "created_at").ends_with(" UTC"));
    assert_eq!(
        stamp(r#"{"format":"2006-01-02 15:04:05"}"#, "created_at").len(),
        19
    );
    assert_eq!(stamp(r#"{"format":"DateOnly"}"#, "created_at").len(), 10);
    assert_eq!(stamp(r#"{"format":"StampMilli"}"#, "created_at").len(), 19);
    refused(
        "timestamp",
        r#"{"fieldName":"a..b"}"#,
        "the setting `fieldName`: `a..b` is no path: a name is empty",
    );
}

/// A machine without a database of zones has this one.
#[test]
fn zones_are_built_in() {
    let database = jiff::tz::TimeZoneDatabase::bundled();
    assert!(database.get("Europe/Berlin").is_ok());
}

#[test]
fn timezone_by_cases() {
    let zoned = |more: &str, value: &str, expected: &str| {
        let settings = format!(r#"{{"fields":["$.t"],{more}}}"#);
        let found = payloads("timezone", &settings, &format!(r#"{{"t":{value}}}"#));
        let shown = found
            .strip_prefix(r#"{"t":"#)
            .and_then(|rest| rest.strip_suffix('}'));
        let shown = shown.or_else(|| found.strip_prefix("failed: `t`: "));
        assert_eq!(shown, Some(expected), "{more} of {value}: {found}");
    };
    let berlin = r#""timezone":"Europe/Berlin""#;
    zoned(
        berlin,
        r#""2024-01-02T03:04:05Z""#,
        r#""2024-01-02T04:04:05+01:00""#,
    );
    zoned(
        berlin,
        r#""2024-07-02T03:04:05Z""#,
        r#""2024-07-02T05:04:05+02:00""#,
    );
    zoned(
        berlin,
        r#""2024-01-02T03:04:05.120Z""#,
        r#""2024-01-02T04:04:05.12+01:00""#,
    );
    zoned(
        berlin,
        r#""2024-01-02 03:04:05""#,
        r#""2024-01-02T04:04:05+01:00""#,
    );
    zoned(berlin, r#""2024-01-02""#, r#""2024-01-02T01:00:00+01:00""#);
    zoned(berlin, "1704164645", r#""2024-01-02T04:04:05+01:00""#);
    zoned(
        berlin,
        "1704164645123",
        r#""2024-01-02T04:04:05.123+01:00""#,
    );
    zoned(
        berlin,
        "1704164645.123456789",
        r#""2024-01-02T04:04:05.123456789+01:00""#,
    );
    zoned(
        berlin,
        "999999999999.5",
        "`999999999999.5` is no point in time",
    );
    zoned(berlin, "0", r#""1970-01-01T01:00:00+01:00""#);
    zoned(berlin, "-1.5", r#""1970-01-01T00:59:58.5+01:00""#);
    zoned(berlin, "null", "null");
    zoned(berlin, r#""soon""#, "`soon` is no point in time");
    zoned(berlin, "true", "a boolean is no point in time");
    zoned(
        berlin,
        "1e300",
        &format!("`1{}` is no point in time", "0".repeat(59)),
    );
    zoned(
        r#""timezone":"UTC""#,
        r#""2024-01-02T03:04:05+01:00""#,
        r#""2024-01-02T02:04:05Z""#,
    );
    zoned(
        r#""timezone":"+05:30""#,
        "0",
        r#""1970-01-01T05:30:00+05:30""#,
    );
    zoned(
        r#""timezone":"-03:00""#,
        "0",
        r#""1969-12-31T21:00:00-03:00""#,
    );
    zoned(
        r#""timezone":"UTC","sourceTimezone":"America/New_York""#,
        r#""2024-01-02T03:04:05""#,
        r#""2024-01-02T08:04:05Z""#,
    );
    zoned(
        r#""timezone":"UTC","sourceTimezone":"+02:00""#,
        r#""2024-01-02T03:04:05""#,
        r#""2024-01-02T01:04:05Z""#,
    );
    zoned(
        r#""timezone":"UTC","format":"RFC3339""#,
        "1704164645123",
        r#""2024-01-02T03:04:05Z""#,
    );
    zoned(
        r#""timezone":"UTC","format":"UnixMilli""#,
        r#""2024-01-02T03:04:05.5Z""#,
        "1704164645500",
    );
    check(
        "timezone",
        r#"{"timezone":"UTC","fields":["x","a.b"]}"#,
        r#"{"a": {}}"#,
        r#"{"a": {}}"#,
    );
    refused(
        "timezone",
        r#"{"fields":["t"]}"#,
        "the setting `timezone` is missing",
    );
    refused(
        "timezone",
        r#"{"timezone":"UTC"}"#,
        "the setting `fields` is missing",
    );
    refused(
        "timezone",
        r#"{"timezone":"Mars/Olympus","fields":["t"]}"#,
        "the setting `timezone`: the time zone `Mars/Olympus` is not known; write it as `Europe/Berlin` or `+02:00`",
    );
    refused(
        "timezone",
        r#"{"timezone":"+2","fields":["t"]}"#,
        "the setting `timezone`: `+2` is no distance such as `+02:00`",
    );
    refused(
        "timezone",
        r#"{"timezone":"UTC","fields":["t"],"format":"ISO"}"#,
        "the setting `format`: `ISO` is none of RFC3339Nano, RFC3339, UnixMilli",
    );
}
