//! Properties of the conversions over arbitrary values.

use crossdock_core::batch::Columns;
use crossdock_core::convert::{RowsToColumns, columns_to_rows};
use crossdock_core::schema::{DataType, Field, StreamSchema};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::sample::rows;

const TYPES: [DataType; 11] = [
    DataType::String,
    DataType::Binary,
    DataType::Boolean,
    DataType::Integer,
    DataType::Number,
    DataType::Date,
    DataType::TimestampWithTimezone,
    DataType::TimestampWithoutTimezone,
    DataType::TimeWithTimezone,
    DataType::TimeWithoutTimezone,
    DataType::Json,
];

/// Any JSON value of moderate depth.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,3}", inner), 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// The text of a value that fits a column of `data_type`.
fn fitting(data_type: DataType) -> BoxedStrategy<String> {
    let quoted = |pattern: &'static str| pattern.prop_map(|text| format!("\"{text}\""));
    let value = match data_type {
        DataType::String | DataType::TimeWithTimezone => {
            ".{0,50}".prop_map(|text| Value::from(text).to_string()).boxed()
        }
        DataType::Binary => quoted("([A-Za-z0-9+/]{4}){0,9}([A-Za-z0-9+/][AQgw]==)?").boxed(),
        DataType::Boolean => any::<bool>().prop_map(|b| b.to_string()).boxed(),
        DataType::Integer => any::<i64>().prop_map(|i| i.to_string()).boxed(),
        DataType::Number => {
            let finite = any::<f64>().prop_filter("finite", |f| f.is_finite());
            finite.prop_map(|f| Value::from(f).to_string()).boxed()
        }
        DataType::Date => quoted("[1-9]{0,1}[1-9][0-9]{3}-0[1-9]-[12][0-8]( BC)?").boxed(),
        DataType::TimestampWithTimezone => {
            quoted("[1-9][0-9]{3}-1[0-2]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]0[0-9]:?[0-5][0-9])").boxed()
        }
        DataType::TimestampWithoutTimezone => {
            quoted("[0-9]{3}[1-9]-1[0-2]-[012][1-8][T ][01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?( BC)?").boxed()
        }
        DataType::TimeWithoutTimezone => quoted("[01][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?").boxed(),
        DataType::Json => json().prop_map(|value| value.to_string()).boxed(),
    };
    prop_oneof![9 => value, 1 => Just("null".to_owned())].boxed()
}

/// A schema, and objects of which each member is present or not, in any order.
fn table() -> impl Strategy<Value = (StreamSchema, Vec<Vec<(String, String)>>)> {
    let types = vec(
        (proptest::sample::select(&TYPES[..]), "[a-c\"\\\\ü]{0,3}"),
        1..8,
    );
    types.prop_flat_map(|types| {
        let fields: Vec<Field> = types
            .into_iter()
            .enumerate()
            .map(|(i, (data_type, name))| Field::new(format!("{name}{i}"), data_type))
            .collect();
        let members: Vec<_> = fields
            .iter()
            .map(|field| {
                (
                    Just(field.name.clone()),
                    fitting(field.data_type),
                    any::<bool>(),
                )
            })
            .collect();
        let row = members.prop_map(|members| {
            let present = members.into_iter().filter(|(_, _, present)| *present);
            present
                .map(|(name, value, _)| (name, value))
                .collect::<Vec<_>>()
        });
        (
            Just(StreamSchema { fields }),
            vec(row.prop_shuffle(), 0..12),
        )
    })
}

fn object(members: &[(String, String)]) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn convert(schema: &StreamSchema, texts: &[String]) -> Columns {
    let mut columns = RowsToColumns::new(schema, Some("undeclared"));
    columns
        .append(&rows(texts.iter().map(|text| (text.as_str(), ""))))
        .unwrap();
    columns.finish().unwrap()
}

/// Whether a value that was written is the one that was read, but for its form.
fn same(data_type: DataType, read: &str, written: &Value) -> bool {
    let read: Value = serde_json::from_str(read).unwrap();
    match data_type {
        _ if read.is_null() || written.is_null() => read == *written,
        DataType::Number => read.as_f64() == written.as_f64(),
        // Their forms vary; the identity below and the tests by example hold their values.
        DataType::TimestampWithTimezone
        | DataType::TimestampWithoutTimezone
        | DataType::TimeWithoutTimezone => written.is_string(),
        _ => read == *written,
    }
}

