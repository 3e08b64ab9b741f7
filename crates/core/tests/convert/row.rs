//! Rows as wholes: keys, order, undeclared members, metadata, deletes, broken rows.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use bytes::Bytes;
use crossdock_core::batch::{Operation, Operations, RowSpans, RowsBuilder, Span};
use crossdock_core::code;
use crossdock_core::convert::{RowsToColumns, columns_to_rows};
use crossdock_core::schema::DataType;

use super::sample::{data_rows, rows, schema, there_and_back};

#[test]
fn keys_are_found_in_any_order() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "quote\"d", "ü"];
    let fields: Vec<_> = names
        .iter()
        .map(|name| (*name, DataType::Integer))
        .collect();
    let texts = [
        r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"quote\"d":8,"ü":9}"#,
        r#"{"ü":9,"quote\"d":8,"g":7,"f":6,"e":5,"d":4,"c":3,"b":2,"a":1}"#,
        r#"{"ü": 9, "quote\"d": 8, "g": 7, "f": 6, "e": 5, "d": 4, "c": 3, "b": 2, "a": 1}"#,
        r#"{"b":2,"a":1,"x":[1,{}],"c":3,"d":4,"f":6,"e":5,"g":7,"quote\u0022d":8,"\u00fc":9}"#,
        r#"{"a":0,"a":1,"b":"no","b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"quote\"d":8,"ü":9}"#,
        "\t{ \"a\" :1 , \"b\"\n:2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"quote\\\"d\":8,\"ü\":9 }\r\n",
    ];
    let mut columns = RowsToColumns::new(&schema(&fields), None);
    columns.append(&data_rows(&texts)).unwrap();
    let columns = columns.finish().unwrap();
    assert!(columns.metadata.is_none());
    assert_eq!(columns.emitted_at, [0, 1, 2, 3, 4, 5]);
    for (value, column) in (1..).zip(columns.values.columns()) {
        assert_eq!(column.as_primitive::<Int64Type>().values(), &[value; 6]);
        assert_eq!(column.null_count(), 0);
    }
}

#[test]
fn absent_keys_are_null() {
    let fields = schema(&[
        ("a", DataType::Integer),
        ("b", DataType::String),
        ("c", DataType::Json),
    ]);
    let texts = [
        r#"{"b":"x"}"#,
        "{}",
        r#"{"c":[],"a":1}"#,
        r#"{"a":2}"#,
        r#"{"a":3,"b":"y","c":1}"#,
    ];
    let mut columns = RowsToColumns::new(&fields, None);
    columns.append(&data_rows(&texts)).unwrap();
    let back = columns_to_rows(&columns.finish().unwrap(), None).unwrap();
    let back: Vec<_> = (0..5)
        .map(|i| std::str::from_utf8(back.after(i)).unwrap())
        .collect();
    let expected = [
        r#"{"a":null,"b":"x","c":null}"#,
        r#"{"a":null,"b":null,"c":null}"#,
        r#"{"a":1,"b":null,"c":[]}"#,
        r#"{"a":2,"b":null,"c":null}"#,
        r#"{"a":3,"b":"y","c":1}"#,
    ];
    assert_eq!(back, expected);
}

