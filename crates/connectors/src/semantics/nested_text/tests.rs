use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_schema::{Field as ArrowField, Schema};
use crossdock_core::batch::{Operation, Operations};
use crossdock_core::convert::arrow_schema;
use fastrand::Rng;
use serde_json::json;

use super::*;

const ADDITIONAL: &str = "_more";

fn declared() -> StreamSchema {
    StreamSchema::nested_from_json_schema(&json!({"properties": {
        "id": {"type": "integer"},
        "place": {"type": "object", "properties": {
            "city": {"type": "string"}, "zip": {"type": "integer"}, "rest": {"type": "object"}}},
        "name": {"type": "string"},
        "price": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "yes": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "free": {"type": "object"},
        "time": {"type": "string", "airbyte_type": "time_without_timezone", "format": "time"},
        "zoned": {"type": "string", "airbyte_type": "time_with_timezone", "format": "time"},
        "at": {"type": "string", "format": "date-time"},
        "local": {"type": "string", "format": "date-time",
            "airbyte_type": "timestamp_without_timezone"},
        "bytes": {"type": "string", "contentEncoding": "base64"},
        "list": {"type": "array", "items": {"type": "object", "properties": {
            "n": {"type": "number"}, "m": {"type": "array", "items": {"type": "integer"}}}}},
    }}))
}

/// What a nested column, or one of JSON text, may hold.
const TEXTS: [&str; 16] = [
    r#"{"city":"a","zip":1}"#,
    r#"{"zip":"x","city":7,"new":[1, 2]}"#,
    r#"{"city":"ü\n","rest":{"a":{"b":1.50}},"zip":9223372036854775808}"#,
    r#"["a","b",null]"#,
    r#"["a",1,{"b":true}]"#,
    r#"[{"n":1.5,"m":[1,2]},{"n":"x","m":[1.5]},{}]"#,
    r#"[{"n":12345678901234567890.123}]"#,
    "[]",
    "{}",
    "null",
    " {\"city\" :\n\"b\"} ",
    "{\"city\":",
    "not json",
    "",
    "17",
    r#""text""#,
];

/// What any text column may hold.
const PLAIN: [&str; 9] = [
    "",
    "plain",
    "quo\"te\\ \n \u{1} \u{7f} ☕",
    "null",
    "12:30:00+02:00",
    "12:30:00Z",
    "2024-02-30",
    "1e400",
    "aGk=",
];

/// Of each value one in six is null, in some columns.
fn cells<T>(random: &mut Rng, rows: usize, mut cell: impl FnMut(&mut Rng) -> T) -> Vec<Option<T>> {
    let nulls = random.u8(0..3) * 2;
    let mut one = |_| (random.u8(0..12) >= nulls).then(|| cell(random));
    (0..rows).map(&mut one).collect()
}

