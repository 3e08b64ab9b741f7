//! References to secrets of a cluster.

use serde_json::{Value, json};

use super::{read, refused};
use crate::fixture::{Fake, manifest};

#[test]
fn secrets_come_from_variables_and_files() {
    let environment = || {
        Fake::default()
            .variable("DATAFLOW_SECRET_PG_PASSWORD", "hunter2")
            .variable("DATAFLOW_SECRET_PG_PORT", "5432")
            .variable("URL", "pg://x")
            .file("dir/secrets/tls/ca.crt", "-----\n\n")
            .file("dir/secrets/pg/password", "not this")
    };
    let check = |config: &str, environment: Fake, value: Value, secrets: &[&str]| {
        let text = manifest(&format!("source: {{type: x, config: {config}}}"));
        let source = read(&text, &environment)
            .pipelines
            .remove(0)
            .sources
            .remove(0);
        assert_eq!(source.config, value, "{config}");
        assert_eq!(source.secrets, secrets, "{config}");
        source
    };
    let password = "passwordSecretRef: {name: pg, key: password, namespace: prod}";
    let source = check(
        &format!("{{sasl: {{{password}}}, port: 1, portSecretRef: {{name: pg, key: port}}}}"),
        environment(),
        json!({"sasl": {"password": "hunter2"}, "port": "5432"}),
        &["5432", "hunter2"],
    );
    assert_eq!(
        source.references,
        ["/sasl/password", "/port"],
        "numbers are made of them where numbers are wanted"
    );
    assert_eq!(
        source.locate("/sasl/password").to_string(),
        "p.yaml:6:56: spec.source.config.sasl.passwordSecretRef"
    );
    check(
        &format!("{{list: [{{{password}, password: x}}]}}"),
        environment(),
        json!({"list": [{"password": "hunter2"}]}),
        &["hunter2"],
    );
    check(
        "{ca: x, caSecretRef: {name: tls, key: ca.crt}}",
        environment(),
        json!({"ca": "-----\n"}),
        &["-----\n"],
    );
    check(
        "{ca: x, caSecretRef: }",
        environment(),
        json!({"ca": "x"}),
        &[],
    );
    check(
        "{url: \"${env:URL}\", SecretRef: 1}",
        environment(),
        json!({"url": "pg://x", "SecretRef": 1}),
        &["pg://x"],
    );
    let elsewhere = Fake::default()
        .variable("DATAFLOW_SECRETS_DIR", "/run/secrets")
        .file("/run/secrets/pg/password", "s\r\n");
    check(
        &format!("{{{password}}}"),
        elsewhere,
        json!({"password": "s"}),
        &["s"],
    );
    // A value that looks like a reference is a value.
    let odd = Fake::default().variable("DATAFLOW_SECRET_PG_PASSWORD", "${env:URL}");
    check(
        &format!("{{{password}}}"),
        odd,
        json!({"password": "${env:URL}"}),
        &["${env:URL}"],
    );
    let plan = read(
        &manifest(&format!("errors: {{type: x, config: {{{password}}}}}")),
        &environment(),
    );
    assert_eq!(
        plan.pipelines[0]
            .dead_letters
            .as_ref()
            .unwrap()
            .connector
            .as_ref()
            .unwrap()
            .secrets,
        ["hunter2"]
    );
    assert!(!format!("{plan:?}").contains("hunter2"));
}

#[test]
fn secrets_that_are_not_there() {
    let check = |reference: &str, expected: &[&str]| {
        refused(
            &manifest(&format!(
                "sink: {{type: x, config: {{aSecretRef: {reference}}}}}"
            )),
            expected,
        );
    };
    check(
        "{name: pg-main, key: password}",
        &[
            "p.yaml:6:40: spec.sink.config.aSecretRef: the secret `pg-main`, key `password`, is not found: the environment variable `DATAFLOW_SECRET_PG_MAIN_PASSWORD` is not set, and the file `dir/secrets/pg-main/password` cannot be read: no such file [config.secret_unresolved]",
            "  hint: set that variable or write that file; `DATAFLOW_SECRETS_DIR` can name another folder than `dir/secrets`",
        ],
    );
    let form = "  hint: write `{name: SECRET, key: KEY}`";
    check(
        "pg",
        &[
            "p.yaml:6:40: spec.sink.config.aSecretRef: expected a mapping, found a string [config.syntax]",
            form,
        ],
    );
    check(
        "{name: pg}",
        &[
            "p.yaml:6:40: spec.sink.config.aSecretRef: `key` is missing [config.invalid]",
            form,
        ],
    );
    check(
        "{name: pg, kye: x}",
        &[
            "p.yaml:6:51: spec.sink.config.aSecretRef.kye: unknown key `kye` [config.unknown_key]",
            "  hint: did you mean `key`?",
        ],
    );
    let word = "  hint: it is a text of letters, digits, `-`, `_` and `.`";
    check(
        "{name: .., key: x}",
        &[
            "p.yaml:6:47: spec.sink.config.aSecretRef.name: this cannot be the name of a secret [config.invalid]",
            word,
        ],
    );
    check(
        "{name: pg, key: ../../x}",
        &[
            "p.yaml:6:56: spec.sink.config.aSecretRef.key: this cannot be the key of a secret [config.invalid]",
            word,
        ],
    );
}
