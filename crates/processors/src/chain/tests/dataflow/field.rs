//! `mask`, `select`, `remove`, `extractField`, `hoistField`, `cast`, `insertField`, `headersToPayload`.

use super::*;

#[test]
fn mask_by_cases() {
    let data =
        r#"{"email":"ann@x.de","n":12345,"u":{"p":"größe"},"l":["ab","cd"],"z":null,"o":{"a":1}}"#;
    let only = |settings: &str, field: &str, expected: &str| {
        let found = payloads("mask", settings, data);
        let found: Json = serde_json::from_str(&found).unwrap();
        assert_eq!(found.pointer(field).unwrap(), expected, "{settings}");
    };
    only(r#"{"fields":["email"]}"#, "/email", "***");
    only(r#"{"fields":["$.email"]}"#, "/email", "***");
    only(r#"{"fields":["email"],"maskChar":"%"}"#, "/email", "%%%");
    only(r#"{"fields":["email"],"maskChar":""}"#, "/email", "***");
    only(
        r#"{"fields":["email"],"keepLength":true}"#,
        "/email",
        "********",
    );
    only(r#"{"fields":["u.p"],"keepLength":true}"#, "/u/p", "*******");
    only(
        r#"{"fields":["u.p"],"keepLength":true,"maskChar":"•"}"#,
        "/u/p",
        "•••••••",
    );
    only(r#"{"fields":["n"],"keepLength":true}"#, "/n", "*****");
    only(r#"{"fields":["l.1"]}"#, "/l/1", "***");
    only(r#"{"fields":["z"]}"#, "/z", "***");
    only(r#"{"fields":["o"]}"#, "/o", "***");
    check(
        "mask",
        r#"{"fields":["x","a"]}"#,
        r#"{"a":1,"b":9007199254740993}"#,
        r#"{"a":"***","b":9007199254740993}"#,
    );
    check("mask", r#"{"fields":["x"]}"#, r#"{"a": 1}"#, r#"{"a": 1}"#);
    refused(
        "mask",
        r#"{"fields":["a"],"maskChar":"xxxxxxxxxxxxxxxxx"}"#,
        "the setting `maskChar` has more than 16 characters",
    );
}

#[test]
fn select_by_cases() {
    let data =
        r#"{"id":9007199254740993,"u":{"name":"Ann","id":2},"l":[{"n":1},{"n":2}],"z":null}"#;
    let select = |fields: &str, expected: &str| {
        check(
            "select",
            &format!(r#"{{"fields":{fields}}}"#),
            data,
            expected,
        );
    };
    select(r#"["id"]"#, r#"{"id":9007199254740993}"#);
    select(
        r#"["$.u.name","id"]"#,
        r#"{"name":"Ann","id":9007199254740993}"#,
    );
    select(r#"["id","u.id"]"#, r#"{"id":2}"#);
    select(r##"["l.#.n"]"##, r#"{"n":[1,2]}"#);
    select(r#"["l.1.n"]"#, r#"{"n":2}"#);
    select(r##"["l.#"]"##, r##"{"#":2}"##);
    select(r#"["z"]"#, r#"{"z":null}"#);
    select(r#"["missing","u"]"#, r#"{"u":{"name":"Ann","id":2}}"#);
    select(r#"["missing"]"#, data);
    select(r#"["u.n*"]"#, r#"{"n*":"Ann"}"#);
    refused("select", "{}", "the setting `fields` is missing");
}

#[test]
fn remove_by_cases() {
    let remove = |fields: &str, data: &str, expected: &str| {
        check(
            "remove",
            &format!(r#"{{"fields":{fields}}}"#),
            data,
            expected,
        );
    };
    remove(r#"["a"]"#, r#"{"a":1,"b":1.50}"#, r#"{"b":1.50}"#);
    remove(r#"["$.a.b","c"]"#, r#"{"a":{"b":1},"c":2}"#, r#"{"a":{}}"#);
    remove(r#"["l.0"]"#, r#"{"l":[1,2]}"#, r#"{"l":[2]}"#);
    remove(
        r#"["x","a.b.c","l.9"]"#,
        r#"{"a": 1,"l":[]}"#,
        r#"{"a": 1,"l":[]}"#,
    );
    remove(
        r#"["a\\.b"]"#,
        r#"{"a.b":1,"a":{"b":2}}"#,
        r#"{"a":{"b":2}}"#,
    );
    refused(
        "remove",
        r#"{"fields":["a.*"]}"#,
        "the setting `fields`: `a.*` is no path to one place: `*`, `?` and `#` are for reading",
    );
}

#[test]
fn extract_field_by_cases() {
    let data = r#"{"o":{"a":9007199254740993},"n":1.50,"s":"x","l":[1,2],"z":null}"#;
    let extract = |field: &str, expected: &str| {
        check(
            "extractField",
            &format!(r#"{{"field":"{field}"}}"#),
            data,
            expected,
        );
    };
    let raw = |json: &str| {
        let (_, after) = raw(json);
        format!(r#"users Create {{"topic":"t","crossdock.raw":"after"}} - - {after}"#)
    };
    extract("o", r#"{"a":9007199254740993}"#);
    extract("$.o", r#"{"a":9007199254740993}"#);
    extract("o.a", &raw("9007199254740993"));
    extract("n", &raw("1.50"));
    extract("s", &raw(r#""x""#));
    extract("l", &raw("[1,2]"));
    extract("z", &raw("null"));
    extract("l.#", &raw("2"));
    extract("missing", data);
    refused(
        "extractField",
        r#"{"field":""}"#,
        "the setting `field` is missing",
    );
    // As it came, spaces and all.
    check(
        "extractField",
        r#"{"field":"x"}"#,
        r#"{"a": 1}"#,
        r#"{"a": 1}"#,
    );
    // And back.
    let steps = [
        wanted("extractField", r#"{"field":"l"}"#),
        wanted("hoistField", r#"{"field":"l"}"#),
        wanted("flatten", r#"{"field":"l"}"#),
    ];
    let row = (Operation::Create, "", "", "", data);
    let expected = [
        r#"users Create - - - {"l":1}"#,
        r#"users Create - - - {"l":2}"#,
    ];
    assert_eq!(outcome(&steps, row), expected);
}

#[test]
fn hoist_field_by_cases() {
    check(
        "hoistField",
        r#"{"field":"p"}"#,
        r#"{"a":1.50}"#,
        r#"{"p":{"a":1.50}}"#,
    );
    check("hoistField", r#"{"field":"p"}"#, "{}", r#"{"p":{}}"#);
    refused(
        "hoistField",
        r#"{"field":"a.b"}"#,
        "the setting `field`: `a.b` has a dot, but it is one name",
    );
    refused("hoistField", "{}", "the setting `field` is missing");
    let (metadata, after) = raw("[1, 2]");
    let row = (Operation::Create, metadata.as_str(), "", "", after.as_str());
    let expected = r#"users Create {"topic":"t"} - - {"p":[1,2]}"#;
    assert_eq!(
        outcome(&[wanted("hoistField", r#"{"field":"p"}"#)], row),
        [expected]
    );
}

#[test]
fn cast_by_cases() {
    let cast = |to: &str, value: &str, expected: &str| {
        let settings = format!(r#"{{"spec":{{"$.a":"{to}"}}}}"#);
        let found = payloads("cast", &settings, &format!(r#"{{"a":{value}}}"#));
        let shown = found
            .strip_prefix(r#"{"a":"#)
            .and_then(|rest| rest.strip_suffix('}'));
        let shown = shown.or_else(|| found.strip_prefix("failed: `a` cannot be cast: "));
        assert_eq!(shown, Some(expected), "{to} of {value}: {found}");
    };
    cast("string", "12.50", r#""12.50""#);
    cast("string", "9007199254740993", r#""9007199254740993""#);
    cast("string", "true", r#""true""#);
    cast("string", r#""x""#, r#""x""#);
    cast("string", "[1]", "it is a list");
    cast("string", "{}", "it is an object");
    cast("string", "null", "null");
    cast("int64", "5", "5");
    cast("int64", "5.0", "5");
    cast("int64", "1e3", "1000");
    cast("int64", r#""9007199254740993""#, "9007199254740993");
    cast("int64", r#""-5""#, "-5");
    cast("int64", "9223372036854775807", "9223372036854775807");
    cast(
        "int64",
        "9223372036854775808",
        "`9223372036854775808` is no whole number of 64 bits",
    );
    cast("int64", "5.5", "`5.5` is no whole number of 64 bits");
    cast("int64", r#""""#, "`` is no whole number of 64 bits");
    cast("int64", r#"" 5""#, "` 5` is no whole number of 64 bits");
    cast("int64", "true", "`true` is no whole number of 64 bits");
    cast("float64", "1.50", "1.50");
    cast("float64", r#""1.50""#, "1.50");
    cast("float64", r#""1e400""#, "1e400");
    cast("float64", r#""NaN""#, "`NaN` is no number");
    cast("float64", "false", "`false` is no number");
    cast("float64", "[]", "it is a list");
    cast("bool", "true", "true");
    cast("bool", r#""TRUE""#, "true");
    cast("bool", r#""False""#, "false");
    cast("bool", "1", "true");
    cast("bool", "0", "false");
    cast("bool", r#""0""#, "false");
    cast("bool", "2", "`2` is no boolean");
    cast("bool", r#""yes""#, "`yes` is no boolean");
    cast("null", "[1]", "null");
    cast("null", "5", "null");
    check(
        "cast",
        r#"{"spec":{"x":"int64","a":"string"}}"#,
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
    );
    check(
        "cast",
        r#"{"spec":{"o.n":"int64","l.0":"bool"}}"#,
        r#"{"o":{"n":"7"},"l":["true"]}"#,
        r#"{"o":{"n":7},"l":[true]}"#,
    );
    refused(
        "cast",
        r#"{"spec":{"a":"int"}}"#,
        "the setting `spec.a`: `int` is none of string, int64, float64, bool, null",
    );
    refused("cast", r#"{"spec":{}}"#, "the setting `spec` is missing");
}

#[test]
fn insert_field_by_cases() {
    let insert = |fields: &str, expected: &str| {
        let settings = format!(r#"{{"fields":{fields}}}"#);
        check("insertField", &settings, r#"{"a":1}"#, expected);
    };
    insert(r#"{"b":"text"}"#, r#"{"a":1,"b":"text"}"#);
    insert(r#"{"$.b.c":"text"}"#, r#"{"a":1,"b":{"c":"text"}}"#);
    insert(r#"{"a":"text"}"#, r#"{"a":"text"}"#);
    insert(r#"{"b":""}"#, r#"{"a":1,"b":""}"#);
    insert(r#"{"b":"${metadata.topic}"}"#, r#"{"a":1,"b":"t"}"#);
    insert(r#"{"b":"${metadata.missing}"}"#, r#"{"a":1,"b":""}"#);
    insert(
        r#"{"b":"${metadata.table}/${metadata.operation}"}"#,
        r#"{"a":1,"b":"users/insert"}"#,
    );
    insert(
        r#"{"b":"json:9007199254740993"}"#,
        r#"{"a":1,"b":9007199254740993}"#,
    );
    insert(
        r#"{"b":"json:{\"x\":[1.50,null]}"}"#,
        r#"{"a":1,"b":{"x":[1.50,null]}}"#,
    );
    insert(r#"{"b":"json:\"${x}\""}"#, r#"{"a":1,"b":"${x}"}"#);
    insert(r#"{"z":"1","b":"2"}"#, r#"{"a":1,"z":"1","b":"2"}"#);
    insert(
        r#"{"a.b":"x"}"#,
        "failed: `a.b` cannot be set: `a` is a number",
    );
    refused(
        "insertField",
        r#"{"fields":{"b":"json:{"}}"#,
        "the setting `fields.b`: what stands after `json:` is no JSON: expected a closing bracket at byte 1",
    );
    refused(
        "insertField",
        r#"{"fields":{"b":"${x}"}}"#,
        "the setting `fields.b`: `${x}` is not known; there are `${metadata.NAME}` and `${now}`, and `json:` before a text in quotes keeps it as it is",
    );
    refused(
        "insertField",
        r#"{"fields":{"b":"${now"}}"#,
        "the setting `fields.b`: a `${` has no `}`",
    );
    refused(
        "insertField",
        r#"{"fields":{"b":5}}"#,
        "the setting `fields.b` is a number, not a text",
    );
    let found = payloads("insertField", r#"{"fields":{"b":"${now}"}}"#, "{}");
    let time = found
        .strip_prefix(r#"{"b":""#)
        .unwrap()
        .strip_suffix(r#""}"#)
        .unwrap();
    assert!(
        time.len() == 20 && time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(),
        "{time}"
    );
}

#[test]
fn headers_by_cases() {
    let check = |metadata: &str, mappings: &str, expected: &str| {
        let settings = format!(r#"{{"mappings":{mappings}}}"#);
        let row = (Operation::Create, metadata, "", "", r#"{"a":1}"#);
        let found = outcome(&[wanted("headersToPayload", &settings)], row);
        let found = found[0].split(" - - ").nth(1).unwrap_or(&found[0]);
        assert_eq!(found, expected, "{metadata} {mappings}");
    };
    let headers = r#"{"headers":{"X-Id":"7","n":5,"a:b":"z"}}"#;
    check(headers, r#"["X-Id:id"]"#, r#"{"a":1,"id":"7"}"#);
    check(
        headers,
        r#"["X-Id:$.m.id","n:n"]"#,
        r#"{"a":1,"m":{"id":"7"},"n":"5"}"#,
    );
    check(headers, r#"["X-Id:a"]"#, r#"{"a":"7"}"#);
    check(headers, r#"["missing:id"]"#, r#"{"a":1}"#);
    check(
        headers,
        r#"["X-Id:a.b"]"#,
        "failed: `a.b` cannot be set: `a` is a number",
    );
    check(
        r#"{"headers":"{\"X-Id\":\"7\"}"}"#,
        r#"["X-Id:id"]"#,
        r#"{"a":1,"id":"7"}"#,
    );
    check(r#"{"headers":"no json"}"#, r#"["X-Id:id"]"#, r#"{"a":1}"#);
    check(r#"{"x":1}"#, r#"["X-Id:id"]"#, r#"{"a":1}"#);
    refused(
        "headersToPayload",
        r#"{"mappings":["id"]}"#,
        "the setting `mappings`: `id` is not of the form `Header:path`",
    );
    refused(
        "headersToPayload",
        r#"{"mappings":["id:"]}"#,
        "the setting `mappings`: `id:` is not of the form `Header:path`",
    );
    refused(
        "headersToPayload",
        "{}",
        "the setting `mappings` is missing",
    );
}
