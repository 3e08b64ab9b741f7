//! `write`: records of every kind are taken.

use serde_json::{Value, json};

use super::delivery::{Delivery, STREAM, configured, record, state, status};
use super::subject::Subject;
use crate::Outcome;
use crate::rule::checks;

checks! { Subject;
    "payload/nulls" Must "Data types reference" "a record whose values are null, or not there, is taken"
    "every field may be null" nulls;
    "payload/empty" Should "AirbyteRecordMessage, data" "a record without any field is taken"
    "store a row of nulls" empty;
    "payload/undeclared-field" Must "AirbyteStream, json_schema" "a field that the schema does not declare does not fail the write"
    "schemas of sources are often behind; leave it out, or keep it in a column for the rest" undeclared_field;
    "payload/wrong-type" Should "Data types reference, changes" "a value of another type than declared does not fail the write"
    "store null, and note it in `meta.changes`" wrong_type;
    "payload/integers" Must "Data types reference, integer" "integers of 64 bits, and beyond, are taken"
    "-2^63, 2^63-1, 2^53+1, 2^64" integers;
    "payload/numbers" Must "Data types reference, number" "numbers at the edges are taken"
    "1e308, 5e-324, -0.0, a decimal with 30 digits" numbers;
    "payload/times" Must "Data types reference, date-time" "times at the edges are taken"
    "year 1 and 9999, offsets, fractions of nine digits, a leap day" times;
    "payload/unicode" Must "Data types reference, string" "texts of any script, empty ones and control characters are taken"
    "JSON escapes, characters outside the basic plane, U+0000" unicode;
    "payload/odd-names" Must "Destinations, naming" "fields and streams with odd names are taken"
    "quote names, or change them as your documentation says" odd_names;
    "payload/many-fields" Must "AirbyteStream, json_schema" "a stream of 500 fields is taken"
    "wide tables are common in business software" many_fields;
    "payload/nested" Must "Data types reference, object" "deeply nested values are taken"
    "objects in arrays in objects, 60 levels" nested;
    "payload/huge" Must "AirbyteRecordMessage" "a record of five megabytes is taken"
    "no fixed limit on a line of stdin" huge;
    "payload/many" Must "Airbyte Protocol, write" "ten thousand records between two states are taken"
    "bound what is held in memory by bytes, and flush" many;
    "payload/meta-changes" Must "AirbyteRecordMessageMeta, changes" "a record with changes in its `meta` is taken"
    "add your own behind them" meta_changes;
    "payload/unknown-properties" Must "Airbyte Protocol, backward compatibility" "properties of a message that are not known do no harm"
    "ignore them" unknown_properties;
    "payload/null-namespace" Should "AirbyteRecordMessage, namespace" "a namespace of null is none"
    "some sources and tools write it" null_namespace;
    "payload/any-schema" Should "AirbyteStream, json_schema" "a stream whose fields have no type is taken"
    "`{}` is any type; store JSON" any_schema;
}

/// Records with this data are taken, with others around them.
async fn takes(it: &Subject, rows: &[Value]) -> Outcome {
    let mut delivery = Delivery::new().records(0..1);
    for row in rows {
        delivery = delivery.record(row);
    }
    delivery
        .records(98..99)
        .state(1)
        .complete()
        .taken(it)
        .await
        .map(drop)
}

async fn nulls(it: &Subject) -> Outcome {
    let null = json!({"id": 1, "name": null, "amount": null, "flag": null, "at": null, "day": null,
        "tags": null, "nested": null});
    takes(it, &[null, json!({"id": 2})]).await
}

async fn empty(it: &Subject) -> Outcome {
    takes(it, &[json!({})]).await
}

async fn undeclared_field(it: &Subject) -> Outcome {
    takes(it, &[json!({"id": 1, "nobody_declared": {"this": [1]}})]).await
}

async fn wrong_type(it: &Subject) -> Outcome {
    takes(
        it,
        &[json!({"id": 1, "amount": "much", "flag": "yes", "at": "soon", "tags": "none"})],
    )
    .await
}

async fn integers(it: &Subject) -> Outcome {
    let two_to_64: Value = serde_json::from_str("18446744073709551616").unwrap_or_default();
    let values = [
        json!(i64::MIN),
        json!(i64::MAX),
        json!(9_007_199_254_740_993_i64),
        two_to_64,
    ];
    let rows: Vec<Value> = values
        .iter()
        .map(|value| json!({"id": 1, "amount": value}))
        .collect();
    takes(it, &rows).await
}

