//! References to secrets: what they become, what is said when they fail, and that nothing shows.

use crossdock_config::{ConnectorConfig, parse_config};
use serde_json::{Value, json};

use super::fixture::{Fake, source};

fn fake() -> Fake {
    Fake::default()
        .variable("PW", "hunter2")
        .variable("PORT", "5432")
        .variable("EMPTY", "")
        .variable("ODD", "a${env:PW}\n: {")
        .file("dir/token", "abc\n\n")
        .file("/abs/key.pem", "-----\r\n")
}

#[test]
fn references_become_text() {
    let check = |config: &str, value: Value, references: &[&str], secrets: &[&str]| {
        let source = source(config, &fake())
            .map_err(|e| format!("{config}: {e}"))
            .unwrap();
        assert_eq!(source.config, value, "{config}");
        assert_eq!(source.references, references, "{config}");
        assert_eq!(source.secrets, secrets, "{config}");
    };
    check(
        "{a: ${env:PW}}",
        json!({"a": "hunter2"}),
        &["/a"],
        &["hunter2"],
    );
    check(
        "{a: [x, ${env:PORT}]}",
        json!({"a": ["x", "5432"]}),
        &["/a/1"],
        &["5432"],
    );
    check(
        "{'a/b~': \"${env:PORT}\"}",
        json!({"a/b~": "5432"}),
        &["/a~1b~0"],
        &["5432"],
    );
    check(
        "{a: 'pg://u:${env:PW}@h:${env:PORT}/'}",
        json!({"a": "pg://u:hunter2@h:5432/"}),
        &[],
        &["5432", "hunter2"],
    );
    check(
        "{a: ${file:token}, b: ${file:/abs/key.pem}}",
        json!({"a": "abc\n", "b": "-----"}),
        &["/a", "/b"],
        &["-----", "abc\n"],
    );
    check(
        "{a: ${env:GONE:-x, [y]}, b: ${env:EMPTY:-z}}",
        json!({"a": "x, [y]", "b": "z"}),
        &["/a", "/b"],
        &[],
    );
    check(
        "{a: ${env:PW:-x}, b: ${env:GONE:-}, c: ${env:EMPTY}}",
        json!({"a": "hunter2", "b": "", "c": ""}),
        &["/a", "/b", "/c"],
        &["hunter2"],
    );
    check(
        "{a: $${env:PW}, b: a$$${b$}, c: $x}",
        json!({"a": "${env:PW}", "b": "a$${b$}", "c": "$x"}),
        &[],
        &[],
    );
    // What a reference brings in is not looked at again.
    check(
        "{a: ${env:ODD}}",
        json!({"a": "a${env:PW}\n: {"}),
        &["/a"],
        &["a${env:PW}\n: {"],
    );
    check("{${env:PW}: 1}", json!({"${env:PW}": 1}), &[], &[]);
}

#[test]
fn failures_name_no_contents() {
    let check = |config: &str, expected: &str| {
        let found = source(config, &fake()).expect_err(config).to_string();
        assert_eq!(found, expected, "{config}");
    };
    check(
        "{a: x${env:GONE}}",
        "p.yaml:7:17: pipelines[0].source.config.a: the environment variable `GONE` is not set [config.secret_unresolved]\n  hint: set it, or give a default: `${env:GONE:-…}`",
    );
    check(
        "{a: ${file:gone}}",
        "p.yaml:7:17: pipelines[0].source.config.a: the file `dir/gone` cannot be read: no such file [config.secret_unresolved]\n  hint: the path is seen from the directory of the configuration file",
    );
    check(
        "{a: 'hunter2${'}",
        "p.yaml:7:17: pipelines[0].source.config.a: a `${` is not closed [config.invalid]\n  hint: write `$${` for a literal `${`",
    );
    check(
        "{a: 'hun${ter2}'}",
        "p.yaml:7:17: pipelines[0].source.config.a: a `${…}` is no reference [config.invalid]\n  hint: write `${env:NAME}` or `${file:PATH}`, or `$${` for a literal `${`",
    );
    check(
        "{a: '${evn:hunter2}'}",
        "p.yaml:7:17: pipelines[0].source.config.a: a `${…}` is no reference [config.invalid]\n  hint: did you mean `${env:…}`?",
    );
    check(
        "{a: '${env:A=B}'}",
        "p.yaml:7:17: pipelines[0].source.config.a: the reference names no environment variable [config.invalid]\n  hint: write `${env:NAME}` or `${env:NAME:-default}`",
    );
    check(
        "{a: '${file:}'}",
        "p.yaml:7:17: pipelines[0].source.config.a: `${file:}` names no file [config.invalid]\n  hint: write `${file:PATH}`",
    );
}

#[test]
fn nothing_shows_in_debug() {
    let source = source("{a: ${env:PW}}", &fake()).unwrap();
    assert!(!format!("{source:?}").contains("hunter2"));
}

#[test]
fn a_configuration_in_a_file_of_its_own() {
    let parse = |text: &str| parse_config(text, "c.json", "dir".as_ref(), &fake());
    let config = parse(r#"{"a": "${env:PW}", "b": 1}"#).unwrap();
    assert_eq!(config.value, json!({"a": "hunter2", "b": 1}));
    assert_eq!(config.references, ["/a"]);
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(
        ConnectorConfig::from(json!({"a": 1})).value,
        json!({"a": 1})
    );
    assert_eq!(
        parse("[1]").unwrap_err().to_string(),
        "c.json:1:1: expected a mapping, found a list [config.syntax]"
    );
    assert_eq!(
        parse("{a: 1, a: 2}").unwrap_err().to_string(),
        "c.json:1:8: a: the key `a` stands twice, first in line 1 [config.syntax]\n  hint: remove one of them"
    );
}

#[test]
fn references_cannot_fill_the_memory() {
    let megabyte = "x".repeat(1 << 20);
    let fake = Fake::default().file("dir/big", megabyte);
    let config = format!("[{}]", vec!["\"${file:big}\""; 20].join(","));
    let found = source(&format!("{{a: {config}}}"), &fake).unwrap_err();
    assert_eq!(found.0.len(), 4);
    assert_eq!(
        found.0[0].message,
        "the references bring in more than 16777216 bytes"
    );
}
