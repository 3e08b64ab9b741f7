//! `snakeCase`, `camelCase`, `replaceField`, `flatten`, `structFlatten`.

use super::*;

#[test]
fn cases_by_cases() {
    let data =
        r#"{"orderId":9007199254740993,"HTTPCode":1,"o":{"innerKey":[{"deepKey":1.50}]},"_id":1}"#;
    check(
        "snakeCase",
        "{}",
        data,
        r#"{"order_id":9007199254740993,"http_code":1,"o":{"innerKey":[{"deepKey":1.50}]},"_id":1}"#,
    );
    check(
        "snakeCase",
        r#"{"deep":true}"#,
        data,
        r#"{"order_id":9007199254740993,"http_code":1,"o":{"inner_key":[{"deep_key":1.50}]},"_id":1}"#,
    );
    let data = r#"{"order_id":1,"o":{"inner_key":[{"deep_key":1}]}}"#;
    check(
        "camelCase",
        "{}",
        data,
        r#"{"OrderId":1,"O":{"inner_key":[{"deep_key":1}]}}"#,
    );
    check(
        "camelCase",
        r#"{"deep":true}"#,
        data,
        r#"{"OrderId":1,"O":{"InnerKey":[{"DeepKey":1}]}}"#,
    );
    // Nothing to do.
    check("snakeCase", "{}", r#"{"a": 1}"#, r#"{"a": 1}"#);
    // Two that come to the same name: the last one stays.
    check("snakeCase", "{}", r#"{"aB":1,"a_b":2}"#, r#"{"a_b":2}"#);
    check(
        "snakeCase",
        r#"{"deep":"true"}"#,
        r#"{"aB":{"cD":1}}"#,
        r#"{"a_b":{"c_d":1}}"#,
    );
    refused(
        "camelCase",
        r#"{"depp":true}"#,
        "the setting `depp` is not known; did you mean `deep`?",
    );
}

#[test]
fn replace_field_by_cases() {
    let data = r#"{"a":9007199254740993,"b":{"c":1,"d":2},"e":"x"}"#;
    let replace = |settings: &str, expected: &str| check("replaceField", settings, data, expected);
    replace(
        r#"{"renames":["a:id"]}"#,
        r#"{"id":9007199254740993,"b":{"c":1,"d":2},"e":"x"}"#,
    );
    replace(
        r#"{"renames":["$.a:$.id"," e : f "]}"#,
        r#"{"id":9007199254740993,"b":{"c":1,"d":2},"f":"x"}"#,
    );
    replace(
        r#"{"renames":["b.c:c"]}"#,
        r#"{"a":9007199254740993,"b":{"d":2},"e":"x","c":1}"#,
    );
    replace(
        r#"{"renames":["a:b.a"]}"#,
        r#"{"b":{"c":1,"d":2,"a":9007199254740993},"e":"x"}"#,
    );
    replace(
        r#"{"renames":["a:e"]}"#,
        r#"{"e":9007199254740993,"b":{"c":1,"d":2}}"#,
    );
    replace(r#"{"renames":["x:y","a:a"]}"#, data);
    replace(
        r#"{"renames":["a:e.f"]}"#,
        "failed: `e.f` cannot be set: `e` is a string",
    );
    replace(
        r#"{"include":["a","b.d","x"]}"#,
        r#"{"a":9007199254740993,"b":{"d":2}}"#,
    );
    replace(r#"{"include":["x"]}"#, "{}");
    replace(r#"{"exclude":["a","b.d","x"]}"#, r#"{"b":{"c":1},"e":"x"}"#);
    replace(r#"{"exclude":["x"]}"#, data);
    replace(
        r#"{"include":["a","e"],"renames":["e:f"]}"#,
        r#"{"a":9007199254740993,"f":"x"}"#,
    );
    replace(
        r#"{"exclude":["b","e"],"renames":["a:e"]}"#,
        r#"{"e":9007199254740993}"#,
    );
    refused(
        "replaceField",
        "{}",
        "one of the settings `renames`, `include` and `exclude` is needed",
    );
    refused(
        "replaceField",
        r#"{"include":["a"],"exclude":["b"]}"#,
        "the settings `include` and `exclude` are both given",
    );
    refused(
        "replaceField",
        r#"{"renames":["a"]}"#,
        "the setting `renames`: `a` is not of the form `old:new`",
    );
    refused(
        "replaceField",
        r#"{"include":[]}"#,
        "the setting `include` is missing",
    );
}

#[test]
fn flatten_by_cases() {
    let flatten = |field: &str, data: &str, expected: &[&str]| {
        check(
            "flatten",
            &format!(r#"{{"field":"{field}"}}"#),
            data,
            &expected.join("\n"),
        );
    };
    let data = r#"{"id":9007199254740993,"l":[{"n":1.50},{"n":2,"id":7}]}"#;
    let expected = [r#"{"id":9007199254740993,"n":1.50}"#, r#"{"id":7,"n":2}"#];
    flatten("l", data, &expected);
    flatten("$.l", data, &expected);
    flatten(
        "l",
        r#"{"a":1,"l":[1,"x",null,[2]]}"#,
        &[
            r#"{"a":1,"l":1}"#,
            r#"{"a":1,"l":"x"}"#,
            r#"{"a":1,"l":null}"#,
            r#"{"a":1,"l":[2]}"#,
        ],
    );
    flatten("$.l", r#"{"l":[1]}"#, &[r#"{"$.l":1}"#]);
    flatten(
        "l",
        r#"{"a":1,"l":{"array":[{"n":1},2]}}"#,
        &[r#"{"a":1,"n":1}"#, r#"{"a":1,"l":2}"#],
    );
    flatten("l", r#"{"a":1,"l":[]}"#, &[r#"{"a":1}"#]);
    flatten("l", r#"{"a": 1}"#, &[r#"{"a": 1}"#]);
    flatten("l", r#"{"l":5}"#, &[r#"{"l":5}"#]);
    flatten(
        "l",
        r#"{"l":{"array":[1],"x":2}}"#,
        &[r#"{"l":{"array":[1],"x":2}}"#],
    );
    flatten(
        "o.l",
        r#"{"o":{"l":[{"n":1},2]}}"#,
        &[
            r#"{"o":{"l":[{"n":1},2]},"n":1}"#,
            r#"{"o":{"l":[{"n":1},2]},"o.l":2}"#,
        ],
    );
    flatten("o.l", r#"{"o":{"l":[]}}"#, &[r#"{"o":{"l":[]}}"#]);
    let long = format!(r#"{{"o":{{"l":[{}1]}}}}"#, "1,".repeat(2_000));
    flatten(
        "o.l",
        &long,
        &[
            "failed: `o.l` is a list of 2001 items; up to 2000 can be flattened where each record keeps the list",
        ],
    );
    refused("flatten", "{}", "the setting `field` is missing");
    let multiplies = |name, settings| Chain::new(&[wanted(name, settings)]).unwrap().multiplies();
    assert!(multiplies("flatten", r#"{"field":"l"}"#) && !multiplies("structFlatten", "{}"));
}

#[test]
fn struct_flatten_by_cases() {
    let flat = |settings: &str, data: &str, expected: &str| {
        check("structFlatten", settings, data, expected);
    };
    flat(
        "{}",
        r#"{"a":{"b":{"c":9007199254740993}},"d":1.50}"#,
        r#"{"a.b.c":9007199254740993,"d":1.50}"#,
    );
    flat(r#"{"delimiter":"__"}"#, r#"{"a":{"b":1}}"#, r#"{"a__b":1}"#);
    flat(
        "{}",
        r#"{"a":[{"b":1}],"c":{"d":[2]}}"#,
        r#"{"a":[{"b":1}],"c.d":[2]}"#,
    );
    flat("{}", r#"{"a":{},"b":{"c":{}},"d":null}"#, r#"{"d":null}"#);
    flat("{}", r#"{"a": 1}"#, r#"{"a": 1}"#);
    flat("{}", "{}", "{}");
    flat("{}", r#"{"a":{"":1},"":{"b":2}}"#, r#"{"a.":1,".b":2}"#);
    flat("{}", r#"{"a":{"b":1},"a.b":2}"#, r#"{"a.b":2}"#);
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let name = vec!["a"; 64].join(".");
    flat("{}", &nested(64), &format!(r#"{{"{name}":1}}"#));
    flat(
        "{}",
        &nested(65),
        "failed: objects are nested more than 64 deep",
    );
    refused(
        "structFlatten",
        r#"{"delimiter":""}"#,
        "the setting `delimiter` is empty",
    );
}
