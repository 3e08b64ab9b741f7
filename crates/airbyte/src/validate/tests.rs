use super::*;

fn spec() -> Spec {
    Spec {
        connection_specification: json!({
            "type": "object",
            "required": ["count", "auth"],
            "properties": {
                "count": {"type": "integer", "minimum": 1, "default": 1000},
                "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                "token": {"type": "string", "airbyte_secret": true, "maxLength": 5},
                "date": {"type": "string", "pattern": "^[0-9]{4}$", "format": "date"},
                "auth": {"type": "object", "oneOf": [
                    {"title": "key", "required": ["key"], "properties": {
                        "kind": {"type": "string", "const": "key"},
                        "key": {"type": "string", "airbyte_secret": true}}},
                    {"title": "user", "required": ["user"], "properties": {
                        "kind": {"type": "string", "enum": ["user"]},
                        "user": {"type": "string"},
                        "port": {"$ref": "#/definitions/port"}}}]},
            },
            "definitions": {"port": {"type": "integer", "default": 22}},
        }),
        ..Spec::default()
    }
}

#[test]
fn defaults_and_discriminators_are_filled_in() {
    let check = |config: Value, expected: Value| {
        let mut config = config;
        validate_config(&spec(), &mut config).unwrap();
        assert_eq!(config, expected);
    };
    check(
        json!({"auth": {"kind": "key", "key": "x"}}),
        json!({"auth": {"kind": "key", "key": "x"}, "count": 1000, "mode": "a"}),
    );
    check(
        json!({"auth": {"user": "x"}, "count": 1, "mode": "b", "extra": 1}),
        json!({"auth": {"user": "x", "kind": "user", "port": 22}, "count": 1, "mode": "b", "extra": 1}),
    );
    // Both alternatives hold: the first one counts, and it is no error.
    check(
        json!({"auth": {"user": "x", "key": "y"}}),
        json!({"auth": {"user": "x", "key": "y", "kind": "key"}, "count": 1000, "mode": "a"}),
    );
}

#[test]
fn faults_name_the_place_and_never_the_value() {
    let check = |config: Value, parts: &[&str]| {
        let mut config = config;
        let error = validate_config(&spec(), &mut config).unwrap_err();
        assert_eq!(error.code().name, "config.violates_spec");
        for part in parts {
            assert!(error.message().contains(part), "{}", error.message());
        }
        assert!(!error.message().contains("hunter"), "{}", error.message());
    };
    check(
        json!({"auth": {"key": "x"}, "count": "hunter22"}),
        &["`count`", "integer"],
    );
    check(
        json!({"auth": {"key": "x"}, "token": "hunter22"}),
        &["`token`", "5"],
    );
    check(json!({"auth": {"key": 5}}), &["auth"]);
    check(
        json!({"auth": {"kind": "user", "user": 7}}),
        &["`auth.user`", "string"],
    );
    check(json!({"auth": {"kind": "hunter22"}}), &["`auth`"]);
    check(json!({}), &["`config`", "auth"]);
    check(json!([]), &["`config`"]);
}

#[test]
fn a_broken_specification_refuses_nothing() {
    for schema in [
        json!({"type": 5}),
        json!(null),
        json!({"$ref": "http://nowhere.example/x"}),
    ] {
        let spec = Spec {
            connection_specification: schema,
            ..Spec::default()
        };
        assert!(validate_config(&spec, &mut json!({"a": 1})).is_ok());
    }
    let odd_pattern = json!({"properties": {"a": {"type": "string", "pattern": "(?P<x>["}}});
    let spec = Spec {
        connection_specification: odd_pattern,
        ..Spec::default()
    };
    assert!(validate_config(&spec, &mut json!({"a": "x"})).is_ok());
    assert!(validate_config(&spec, &mut json!({"a": 1})).is_err());
}
