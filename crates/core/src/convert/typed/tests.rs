use super::*;
use crate::convert::{TypedToColumns, TypedToRows, columns_to_rows};
use crate::schema::{Field, StreamSchema};

/// What a column of the type takes of a value: the JSON value that it is then, and what was noted.
fn in_column(data_type: DataType, value: Typed<'_>) -> (String, String) {
    let schema = StreamSchema {
        fields: vec![Field::new("a", data_type)],
    };
    let mut columns = TypedToColumns::new(&schema, &[0]);
    columns.put(0, value).unwrap();
    columns.end_row(7, None).unwrap();
    let rows = columns_to_rows(&columns.finish().unwrap(), None).unwrap();
    shown(&rows)
}

fn in_row(value: Typed<'_>) -> (String, String) {
    let mut rows = TypedToRows::new(vec!["a".into()]);
    rows.put(value);
    rows.end_row(7, None).unwrap();
    shown(&rows.finish(None))
}

fn shown(rows: &crate::batch::Rows) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let row = text(rows.after(0));
    let value = row
        .strip_prefix("{\"a\":")
        .unwrap()
        .strip_suffix('}')
        .unwrap();
    let noted = rows.metadata(0).map(text).unwrap_or_default();
    let noted = noted.replace("{\"changes\":[{\"field\":\"a\",\"change\":\"", "");
    (
        value.to_owned(),
        noted.replace("\",\"reason\":\"", " ").replace("\"}]}", ""),
    )
}

const CAST: &str = "NULLED DESTINATION_TYPECAST_ERROR";
const NO_VALUE: &str = "NULLED SOURCE_SERIALIZATION_ERROR";
const CUT: &str = "TRUNCATED DESTINATION_FIELD_SIZE_LIMITATION";
const GARBLED: &str = "TRUNCATED SOURCE_SERIALIZATION_ERROR";

/// 2021-01-23T12:00:00Z.
const NOON: i64 = 1_611_403_200;

