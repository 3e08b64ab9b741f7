//! The transformations of DataFlow, by cases.

use serde_json::Value as Json;

use proptest::prelude::*;

use super::*;

mod change;
mod column;
mod field;
mod name;
mod route;
mod time;

/// A processor `dataflow.NAME` with these settings.
fn wanted(name: &str, settings: &str) -> Wanted {
    let settings: Json = serde_json::from_str(settings).unwrap();
    let Json::Object(settings) = settings else {
        panic!("{settings}")
    };
    Wanted {
        id: "p".into(),
        plugin: format!("dataflow.{name}"),
        settings: settings.into_iter().collect(),
        ..Wanted::default()
    }
}

/// What becomes of a row: each record, and why it is none.
fn outcome(wanted: &[Wanted], row: Row<'_>) -> Vec<String> {
    let mut chain = Chain::new(wanted).unwrap_or_else(|error| panic!("{wanted:?}: {error}"));
    let processed = now(chain.process(batch(&[row]))).unwrap();
    let mut lines = shown(&processed);
    lines.extend((0..processed.filtered).map(|_| "filtered".to_owned()));
    let failed = processed.failed.iter();
    lines.extend(failed.map(|failed| format!("failed: {}", failed.reason)));
    lines
}

/// The payload after a transformation, or what became of it: several with a line between.
fn payloads(name: &str, settings: &str, after: &str) -> String {
    let row = (Operation::Create, r#"{"topic":"t"}"#, "", "", after);
    let lines = outcome(&[wanted(name, settings)], row);
    let lines = lines.iter().map(|line| {
        let payload = line.strip_prefix(r#"users Create {"topic":"t"} - - "#);
        payload.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check(name: &str, settings: &str, after: &str, expected: &str) {
    let found = payloads(name, settings, after);
    assert_eq!(found, expected, "{name} {settings} of {after}");
}

/// Settings that are refused.
fn refused(name: &str, settings: &str, expected: &str) {
    let error = Chain::new(&[wanted(name, settings)]).err();
    let error = error.unwrap_or_else(|| panic!("{name} {settings} is accepted"));
    assert_eq!(error.message(), expected, "{name} {settings}");
}

/// A row whose payload is raw data with this text.
fn raw(text: &str) -> (String, String) {
    let mut after = Vec::new();
    crossdock_core::raw::wrap(text.as_bytes(), &mut after);
    let metadata = r#"{"topic":"t","crossdock.raw":"after"}"#;
    (metadata.to_owned(), String::from_utf8(after).unwrap())
}

/// Each transformation with settings that would change `{"a":{"b":1}}`.
const EACH: [(&str, &str); 14] = [
    ("camelCase", r"{}"),
    ("cast", r#"{"spec":{"a":"null"}}"#),
    ("extractField", r#"{"field":"a"}"#),
    ("flatten", r#"{"field":"a"}"#),
    ("hoistField", r#"{"field":"x"}"#),
    ("insertField", r#"{"fields":{"x":"y"}}"#),
    ("mask", r#"{"fields":["a"]}"#),
    ("remove", r#"{"fields":["a"]}"#),
    ("replaceField", r#"{"renames":["a:b"]}"#),
    ("select", r#"{"fields":["a.b"]}"#),
    ("snakeCase", r#"{"deep":true}"#),
    ("structFlatten", r"{}"),
    ("timestamp", r"{}"),
    ("timezone", r#"{"timezone":"UTC","fields":["x"]}"#),
];

#[test]
fn what_is_no_json_passes_unchanged() {
    let (metadata, after) = raw("no json");
    for (name, settings) in EACH {
        let row = (Operation::Create, metadata.as_str(), "", "", after.as_str());
        let expected = format!("users Create {metadata} - - {after}");
        assert_eq!(
            outcome(&[wanted(name, settings)], row),
            [expected],
            "{name}"
        );
        let row = (Operation::Delete, "", r#"{"id":1}"#, "", "");
        let expected = r#"users Delete - {"id":1} - "#;
        assert_eq!(
            outcome(&[wanted(name, settings)], row),
            [expected],
            "{name}"
        );
    }
}

#[test]
fn raw_json_is_a_payload_too() {
    let (metadata, after) = raw(r#"{"a":{"b":9007199254740993}}"#);
    let row = (Operation::Create, metadata.as_str(), "", "", after.as_str());
    let select = wanted("select", r#"{"fields":["a.b"]}"#);
    let expected = r#"users Create {"topic":"t"} - - {"b":9007199254740993}"#;
    assert_eq!(outcome(&[select], row), [expected]);
    // What was not changed is as it came, spaces and all.
    let (metadata, after) = raw(r#"{ "a": 1 }"#);
    let row = (Operation::Create, metadata.as_str(), "", "", after.as_str());
    let remove = wanted("remove", r#"{"fields":["x"]}"#);
    let expected = format!("users Create {metadata} - - {after}");
    assert_eq!(outcome(&[remove], row), [expected]);
}

#[test]
fn a_delete_is_changed_in_what_it_was() {
    let row = (
        Operation::Delete,
        "",
        r#"{"id":1}"#,
        r#"{"id":1,"e":"x"}"#,
        "",
    );
    let mask = wanted("mask", r#"{"fields":["e"]}"#);
    let expected = r#"users Delete - {"id":1} {"id":1,"e":"***"} "#;
    assert_eq!(outcome(&[mask], row), [expected]);
    // Of an update only what it is.
    let row = (Operation::Update, "", "", r#"{"e":"x"}"#, r#"{"e":"y"}"#);
    let mask = wanted("mask", r#"{"fields":["e"]}"#);
    let expected = r#"users Update - - {"e":"x"} {"e":"***"}"#;
    assert_eq!(outcome(&[mask], row), [expected]);
}

#[test]
fn where_when_is_false_records_pass_by() {
    let check = |name: &str, settings: &str, when: &str, expected: &str| {
        let wanted = Wanted {
            when: when.into(),
            ..wanted(name, settings)
        };
        let row = (Operation::Create, "", "", "", r#"{"a":{"b":1}}"#);
        let expected = format!("users Create - - - {expected}");
        assert_eq!(outcome(&[wanted], row), [expected], "{name} {when}");
    };
    for (name, settings) in EACH {
        check(name, settings, "$.a.b == 2", r#"{"a":{"b":1}}"#);
    }
    let remove = r#"{"fields":["a"]}"#;
    check("remove", remove, "metadata.table == 'users'", "{}");
    check(
        "remove",
        remove,
        "metadata.table == 'x'",
        r#"{"a":{"b":1}}"#,
    );
    check("remove", remove, " ", "{}");
    check(
        "filter",
        r#"{"condition":"$.x"}"#,
        "$.x",
        r#"{"a":{"b":1}}"#,
    );
    // Processors of Conduit have it as well.
    let wanted = Wanted {
        plugin: "filter".into(),
        when: "$.a.b == 1".into(),
        ..Wanted::default()
    };
    let row = (Operation::Create, "", "", "", r#"{"a":{"b":1}}"#);
    assert_eq!(outcome(&[wanted], row), ["filtered"]);
}

#[test]
fn conditions_of_two_kinds_are_refused() {
    let check = |condition: &str, when: &str, expected: &str| {
        let wanted = Wanted {
            condition: condition.into(),
            when: when.into(),
            ..wanted("snakeCase", "{}")
        };
        let error = Chain::new(&[wanted]).err().unwrap();
        assert_eq!(error.message(), expected);
    };
    check("{{ true }}", "$.a", "`condition` and `when` are both given");
    check(
        "",
        "$.a ==",
        "`when`: at character 5: an operator is followed by a space or a quote",
    );
}

#[test]
fn settings_are_typed() {
    refused("mask", "{}", "the setting `fields` is missing");
    refused(
        "mask",
        r#"{"fields":[]}"#,
        "the setting `fields` is missing",
    );
    refused(
        "mask",
        r#"{"fields":"a"}"#,
        "the setting `fields` is a text, not a list",
    );
    refused(
        "mask",
        r#"{"fields":[1]}"#,
        "the setting `fields` is a number, not a text",
    );
    refused(
        "mask",
        r#"{"fields":["a"],"keepLenght":true}"#,
        "the setting `keepLenght` is not known; did you mean `keepLength`?",
    );
    refused(
        "mask",
        r#"{"zzz":true}"#,
        "the setting `zzz` is not known; there are `fields`, `keepLength`, `maskChar`",
    );
    refused(
        "mask",
        r#"{"fields":["a"],"keepLength":1}"#,
        "the setting `keepLength` is a number, not `true` or `false`",
    );
    refused(
        "mask",
        r#"{"fields":["a.#"]}"#,
        "the setting `fields`: `a.#` is no path to one place: `*`, `?` and `#` are for reading",
    );
    refused(
        "select",
        r##"{"fields":["a.#(b==1)"]}"##,
        "the setting `fields`: `a.#(b==1)` is no path: queries such as `#(…)` are not supported",
    );
    refused(
        "cast",
        r#"{"spec":["a"]}"#,
        "the setting `spec` is a list, not an object",
    );
    refused(
        "cast",
        r#"{"spec":{"a":1}}"#,
        "the setting `spec.a` is a number, not a text",
    );
    refused(
        "maks",
        "{}",
        "there is no processor `dataflow.maks`; did you mean `dataflow.mask`?",
    );
    // And those of Conduit are texts.
    let conduit = Wanted {
        plugin: "clone".into(),
        settings: [("count".to_owned(), serde_json::json!([1]))].into(),
        ..Wanted::default()
    };
    let error = Chain::new(std::slice::from_ref(&conduit)).err().unwrap();
    assert_eq!(error.message(), "the setting `count` is a list, not a text");
    let number = [("count".to_owned(), serde_json::json!(1))];
    let conduit = Wanted {
        settings: number.into(),
        ..conduit
    };
    let row = (Operation::Create, "", "", "", r#"{"a":1}"#);
    assert_eq!(outcome(&[conduit], row).len(), 2);
}

#[test]
fn lent_metadata_are_not_written() {
    // A record that Conduit knows nothing of, changed in its metadata.
    let router = r#"{"routes":[{"condition":"metadata.opencdc.collection == users"}]}"#;
    let row = (Operation::Create, "", "", "", r#"{"a":1}"#);
    let expected =
        r#"users Create {"routed_condition":"metadata.opencdc.collection == users"} - - {"a":1}"#;
    assert_eq!(outcome(&[wanted("router", router)], row), [expected]);
}

#[test]
fn a_step_that_fails_refuses_the_record() {
    let cast = wanted("cast", r#"{"spec":{"a":"int64"}}"#);
    let row = (Operation::Create, "", "", "", r#"{"a":"x"}"#);
    let expected = "failed: `a` cannot be cast: `x` is no whole number of 64 bits";
    assert_eq!(outcome(&[cast], row), [expected]);
}

/// JSON values that look like what the transformations look for.
fn json() -> impl Strategy<Value = Json> {
    let name =
        || proptest::sample::select(vec!["a", "b", "op", "payload", "array", "after", "x", ""]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        name().prop_map(Json::from),
        ".{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::hash_map(name(), inner, 0..4).prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_payload_is_survived(value in json(), metadata in json()) {
        let (marked, after) = raw(&value.to_string());
        let mut rows = vec![(Operation::Create, marked, after)];
        if value.is_object() {
            let metadata = serde_json::json!({"headers": metadata, "key": metadata}).to_string();
            rows.push((Operation::Update, metadata, value.to_string()));
        }
        let more = [
            ("debeziumUnwrap", r#"{"inferDeleteFromTombstone":true,"addSourceFields":["a"]}"#),
            ("headersToPayload", r#"{"mappings":["a:b.0"]}"#),
            ("cast", r#"{"spec":{"a":"int64","b":"float64","x":"bool"}}"#),
            ("timezone", r#"{"timezone":"Asia/Tokyo","fields":["a","b"]}"#),
        ];
        for (name, settings) in EACH.into_iter().chain(more) {
            for (operation, metadata, after) in &rows {
                outcome(&[wanted(name, settings)], (*operation, metadata, "", "", after));
            }
        }
    }
}
