//! What the transformations do to columns.

use super::*;

/// The columns after a transformation of `{"id": integer, "a_b": string, "o": object, "l": array}`, with
/// their types, and whether others may come.
fn columns(name: &str, settings: &str, when: &str, expected: &str) {
    let schema = serde_json::json!({"type": "object", "properties": {
        "id": {"type": "integer"}, "aB": {"type": "string"}, "o": {"type": "object"}, "l": {"type": "array"}}});
    let mut stream = Stream::new("users", schema);
    let wanted = Wanted {
        when: when.into(),
        ..wanted(name, settings)
    };
    let is_open = Chain::new(&[wanted]).unwrap().describe(&mut stream);
    let properties = stream.json_schema["properties"].as_object().unwrap();
    let mut shown: Vec<_> = properties
        .iter()
        .map(|(name, schema)| {
            let data_type = crossdock_core::schema::data_type(schema);
            format!("{name} {}", data_type.as_str())
        })
        .collect();
    shown.extend(is_open.then(|| "…".to_owned()));
    assert_eq!(shown.join(", "), expected, "{name} {settings} {when}");
}

#[test]
fn columns_by_cases() {
    let all = "id integer, aB string, o json, l json";
    columns("filter", r#"{"condition":"$.a"}"#, "", all);
    columns("router", r#"{"routes":[{"condition":"$.a"}]}"#, "", all);
    columns("routed", r#"{"otherwise":true}"#, "", all);
    columns(
        "timestamp",
        "{}",
        "",
        &format!("{all}, created_at timestamp with time zone"),
    );
    let date = r#"{"fieldName":"d","format":"DateOnly"}"#;
    columns("timestamp", date, "", &format!("{all}, d string"));
    columns(
        "flatten",
        r#"{"field":"l"}"#,
        "",
        "id json, aB json, o json, l json, …",
    );
    columns(
        "mask",
        r#"{"fields":["id"]}"#,
        "",
        "id string, aB string, o json, l json",
    );
    columns(
        "mask",
        r#"{"fields":["id"]}"#,
        "$.x",
        "id json, aB string, o json, l json",
    );
    columns(
        "select",
        r#"{"fields":["id","o.x"]}"#,
        "",
        "id integer, x json",
    );
    columns("select", r#"{"fields":["o.id","id"]}"#, "", "id json");
    columns(
        "select",
        r#"{"fields":["id","o.x"]}"#,
        "$.x",
        &format!("{all}, x json"),
    );
    columns("select", r#"{"fields":["unknown"]}"#, "", "unknown json, …");
    columns(
        "remove",
        r#"{"fields":["id","o.x"]}"#,
        "",
        "aB string, o json, l json",
    );
    columns("remove", r#"{"fields":["id"]}"#, "$.x", all);
    columns(
        "snakeCase",
        "{}",
        "",
        "id integer, a_b string, o json, l json",
    );
    columns(
        "snakeCase",
        "{}",
        "$.x",
        "id integer, aB string, a_b string, o json, l json",
    );
    columns(
        "camelCase",
        "{}",
        "",
        "Id integer, AB string, O json, L json",
    );
    columns("debeziumUnwrap", "{}", "", "…");
    columns(
        "replaceField",
        r#"{"renames":["id:key"]}"#,
        "",
        "aB string, o json, l json, key integer",
    );
    columns(
        "replaceField",
        r#"{"renames":["id:aB"]}"#,
        "",
        "aB json, o json, l json",
    );
    columns(
        "replaceField",
        r#"{"include":["id","o.x"]}"#,
        "",
        "id integer, o json",
    );
    columns(
        "replaceField",
        r#"{"exclude":["id","o"]}"#,
        "",
        "aB string, l json",
    );
    columns(
        "replaceField",
        r#"{"renames":["o.x:x"]}"#,
        "",
        &format!("{all}, x json"),
    );
    columns(
        "headersToPayload",
        r#"{"mappings":["H:id","H:new"]}"#,
        "",
        "id json, aB string, o json, l json, new string",
    );
    columns(
        "structFlatten",
        "{}",
        "",
        "id integer, aB string, l json, …",
    );
    columns(
        "structFlatten",
        r#"{"delimiter":"B"}"#,
        "",
        "id integer, aB json, l json, …",
    );
    columns("structFlatten", "{}", "$.x", &format!("{all}, …"));
    columns("extractField", r#"{"field":"o"}"#, "", "…");
    columns("hoistField", r#"{"field":"p"}"#, "", "p json");
    columns("hoistField", r#"{"field":"id"}"#, "", "id json");
    columns(
        "cast",
        r#"{"spec":{"id":"string","aB":"float64"}}"#,
        "",
        "id string, aB number, o json, l json",
    );
    columns(
        "timezone",
        r#"{"timezone":"UTC","fields":["aB"]}"#,
        "",
        "id integer, aB timestamp with time zone, o json, l json",
    );
    columns(
        "insertField",
        r#"{"fields":{"n":"${now}","t":"x","j":"json:1"}}"#,
        "",
        &format!("{all}, n timestamp with time zone, t string, j json"),
    );
}
