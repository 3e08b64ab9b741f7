//! DataFlow's manifests: what they become, and what is said of what has no effect.

mod refused;
mod secret;

use std::time::Duration;

use crossdock_config::{LetterForm, Mode, Pipeline, Plan};
use serde_json::json;

use super::fixture::{Fake, manifest, parse};

fn read(text: &str, environment: &Fake) -> Plan {
    parse(text, environment).unwrap_or_else(|wrong| panic!("{text}\n{wrong}"))
}

fn only(lines: &str) -> Pipeline {
    let mut plan = read(&manifest(lines), &Fake::default());
    assert_eq!(plan.warnings, [], "{lines}");
    plan.pipelines.remove(0)
}

fn cron(lines: &str) -> String {
    manifest(lines).replace("kind: DataFlow", "kind: DataFlowCron")
}

fn refused(text: &str, expected: &[&str]) {
    let found = parse(text, &Fake::default()).expect_err(text).to_string();
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected, "\n{text}");
}

/// Warnings as they are printed.
fn warnings(plan: &Plan) -> Vec<String> {
    plan.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_manifest_becomes_a_pipeline() {
    let pipeline = only(concat!(
        "source: {type: csv, config: {path: ./in, limit: 5, q: \"a ${x} $${y}\"}}\n",
        "transformations:\n",
        "- {type: select, config: {fields: [id, total]}}\n",
        "- {type: mask, when: \"metadata.table == 'orders'\", config: {fields: [email], keepLength: true}}\n",
        "- {type: snakeCase, config: {}}\n",
        "sink: {type: jsonl}\n",
        "errors: {type: jsonl, config: {path: ./errors}}\n",
    ));
    assert_eq!((pipeline.id.as_str(), pipeline.is_stopped), ("p", false));
    assert_eq!(pipeline.schedule, None);
    let [source] = pipeline.sources.as_slice() else {
        panic!("one source")
    };
    assert_eq!(source.reference.to_string(), "native:csv");
    let config = json!({"path": "./in", "limit": 5, "q": "a ${x} $${y}"});
    assert_eq!(source.config, config, "what is no reference of ours stays");
    assert_eq!(source.at.to_string(), "p.yaml:5:11: spec.source");
    let [sink] = pipeline.destinations.as_slice() else {
        panic!("one sink")
    };
    assert_eq!(
        (sink.reference.to_string().as_str(), &sink.config),
        ("native:jsonl", &json!({}))
    );
    assert_eq!(sink.processors, []);
    let [select, mask, snake] = pipeline.processors.as_slice() else {
        panic!("{:?}", pipeline.processors)
    };
    assert_eq!(
        (select.plugin.as_str(), select.id.as_str()),
        ("dataflow.select", "transformations[0]")
    );
    assert_eq!(select.settings["fields"], json!(["id", "total"]));
    assert_eq!(mask.when, "metadata.table == 'orders'");
    assert_eq!(mask.settings["keepLength"], json!(true));
    assert_eq!(
        (snake.plugin.as_str(), snake.settings.len()),
        ("dataflow.snakeCase", 0)
    );
    assert_eq!(snake.at.to_string(), "p.yaml:9:5: spec.transformations[2]");
    let errors = pipeline.dead_letters.unwrap();
    assert_eq!(
        (
            errors.form,
            errors.window_size,
            errors.window_nack_threshold
        ),
        (LetterForm::DataFlow, 0, 0)
    );
    assert_eq!(
        errors.connector.unwrap().config,
        json!({"path": "./errors"})
    );
}

#[test]
fn a_flow_goes_on_and_a_cron_runs_once() {
    let flow = only("").settings;
    assert_eq!((flow.mode, flow.resume), (Mode::Stream, true));
    let retries = flow.retries;
    assert!(retries.is_endless);
    assert_eq!(
        (retries.backoff, retries.backoff_factor, retries.backoff_max),
        (Duration::from_secs(30), 2, Duration::from_secs(300))
    );
    let plan = read(&cron("schedule: \"*/5 * * * *\""), &Fake::default());
    let pipeline = &plan.pipelines[0];
    assert!(plan.at_once && !pipeline.is_stopped && !pipeline.settings.retries.is_endless);
    assert_eq!(pipeline.schedule.as_deref(), Some("*/5 * * * *"));
    assert_eq!(pipeline.settings.mode, Mode::Sync);
    let suspended = read(
        &cron("schedule: \"0 0 2 * * *\"\nsuspend: true"),
        &Fake::default(),
    );
    assert!(suspended.pipelines[0].is_stopped);
    assert!(only("replicas: 0").is_stopped);
}

#[test]
fn checkpoint_settings() {
    let settings = only(
        "checkpointPersistence: false\ncheckpointSaveInterval: 30s\ncheckpointSyncOnAck: true",
    )
    .settings;
    assert!(!settings.resume);
    assert_eq!(settings.commit_interval, Duration::from_secs(30));
    assert_eq!(
        only("checkpointSaveInterval: 5").settings.commit_interval,
        Duration::from_secs(5)
    );
    assert_eq!(
        only("checkpointReset: false\nreplicas: 1").settings,
        only("").settings
    );
}

#[test]
fn a_router_makes_destinations() {
    let route = |condition: &str, kind: &str| {
        format!("{{condition: \"{condition}\", sink: {{type: {kind}, config: {{path: ./x}}}}}}")
    };
    let routes = format!("{}, {}", route("$.a == 'x'", "csv"), route("$.b", "jsonl"));
    let pipeline = only(&format!(
        "transformations:\n- {{type: router, config: {{routes: [{routes}]}}}}"
    ));
    let kept: Vec<_> = pipeline
        .destinations
        .iter()
        .map(|one| {
            let [routed] = one.processors.as_slice() else {
                panic!("one processor")
            };
            assert_eq!(routed.plugin, "dataflow.routed");
            (
                one.reference.to_string(),
                serde_json::to_string(&routed.settings).unwrap(),
            )
        })
        .collect();
    let expected = [
        ("native:null", r#"{"otherwise":true}"#),
        ("native:csv", r#"{"condition":"$.a == 'x'"}"#),
        ("native:jsonl", r#"{"condition":"$.b"}"#),
    ];
    assert_eq!(kept, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(pipeline.processors.len(), 1);
    assert_eq!(
        pipeline.processors[0].settings["routes"],
        json!([{"condition": "$.a == 'x'"}, {"condition": "$.b"}])
    );
    let gated = only(&format!(
        "transformations:\n- {{type: router, when: $.c, config: {{routes: [{routes}]}}}}"
    ));
    let plugins: Vec<_> = gated
        .processors
        .iter()
        .map(|one| one.plugin.as_str())
        .collect();
    assert_eq!(
        plugins,
        ["field.exclude", "dataflow.router"],
        "an earlier router's word does not count"
    );
}

#[test]
fn programs_are_looked_for_if_the_environment_says_so() {
    let check = |value: &'static str, expected: &str, has_hint: bool| {
        let environment = Fake::default().variable("DATAFLOW_USE_SUBPROCESS_CONNECTORS", value);
        let plan = read(&manifest("sink: {type: kafka, config: {}}"), &environment);
        let sink = &plan.pipelines[0].destinations[0];
        assert_eq!(sink.reference.to_string(), expected);
        assert_eq!(sink.hint.is_some(), has_hint, "{value}");
    };
    check("1", "dataflow:kafka", false);
    check("true", "dataflow:kafka", false);
    check("0", "native:kafka", true);
    check("", "native:kafka", true);
    let plan = read(
        &manifest("sink: {type: kafka, config: {}}"),
        &Fake::default(),
    );
    assert_eq!(
        plan.pipelines[0].destinations[0].hint.as_deref(),
        Some(
            "set `DATAFLOW_USE_SUBPROCESS_CONNECTORS=1`, and a program `dataflow-connector-kafka` is looked for"
        )
    );
}

#[test]
fn several_documents_and_their_names() {
    let named = |name: &str| manifest("").replace("{name: p}", name);
    let text = format!(
        "# two\n---\n{}---\n{}---\n{}",
        named("{name: a}"),
        named("{name: b, namespace: x}"),
        cron("schedule: 0 0 * * *")
    );
    let ids = |text: &str| -> Vec<String> {
        let plan = read(text, &Fake::default());
        plan.pipelines.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(ids(&text), ["a", "b", "p"]);
    let text = format!(
        "{}---\n{}---\n{}",
        named("{name: a}"),
        named("{name: a, namespace: x}"),
        named("{name: b, namespace: x}")
    );
    assert_eq!(ids(&text), ["default.a", "x.a", "b"]);
    let json = r#"{"apiVersion": "dataflow.dataflow.io/v1", "kind": "DataFlow", "metadata": {"name": "j"}, "spec": {"source": {"type": "sample"}, "sink": {"type": "null", "config": {}}}}"#;
    assert_eq!(ids(json), ["j"]);
}

#[test]
fn what_has_no_effect_is_told() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(warnings(&read(text, &Fake::default())), expected, "{text}");
    };
    check(
        &manifest("resources: {limits: {cpu: 1}}\nchannelBufferSize: 5\nmaintenance: {}"),
        &[
            "p.yaml:5:3: spec: `resources`, `channelBufferSize`, `maintenance` have no effect here [config.unknown_key]\n  hint: such keys are for a cluster, or for the inside of DataFlow's own engine; they may stay",
        ],
    );
    check(
        &cron("schedule: 0 0 * * *\nconcurrencyPolicy: Forbid\ntriggers: [{image: x}]"),
        &[
            "p.yaml:5:3: spec: `concurrencyPolicy` has no effect here [config.unknown_key]\n  hint: such keys are for a cluster, or for the inside of DataFlow's own engine; they may stay",
            "p.yaml:9:13: spec.triggers: triggers are not run [config.unknown_key]\n  hint: start what they start after `crossdock run`, which ends with 0 if all went well",
        ],
    );
    check(
        &manifest("checkpointReset: true"),
        &[
            "p.yaml:7:20: spec.checkpointReset: the wish to begin anew once has no effect here [config.unknown_key]\n  hint: `crossdock state reset p` does it",
        ],
    );
    check(
        &manifest("source: {type: kafka}\nreplicas: 3"),
        &[
            "p.yaml:7:13: spec.replicas: more than one replica has no effect here [config.unknown_key]\n  hint: one process reads all partitions; others of the same consumer group may run beside it",
        ],
    );
    check(
        &manifest("").replace("dataflow.io/v1", "dataflow.io/v2"),
        &[
            "p.yaml:1:13: apiVersion: `dataflow.dataflow.io/v2` is not known; the manifest is read as one of `dataflow.dataflow.io/v1` [config.version]",
        ],
    );
    check(
        &manifest("").replace("{name: p}", "{name: p, labels: {a: b}, annotations: {dataflow.dataflow.io/reset-checkpoint: 'true'}}"),
        &["p.yaml:3:90: metadata.annotations.dataflow.dataflow.io/reset-checkpoint: the wish to begin anew once has no effect here [config.unknown_key]\n  hint: `crossdock state reset p` does it"],
    );
}
