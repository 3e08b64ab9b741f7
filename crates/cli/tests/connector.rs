//! Questions to a single connector.

use crate::bench::{Bench, same};

fn shots(bench: &Bench, lines: &[&[&str]]) -> String {
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    shots.join("\n")
}

#[test]
fn list() {
    let bench = Bench::new();
    let lines: &[&[&str]] = &[&["connector", "list"], &["connector", "list", "--json"]];
    same("connector_list", &shots(&bench, lines));
}

#[test]
fn spec() {
    let bench = Bench::new();
    let lines: &[&[&str]] = &[
        &["spec", "native:parquet", "--as", "destination"],
        &["spec", "native:sample"],
        &["spec", "native:null"],
        &["spec", "native:stdout", "--raw"],
        &["spec", "native:stdout", "--json"],
    ];
    same("spec", &shots(&bench, lines));
}

#[test]
fn references() {
    let bench = Bench::new();
    let lines: &[&[&str]] = &[
        &["spec", "parquet"],
        &["spec", "nativ:parquet"],
        &["spec", "native:parquett"],
        &["spec", "native:postgres"],
        &["spec", "airbyte:docker:-x"],
        &["spec", "airbyte:exec:./nothing"],
        &["spec", "airbyte:exec:./nothing", "--json"],
        &["spec", "conduit:exec:./connector"],
    ];
    same("references", &shots(&bench, lines));
}

#[test]
fn image() {
    let bench = Bench::new();
    bench.file("script.sh", "#!/bin/sh\n");
    let image = ["connector", "image"];
    let shots: Vec<String> = [
        &["native:nothing", "--tag", "t:1"][..],
        &["airbyte:python:airbyte-source-faker", "--tag", "t:1"],
        &["airbyte:docker:a/b:1", "--tag", "t:1"],
        &["conduit:file", "--tag", "t:1"],
        &["airbyte:exec:./script.sh", "--tag", "t:1"],
        &["airbyte:exec:./script.sh --flag", "--tag", "t:1"],
        &["native:null", "--tag", "t:1", "--program", "riscv=./x"],
        &[
            "native:null",
            "--tag",
            "t:1",
            "--program",
            "arm64=./script.sh",
        ],
    ]
    .iter()
    .map(|words| bench.shot(&[&image[..], words].concat()))
    .collect();
    same("connector_image", &shots.join("\n"));
}

#[test]
fn without_docker() {
    let bench = Bench::without_programs();
    let lines: &[&[&str]] = &[&["spec", "airbyte:docker:airbyte/source-faker"]];
    same("without_docker", &shots(&bench, lines));
}

#[test]
fn check() {
    let bench = Bench::new();
    bench.file("sample.yaml", "count: 3\n");
    bench.file("typo.yaml", "count: 3\ncuont: 4\n");
    bench.file("syntax.yaml", "count: [3\n");
    bench.file("secret.yaml", "count: ${env:NOT_SET}\n");
    let lines: &[&[&str]] = &[
        &["check", "native:sample", "--config", "sample.yaml"],
        &[
            "check",
            "native:sample",
            "--config",
            "sample.yaml",
            "--json",
        ],
        &[
            "check",
            "native:sample",
            "--config",
            "sample.yaml",
            "--quiet",
        ],
        &["check", "native:sample"],
        &["check", "native:sample", "--config", r#"{"streams": []}"#],
        &[
            "check",
            "native:sample",
            "--config",
            r#"{"streams": []}"#,
            "--json",
        ],
        &["check", "native:sample", "--config", r#"{"count": "many"}"#],
        &["check", "native:sample", "--config", "typo.yaml"],
        &["check", "native:sample", "--config", "syntax.yaml"],
        &["check", "native:sample", "--config", "secret.yaml"],
        &["check", "native:sample", "--config", "missing.yaml"],
        &["check", "native:parquet", "--as", "destination"],
        &[
            "check",
            "native:parquet",
            "--as",
            "destination",
            "--config",
            r#"{"path": "/proc/nothing"}"#,
        ],
    ];
    same("check", &shots(&bench, lines));
}

#[test]
fn discover() {
    let bench = Bench::new();
    let few = r#"{"columns": 3, "streams": ["users", "orders"]}"#;
    let lines: &[&[&str]] = &[
        &["discover", "native:sample", "--config", few],
        &["discover", "native:sample", "--config", few, "--raw"],
        &["discover", "native:sample", "--config", few, "--json"],
        &["discover", "native:null"],
    ];
    same("discover", &shots(&bench, lines));
}

#[test]
fn schema_is_the_one_checked_in() {
    let output = Bench::new().run(&["schema"]);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, crossdock_config::json_schema());
    let output = Bench::new().run(&["schema", "--json"]);
    let envelope: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(envelope["data"], printed);
    assert_eq!(envelope["command"], "schema");
}

/// A source that answers `spec` and nothing else, with two faults.
const RUDE: &str = r#"[ "$1" = spec ] || exit 2
echo "starting"
echo '{"type": "SPEC", "spec": {"documentationUrl": "https://example.com", "connectionSpecification": {"type": "object",
"#;

#[test]
fn rules() {
    let bench = Bench::new();
    let spec = r#""required": ["url", "key"], "properties": {"url": {"type": "string", "title": "Where"}, "password": {"type": "string", "title": "Its key"}}}}}'"#;
    bench.script("rude.sh", &(RUDE.trim_end().to_owned() + " " + spec));
    let test = ["connector", "test"];
    let rude = "airbyte:exec:./rude.sh";
    let lines: &[&[&str]] = &[
        &[
            rude,
            "--only",
            "spec/",
            "--only",
            "check/succ",
            "--junit",
            "rules.xml",
        ],
        &[rude, "--only", "spec/secrets", "--json"],
        &[rude, "--only", "spec/titles", "--quiet"],
        &[rude, "--only", "nothing"],
        &[rude, "--protocol", "conduit"],
        &["native:nothing"],
        &["airbyte:exec:./not-there"],
    ];
    let lines: Vec<Vec<&str>> = lines
        .iter()
        .map(|line| [&test[..], line].concat())
        .collect();
    let lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    let shown = shots(&bench, &lines);
    let junit = std::fs::read_to_string(bench.path("rules.xml")).unwrap();
    same("connector_test", &(shown + "\n" + &junit));
}