fn texts(random: &mut Rng, rows: usize, of: &[&'static str]) -> ArrayRef {
    let cell = |random: &mut Rng| of[random.usize(..of.len())];
    Arc::new(StringArray::from(cells(random, rows, cell)))
}

/// A whole number, seldom one of the extremes.
fn number(random: &mut Rng, usual: std::ops::Range<i64>, strange: &[i64]) -> i64 {
    match random.u8(0..40) {
        0 => strange[random.usize(..strange.len())],
        _ => random.i64(usual),
    }
}

/// A column of the type of `field`, or seldom of another one.
fn array(random: &mut Rng, rows: usize, field: &ArrowField, data_type: DataType) -> ArrayRef {
    if random.u8(0..12) == 0 {
        return match random.u8(0..3) {
            0 => texts(random, rows, &PLAIN),
            1 => Arc::new(Int32Array::from(cells(random, rows, |r| r.i32(..)))),
            _ => Arc::new(Float64Array::from(cells(random, rows, Rng::f64))),
        };
    }
    if field.data_type().is_nested() || data_type == DataType::Json {
        return texts(random, rows, &TEXTS);
    }
    let long = [
        i64::MIN,
        i64::MAX,
        -1,
        DAY,
        DAY - 1,
        -62_135_596_800_000_001,
    ];
    match data_type {
        DataType::Integer => Arc::new(Int64Array::from(cells(random, rows, |r| {
            number(r, -9..9_999_999, &long)
        }))),
        DataType::Number => Arc::new(Float64Array::from(cells(random, rows, |r| {
            let strange = [f64::NAN, f64::INFINITY, -0.0, 5e-324, f64::MAX, 0.1 + 0.2];
            match r.u8(0..40) {
                0 => strange[r.usize(..strange.len())],
                1..20 => f64::from(r.i32(..)) / 1000.0,
                _ => f64::from_bits(r.u64(..1 << 62)),
            }
        }))),
        DataType::Boolean => Arc::new(BooleanArray::from(cells(random, rows, Rng::bool))),
        DataType::Date => Arc::new(Date32Array::from(cells(random, rows, |r| {
            let edges = [
                -719_162,
                -719_163,
                2_932_896,
                2_932_897,
                i64::from(i32::MIN),
            ];
            number(r, -719_162..2_932_896, &edges) as i32
        }))),
        DataType::TimeWithoutTimezone => {
            let values = cells(random, rows, |r| number(r, 0..DAY, &long));
            Arc::new(Time64MicrosecondArray::from(values))
        }
        DataType::TimestampWithTimezone | DataType::TimestampWithoutTimezone => {
            let usual = DAYS.start() * DAY..DAYS.end() * DAY;
            let values = cells(random, rows, |r| number(r, usual.clone(), &long));
            let array = TimestampMicrosecondArray::from(values);
            Arc::new(match data_type {
                DataType::TimestampWithTimezone => array.with_timezone("UTC"),
                _ => array,
            })
        }
        DataType::Binary => {
            let values = cells(random, rows, |r| vec![r.u8(..); r.usize(..4)]);
            let values: Vec<_> = values.iter().map(Option::as_deref).collect();
            Arc::new(BinaryArray::from(values))
        }
        _ => texts(random, rows, &PLAIN),
    }
}

/// A batch of such columns, some missing, in any order, and now and then with what makes it difficult.
fn batch(random: &mut Rng) -> Columns {
    let (declared, rows) = (declared(), random.usize(0..12));
    let own = arrow_schema(&declared, None);
    let mut columns: Vec<(ArrowField, ArrayRef)> = Vec::new();
    for (ours, field) in own.fields().iter().zip(&declared.fields) {
        if random.u8(0..10) == 0 {
            continue;
        }
        let array = array(random, rows, ours, field.data_type);
        let theirs = ArrowField::new(ours.name(), array.data_type().clone(), true);
        let is_json = (field.data_type == DataType::Json) != (random.u8(0..20) == 0);
        let theirs = match is_json && *array.data_type() == Arrow::Utf8 {
            true => theirs.with_metadata([("ARROW:extension:name", JSON_EXTENSION)]),
            false => theirs,
        };
        columns.push((theirs, array));
    }
    let mut add = |random: &mut Rng, name: &str, of: &[&'static str]| {
        let array = texts(random, rows, of);
        columns.push((ArrowField::new(name, Arrow::Utf8, true), array));
    };
    match random.u8(0..20) {
        0 => add(random, "stranger", &PLAIN),
        1 => add(random, "name", &PLAIN),
        2 => add(
            random,
            ADDITIONAL,
            &[r#"{"id":"too long","x":[1]}"#, "{}", "no"],
        ),
        _ => {}
    }
    if random.u8(0..20) == 0 {
        let nothing = Arc::new(StringArray::new_null(rows));
        columns.push((ArrowField::new(ADDITIONAL, Arrow::Utf8, true), nothing));
    }
    random.shuffle(&mut columns);
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = Arc::new(Schema::new(fields));
    let operation = |random: &mut Rng| match random.bool() {
        true => Operation::Create,
        false => Operation::Delete,
    };
    let metadata = cells(random, rows, |_| r#"{"changes":[{"field":"q"}],"x":1}"#);
    Columns {
        values: RecordBatch::try_new_with_options(schema, arrays, &options).unwrap(),
        operations: match random.bool() {
            true => Operations::Uniform(Operation::Delete),
            false => Operations::Each((0..rows).map(|_| operation(random)).collect()),
        },
        emitted_at: (0..rows).map(|_| random.i64(0..99)).collect(),
        metadata: random.bool().then(|| StringArray::from(metadata)),
    }
}

#[test]
fn all_is_as_if_it_had_gone_through_rows() {
    let declared = declared();
    let own = arrow_schema(&declared, Some(ADDITIONAL));
    let mut nested = NestedText::new(&declared, &own, ADDITIONAL);
    let mut whole = RowsToColumns::new(&declared, Some(ADDITIONAL));
    let mut taken = 0;
    for seed in 0..2_000 {
        let columns = batch(&mut Rng::with_seed(seed));
        let found = nested.read(&columns).unwrap();
        let rows = columns_to_rows(&columns, Some(ADDITIONAL)).unwrap();
        whole.append(&rows).unwrap();
        let expected = whole.finish().unwrap();
        assert_eq!(found.values, expected.values, "seed {seed}: {columns:?}");
        assert_eq!(found.metadata, expected.metadata, "seed {seed}");
        assert_eq!(found.operations, expected.operations, "seed {seed}");
        assert_eq!(found.emitted_at, expected.emitted_at, "seed {seed}");
        let origins = nested.origins(&columns.values);
        let is_taken = |origin: &&Origin| matches!(origin, Origin::Taken(_));
        taken += origins.iter().filter(is_taken).count();
    }
    // About half of the columns are flat and as they should be.
    assert!(taken > 2_000 * declared.fields.len() / 3, "{taken}");
}

#[test]
fn text_of_structs_and_lists_is_noticed() {
    let declared = declared();
    let own = arrow_schema(&declared, Some(ADDITIONAL));
    let nested = NestedText::new(&declared, &own, ADDITIONAL);
    let check = |name: &str, array: ArrayRef, expected: bool| {
        let columns = Columns {
            values: RecordBatch::try_from_iter([(name, array)]).unwrap(),
            operations: Operations::default(),
            emitted_at: vec![0],
            metadata: None,
        };
        assert_eq!(nested.is_in(&columns), expected, "{name}");
    };
    let text = || Arc::new(StringArray::from(vec!["[]"]));
    check("tags", text(), true);
    check("place", text(), true);
    check("name", text(), false);
    check("free", text(), false);
    check("tags", Arc::new(Int64Array::from(vec![1])), false);
}
