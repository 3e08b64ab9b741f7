//! Columns that native connectors build, in all of Arrow's types that a record can hold.

use std::sync::Arc;

use arrow_array::*;
use arrow_schema::{DataType as Arrow, Field, Schema, TimeUnit};
use crossdock_core::Columns;
use crossdock_core::batch::Operations;
use crossdock_core::convert::{JSON_EXTENSION, arrow_schema, columns_to_rows};
use crossdock_core::schema::DataType;

use super::sample::schema;

fn columns(field: Field, array: ArrayRef) -> Columns {
    let schema = Arc::new(Schema::new(vec![field]));
    Columns {
        emitted_at: vec![7; array.len()],
        values: RecordBatch::try_new(schema, vec![array]).unwrap(),
        operations: Operations::default(),
        metadata: None,
    }
}

fn check(array: impl Array + 'static, expected: &[&str]) {
    let field = Field::new("x", array.data_type().clone(), true);
    let rows = columns_to_rows(&columns(field, Arc::new(array)), None).unwrap();
    for (row, expected) in expected.iter().enumerate() {
        let expected = format!(r#"{{"x":{expected}}}"#);
        assert_eq!(std::str::from_utf8(rows.after(row)).unwrap(), expected);
    }
    assert_eq!(rows.len(), expected.len());
}

#[test]
fn every_type_is_written() {
    check(NullArray::new(1), &["null"]);
    check(
        BooleanArray::from(vec![Some(true), None, Some(false)]),
        &["true", "null", "false"],
    );
    check(Int8Array::from(vec![i8::MIN]), &["-128"]);
    check(Int16Array::from(vec![i16::MIN]), &["-32768"]);
    check(Int32Array::from(vec![Some(5), None]), &["5", "null"]);
    check(Int64Array::from(vec![i64::MAX]), &["9223372036854775807"]);
    check(UInt8Array::from(vec![u8::MAX]), &["255"]);
    check(UInt16Array::from(vec![u16::MAX]), &["65535"]);
    check(UInt32Array::from(vec![u32::MAX]), &["4294967295"]);
    check(UInt64Array::from(vec![u64::MAX]), &["18446744073709551615"]);
    check(Float32Array::from(vec![0.1, f32::NAN]), &["0.1", "null"]);
    check(
        Float64Array::from(vec![0.1, f64::INFINITY, 1e300]),
        &["0.1", "null", "1e+300"],
    );
    let decimal = Decimal128Array::from(vec![12_345, -5]).with_precision_and_scale(20, 2);
    check(decimal.unwrap(), &["123.45", "-0.05"]);
    let decimal = Decimal256Array::from_iter_values([12_345.into()]);
    check(
        decimal.with_precision_and_scale(40, 2).unwrap(),
        &["123.45"],
    );
    let fixed = FixedSizeBinaryArray::try_from_iter([b"foo"].iter()).unwrap();
    check(fixed, &[r#""Zm9v""#]);
    check(StringArray::from(vec!["a\"b"]), &[r#""a\"b""#]);
    check(LargeStringArray::from(vec!["a"]), &[r#""a""#]);
    check(BinaryArray::from(vec![&b"foo"[..]]), &[r#""Zm9v""#]);
    check(LargeBinaryArray::from(vec![&b"fo"[..]]), &[r#""Zm8=""#]);
    check(Date32Array::from(vec![18_650]), &[r#""2021-01-23""#]);
    check(Date64Array::from(vec![-1]), &[r#""1969-12-31""#]);
    check(
        Time32SecondArray::from(vec![1, -1]),
        &[r#""00:00:01""#, "null"],
    );
    check(
        Time32MillisecondArray::from(vec![1]),
        &[r#""00:00:00.001""#],
    );
    check(
        Time64MicrosecondArray::from(vec![1]),
        &[r#""00:00:00.000001""#],
    );
    check(
        Time64NanosecondArray::from(vec![1_001]),
        &[r#""00:00:00.000001""#],
    );
    check(
        TimestampSecondArray::from(vec![0, i64::MAX]),
        &[r#""1970-01-01T00:00:00""#, "null"],
    );
    check(
        TimestampMillisecondArray::from(vec![-1]),
        &[r#""1969-12-31T23:59:59.999""#],
    );
    check(
        TimestampMicrosecondArray::from(vec![1]),
        &[r#""1970-01-01T00:00:00.000001""#],
    );
    check(
        TimestampNanosecondArray::from(vec![-1]),
        &[r#""1969-12-31T23:59:59.999999""#],
    );
    let zoned = TimestampMicrosecondArray::from(vec![0]).with_timezone("+05:00");
    check(zoned, &[r#""1970-01-01T00:00:00Z""#]);
}

#[test]
fn other_types_are_refused_by_name() {
    let field = Field::new("x", Arrow::Duration(TimeUnit::Second), true);
    let array = new_empty_array(field.data_type());
    let error = columns_to_rows(&columns(field, array), None).unwrap_err();
    assert!(
        error.context().contains(&("column", "x".to_owned())),
        "{error:?}"
    );
}

#[test]
fn marked_text_is_written_as_the_json_it_holds() {
    let fields = arrow_schema(&schema(&[("x", DataType::Json)]), None);
    assert_eq!(fields.field(0).extension_type_name(), Some(JSON_EXTENSION));
    let texts = vec![
        Some("{\"a\": 1}"),
        Some("no json"),
        Some("[1]]"),
        Some("{\n}"),
        None,
    ];
    let array = Arc::new(StringArray::from(texts));
    let rows = columns_to_rows(&columns(fields.field(0).clone(), array), None).unwrap();
    let expected = [r#"{"a": 1}"#, r#""no json""#, r#""[1]]""#, "{}", "null"];
    for (row, expected) in expected.iter().enumerate() {
        let text = std::str::from_utf8(rows.after(row)).unwrap();
        assert_eq!(text, format!(r#"{{"x":{expected}}}"#));
    }
}

#[test]
fn only_objects_are_spread() {
    let texts = vec![
        Some(" {\"a\":1 } "),
        Some("{ }"),
        Some("[1]"),
        Some("{\"a\""),
        None,
    ];
    let array: ArrayRef = Arc::new(StringArray::from(texts));
    let field = Field::new("rest", Arrow::Utf8, true);
    let rows = columns_to_rows(&columns(field, array), Some("rest")).unwrap();
    let back: Vec<_> = (0..5)
        .map(|i| std::str::from_utf8(rows.after(i)).unwrap())
        .collect();
    assert_eq!(back, [r#"{"a":1 }"#, "{}", "{}", "{}", "{}"]);
    assert_eq!(rows.emitted_at(4), 7);
}

#[test]
fn nested_columns_are_written_as_json() {
    use arrow_array::builder::{
        Int64Builder, ListBuilder, MapBuilder, StringBuilder, StringDictionaryBuilder,
    };
    use arrow_array::types::Int32Type;
    let mut lists = ListBuilder::new(ListBuilder::new(Int64Builder::new()));
    for row in [Some(vec![vec![1, 2], vec![]]), None, Some(vec![])] {
        for inner in row.iter().flatten() {
            inner
                .iter()
                .for_each(|n| lists.values().values().append_value(*n));
            lists.values().append(true);
        }
        lists.append(row.is_some());
    }
    let lists = lists.finish();
    check(lists.clone(), &["[[1,2],[]]", "null", "[]"]);
    check(lists.slice(1, 2), &["null", "[]"]);
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        vec![
            Some(vec![Some(1), None]),
            None,
            Some(vec![Some(3), Some(4)]),
        ],
        2,
    );
    check(fixed.slice(1, 2), &["null", "[3,4]"]);
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let record = StructArray::from(vec![
        (Arc::new(Field::new("na\"me", Arrow::Utf8, true)), names),
        (
            Arc::new(Field::new("n", lists.data_type().clone(), true)),
            Arc::new(lists.slice(0, 2)) as ArrayRef,
        ),
    ]);
    check(
        record,
        &[
            r#"{"na\"me":"a","n":[[1,2],[]]}"#,
            r#"{"na\"me":null,"n":null}"#,
        ],
    );
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for (key, value) in [("a", Some(1)), ("b", None)] {
        maps.keys().append_value(key);
        maps.values().append_option(value);
    }
    maps.append(true).unwrap();
    maps.append(true).unwrap();
    check(maps.finish(), &[r#"{"a":1,"b":null}"#, "{}"]);
    let mut maps = MapBuilder::new(None, Int64Builder::new(), StringBuilder::new());
    maps.keys().append_value(7);
    maps.values().append_value("x");
    maps.append(true).unwrap();
    check(maps.finish(), &[r#"[{"key":7,"value":"x"}]"#]);
    let mut dictionary = StringDictionaryBuilder::<Int32Type>::new();
    dictionary.append_value("x");
    dictionary.append_null();
    dictionary.append_value("x");
    check(dictionary.finish(), &[r#""x""#, "null", r#""x""#]);
    check(
        StringViewArray::from(vec!["a long text that is not inline"]),
        &[r#""a long text that is not inline""#],
    );
    check(BinaryViewArray::from(vec![&b"foo"[..]]), &[r#""Zm9v""#]);
}
