//! Processors and Conduit's pipeline files, as a user sees them. That Conduit writes the same records is in
//! `real/conduit/wild.rs`.

use crate::bench::{Bench, same};

/// A pipeline of the sample with these processors and further keys.
fn file(processors: &str, more: &str) -> String {
    format!(
        r#"
version: 1
settings: {{store: ./state.db, retries: {{complete_failures: 1, partial_failures: 1}}}}
pipelines:
  - id: p
    source: {{connector: native:sample, config: {{count: 4, columns: 2}}}}
    processors: {processors}
    destination: {{connector: native:stdout, config: {{format: data}}}}
    {more}
"#
    )
}

/// Leaves two of the four, with another field and another name.
const CHANGES: &str = r#"
      - {processor: filter, condition: "{{ lt .Payload.After.id 2 }}"}
      - {processor: field.set, settings: {field: .Payload.After.twice, value: "{{ mul 2 .Payload.After.id }}"}}
      - {processor: field.convert, settings: {field: .Payload.After.twice, type: int}}
      - {processor: field.rename, settings: {mapping: ".Payload.After.id:key"}}"#;

/// Fails for the record 3.
const FAILS: &str = r#"
      - {processor: error, id: odd, condition: "{{ eq .Payload.After.id 3 }}", settings: {message: "{{ .Payload.After.id }} is odd"}}"#;

#[test]
fn records_are_changed_and_left_out() {
    let bench = Bench::new();
    bench.file("changes.yaml", &file(CHANGES, ""));
    let wide = file(CHANGES, "").replace(
        "native:stdout, config: {format: data}",
        "native:csv, config: {path: ./out}",
    );
    bench.file("csv.yaml", &wide.replace("id: p", "id: q"));
    let shots = [
        bench.shot(&["run", "changes.yaml"]),
        bench.shot(&["run", "csv.yaml", "-q"]),
    ];
    let csv = bench
        .files("out")
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "csv"));
    let csv = std::fs::read_to_string(csv.unwrap()).unwrap();
    let columns: Vec<_> = csv
        .lines()
        .next()
        .unwrap()
        .split(',')
        .filter(|c| !c.starts_with('_'))
        .collect();
    same(
        "processors",
        &format!("{}\n{}\n", shots.join("\n"), columns.join(" ")),
    );
}

/// P6: what one destination alone leaves out is written; what none of them gets is filtered.
#[test]
fn what_no_destination_gets_is_filtered() {
    let bench = Bench::new();
    let file = |id: &str, conditions: &[&str]| {
        let destinations = conditions.iter().zip(1..).map(|(condition, at)| {
            format!(
                r#"
      - id: out{at}
        type: destination
        plugin: builtin:file
        settings: {{path: ./{id}{at}.jsonl}}
        processors: [{{id: f{at}, plugin: filter, condition: '{condition}'}}]"#
            )
        });
        format!(
            r#"
version: "2.2"
pipelines:
  - id: {id}
    connectors:
      - {{id: in, type: source, plugin: "builtin:file", settings: {{path: ./in.txt}}}}{}
"#,
            destinations.collect::<String>()
        )
    };
    let small = r#"{{ lt (printf "%s" .Key) "4" }}"#;
    let large = r#"{{ ge (printf "%s" .Key) "3" }}"#;
    bench
        .file("in.txt", "a\nb\nc\nd\ne\n")
        .file("one.yaml", &file("one", &[small]))
        .file("two.yaml", &file("two", &[small, large]));
    let counts = |name: &str| {
        let command = ["run", name, "--until-idle", "1500ms", "--json"];
        let output = bench.run(&command);
        let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let counts = &run["data"]["pipelines"][0]["streams"][0];
        ["records", "written", "filtered"].map(|name| counts[name].as_u64().unwrap())
    };
    assert_eq!(counts("one.yaml"), [5, 2, 3]);
    assert_eq!(counts("two.yaml"), [5, 4, 1]);
}

#[test]
fn what_a_processor_refuses_is_told_or_kept() {
    let bench = Bench::new();
    let kept = "dead_letters: {path: ./letters.jsonl, window_size: 10, window_nack_threshold: 3}";
    bench
        .file("fails.yaml", &file(FAILS, ""))
        .file("kept.yaml", &file(FAILS, kept))
        .file(
            "mended.yaml",
            &file(&FAILS.replace(".id 3", ".id 30"), kept),
        );
    let shots = [
        &["run", "fails.yaml"][..],
        &["run", "kept.yaml"],
        &["dlq", "show", "kept.yaml", "1"],
        &["dlq", "replay", "kept.yaml"],
        &["dlq", "replay", "mended.yaml"],
        &["dlq", "list", "mended.yaml"],
    ];
    let shots: Vec<String> = shots.iter().map(|words| bench.shot(words)).collect();
    same("processors_refuse", &shots.join("\n"));
}

#[test]
fn dead_letters_go_to_a_connector() {
    let bench = Bench::new();
    let kept = "dead_letters: {destination: {connector: native:jsonl, config: {path: ./letters}}}";
    bench.file("kept.yaml", &file(FAILS, kept));
    let output = bench.run(&["run", "kept.yaml", "-q"]);
    assert!(output.status.success(), "{output:?}");
    let letters = bench
        .files("letters")
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "jsonl"));
    let letters = std::fs::read_to_string(letters.unwrap()).unwrap();
    let letter: serde_json::Value = serde_json::from_str(letters.trim()).unwrap();
    assert_eq!(letter["payload"]["after"]["id"], 3, "{letter:#}");
    assert_eq!(
        letter["_airbyte_meta"]["conduit.dlq.nack.error"], "3 is odd",
        "{letter:#}"
    );
}