async fn numbers(it: &Subject) -> Outcome {
    let mut delivery = Delivery::new();
    // As texts, since no number of ours holds them all.
    for number in [
        "1e308",
        "5e-324",
        "-0.0",
        "0.123456789012345678901234567890",
        "1E+2",
        "-1.5",
    ] {
        let line = record(STREAM, &json!({"id": 1, "amount": "@"})).to_string();
        delivery = delivery.line(&line.replace("\"@\"", number));
    }
    delivery.state(1).complete().taken(it).await.map(drop)
}

async fn times(it: &Subject) -> Outcome {
    let times = [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2024-02-29T12:00:00+05:45",
        "1969-12-31T23:59:59.123456789Z",
        "2026-11-28T00:00:00",
    ];
    let rows: Vec<Value> = times
        .iter()
        .map(|at| json!({"id": 1, "at": at, "day": at[..10]}))
        .collect();
    takes(it, &rows).await
}

async fn unicode(it: &Subject) -> Outcome {
    let texts = [
        "",
        "größer als 数 ☂",
        "\u{1F600}\u{10FFFF}",
        "tab\tline\nquote\"\\",
        "zero\u{0}",
        "\u{202E}left",
    ];
    let rows: Vec<Value> = texts
        .iter()
        .map(|text| json!({"id": 1, "name": text}))
        .collect();
    takes(it, &rows).await
}

async fn odd_names(it: &Subject) -> Outcome {
    let name = "Crossdock größe 数/with.dots and spaces";
    let mut stream = configured(name);
    let fields = [
        "größe",
        "a.b",
        "with space",
        "$price",
        "SELECT",
        "quote\"d",
        "1st",
        "semi;colon",
    ];
    let mut row = json!({"id": 1});
    for field in fields {
        stream["stream"]["json_schema"]["properties"][field] = json!({"type": ["null", "string"]});
        row[field] = json!("x");
    }
    let delivery = Delivery::of(vec![stream]).message(&record(name, &row));
    let delivery = delivery
        .message(&state(name, 1))
        .message(&status(name, "COMPLETE"));
    delivery.taken(it).await.map(drop)
}

async fn many_fields(it: &Subject) -> Outcome {
    let mut stream = configured(STREAM);
    let mut row = json!({"id": 1});
    for number in 0..500 {
        let name = format!("field_{number}");
        stream["stream"]["json_schema"]["properties"][&name] = json!({"type": ["null", "string"]});
        row[&name] = json!(number.to_string());
    }
    let delivery = Delivery::of(vec![stream]).record(&row).state(1).complete();
    delivery.taken(it).await.map(drop)
}

async fn nested(it: &Subject) -> Outcome {
    let mut deep = json!("at the bottom");
    for level in 0..60 {
        deep = if level % 2 == 0 {
            json!([deep])
        } else {
            json!({"deep": deep})
        };
    }
    takes(
        it,
        &[json!({"id": 1, "nested": {"deep": "x", "deeper": deep}, "tags": ["a", "b"]})],
    )
    .await
}

async fn huge(it: &Subject) -> Outcome {
    takes(it, &[json!({"id": 1, "name": "x".repeat(5_000_000)})]).await
}

async fn many(it: &Subject) -> Outcome {
    let delivery = Delivery::new().records(0..10_000).state(1).complete();
    delivery.taken(it).await.map(drop)
}

async fn meta_changes(it: &Subject) -> Outcome {
    let mut row = record(STREAM, &json!({"id": 1, "name": null}));
    row["record"]["meta"] = json!({"changes": [
        {"field": "name", "change": "NULLED", "reason": "SOURCE_FIELD_SIZE_LIMITATION"}]});
    Delivery::new()
        .message(&row)
        .state(1)
        .complete()
        .taken(it)
        .await
        .map(drop)
}

async fn unknown_properties(it: &Subject) -> Outcome {
    let mut row = record(STREAM, &json!({"id": 1}));
    row["record"]["__new"] = json!({"a": [1]});
    row["__new"] = json!(1);
    Delivery::new()
        .message(&row)
        .state(1)
        .complete()
        .taken(it)
        .await
        .map(drop)
}

async fn null_namespace(it: &Subject) -> Outcome {
    let mut row = record(STREAM, &json!({"id": 1}));
    row["record"]["namespace"] = Value::Null;
    Delivery::new()
        .message(&row)
        .state(1)
        .complete()
        .taken(it)
        .await
        .map(drop)
}

async fn any_schema(it: &Subject) -> Outcome {
    let mut stream = configured(STREAM);
    stream["stream"]["json_schema"] =
        json!({"type": "object", "properties": {"id": {}, "name": {}}});
    let rows = Delivery::of(vec![stream]).record(&json!({"id": 1, "name": [1, {"a": null}]}));
    rows.record(&json!({"id": "one", "name": true}))
        .state(1)
        .complete()
        .taken(it)
        .await
        .map(drop)
}
