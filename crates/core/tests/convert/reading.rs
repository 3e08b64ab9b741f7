//! What each type of column makes of each sort of value.

use crossdock_core::schema::DataType;

use super::sample::{schema, there_and_back};

const MISFIT: &str = "NULLED DESTINATION_TYPECAST_ERROR";
const NO_VALUE: &str = "NULLED SOURCE_SERIALIZATION_ERROR";
const CUT: &str = "TRUNCATED DESTINATION_FIELD_SIZE_LIMITATION";
const GARBLED: &str = "TRUNCATED SOURCE_SERIALIZATION_ERROR";

/// Reads `value` into a column of `data_type`: what is written back, and the change noted or "".
/// White space around it, a key before it and one after it must make no difference.
fn check(data_type: DataType, value: impl AsRef<[u8]>, expected: &str, change: &str) {
    let value = value.as_ref();
    let schema = schema(&[
        ("a", DataType::Integer),
        ("x", data_type),
        ("z", DataType::Boolean),
    ]);
    let around: [(&str, &str); 4] = [
        ("{\"x\":", "}"),
        ("{\"a\":1,\"x\":", ",\"z\":true}"),
        ("{ \"x\" : ", " }"),
        ("{\"z\":false, \"x\": ", "\n, \"a\": 2}"),
    ];
    for (before, after) in around {
        let data = [before.as_bytes(), value, after.as_bytes()].concat();
        let shown = String::from_utf8_lossy(&data).into_owned();
        let (row, metadata) = there_and_back(&schema, None, &data);
        let x = row
            .split_once("\"x\":")
            .unwrap()
            .1
            .rsplit_once(",\"z\":")
            .unwrap()
            .0;
        assert_eq!(x, expected, "{data_type:?} {shown}");
        let noted = metadata.map(|metadata| {
            let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
            let [change] = &metadata["changes"].as_array().unwrap()[..] else {
                panic!("{metadata}");
            };
            assert_eq!(change["field"], "x");
            let text = |key: &str| change[key].as_str().unwrap().to_owned();
            format!("{} {}", text("change"), text("reason"))
        });
        assert_eq!(noted.unwrap_or_default(), change, "{data_type:?} {shown}");
    }
}

#[test]
fn null_is_null_in_every_column() {
    use DataType::*;
    for data_type in [
        String,
        Binary,
        Boolean,
        Integer,
        Number,
        Date,
        TimestampWithTimezone,
        TimestampWithoutTimezone,
        TimeWithTimezone,
        TimeWithoutTimezone,
        Json,
    ] {
        check(data_type, "null", "null", "");
        for nothing in [
            "NaN",
            "Infinity",
            "-Infinity",
            "undefined",
            "nulls",
            "01",
            "[}",
            "{\"a\" 1}",
        ] {
            check(data_type, nothing, "null", NO_VALUE);
        }
    }
}