#[test]
fn wrong_processors_are_explained() {
    let bench = Bench::new();
    let wrong = [
        "\n      - {processor: field.sett}",
        "\n      - {processor: field.set, settings: {field: .Payload.After.x, value: \"{{ uper .Key }}\"}}",
        "\n      - {processor: filter, condition: \"{{ .Key\"}",
        "\n      - {processor: webhook.http}",
    ];
    let mut shots = Vec::new();
    for (at, processors) in wrong.iter().enumerate() {
        let name = format!("wrong{at}.yaml");
        bench.file(&name, &file(processors, ""));
        shots.push(bench.shot(&["run", &name]));
    }
    shots.push(bench.shot(&["validate", "wrong0.yaml"]));
    same("processors_wrong", &shots.join("\n"));
}

const CONDUIT: &str = r#"
version: "2.2"
pipelines:
  - id: one
    owner: me
    connectors:
      - {id: in, type: source, plugin: "builtin:generator", settings: {recordCount: "3", format.type: structured, format.options.id: int, sdk.batch.size: "10"}}
      - {id: out, type: destination, plugin: "builtin:log", settings: {level: debug}}
  - id: two
    connectors:
      - {id: in, type: source, plugin: generator, settings: {recordCount: "2", format.type: raw}}
      - {id: out, type: destination, plugin: "builtin:file", settings: {path: "./$NOWHERE/out.jsonl"}}
  - id: three
    status: stopped
    connectors:
      - {id: in, type: source, plugin: "builtin:generator", settings: {recordCount: "1", collections.users.format.type: raw}}
      - {id: out, type: destination, plugin: "builtin:file", settings: {path: ./three.jsonl}}
"#;

#[test]
fn a_pipeline_file_of_conduit() {
    let bench = Bench::new();
    bench.file("conduit.yaml", CONDUIT).file(
        "lacking.yaml",
        &CONDUIT.replace("builtin:log", "builtin:postgres"),
    );
    let shots = [
        bench.shot(&["run", "conduit.yaml", "--pipeline", "one"]),
        bench.shot(&["run", "conduit.yaml", "--pipeline", "two"]),
        bench.shot(&["run", "conduit.yaml", "--pipeline", "three", "-q"]),
        bench.shot(&["validate", "conduit.yaml"]),
        bench.shot(&["run", "lacking.yaml"]),
    ];
    // Records that are made up are longer or shorter.
    let text = shots.join("\n");
    let lines = text.lines().filter(|line| !line.starts_with("  generator"));
    same("conduit_file", &lines.collect::<Vec<_>>().join("\n"));
    let three = std::fs::read_to_string(bench.path("three.jsonl")).unwrap();
    let record: serde_json::Value = serde_json::from_str(three.trim()).unwrap();
    assert_eq!(record["metadata"]["opencdc.collection"], "users");
    assert_eq!(
        record["metadata"]["conduit.source.connector.id"],
        "three:in"
    );
    // Raw data are base64 there: `{}`.
    assert_eq!(record["payload"]["after"], "e30=");
}

/// A pipeline of the sample with this entry of `streams`.
fn mapped(entry: &str) -> String {
    file("[]", &format!("streams: [{{name: sample, {entry}}}]"))
}

#[test]
fn mappers_are_set_under_their_stream() {
    let bench = Bench::new();
    let mapper =
        |kind: &str, config: &str| format!("{{type: {kind}, mapperConfiguration: {{{config}}}}}");
    let all = [
        mapper(
            "row-filtering",
            "conditions: {type: NOT, conditions: [{type: EQUAL, fieldName: id, comparisonValue: 2}]}",
        ),
        mapper("hashing", "targetField: id, method: MD5"),
        mapper(
            "field-renaming",
            "originalFieldName: name, newFieldName: who",
        ),
    ];
    let fields = "fields: [id, name]";
    bench
        .file("all.yaml", &mapped(&format!("{fields}, mappers: [{}]", all.join(", "))))
        .file(
            "typo.yaml",
            &mapped(&format!("mappers: [{}]", mapper("field-filtering", "targetField: nmae"))),
        )
        .file(
            "twice.yaml",
            &mapped(&format!("mappers: [{}]", mapper("field-renaming", "originalFieldName: name, newFieldName: id"))),
        )
        .file(
            "key_gone.yaml",
            &mapped(&format!("destination_sync_mode: append_dedup, mappers: [{}]", mapper("field-filtering", "targetField: id"))),
        )
        .file(
            "key.yaml",
            &mapped(&format!("mappers: [{}]", mapper("encryption", "targetField: name, algorithm: AES, mode: CBC, padding: PKCS5Padding, key: '${env:HOME}'"))),
        )
        .file(
            "streams.yaml",
            &file("[{processor: airbyte.field-filtering, streams: [smaple], settings: {targetField: name}}]", ""),
        );
    let shots = [
        &["run", "all.yaml"][..],
        &["plan", "all.yaml"],
        &["run", "typo.yaml"],
        &["plan", "twice.yaml"],
        &["plan", "key_gone.yaml"],
        &["validate", "key.yaml"],
        &["plan", "streams.yaml"],
    ];
    let shots: Vec<String> = shots.iter().map(|words| bench.shot(words)).collect();
    same("mappers", &shots.join("\n"));
}
