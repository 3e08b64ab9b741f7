//! Structs and lists: what fits stands in the columns, what does not is not lost.

use arrow_array::cast::AsArray;
use crossdock_core::convert::{RowsToColumns, columns_to_rows};
use crossdock_core::schema::StreamSchema;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::sample::data_rows;

/// A row as it is read back, the undeclared members that it left, and the parts that were changed.
fn read(property: &Value, value: &str) -> (String, Option<String>, Vec<String>) {
    let schema = json!({"properties": {"v": property}});
    let schema = StreamSchema::nested_from_json_schema(&schema);
    let mut collected = RowsToColumns::new(&schema, Some("rest"));
    let row = format!(r#"{{"v":{value}}}"#);
    // Rows before and after show that nothing spills over.
    collected.append(&data_rows(&[&row, "{}", &row])).unwrap();
    let columns = collected.finish().unwrap();
    let rest = columns.values.column(1).as_string::<i32>();
    let rest = (!rest.value(0).is_empty()).then(|| rest.value(0).to_owned());
    let metadata = columns.metadata.as_ref().map(|metadata| {
        let metadata: Value = serde_json::from_str(metadata.value(0)).unwrap();
        let changes = metadata["changes"].as_array().unwrap().iter();
        let field = |change: &Value| {
            let (field, what) = (&change["field"], &change["change"]);
            format!("{} {}", field.as_str().unwrap(), what.as_str().unwrap())
        };
        changes.map(field).collect()
    });
    let typed = columns_to_rows(&columns, None).unwrap();
    let typed: Vec<Value> = (0..3)
        .map(|row| serde_json::from_slice(typed.after(row)).unwrap())
        .collect();
    assert_eq!((&typed[0], &typed[1]["v"]), (&typed[2], &Value::Null));
    (
        typed[0]["v"].to_string(),
        rest,
        metadata.unwrap_or_default(),
    )
}

fn address() -> Value {
    json!({"type": ["null", "object"], "properties": {
        "city": {"type": "string"},
        "zip": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": ["null", "boolean"]}},
    }})
}

#[test]
fn what_fits_is_typed() {
    let check = |value: &str, expected: &str| {
        let (typed, rest, changed) = read(&address(), value);
        assert_eq!(typed, expected);
        assert_eq!((rest, changed), (None, vec![]), "{value}");
    };
    check(
        r#"{"city":"Köln","zip":50667,"tags":[true,null,false]}"#,
        r#"{"city":"Köln","zip":50667,"tags":[true,null,false]}"#,
    );
    check(
        "{ \"tags\" : [ true , false ] ,\n\t\"ci\\u0074y\" : \"a\\nb\" }",
        r#"{"city":"a\nb","zip":null,"tags":[true,false]}"#,
    );
    check("{}", r#"{"city":null,"zip":null,"tags":null}"#);
    check(r#"{"tags":[]}"#, r#"{"city":null,"zip":null,"tags":[]}"#);
    check("null", "null");
    // The last of two counts.
    check(
        r#"{"zip":1,"tags":[true],"zip":2,"tags":[]}"#,
        r#"{"city":null,"zip":2,"tags":[]}"#,
    );
}

#[test]
fn what_does_not_fit_is_kept_beside() {
    let check = |value: &str, expected: &str, changes: &[&str], kept: bool| {
        let (typed, rest, changed) = read(&address(), value);
        assert_eq!(typed, expected);
        assert_eq!(changed, changes, "{value}");
        assert_eq!(rest, kept.then(|| format!(r#"{{"v":{value}}}"#)), "{value}");
    };
    let plain = r#"{"city":null,"zip":1,"tags":null}"#;
    check(r#"{"zip":1,"more":{"x":1.50}}"#, plain, &[], true);
    check(
        r#"{"zip":1.5}"#,
        r#"{"city":null,"zip":null,"tags":null}"#,
        &["v.zip NULLED"],
        true,
    );
    check(
        r#"{"zip":1,"tags":["x",true,"y"]}"#,
        r#"{"city":null,"zip":1,"tags":[null,true,null]}"#,
        &["v.tags NULLED"],
        true,
    );
    check(r#"[1]"#, "null", &["v NULLED"], true);
    check(r#""text""#, "null", &["v NULLED"], true);
    check(
        r#"{"zip":NaN}"#,
        r#"{"city":null,"zip":null,"tags":null}"#,
        &["v NULLED"],
        false,
    );
    check("{\"zip\":1,}", "null", &["v NULLED"], false);
}

#[test]
fn the_whole_value_is_read_back() {
    let schema = json!({"properties": {"v": address(), "w": address()}});
    let schema = StreamSchema::nested_from_json_schema(&schema);
    let mut collected = RowsToColumns::new(&schema, Some("rest"));
    let row = r#"{"v":{"zip":1,"more":2},"w":{"zip":3},"x":4}"#;
    collected.append(&data_rows(&[row])).unwrap();
    let back = columns_to_rows(&collected.finish().unwrap(), Some("rest")).unwrap();
    let back: Value = serde_json::from_slice(back.after(0)).unwrap();
    let w = json!({"city": null, "zip": 3, "tags": null});
    assert_eq!(back, json!({"v": {"zip": 1, "more": 2}, "w": w, "x": 4}));
}

#[test]
fn a_refused_row_leaves_no_trace() {
    let schema = json!({"properties": {"v": address()}});
    let schema = StreamSchema::nested_from_json_schema(&schema);
    let mut collected = RowsToColumns::new(&schema, None);
    let good = data_rows(&[r#"{"v":{"tags":[true]}}"#]);
    collected.append(&good).unwrap();
    let bad = data_rows(&[r#"{"v":{"tags":[false,false]}}"#, r#"{"v":{"tags":[true]}"#]);
    collected.append(&bad).unwrap_err();
    collected.append(&good).unwrap();
    let columns = collected.finish().unwrap();
    let tags = columns
        .values
        .column(0)
        .as_struct()
        .column(2)
        .as_list::<i32>();
    assert_eq!(tags.values().len(), 2);
    assert_eq!(columns.values.num_rows(), 2);
}

/// A type, and values that fit it.
fn typed(depth: u32) -> BoxedStrategy<(Value, BoxedStrategy<Value>)> {
    let or_null =
        |values: BoxedStrategy<Value>| prop_oneof![3 => values, 1 => Just(Value::Null)].boxed();
    let leaf = prop_oneof![
        Just((
            json!({"type": "string"}),
            any::<String>().prop_map(Value::from).boxed()
        )),
        Just((
            json!({"type": "integer"}),
            any::<i64>().prop_map(Value::from).boxed()
        )),
        Just((
            json!({"type": "boolean"}),
            any::<bool>().prop_map(Value::from).boxed()
        )),
    ];
    let leaf = leaf.prop_map(move |(schema, values)| (schema, or_null(values)));
    if depth == 0 {
        return leaf.boxed();
    }
    let list = typed(depth - 1).prop_map(move |(items, values)| {
        let lists = prop::collection::vec(values, 0..4)
            .prop_map(Value::from)
            .boxed();
        (
            json!({"type": ["null", "array"], "items": items}),
            or_null(lists),
        )
    });
    let members = prop::collection::btree_map("[a-c\"é]{1,2}", typed(depth - 1), 1..4);
    let object = members.prop_map(move |members| {
        let schemas = members
            .iter()
            .map(|(name, (schema, _))| (name.clone(), schema.clone()));
        let schema = json!({"type": "object", "properties": schemas.collect::<Map<_, _>>()});
        let values: Vec<_> = members
            .into_iter()
            .map(|(name, (_, values))| values.prop_map(move |value| (name.clone(), value)))
            .collect();
        let objects = values.prop_map(|members| Value::Object(members.into_iter().collect()));
        (schema, or_null(objects.boxed()))
    });
    prop_oneof![1 => leaf, 2 => list, 2 => object].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_fits_is_read_back_as_it_was(
        (schema, values) in typed(3).prop_flat_map(|(schema, values)| {
            (Just(schema), prop::collection::vec(values, 1..6))
        })
    ) {
        let schema = json!({"properties": {"v": schema}});
        let schema = StreamSchema::nested_from_json_schema(&schema);
        let mut collected = RowsToColumns::new(&schema, Some("rest"));
        let rows: Vec<_> = values.iter().map(|value| json!({"v": value}).to_string()).collect();
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        collected.append(&data_rows(&rows)).unwrap();
        let columns = collected.finish().unwrap();
        prop_assert!(columns.metadata.is_none());
        let back = columns_to_rows(&columns, Some("rest")).unwrap();
        for (row, value) in values.iter().enumerate() {
            let back: Value = serde_json::from_slice(back.after(row)).unwrap();
            prop_assert_eq!(&back["v"], value);
        }
    }
}
