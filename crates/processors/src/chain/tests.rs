use crossdock_core::batch::{Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::raw::RawParts;

use super::*;

mod airbyte;
mod avro;
mod dataflow;

/// A row: operation, metadata, key, before, after.
type Row<'a> = (Operation, &'a str, &'a str, &'a str, &'a str);

/// A processor: which, its condition, its settings.
type Step<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn batch(rows: &[Row<'_>]) -> Batch {
    let mut buffer = Vec::new();
    let mut builder = RowsBuilder::default();
    for (operation, metadata, key, before, after) in rows {
        let mut add = |text: &str| {
            let start = buffer.len();
            buffer.extend_from_slice(text.as_bytes());
            Span::new(start, buffer.len()).unwrap()
        };
        let (after, before, key, metadata) = (add(after), add(before), add(key), add(metadata));
        builder.push(RowSpans {
            after,
            before,
            key,
            metadata,
            operation: *operation,
            line: after,
            emitted_at: 5,
        });
    }
    Batch {
        stream: StreamId::new("users"),
        body: Body::Rows(builder.finish(buffer.into(), Some("test"))),
    }
}

fn chain(steps: &[Step<'_>]) -> Chain {
    let wanted: Vec<_> = steps
        .iter()
        .map(|(plugin, condition, settings)| Wanted {
            id: "p".into(),
            plugin: (*plugin).into(),
            condition: (*condition).into(),
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            ..Wanted::default()
        })
        .collect();
    Chain::new(&wanted).unwrap()
}

/// What needs no waiting.
fn now<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let mut runtime = runtime;
    runtime.build().unwrap().block_on(what)
}

/// Each record as `stream operation metadata key before after`.
fn shown(processed: &Processed) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut lines = Vec::new();
    for batch in &processed.batches {
        let Body::Rows(rows) = &batch.body else {
            panic!("columns")
        };
        for at in 0..rows.len() {
            let part = |part: Option<&[u8]>| part.map_or("-".to_owned(), text);
            lines.push(format!(
                "{} {:?} {} {} {} {}",
                batch.stream,
                rows.operation(at),
                part(rows.metadata(at)),
                part(rows.key(at)),
                part(rows.before(at)),
                text(rows.after(at)),
            ));
        }
    }
    lines
}

fn check(steps: &[Step<'_>], after: &str, expected: &str) {
    let row = (
        Operation::Create,
        r#"{"opencdc.version":"v1"}"#,
        r#"{"id":1}"#,
        "",
        after,
    );
    let processed = now(chain(steps).process(batch(&[row]))).unwrap();
    assert!(processed.failed.is_empty(), "{:?}", processed.failed);
    let expected = format!(r#"users Create {expected}"#);
    assert_eq!(shown(&processed), [expected], "{steps:?}");
}

const META: &str = r#"{"opencdc.version":"v1"}"#;

#[test]
fn processors_by_cases() {
    let same = |after: &str| format!(r#"{META} {{"id":1}} - {after}"#);
    let set = |field: &'static str, value: &'static str, after: &str, expected: &str| {
        check(
            &[("field.set", "", &[("field", field), ("value", value)])],
            after,
            expected,
        );
    };
    set(
        ".Payload.After.b",
        "{{ .Payload.After.a }}!",
        r#"{"a":1}"#,
        &same(r#"{"a":1,"b":"1!"}"#),
    );
    set(
        ".Payload.After.b.c",
        "x",
        r#"{"a":1}"#,
        &same(r#"{"a":1,"b":{"c":"x"}}"#),
    );
    set(
        ".Key",
        "k",
        "{}",
        r#"{"opencdc.version":"v1","crossdock.raw":"key"} {"raw":"k"} - {}"#,
    );
    set(
        ".Metadata.m",
        "x",
        "{}",
        r#"{"opencdc.version":"v1","m":"x"} {"id":1} - {}"#,
    );
    let one = |plugin: &'static str,
               name: &'static str,
               value: &'static str,
               after: &str,
               expected: &str| {
        check(&[(plugin, "", &[(name, value)])], after, expected);
    };
    one(
        "field.rename",
        "mapping",
        ".Payload.After.a:b, .Key.id:key",
        r#"{"a":1,"c":2}"#,
        &format!(r#"{META} {{"key":1}} - {{"b":1,"c":2}}"#),
    );
    one(
        "field.exclude",
        "fields",
        ".Payload.After.a, .Key",
        r#"{"a":1,"c":9007199254740993}"#,
        &format!(r#"{META} - - {{"c":9007199254740993}}"#),
    );
    one(
        "json.decode",
        "field",
        ".Payload.After.a",
        r#"{"a":"[1,{\"b\":1.50}]"}"#,
        &same(r#"{"a":[1,{"b":1.50}]}"#),
    );
    one(
        "json.encode",
        "field",
        ".Payload.After.a",
        r#"{"a":[1,"x"]}"#,
        &same(r#"{"a":"[1,\"x\"]"}"#),
    );
    one(
        "base64.encode",
        "field",
        ".Payload.After.a",
        r#"{"a":"hi"}"#,
        &same(r#"{"a":"aGk="}"#),
    );
    one(
        "base64.decode",
        "field",
        ".Payload.After.a",
        r#"{"a":"aGk="}"#,
        &same(r#"{"a":"hi"}"#),
    );
    let convert = |to: &'static str, value: &str, expected: &str| {
        check(
            &[(
                "builtin:field.convert@v0.1.0",
                "",
                &[("field", ".Payload.After.a"), ("type", to)],
            )],
            &format!(r#"{{"a":{value}}}"#),
            &same(&format!(r#"{{"a":{expected}}}"#)),
        );
    };
    convert("string", "12.50", r#""12.50""#);
    convert("int", r#""-12""#, "-12");
    convert("int", "true", "1");
    convert("int", "5.0", "5");
    convert("float", r#""1.5""#, "1.5");
    convert("bool", r#""true""#, "true");
    convert("bool", "0", "false");
    convert("time", "0", r#""1970-01-01T00:00:00Z""#);
    convert(
        "time",
        r#""2024-01-02T03:04:05+01:00""#,
        r#""2024-01-02T02:04:05Z""#,
    );
}

#[test]
fn raw_data_are_bytes() {
    let metadata = r#"{"opencdc.version":"v1","crossdock.raw":"key,after"}"#;
    let row = (
        Operation::Create,
        metadata,
        r#"{"raw":"k"}"#,
        "",
        r#"{"raw":"{\"a\":1}"}"#,
    );
    let steps: [Step<'_>; 2] = [
        ("json.decode", "", &[("field", ".Payload.After")]),
        (
            "field.set",
            "",
            &[
                ("field", ".Payload.After.k"),
                ("value", "{{ printf \"%s\" .Key }}"),
            ],
        ),
    ];
    let processed = now(chain(&steps).process(batch(&[row]))).unwrap();
    let expected = r#"users Create {"opencdc.version":"v1","crossdock.raw":"key"} {"raw":"k"} - {"a":1,"k":"k"}"#;
    assert_eq!(shown(&processed), [expected]);
    let row = (Operation::Create, META, "", "", r#"{"a":1}"#);
    let steps: [Step<'_>; 1] = [("json.encode", "", &[("field", ".Payload.After")])];
    let processed = now(chain(&steps).process(batch(&[row]))).unwrap();
    let Body::Rows(rows) = &processed.batches[0].body else {
        panic!("columns")
    };
    assert!(RawParts::of_metadata(rows.metadata(0).unwrap()).after);
    assert_eq!(rows.after(0), br#"{"raw":"{\"a\":1}"}"#);
}

#[test]
fn what_nobody_changed_keeps_its_lines() {
    let rows = [
        (Operation::Create, META, "", "", r#"{"a":1}"#),
        (Operation::Create, META, "", "", r#"{"a":2}"#),
        (Operation::Delete, META, "", "", ""),
    ];
    let condition = "{{ and (eq .Operation.String \"create\") (eq .Payload.After.a 1) }}";
    let mut filter = chain(&[("filter", condition, &[])]);
    let processed = now(filter.process(batch(&rows))).unwrap();
    assert_eq!(processed.filtered, 1);
    let Body::Rows(rows) = &processed.batches[0].body else {
        panic!("columns")
    };
    assert_eq!((rows.len(), rows.form()), (2, Some("test")));
    assert_eq!(rows.after(0), br#"{"a":2}"#);
}

#[test]
fn records_are_split_and_copied_in_order() {
    let row = (
        Operation::Update,
        META,
        "",
        r#"{"a":0}"#,
        r#"{"a":[1,2],"b":3}"#,
    );
    let steps: [Step<'_>; 2] = [
        ("split", "", &[("field", ".Payload.After.a")]),
        ("clone", "{{ eq .Payload.After.a 2 }}", &[("count", "1")]),
    ];
    let processed = now(chain(&steps).process(batch(&[row]))).unwrap();
    let expected = [
        r#"users Update {"opencdc.version":"v1","split.index":"0"} - {"a":0} {"a":1,"b":3}"#,
        r#"users Update {"opencdc.version":"v1","split.index":"1","clone.index":"0"} - {"a":0} {"a":2,"b":3}"#,
        r#"users Update {"opencdc.version":"v1","split.index":"1","clone.index":"1"} - {"a":0} {"a":2,"b":3}"#,
    ];
    assert_eq!(shown(&processed), expected);
}

#[test]
fn wrapped_records_come_out() {
    let debezium = r#"{"payload":{"before":{"id":1},"after":{"id":2},"op":"u","ts_ms":5,"source":{"table":"t","n":1},"transaction":{"id":"x"}}}"#;
    let expected = r#"users Update {"opencdc.version":"v1","opencdc.readAt":"5000000","debezium.transaction.id":"x","table":"t","n":"1"} {"id":2} {"id":1} {"id":2}"#;
    let row = (
        Operation::Create,
        META,
        r#"{"payload":{"id":2}}"#,
        "",
        debezium,
    );
    let processed = now(chain(&[("unwrap.debezium", "", &[])]).process(batch(&[row]))).unwrap();
    assert_eq!(shown(&processed), [expected]);
    let row = (
        Operation::Update,
        META,
        "",
        r#"{"x":1}"#,
        r#"{"payload":{"id":2},"schema":{}}"#,
    );
    let processed = now(chain(&[("unwrap.kafkaconnect", "", &[])]).process(batch(&[row]))).unwrap();
    assert_eq!(
        shown(&processed),
        [format!(r#"users Create {META} - - {{"id":2}}"#)]
    );
    let inner = r#"{"position":"eA==","operation":"delete","metadata":{"opencdc.collection":"other"},"key":"aGk=","payload":{"before":{"a":1},"after":null}}"#;
    let row = (Operation::Create, META, "", "", inner);
    let processed = now(chain(&[("unwrap.opencdc", "", &[])]).process(batch(&[row]))).unwrap();
    let expected = r#"other Delete {"opencdc.collection":"other","crossdock.raw":"key"} {"raw":"hi"} {"a":1} "#;
    assert_eq!(shown(&processed), [expected]);
}

#[test]
fn a_record_that_fails_is_given_back_as_it_came() {
    let rows = [
        (Operation::Create, META, "", "", r#"{"a":"1"}"#),
        (Operation::Create, META, "", "", r#"{"a":"x"}"#),
        (Operation::Create, META, "", "", r#"{"a":"3"}"#),
    ];
    let steps: [Step<'_>; 2] = [
        ("field.set", "", &[("field", ".Metadata.m"), ("value", "x")]),
        (
            "field.convert",
            "",
            &[("field", ".Payload.After.a"), ("type", "int")],
        ),
    ];
    let processed = now(chain(&steps).process(batch(&rows))).unwrap();
    assert_eq!(shown(&processed).len(), 2);
    let failed = &processed.failed[0];
    assert_eq!((failed.at, failed.processor.as_str()), (1, "p"));
    assert_eq!(failed.reason, "`x` is no whole number of 64 bits");
    let shown = |batch: &Batch| {
        let Body::Rows(rows) = &batch.body else {
            panic!("columns")
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(rows.after(0)), text(rows.metadata(0).unwrap()))
    };
    let marked = r#"{"opencdc.version":"v1","m":"x"}"#;
    assert_eq!(shown(&failed.batch), (r#"{"a":"x"}"#.into(), META.into()));
    assert_eq!(shown(&failed.seen), (r#"{"a":"x"}"#.into(), marked.into()));
    let error: [Step<'_>; 1] = [("error", "", &[("message", "no {{ .Operation }}")])];
    let row = (Operation::Delete, META, "", "", "");
    let processed = now(chain(&error).process(batch(&[row]))).unwrap();
    assert_eq!(processed.failed[0].reason, "no delete");
}

#[test]
fn columns_follow_what_can_be_told() {
    let schema = serde_json::json!({"type": "object", "properties": {
        "id": {"type": ["null", "integer"]}, "name": {"type": ["null", "string"]}, "gone": {"type": "string"}}});
    let mut stream = Stream::new("users", schema);
    stream.source_defined_primary_key = Some(vec![vec!["id".into()]]);
    let steps: [Step<'_>; 4] = [
        ("field.rename", "", &[("mapping", ".Payload.After.id:key")]),
        ("field.exclude", "", &[("fields", ".Payload.After.gone")]),
        (
            "field.convert",
            "{{ true }}",
            &[("field", ".Payload.After.name"), ("type", "int")],
        ),
        (
            "field.set",
            "",
            &[("field", ".Payload.After.new"), ("value", "x")],
        ),
    ];
    let chain = chain(&steps);
    assert!(!chain.describe(&mut stream) && chain.changes_columns());
    let expected = serde_json::json!({
        "name": {"type": ["null", "object", "array"]},
        "key": {"type": ["null", "integer"]},
        "new": {"type": ["null", "string"]},
    });
    assert_eq!(stream.json_schema["properties"], expected);
    assert_eq!(
        stream.source_defined_primary_key,
        Some(vec![vec!["key".into()]])
    );
}

#[test]
fn wrong_processors_are_explained() {
    let check = |plugin: &str, condition: &str, settings: &[(&str, &str)], expected: &str| {
        let wanted = Wanted {
            id: "p".into(),
            plugin: plugin.into(),
            condition: condition.into(),
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            ..Wanted::default()
        };
        let error = Chain::new(&[wanted]).err().unwrap();
        assert_eq!(error.message(), expected);
    };
    check(
        "field.sett",
        "",
        &[],
        "there is no processor `field.sett`; did you mean `field.set`?",
    );
    check(
        "openai.embed",
        "",
        &[],
        "the processor `openai.embed` is not part of Crossdock: it needs a service outside",
    );
    check(
        "standalone:x",
        "",
        &[],
        "`standalone:x`: processors in WebAssembly are not run here",
    );
    check("field.set", "", &[], "the setting `field` is missing");
    check(
        "field.set",
        "",
        &[("field", ".Nope"), ("value", "x")],
        "the setting `field`: `.Nope` is no reference: a record has `.Key`, `.Payload`, `.Metadata` and `.Operation`, but no `.Nope`",
    );
    check(
        "filter",
        "{{ foo",
        &[],
        "the condition: an action is not closed by `}}`",
    );
    check(
        "filter",
        "",
        &[("x", "y")],
        "the setting `x` is not known; there are none",
    );
    check(
        "json.decode",
        "",
        &[("field", ".Key"), ("x", "y")],
        "the setting `x` is not known; there are `field`",
    );
}