#[test]
fn text() {
    let check = |value: &str, expected: &str, change: &str| {
        check(DataType::String, value, expected, change);
        check(DataType::TimeWithTimezone, value, expected, change);
    };
    for same in [
        r#""""#,
        r#""plain""#,
        r#""with \" and \\ and ü""#,
        r#""a text that is longer than the short steps are: forty""#,
    ] {
        check(same, same, "");
    }
    check(r#""\u0041\/\n\u000a\ud83d\ude00""#, r#""A/\n\n😀""#, "");
    check("\"a\tb\"", r#""a\tb""#, "");
    check(r#""\ud800x""#, "\"\u{fffd}x\"", GARBLED);
    check(r#""\x""#, "null", NO_VALUE);
    check("12.50", r#""12.50""#, "");
    check(
        "123456789012345678901234567890",
        r#""123456789012345678901234567890""#,
        "",
    );
    check("true", r#""true""#, "");
    check(r#"{"a":[1, null]}"#, r#""{\"a\":[1, null]}""#, "");
    check("[NaN]", r#""[null]""#, NO_VALUE);
}

#[test]
fn broken_utf8_is_replaced_and_noted() {
    check(DataType::String, b"\"a\xffb\"", "\"a\u{fffd}b\"", GARBLED);
    check(DataType::String, b"\"a\xe2\x82\"", "\"a\u{fffd}\"", GARBLED);
    check(DataType::Json, b"[\"a\xff\"]", "[\"a\u{fffd}\"]", GARBLED);
    check(DataType::Integer, b"\"\xff\"", "null", MISFIT);
}

#[test]
fn binary() {
    check(DataType::Binary, r#""Zm9v""#, r#""Zm9v""#, "");
    check(DataType::Binary, r#""Zm8""#, r#""Zm8=""#, "");
    check(DataType::Binary, r#""\u0041\/\/\/""#, r#""A///""#, "");
    check(DataType::Binary, r#""""#, r#""""#, "");
    for misfit in [r#""Zm9v!""#, r#""Z""#, "12", "true", "[]"] {
        check(DataType::Binary, misfit, "null", MISFIT);
    }
}

#[test]
fn booleans() {
    check(DataType::Boolean, "true", "true", "");
    check(DataType::Boolean, "false", "false", "");
    for misfit in [r#""true""#, "1", "0", "[]", r#""""#] {
        check(DataType::Boolean, misfit, "null", MISFIT);
    }
}

#[test]
fn integers() {
    let check = |value: &str, expected: &str, change: &str| {
        check(DataType::Integer, value, expected, change);
    };
    for same in [
        "0",
        "1",
        "-1",
        "42",
        "1234567890",
        "123456789012345678",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        check(same, same, "");
        check(&format!("\"{same}\""), same, "");
    }
    check("-0", "0", "");
    check("5.0", "5", "");
    check("-5.000e0", "-5", "");
    check("5e3", "5000", "");
    for misfit in [
        "5.5",
        "9223372036854775808",
        "-9223372036854775809",
        "1e19",
        "\"9223372036854775808\"",
        "\"\"",
        "\"5.0\"",
        "\"05\"",
        "\"-0\"",
        "\"+5\"",
        "\" 5\"",
        "\"five\"",
        "true",
        "[5]",
        "{}",
    ] {
        check(misfit, "null", MISFIT);
    }
}

#[test]
fn numbers() {
    let check = |value: &str, expected: &str, change: &str| {
        check(DataType::Number, value, expected, change);
    };
    check("0", "0.0", "");
    check("5", "5.0", "");
    check("-12.34", "-12.34", "");
    check("1e3", "1000.0", "");
    check("1E-7", "1e-7", "");
    check("0.1", "0.1", "");
    check("0.30000000000000004", "0.30000000000000004", "");
    check("52.370215700000001", "52.3702157", CUT);
    check("123456789.12345678912345", "123456789.12345679", CUT);
    check("9007199254740993", "9007199254740992.0", CUT);
    check("1e-400", "0.0", CUT);
    check("\"12.5\"", "12.5", "");
    for misfit in [
        "1e400", "\"NaN\"", "\"\"", "\"1,5\"", "\" 1\"", "true", "[]",
    ] {
        check(misfit, "null", MISFIT);
    }
}

#[test]
fn dates_and_times() {
    use DataType::{Date, TimeWithoutTimezone, TimestampWithTimezone, TimestampWithoutTimezone};
    check(Date, r#""2021-01-23""#, r#""2021-01-23""#, "");
    check(Date, r#""2021-01-23 BC""#, r#""2021-01-23 BC""#, "");
    check(Date, r#""12021-01-23""#, r#""12021-01-23""#, "");
    check(Date, r#""2021\u002d01-23""#, r#""2021-01-23""#, "");
    check(Date, r#""2021-01-23T01:00:00Z""#, r#""2021-01-23""#, CUT);
    check(
        TimestampWithTimezone,
        r#""2022-11-22T01:23:45.678Z""#,
        r#""2022-11-22T01:23:45.678Z""#,
        "",
    );
    check(
        TimestampWithTimezone,
        r#""2022-11-22T01:23:45+05:00""#,
        r#""2022-11-21T20:23:45Z""#,
        "",
    );
    check(
        TimestampWithTimezone,
        r#""2022-11-22 01:23:45+0500""#,
        r#""2022-11-21T20:23:45Z""#,
        "",
    );
    check(
        TimestampWithTimezone,
        r#""2022-11-22T01:23:45""#,
        r#""2022-11-22T01:23:45Z""#,
        "",
    );
    check(
        TimestampWithTimezone,
        r#""2022-11-22T01:23:45.1234567Z""#,
        r#""2022-11-22T01:23:45.123456Z""#,
        CUT,
    );
    check(
        TimestampWithTimezone,
        r#""2022-11-22T01:23:45Z BC""#,
        r#""2022-11-22T01:23:45Z BC""#,
        "",
    );
    check(
        TimestampWithoutTimezone,
        r#""2022-11-22T01:23:45.678""#,
        r#""2022-11-22T01:23:45.678""#,
        "",
    );
    check(
        TimestampWithoutTimezone,
        r#""2022-11-22""#,
        r#""2022-11-22T00:00:00""#,
        "",
    );
    check(
        TimestampWithoutTimezone,
        r#""2022-11-22T01:23:45+05:00""#,
        r#""2022-11-22T01:23:45""#,
        CUT,
    );
    check(
        TimeWithoutTimezone,
        r#""01:23:45.000678""#,
        r#""01:23:45.000678""#,
        "",
    );
    check(
        TimeWithoutTimezone,
        r#""01:23:45+05:00""#,
        r#""01:23:45""#,
        CUT,
    );
    for data_type in [
        Date,
        TimestampWithTimezone,
        TimestampWithoutTimezone,
        TimeWithoutTimezone,
    ] {
        for misfit in [
            r#""""#,
            r#""yesterday""#,
            "1669080225",
            "true",
            "[]",
            r#""2021-02-30""#,
            r#""\ud800""#,
        ] {
            check(data_type, misfit, "null", MISFIT);
        }
    }
}

#[test]
fn json_is_kept_as_text() {
    for same in [
        "1",
        "1.50",
        "123456789012345678901234567890",
        "true",
        r#""text \u0041""#,
        "[]",
        "{}",
        r#"{"a": [1, {"b": null}], "a": 2}"#,
        r#"[[[["}"]]]]"#,
    ] {
        check(DataType::Json, same, same, "");
    }
    check(DataType::Json, "{\n\t\"a\": 1\n}", r#"{"a": 1}"#, "");
    check(DataType::Json, r#"["\ud800"]"#, r#"["\ufffd"]"#, GARBLED);
    check(DataType::Json, "[NaN, 1]", "[null, 1]", NO_VALUE);
}