#[test]
fn undeclared_members_are_kept_where_asked() {
    let fields = schema(&[("a", DataType::Integer)]);
    let check = |data: &str, expected: &str, changes: usize| {
        let (row, metadata) = there_and_back(&fields, Some("_rest"), data.as_bytes());
        assert_eq!(row, expected);
        assert_eq!(
            metadata.map_or(0, |m| m.matches("\"field\"").count()),
            changes,
            "{data}"
        );
    };
    check(r#"{"a":1}"#, r#"{"a":1}"#, 0);
    check(
        r#"{"x":1.50,"a":1,"y":{"b": [1]}}"#,
        r#"{"a":1,"x":1.50,"y":{"b": [1]}}"#,
        0,
    );
    check(
        r#"{"x":1,"x":2,"\u0078":3,"y":4}"#,
        r#"{"a":null,"x":3,"y":4}"#,
        0,
    );
    check(
        r#"{"x":[NaN],"y":[}}"#,
        r#"{"a":null,"x":[null],"y":null}"#,
        2,
    );
    check(r#"{"_rest":{"a":5}}"#, r#"{"a":null,"_rest":{"a":5}}"#, 0);
    check("{\"x\ty\":\n[\n]}", r#"{"a":null,"x\ty":[]}"#, 0);
    let (row, _) = there_and_back(&fields, None, br#"{"x":1.50,"a":1}"#);
    assert_eq!(row, r#"{"a":1}"#);
    let (row, _) = there_and_back(&schema(&[]), Some("_rest"), br#"{"x":1.50,"a":1}"#);
    assert_eq!(row, r#"{"x":1.50,"a":1}"#);
    let (row, _) = there_and_back(&schema(&[]), None, br#"{"x":1.50,"a":1}"#);
    assert_eq!(row, "{}");
}

#[test]
fn changes_join_the_rows_own_metadata() {
    let mut columns = RowsToColumns::new(&schema(&[("a", DataType::Integer)]), None);
    let texts = [
        (r#"{"a":1}"#, ""),
        (
            r#"{"a":"x"}"#,
            r#"{"changes":[{"field":"b","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"}]}"#,
        ),
        (r#"{"a":1}"#, r#"{"k":1}"#),
        (r#"{"a":"x","a":1}"#, ""),
    ];
    columns.append(&rows(texts)).unwrap();
    let columns = columns.finish().unwrap();
    let metadata = columns.metadata.as_ref().unwrap();
    assert_eq!(metadata.len(), 4);
    assert!(metadata.is_null(0) && metadata.is_null(3));
    assert_eq!(
        metadata.value(1),
        concat!(
            r#"{"changes":[{"field":"b","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"},"#,
            r#"{"field":"a","change":"NULLED","reason":"DESTINATION_TYPECAST_ERROR"}]}"#
        )
    );
    assert_eq!(metadata.value(2), r#"{"k":1}"#);
    let back = columns_to_rows(&columns, None).unwrap();
    assert_eq!(back.metadata(0), None);
    assert_eq!(back.metadata(2), Some(&br#"{"k":1}"#[..]));
    assert_eq!(back.emitted_at(2), 2);
}

#[test]
fn a_broken_row_is_named_and_nothing_is_appended() {
    let fields = schema(&[("a", DataType::Integer), ("b", DataType::String)]);
    let good = r#"{"a":1,"b":"x"}"#;
    for bad in [
        "",
        "null",
        "[]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\":\"",
        "{\"b\":\"x",
        "{\"b\":\"x\\",
        "{\"c\":[1",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1}}",
        "{\"a\":1} {}",
        "{a:1}",
        "{}x",
        "{\"\\",
    ] {
        let mut columns = RowsToColumns::new(&fields, Some("rest"));
        columns.append(&data_rows(&[good])).unwrap();
        let error = columns
            .append(&data_rows(&[good, r#"{"a":"x"}"#, bad, good]))
            .unwrap_err();
        assert_eq!(error.code(), &code::DATA_INVALID, "{bad}");
        assert!(
            error.context().contains(&("row", "2".to_owned())),
            "{bad}: {error:?}"
        );
        assert_eq!(columns.len(), 1, "{bad}");
        columns.append(&data_rows(&[good])).unwrap();
        let columns = columns.finish().unwrap();
        assert_eq!((columns.len(), columns.metadata.is_none()), (2, true));
        let back = columns_to_rows(&columns, None).unwrap();
        assert_eq!(back.after(1), br#"{"a":1,"b":"x","rest":null}"#);
    }
}

#[test]
fn a_delete_without_a_value_is_known_by_its_value_before_or_its_key() {
    let buffer = br#"{"a":1,"b":"x"}{"a":2}"key""#;
    let (before, key, word) = (Span::new(0, 15), Span::new(15, 22), Span::new(22, 27));
    let delete = RowSpans {
        operation: Operation::Delete,
        ..RowSpans::default()
    };
    let mut builder = RowsBuilder::default();
    builder.push(RowSpans {
        before: before.unwrap(),
        key: key.unwrap(),
        ..delete
    });
    builder.push(RowSpans {
        key: key.unwrap(),
        ..delete
    });
    builder.push(RowSpans {
        key: word.unwrap(),
        ..delete
    });
    builder.push(delete);
    builder.push(RowSpans {
        after: key.unwrap(),
        ..RowSpans::default()
    });
    let rows = builder.finish(Bytes::from_static(buffer), None);
    let fields = schema(&[("a", DataType::Integer), ("b", DataType::String)]);
    let mut columns = RowsToColumns::new(&fields, None);
    columns.append(&rows).unwrap();
    let columns = columns.finish().unwrap();
    let delete = Operation::Delete;
    let each = vec![delete, delete, delete, delete, Operation::Create];
    assert_eq!(columns.operations, Operations::Each(each));
    let back = columns_to_rows(&columns, None).unwrap();
    assert_eq!(back.after(0), br#"{"a":1,"b":"x"}"#);
    assert_eq!(back.after(1), br#"{"a":2,"b":null}"#);
    assert_eq!(back.after(2), br#"{"a":null,"b":null}"#);
    assert_eq!(back.after(3), br#"{"a":null,"b":null}"#);
    assert_eq!(
        (back.operation(3), back.operation(4)),
        (delete, Operation::Create)
    );
}

#[test]
fn finishing_starts_anew() {
    let fields = schema(&[("a", DataType::Integer), ("b", DataType::String)]);
    let mut columns = RowsToColumns::new(&fields, Some("rest"));
    assert!(columns.is_empty() && columns.bytes() == 0);
    assert_eq!(columns.finish().unwrap().len(), 0);
    for round in 0..3 {
        let texts = [r#"{"a":"no","b":"x","z":1}"#, r#"{"a":1}"#, r#"{"b":"y"}"#];
        columns.append_range(&data_rows(&texts), 0..1).unwrap();
        columns.append_range(&data_rows(&texts), 1..99).unwrap();
        assert!(columns.len() == 3 && columns.bytes() > 50, "{round}");
        let finished = columns.finish().unwrap();
        assert_eq!(finished.values.schema(), columns.schema());
        assert_eq!((finished.len(), finished.emitted_at.len()), (3, 3));
        assert_eq!(
            finished
                .metadata
                .as_ref()
                .map(|m| (m.len(), m.null_count())),
            Some((3, 2))
        );
        assert!(columns.is_empty() && columns.bytes() == 0);
    }
}