proptest! {
    #[test]
    fn columns_to_rows_to_columns_is_the_identity((schema, table) in table()) {
        let texts: Vec<_> = table.iter().map(|row| object(row)).collect();
        let columns = convert(&schema, &texts);
        let mut again = RowsToColumns::new(&schema, Some("undeclared"));
        again.append(&columns_to_rows(&columns, Some("undeclared")).unwrap()).unwrap();
        let again = again.finish().unwrap();
        prop_assert_eq!(&again.values, &columns.values);
        prop_assert_eq!(again.emitted_at, columns.emitted_at);
        prop_assert_eq!(again.operations, columns.operations);
        prop_assert_eq!(again.metadata, columns.metadata);
    }

    #[test]
    fn rows_to_columns_to_rows_keeps_every_value((schema, table) in table()) {
        let texts: Vec<_> = table.iter().map(|row| object(row)).collect();
        let columns = convert(&schema, &texts);
        prop_assert!(columns.metadata.is_none(), "{:?}", columns.metadata);
        let back = columns_to_rows(&columns, Some("undeclared")).unwrap();
        for (index, row) in table.iter().enumerate() {
            let written: Value = serde_json::from_slice(back.after(index)).unwrap();
            prop_assert_eq!(written.as_object().unwrap().len(), schema.fields.len());
            for field in &schema.fields {
                let read = row.iter().find(|(name, _)| *name == field.name);
                let read = read.map_or("null", |(_, value)| value);
                let written = &written[&field.name];
                prop_assert!(same(field.data_type, read, written), "{read} became {written}");
            }
        }
    }

    #[test]
    fn arbitrary_json_in_any_column_gives_valid_rows(
        table in vec(vec((".{0,2}", json()), 0..8), 0..4),
        types in vec(proptest::sample::select(&TYPES[..]), 8),
    ) {
        let names = ["", "a", "b", "c", "é", "0", "\"", "\\"];
        let fields = names.iter().zip(types).map(|(name, data_type)| Field::new(*name, data_type));
        let schema = StreamSchema { fields: fields.collect() };
        let texts: Vec<_> = table.iter().map(|row| {
            object(&row.iter().map(|(name, value)| (name.clone(), value.to_string())).collect::<Vec<_>>())
        }).collect();
        let back = columns_to_rows(&convert(&schema, &texts), Some("undeclared")).unwrap();
        for index in 0..back.len() {
            let row: Result<Value, _> = serde_json::from_slice(back.after(index));
            prop_assert!(row.is_ok_and(|row| row.is_object()));
        }
    }

    /// P11: foreign bytes never panic, and what they become is valid JSON.
    #[test]
    fn arbitrary_bytes_never_panic(
        noise in vec(prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            proptest::sample::select(&[
                "{", "}", "[", "]", ":", ",", "\"", "\\", "\"a\":", "\"b\":", "\"j\":", "\"t\":", "12",
                "-", ".", "e5", "NaN", "null", "tru", "true", "\\u00", "\\ud83d", "2021-01-23T", " ",
                "12:00:00Z", "{\"a\":1,", "\"x\"",
            ][..]).prop_map(|text| text.as_bytes().to_vec()),
        ], 0..40),
        metadata in vec(any::<u8>(), 0..10),
        whole in any::<bool>(),
    ) {
        let mut data = noise.concat();
        if whole {
            data = [b"{\"a\":1,\"j\":".as_slice(), &data, b"}"].concat();
        }
        let fields = TYPES.iter().zip(["a", "b", "c", "i", "n", "d", "t", "u", "v", "w", "j"]);
        let fields = fields.map(|(data_type, name)| Field::new(name, *data_type));
        let schema = StreamSchema { fields: fields.collect() };
        let mut columns = RowsToColumns::new(&schema, Some("undeclared"));
        if columns.append(&rows([(&data, &metadata)])).is_ok() {
            let back = columns_to_rows(&columns.finish().unwrap(), Some("undeclared")).unwrap();
            for text in [Some(back.after(0)), back.metadata(0)].into_iter().flatten() {
                let value: Result<IgnoredAny, _> = serde_json::from_slice(text);
                prop_assert!(value.is_ok(), "{}", String::from_utf8_lossy(text));
                prop_assert!(!text.contains(&b'\n'));
            }
        }
    }
}
