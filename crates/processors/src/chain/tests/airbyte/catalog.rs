//! What mappers do to catalogs, and what they ask of them.

use crossdock_core::catalog::{ConfiguredStream, DestinationSyncMode};
use crossdock_core::pattern::StreamPattern;

use super::*;

/// A stream `users` with a key `id`, a cursor `at`, and `mail`.
fn users(mode: DestinationSyncMode) -> ConfiguredStream {
    let schema = json!({"type": "object", "properties": {
        "id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "mail": {"type": "string"}}});
    let mut stream = ConfiguredStream::new(Stream::new("users", schema));
    stream.destination_sync_mode = mode;
    stream.primary_key = Some(vec![vec!["id".into()]]);
    stream.cursor_field = Some(vec!["at".into()]);
    stream
}

fn catalog(mode: DestinationSyncMode) -> ConfiguredCatalog {
    ConfiguredCatalog {
        streams: vec![users(mode)],
        ..ConfiguredCatalog::default()
    }
}

#[test]
fn the_catalog_is_mapped_as_well() {
    let check = |name: &str, settings: Json, expected: &str| {
        let chain = Chain::new(&[wanted(name, &settings)]).unwrap();
        let catalog = catalog(DestinationSyncMode::Append);
        chain
            .check(&catalog)
            .unwrap_or_else(|(_, error)| panic!("{error}"));
        let stream = chain.configure(&catalog).streams.remove(0);
        let properties = stream.stream.json_schema["properties"].as_object().unwrap();
        let columns = properties.iter().map(|(name, schema)| {
            format!(
                "{name} {}",
                crossdock_core::schema::data_type(schema).as_str()
            )
        });
        let columns: Vec<_> = columns.collect();
        let path = |path: &Vec<String>| path.join(".");
        let key = stream
            .primary_key
            .iter()
            .flatten()
            .map(path)
            .collect::<Vec<_>>()
            .join(" ");
        let cursor = stream.cursor_field.as_ref().map_or(String::new(), path);
        assert_eq!(
            format!("{} key {key} cursor {cursor}", columns.join(", ")),
            expected
        );
    };
    let hash = |field: &str| json!({"targetField": field, "method": "MD5"});
    let rename = |from: &str, to: &str| json!({"originalFieldName": from, "newFieldName": to});
    check(
        "hashing",
        hash("id"),
        "at timestamp with time zone, mail string, id_hashed string key id_hashed cursor at",
    );
    check(
        "field-renaming",
        rename("at", "when"),
        "id integer, mail string, when timestamp with time zone key id cursor when",
    );
    check(
        "field-renaming",
        rename("id", "number"),
        "at timestamp with time zone, mail string, number integer key number cursor at",
    );
    check(
        "field-filtering",
        json!({"targetField": "mail"}),
        "id integer, at timestamp with time zone key id cursor at",
    );
    // What is left of a key is none.
    check(
        "field-filtering",
        json!({"targetField": "id"}),
        "at timestamp with time zone, mail string key  cursor at",
    );
    check(
        "field-filtering",
        json!({"targetField": "at"}),
        "id integer, mail string key id cursor ",
    );
    let in_place = json!({"targetField": "id", "method": "MD5", "fieldNameSuffix": ""});
    check(
        "hashing",
        in_place,
        "id string, at timestamp with time zone, mail string key id cursor at",
    );
}

#[test]
fn what_a_stream_cannot_bear_is_refused_before_anything_moves() {
    use DestinationSyncMode::{Append, AppendDedup};
    let check = |mode, chain: &[Wanted], expected: &str| {
        let result = Chain::new(chain).unwrap().check(&catalog(mode));
        let found = result.err().map_or_else(
            || "fine".to_owned(),
            |(at, error)| format!("{at}: {}", error.message()),
        );
        assert_eq!(found, expected);
    };
    let hash = |field: &str| wanted("hashing", &json!({"targetField": field, "method": "MD5"}));
    let drop = |field: &str| wanted("field-filtering", &json!({"targetField": field}));
    let rename = |from: &str, to: &str| {
        wanted(
            "field-renaming",
            &json!({"originalFieldName": from, "newFieldName": to}),
        )
    };
    let encrypt = |field: &str, mode: &str| {
        let padding = if mode == "ECB" {
            "PKCS5Padding"
        } else {
            "NoPadding"
        };
        wanted(
            "encryption",
            &json!({
            "algorithm": "AES", "targetField": field, "mode": mode, "padding": padding,
            "key": "2b7e151628aed2a6abf7158809cf4f3c"}),
        )
    };
    check(Append, &[hash("male")], "0: the stream has no field `male`");
    check(
        Append,
        &[hash("mail"), hash("mail")],
        "1: the stream has no field `mail`",
    );
    check(
        Append,
        &[rename("mail", "id")],
        "0: the stream has a field `id` already, so `mail` cannot get this name",
    );
    check(Append, &[drop("id"), rename("mail", "id")], "fine");
    check(Append, &[drop("id"), drop("at")], "fine");
    check(AppendDedup, &[drop("mail")], "fine");
    check(
        AppendDedup,
        &[drop("id")],
        "0: `id` is part of the primary key, which append_dedup needs, and would be taken away",
    );
    check(
        AppendDedup,
        &[rename("id", "n"), drop("n")],
        "1: `n` is part of the primary key, which append_dedup needs, and would be taken away",
    );
    check(
        AppendDedup,
        &[drop("at")],
        "0: `at` is the cursor, which append_dedup needs, and would be taken away",
    );
    check(AppendDedup, &[hash("id"), rename("at", "when")], "fine");
    check(
        AppendDedup,
        &[hash("at")],
        "0: `at` is the cursor, which append_dedup needs, and its order would be lost",
    );
    check(
        AppendDedup,
        &[encrypt("id", "CTR")],
        "0: `id` is part of the primary key, which append_dedup needs, and the same value is encrypted otherwise each time",
    );
    check(AppendDedup, &[encrypt("id", "ECB")], "fine");
    // A cursor that is the key orders nothing.
    let mut same = catalog(AppendDedup);
    same.streams[0].cursor_field = Some(vec!["id".into()]);
    let chain = Chain::new(&[hash("id")]).unwrap();
    assert!(chain.check(&same).is_ok());
    let sometimes = Wanted {
        when: "$.mail == 'x'".into(),
        ..hash("id")
    };
    check(
        AppendDedup,
        &[sometimes],
        "0: `id` is part of the primary key, which append_dedup needs, and only some records would be changed",
    );
    let condition =
        json!({"conditions": {"type": "EQUAL", "fieldName": "stat", "comparisonValue": "x"}});
    check(
        Append,
        &[wanted("row-filtering", &condition)],
        "0: the stream has no field `stat`",
    );
    // Another stream's mapper asks nothing of this one.
    let only = |name: &str, of: &Wanted| {
        let mut of = of.clone();
        of.scope.only.push(StreamPattern {
            name: name.into(),
            namespace: None,
        });
        of
    };
    check(
        Append,
        &[only("u*", &hash("male"))],
        "0: the stream has no field `male`",
    );
    check(
        Append,
        &[only("orders", &hash("male"))],
        "0: the processor is for no stream that there is",
    );
}

#[test]
fn a_processor_of_other_streams_leaves_a_batch_as_it_is() {
    let mut drop = wanted("field-filtering", &json!({"targetField": "a"}));
    drop.scope.only.push(StreamPattern {
        name: "orders".into(),
        namespace: None,
    });
    let scope = drop.scope.clone();
    let mut chain = Chain::new(&[drop]).unwrap();
    // Not even JSON: nobody looks.
    let row = (Operation::Create, "", "", "", r#"{"a":"#);
    let processed = now(chain.process(batch(&[row]))).unwrap();
    assert_eq!(shown(&processed), [r#"users Create - - - {"a":"#]);
    assert_eq!(processed.origins, [0]);
    let mut other = batch(&[(Operation::Create, "", "", "", r#"{"a":1}"#)]);
    other.stream = StreamId::new("orders");
    let processed = now(chain.process(other)).unwrap();
    assert_eq!(shown(&processed), ["orders Create - - - {}"]);
    // Beside a processor that is for all of them as well.
    let rename = json!({"originalFieldName": "b", "newFieldName": "c"});
    let mut of_orders = wanted("field-filtering", &json!({"targetField": "a"}));
    of_orders.scope = scope;
    let chain = [of_orders, wanted("field-renaming", &rename)];
    let row = (Operation::Create, "", "", "", r#"{"a":1,"b":2}"#);
    let processed = now(Chain::new(&chain).unwrap().process(batch(&[row]))).unwrap();
    assert_eq!(shown(&processed), [r#"users Create - - - {"a":1,"c":2}"#]);
}
