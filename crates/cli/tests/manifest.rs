//! DataFlow's manifests, run as they are, with native connectors.

use std::fs;

use serde_json::Value;

use crate::bench::{Bench, same};

const SPEC: &str = r#"
  source: {type: sample, config: {count: 6, columns: 3}}
  transformations:
    - {type: mask, when: "$.id == '2'", config: {fields: [name]}}
    - {type: cast, when: "$.id == '3'", config: {spec: {name: int64}}}
    - type: router
      config:
        routes:
          - {condition: "$.id == '1'", sink: {type: jsonl, config: {path: ./ones}}}
          - {condition: "$.id == '4' || $.id == '1'", sink: {type: csv, config: {path: ./fours}}}
  sink: {type: jsonl, config: {path: ./rest}}
  errors: {type: jsonl, config: {path: ./errors}}
"#;

fn manifest(kind: &str, name: &str, spec: &str) -> String {
    let spec = spec.trim_matches('\n');
    format!(
        "apiVersion: dataflow.dataflow.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{spec}\n"
    )
}

/// The lines of all files below a folder that end with this.
fn lines(bench: &Bench, folder: &str, ending: &str) -> Vec<String> {
    let files = bench.files(folder).into_iter();
    let files = files.filter(|path| path.to_string_lossy().ends_with(ending));
    let texts = files.map(|path| fs::read_to_string(path).unwrap());
    let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.collect()
}

fn records(bench: &Bench, folder: &str) -> Vec<Value> {
    let lines = lines(bench, folder, ".jsonl").into_iter();
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

fn ids(records: &[Value]) -> Vec<u64> {
    records
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_manifest_runs_as_it_is() {
    let bench = Bench::new();
    let schedule = format!("  schedule: \"0 2 * * *\"\n  resources: {{limits: {{cpu: 1}}}}{SPEC}");
    bench.file(
        "orders.yaml",
        &manifest("DataFlowCron", "orders", &schedule),
    );
    let shots = [
        bench.shot(&["validate", "orders.yaml"]),
        bench.shot(&["plan", "orders.yaml"]),
        bench.shot(&["run", "orders.yaml"]),
        bench.shot(&["run", "orders.yaml"]),
        bench.shot(&["state", "show", "orders"]),
        bench.shot(&["dlq", "list", "orders.yaml"]),
        bench.shot(&["plan", "orders.yaml", "--json"]),
    ];
    let rest = records(&bench, "rest");
    assert_eq!(ids(&rest), [0, 2, 5]);
    assert_eq!(rest[1]["name"], "***", "`when` holds for this one");
    assert_ne!(rest[0]["name"], "***");
    let ones = records(&bench, "ones");
    assert_eq!(ids(&ones), [1], "the first route wins");
    assert_eq!(ones[0]["_airbyte_meta"]["routed_condition"], "$.id == '1'");
    let fours = lines(&bench, "fours", ".csv");
    assert_eq!(fours.len(), 2, "{fours:?}");
    let [error] = records(&bench, "errors").try_into().unwrap();
    // The very record, as the transformation saw it.
    assert_eq!(error["original_message"]["id"], 3, "{error:#}");
    let message = &error["error"]["message"];
    assert!(
        message
            .as_str()
            .unwrap()
            .starts_with("transformations[1]: `name` cannot be cast")
    );
    assert_eq!(error["error"]["original_sink"], "jsonl");
    let metadata = &error["_airbyte_meta"];
    assert_eq!(metadata["error"], *message);
    assert_eq!(metadata["error_timestamp"], error["error"]["timestamp"]);
    assert_eq!(
        (&metadata["is_error_message"], &metadata["original_sink"]),
        (&Value::Bool(true), &Value::from("jsonl"))
    );
    same("manifest", &shots.join("\n"));
}

#[test]
fn without_persistence_every_run_begins_anew() {
    let bench = Bench::new();
    let spec = "  source: {type: sample, config: {count: 3, columns: 2}}\n  checkpointPersistence: false\n  sink: {type: sqlite, config: {path: ./out.db}}";
    let kept = spec.replace("  checkpointPersistence: false\n", "");
    bench
        .file("anew.yaml", &manifest("DataFlow", "p", spec))
        .file("kept.yaml", &manifest("DataFlow", "p", &kept));
    let run = |file: &str, store: &str| {
        let output = bench.run(&["run", file, "--json", "--store", store]);
        let run: Value = serde_json::from_slice(&output.stdout).unwrap();
        run["data"]["pipelines"][0]["streams"][0]["records"]
            .as_u64()
            .unwrap_or(0)
    };
    assert_eq!(run("kept.yaml", "a.db"), 3);
    assert_eq!(run("kept.yaml", "a.db"), 0);
    // Another store knows nothing, but the destination does.
    assert_eq!(run("anew.yaml", "b.db"), 3);
    assert_eq!(run("anew.yaml", "a.db"), 3);
    assert_eq!(run("anew.yaml", "a.db"), 3);
}

#[test]
fn secrets_come_from_files_and_variables() {
    let bench = Bench::new();
    let spec = "  source: {type: sample, config: {count: 1, columns: 1, countSecretRef: {name: how-many, key: records}}}\n  sink: {type: jsonl, config: {pathSecretRef: {name: out, key: path}}}";
    bench
        .file("p.yaml", &manifest("DataFlow", "p", spec))
        .file("secrets/out/path", "./out\n");
    let missing = bench.shot(&["validate", "p.yaml"]);
    let mut command = bench.command(&["run", "p.yaml"]);
    let output = command
        .env("DATAFLOW_SECRET_HOW_MANY_RECORDS", "4")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ids(&records(&bench, "out")), [0, 1, 2, 3]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("./out"), "{said}");
    same("manifest_secret", &missing);
}

/// A type that is not native is one of a program, if the environment allows programs.
#[test]
fn types_that_are_not_native() {
    let bench = Bench::without_programs();
    let spec = "  source: {type: sample, config: {count: 1}}\n  sink: {type: kafka, config: {topic: t}}\n  errors: {type: jsnol, config: {path: ./errors}}";
    bench.file("p.yaml", &manifest("DataFlow", "p", spec));
    let shots = [
        bench.shot(&["validate", "p.yaml"]),
        bench.shot(&["run", "p.yaml", "-q"]),
    ];
    same("manifest_native", &shots.join("\n"));
    let mut command = bench.command(&["validate", "p.yaml"]);
    let output = command
        .env("DATAFLOW_USE_SUBPROCESS_CONNECTORS", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("dataflow-connector-kafka"), "{said}");
}

#[test]
fn wrong_manifests_are_explained() {
    let bench = Bench::new();
    let right =
        "  source: {type: sample, config: {count: 1}}\n  sink: {type: \"null\", config: {}}\n";
    let wrong = [
        format!("{right}  transformations: [{{type: mask, config: {{feilds: [a]}}}}]"),
        format!(
            "{right}  transformations: [{{type: cast, when: \"$.a =\", config: {{spec: {{a: int64}}}}}}]"
        ),
        format!(
            "{right}  transformations: [{{type: snakeCase}}]\n  replicas: 2\n  chanelBufferSize: 5"
        ),
        right.replace("config: {}", "'null': {}"),
        right.replace("count: 1", "cuont: 1"),
    ];
    let mut shots = Vec::new();
    for (at, spec) in wrong.iter().enumerate() {
        let name = format!("wrong{at}.yaml");
        bench.file(&name, &manifest("DataFlow", "p", spec));
        shots.push(bench.shot(&["validate", &name]));
    }
    let suspended = format!("{right}  schedule: 0 0 * * *\n  suspend: true");
    bench.file("suspended.yaml", &manifest("DataFlowCron", "p", &suspended));
    shots.push(bench.shot(&["run", "suspended.yaml"]));
    same("manifest_wrong", &shots.join("\n"));
}

/// A sink that keeps the messages that it gets in a file named after its table. Record 2 is not for the good one,
/// which says so without discretion.
const PROGRAM: &str = r#"#!/bin/sh
while read -r line; do
  case "$line" in
    *'"cmd":"init"'*)
      out=$(printf '%s' "$line" | sed 's/.*"table":"\([a-z]*\)".*/\1/')
      echo '{"type":"ready"}' ;;
    *'"cmd":"connect"'*) echo '{"type":"ready"}' ;;
    *'"cmd":"write"'*'\"id\":2,'*)
      if [ "$out" = good ]; then echo '{"type":"error","message":"not with hunter2","code":"constraint_violation"}'
      else printf '%s\n' "$line" >> "$out.written"; echo '{"type":"done"}'; fi ;;
    *'"cmd":"write"'*) printf '%s\n' "$line" >> "$out.written"; echo '{"type":"done"}' ;;
    *'"cmd":"ping"'*) echo '{"type":"pong"}' ;;
    *'"cmd":"close"'*) echo '{"type":"done"}'; exit 0 ;;
  esac
