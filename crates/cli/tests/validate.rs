//! `crossdock validate` and `crossdock errors`: what can be known without running anything.

use crate::bench::{Bench, same};

const FILE: &str = r#"
version: 1
pipelines:
  - id: orders
    source: {connector: native:csv, config: {path: "no-such-folder/*.csv"}}
    destination: {connector: native:jsonl, config: {path: ./lines}}
  - id: users
    source: {connector: "airbyte:python:airbyte-source-faker", config: {count: 10}}
    destination: {connector: native:parquet, config: {path: "${env:LAKE_OF_THE_TEST}"}}
"#;

#[test]
fn validate() {
    let bench = Bench::new();
    bench.file("good.yaml", FILE);
    bench.file(".env", "LAKE_OF_THE_TEST=./lake\n");
    bench.file(
        "bad.yaml",
        &FILE
            .replace("native:jsonl, config: {path", "native:jsonl, config: {paht")
            .replace("native:parquet", "native:parquett"),
    );
    bench.file("key.yaml", &FILE.replace("pipelines:", "piplines:"));
    let lines: &[&[&str]] = &[
        &["validate", "good.yaml"],
        &["validate", "good.yaml", "--json"],
        &["validate", "bad.yaml"],
        &["validate", "key.yaml"],
        &["validate", "none.yaml"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("validate", &shots.join("\n"));
    // Nothing was written, and nothing was started.
    assert!(!bench.path("lines").exists() && !bench.path("state").exists());
}

#[test]
fn errors() {
    let bench = Bench::new();
    let lines: &[&[&str]] = &[
        &["errors", "data.invalid"],
        &["errors", "[run.source_silent]", "--json"],
        &["errors", "config.invald"],
        &["errors"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("errors", &shots.join("\n"));
}