#[test]
fn values_that_suit_their_column_and_such_that_do_not() {
    use DataType::{
        Binary, Boolean, Date, Integer, Json, Number, String, TimeWithTimezone,
        TimeWithoutTimezone, TimestampWithTimezone, TimestampWithoutTimezone,
    };
    let check = |data_type: DataType, value: Typed<'_>, expected: &str, noted: &str| {
        let found = in_column(data_type, value);
        assert_eq!(
            (found.0.as_str(), found.1.as_str()),
            (expected, noted),
            "{data_type:?} {value:?}"
        );
    };
    let moment = |nanos, offset| Typed::Moment {
        seconds: NOON,
        nanos,
        offset,
    };
    let clock = |nanos| Typed::Clock { days: 1, nanos };
    let time = |nanos, offset| Typed::Time { nanos, offset };
    check(String, Typed::Text("hé".as_bytes()), "\"hé\"", "");
    check(String, Typed::Text(b"a\xffb"), "\"a\u{fffd}b\"", GARBLED);
    check(String, Typed::Integer(5), "\"5\"", "");
    check(String, Typed::Json(br#"{"b":1}"#), r#""{\"b\":1}""#, "");
    check(
        String,
        Typed::Digits(b"123456789012345678901"),
        "\"123456789012345678901\"",
        "",
    );
    check(String, Typed::Boolean(true), "\"true\"", "");
    check(String, Typed::Null, "null", "");
    check(Boolean, Typed::Boolean(true), "true", "");
    check(Boolean, Typed::Integer(1), "null", CAST);
    check(Integer, Typed::Integer(-5), "-5", "");
    check(Integer, Typed::Number(5.0), "5", "");
    check(Integer, Typed::Number(5.5), "null", CAST);
    check(Integer, Typed::Text(b"12"), "12", "");
    check(Integer, Typed::Text(b"x"), "null", CAST);
    check(Integer, Typed::Digits(b"12"), "12", "");
    check(
        Integer,
        Typed::Digits(b"123456789012345678901"),
        "null",
        CAST,
    );
    check(Integer, Typed::Digits(b"1_2"), "null", NO_VALUE);
    check(Number, Typed::Number(0.1), "0.1", "");
    check(Number, Typed::Number(f64::NAN), "null", NO_VALUE);
    check(Number, Typed::Number(f64::INFINITY), "null", NO_VALUE);
    check(Number, Typed::Integer(5), "5.0", "");
    check(
        Number,
        Typed::Integer((1 << 53) + 1),
        "9007199254740992.0",
        CUT,
    );
    check(Number, Typed::Digits(b"12.50"), "12.5", "");
    check(
        Number,
        Typed::Digits(b"0.12345678901234567890123"),
        "0.12345678901234568",
        CUT,
    );
    check(Number, Typed::Text(b"1e3"), "1000.0", "");
    check(Date, Typed::Date(1), "\"1970-01-02\"", "");
    check(Date, Typed::Date(i64::MAX), "null", NO_VALUE);
    check(Date, Typed::Text(b"2021-01-23"), "\"2021-01-23\"", "");
    check(Date, clock(0), "\"1970-01-02\"", "");
    check(Date, clock(1_000_000), "\"1970-01-02\"", CUT);
    check(Date, Typed::Integer(1), "null", CAST);
    check(
        TimeWithTimezone,
        time(1_000_000_000, Some(0)),
        "\"00:00:01Z\"",
        "",
    );
    check(
        TimeWithTimezone,
        time(1_000_000_001, Some(-5400)),
        "\"00:00:01.000000001-01:30\"",
        "",
    );
    check(
        TimeWithTimezone,
        time(1, None),
        "\"00:00:00.000000001\"",
        "",
    );
    check(TimeWithTimezone, time(u64::MAX, Some(0)), "null", NO_VALUE);
    check(
        TimeWithTimezone,
        time(0, Some(i32::MIN + 1)),
        "null",
        NO_VALUE,
    );
    check(
        TimeWithoutTimezone,
        time(1000, None),
        "\"00:00:00.000001\"",
        "",
    );
    check(
        TimeWithoutTimezone,
        time(1001, None),
        "\"00:00:00.000001\"",
        CUT,
    );
    check(
        TimeWithoutTimezone,
        time(86_400_000_000_000, None),
        "null",
        NO_VALUE,
    );
    check(
        TimeWithoutTimezone,
        time(0, Some(3600)),
        "\"00:00:00\"",
        CUT,
    );
    check(
        TimestampWithTimezone,
        moment(0, 0),
        "\"2021-01-23T12:00:00Z\"",
        "",
    );
    check(
        TimestampWithTimezone,
        moment(5_000, 7200),
        "\"2021-01-23T12:00:00.000005Z\"",
        "",
    );
    check(
        TimestampWithTimezone,
        moment(5_001, 7200),
        "\"2021-01-23T12:00:00.000005Z\"",
        CUT,
    );
    check(
        TimestampWithTimezone,
        moment(1_000_000_000, 0),
        "null",
        NO_VALUE,
    );
    check(
        TimestampWithTimezone,
        clock(0),
        "\"1970-01-02T00:00:00Z\"",
        "",
    );
    check(
        TimestampWithTimezone,
        Typed::Text(b"2021-01-23 12:00:00Z"),
        "\"2021-01-23T12:00:00Z\"",
        "",
    );
    check(
        TimestampWithTimezone,
        Typed::Moment {
            seconds: i64::MAX,
            nanos: 0,
            offset: i32::MAX,
        },
        "null",
        NO_VALUE,
    );
    check(
        TimestampWithoutTimezone,
        clock(1000),
        "\"1970-01-02T00:00:00.000001\"",
        "",
    );
    check(
        TimestampWithoutTimezone,
        moment(0, 7200),
        "\"2021-01-23T14:00:00\"",
        CUT,
    );
    check(
        TimestampWithoutTimezone,
        Typed::Clock {
            days: i64::MIN,
            nanos: 0,
        },
        "null",
        NO_VALUE,
    );
    check(TimestampWithoutTimezone, clock(u64::MAX), "null", NO_VALUE);
    check(Json, Typed::Json(b"{\n\"b\" : [1]}"), r#"{"b" : [1]}"#, "");
    check(Json, Typed::Json(b"{"), "null", NO_VALUE);
    check(Json, Typed::Json(b"null"), "null", "");
    check(Json, Typed::Json(b"[NaN]"), "[null]", NO_VALUE);
    check(Json, Typed::Text(b"x"), "\"x\"", "");
    check(Json, Typed::Integer(1), "1", "");
    check(Json, Typed::Digits(b"1.50"), "1.50", "");
    check(Json, moment(0, 0), "\"2021-01-23T12:00:00Z\"", "");
    check(Binary, Typed::Json(b"\"AAE=\""), "\"AAE=\"", "");
    check(Binary, Typed::Json(b"\"A\\u0041E=\""), "\"AAE=\"", "");
    check(Binary, Typed::Text(b"AAE="), "\"AAE=\"", "");
    check(Binary, Typed::Json(b"\"?\""), "null", CAST);
    check(Binary, Typed::Json(b"{}"), "null", CAST);
}

#[test]
fn rows_say_what_the_wire_said() {
    let check = |value: Typed<'_>, expected: &str, noted: &str| {
        let found = in_row(value);
        assert_eq!(
            (found.0.as_str(), found.1.as_str()),
            (expected, noted),
            "{value:?}"
        );
    };
    check(Typed::Null, "null", "");
    check(Typed::Text(b"a\"\xff"), "\"a\\\"\u{fffd}\"", GARBLED);
    check(Typed::Integer(i64::MIN), "-9223372036854775808", "");
    check(
        Typed::Digits(b"123456789012345678901.50"),
        "123456789012345678901.50",
        "",
    );
    check(Typed::Digits(b"NaN"), "null", NO_VALUE);
    check(Typed::Number(-0.5), "-0.5", "");
    check(Typed::Date(-719_163), "\"0001-12-31 BC\"", "");
    check(
        Typed::Moment {
            seconds: NOON,
            nanos: 123_456_789,
            offset: 19_800,
        },
        "\"2021-01-23T17:30:00.123456789+05:30\"",
        "",
    );
    // A zone of broken minutes has no text: the moment is told in UTC.
    check(
        Typed::Moment {
            seconds: NOON,
            nanos: 0,
            offset: 1172,
        },
        "\"2021-01-23T12:00:00Z\"",
        "",
    );
    check(Typed::Json(b" {\"a\":\n 1.50} "), "{\"a\": 1.50}", "");
    check(Typed::Json(b""), "null", NO_VALUE);
}

#[test]
fn json_values_are_read_with_all_of_their_digits() {
    use DataType::{
        Binary, Boolean, Date, Integer, Json, Number, String, TimeWithTimezone,
        TimeWithoutTimezone, TimestampWithTimezone, TimestampWithoutTimezone,
    };
    let check = |data_type: DataType, token: &str, expected: Typed<'_>, fit: Fit| {
        let mut scratch = b"old".to_vec();
        let found = Typed::of_json(data_type, token.as_bytes(), &mut scratch);
        assert_eq!(found, (expected, fit), "{data_type:?} {token}");
    };
    let whole = |data_type, token: &str, expected| check(data_type, token, expected, Fit::Whole);
    let none = |data_type, token: &str| check(data_type, token, Typed::Null, Fit::Nothing);
    for data_type in [
        String,
        Json,
        Binary,
        Boolean,
        Integer,
        Number,
        Date,
        TimeWithTimezone,
    ] {
        whole(data_type, "null", Typed::Null);
        none(data_type, "nul");
    }
    whole(String, r#""a""#, Typed::Text(b"a"));
    whole(String, r#""a\n""#, Typed::Text(b"a\n"));
    check(
        String,
        r#""\ud800""#,
        Typed::Text("\u{fffd}".as_bytes()),
        Fit::Cut,
    );
    none(String, r#""\x""#);
    whole(String, "1.50", Typed::Text(b"1.50"));
    whole(String, "[1]", Typed::Text(b"[1]"));
    whole(Json, "{\"a\":\n1}", Typed::Json(b"{\"a\":1}"));
    check(Json, "[NaN]", Typed::Json(b"[null]"), Fit::Cut);
    none(Json, "NaN");
    whole(Binary, r#""AAE=""#, Typed::Json(br#""AAE=""#));
    whole(Binary, r#""-_8""#, Typed::Json(br#""+/8=""#));
    whole(Binary, r#""\/w==""#, Typed::Json(br#""/w==""#));
    none(Binary, r#""?""#);
    none(Binary, "1");
    whole(Boolean, "true", Typed::Boolean(true));
    none(Boolean, "1");
    whole(
        Integer,
        "9007199254740993",
        Typed::Integer(9_007_199_254_740_993),
    );
    whole(Integer, "5.0", Typed::Integer(5));
    whole(Integer, "\"5\"", Typed::Integer(5));
    whole(
        Integer,
        "12345678901234567890",
        Typed::Digits(b"12345678901234567890"),
    );
    none(Integer, "5.5");
    none(Integer, "1e30");
    none(Integer, "\"05\"");
    whole(Number, "0.1", Typed::Number(0.1));
    whole(Number, "5", Typed::Number(5.0));
    whole(Number, "\"1.5\"", Typed::Number(1.5));
    whole(
        Number,
        "9007199254740993",
        Typed::Digits(b"9007199254740993"),
    );
    whole(
        Number,
        "0.12345678901234567890123",
        Typed::Digits(b"0.12345678901234567890123"),
    );
    whole(Number, "1e400", Typed::Digits(b"1e400"));
    none(Number, "NaN");
    none(Number, "true");
    whole(Date, "\"1970-01-02\"", Typed::Date(1));
    check(Date, "\"1970-01-02T03:00\"", Typed::Date(1), Fit::Cut);
    none(Date, "\"1970-02-30\"");
    none(Date, "1");
    let time = |nanos, offset| Typed::Time { nanos, offset };
    whole(
        TimeWithTimezone,
        "\"00:00:01+01:00\"",
        time(1_000_000_000, Some(3600)),
    );
    whole(TimeWithTimezone, "\"00:00:00.000000001\"", time(1, Some(0)));
    whole(TimeWithoutTimezone, "\"00:00:00.000000001\"", time(1, None));
    check(
        TimeWithoutTimezone,
        "\"00:00:00+01:00\"",
        time(0, None),
        Fit::Cut,
    );
    let moment = |seconds, nanos, offset| Typed::Moment {
        seconds,
        nanos,
        offset,
    };
    whole(
        TimestampWithTimezone,
        "\"2021-01-23T13:00:00.123456789+01:00\"",
        moment(NOON, 123_456_789, 3600),
    );
    whole(
        TimestampWithTimezone,
        "\"2021-01-23 12:00:00\"",
        moment(NOON, 0, 0),
    );
    check(
        TimestampWithTimezone,
        "\"2021-01-23T12:00:00.1234567891Z\"",
        moment(NOON, 123_456_789, 0),
        Fit::Cut,
    );
    let clock = |days, nanos| Typed::Clock { days, nanos };
    whole(
        TimestampWithoutTimezone,
        "\"1970-01-02T00:00:00.000000001\"",
        clock(1, 1),
    );
    check(
        TimestampWithoutTimezone,
        "\"1970-01-02T00:00+01:00\"",
        clock(1, 0),
        Fit::Cut,
    );
    none(TimestampWithoutTimezone, "\"x\"");
}