done
"#;

/// The messages that the program got for a table.
fn messages(bench: &Bench, table: &str) -> Vec<Value> {
    let text = fs::read_to_string(bench.path(&format!("{table}.written"))).unwrap();
    let commands = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages = commands.flat_map(|command| command["messages"].as_array().unwrap().clone());
    messages.collect()
}

#[test]
fn programs_are_sinks_and_error_sinks() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let spec = r#"
  source: {type: sample, config: {count: 4, columns: 3}}
  transformations:
    - {type: cast, when: "$.id == '3'", config: {spec: {name: int64}}}
  sink: {type: shell, config: {table: good, auth: {tokenSecretRef: {name: good, key: token}}}}
  errors: {type: shell, config: {tableSecretRef: {name: bad, key: table}}}
"#;
    bench
        .file("p.yaml", &manifest("DataFlow", "p", spec))
        .file("secrets/bad/table", "bad")
        .file("secrets/good/token", "hunter2\n")
        .file("connectors/dataflow-connector-shell", PROGRAM);
    let program = bench.path("connectors/dataflow-connector-shell");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = bench.command(&["run", "p.yaml"]);
    let output = command
        .env("DATAFLOW_USE_SUBPROCESS_CONNECTORS", "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(messages(&bench, "good").len(), 2);
    let bad = messages(&bench, "bad");
    let known = [
        (3, "transformations[0]: `name` cannot be cast"),
        (2, "not with ****"),
    ];
    assert_eq!(bad.len(), known.len(), "{bad:#?}");
    for (id, why) in known {
        let of = |message: &&Value| {
            let data: Value = serde_json::from_str(message["data"].as_str().unwrap()).unwrap();
            (data["original_message"]["id"] == id).then_some(data)
        };
        let message = bad.iter().find(|message| of(message).is_some()).unwrap();
        let error = of(&message).unwrap()["error"].clone();
        assert!(
            error["message"].as_str().unwrap().contains(why),
            "{error:#}"
        );
        assert_eq!(error["original_sink"], "shell");
        let metadata = &message["metadata"];
        assert_eq!(metadata["is_error_message"], true);
        assert_eq!(metadata["error"], error["message"]);
        assert_eq!(metadata["original_sink"], "shell");
        assert!(!message.to_string().contains("hunter2"), "{message:#}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}
