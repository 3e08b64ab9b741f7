//! Every form that a file may have, and the plan that it comes down to.

use std::path::Path;
use std::time::Duration;

use crossdock_config::{
    CountMismatch, NamespaceRule, ProcessEnvironment, RejectedRecords, Settings, UnreadableRecords,
    load,
};
use crossdock_core::catalog::Lookback;
use crossdock_core::{DestinationSyncMode, SyncMode};
use serde_json::json;

use super::fixture::{Fake, parse, pipeline};

const WHOLE: &str = include_str!("whole.yaml");

#[test]
fn a_file_with_everything() {
    let plan = parse(WHOLE, &Fake::default().variable("SEED", "7")).unwrap();
    assert_eq!(plan.pipelines.len(), 2);
    let pipeline = &plan.pipelines[0];
    assert_eq!(pipeline.id, "faker-to-lake");
    assert_eq!(
        pipeline.sources[0].reference.to_string(),
        "airbyte:python:airbyte-source-faker==6.2.1"
    );
    assert_eq!(
        pipeline.sources[0].config,
        json!({"count": 100_000, "seed": "7"})
    );
    assert_eq!(pipeline.sources[0].references, ["/seed"]);
    assert_eq!(pipeline.sources[0].at.line, 11);
    assert_eq!(
        pipeline.sources[0].locate("/seed").to_string(),
        "p.yaml:12:37: pipelines[0].source.config.seed"
    );
    assert_eq!(pipeline.sources[0].locate("/seed/x/y").column, 37);
    assert_eq!(pipeline.destinations.len(), 1);
    assert_eq!(pipeline.destinations[0].config, json!({"path": "./lake"}));
    assert_eq!(
        pipeline.namespace,
        NamespaceRule::Custom("${SOURCE_NAMESPACE}_x".into())
    );
    assert_eq!(pipeline.prefix, "raw_");

    let [users, orders] = pipeline.streams.as_slice() else {
        panic!("{:?}", pipeline.streams)
    };
    assert_eq!(users.name, "users");
    assert_eq!(users.namespace.as_deref(), Some("public"));
    assert_eq!(users.sync_mode, Some(SyncMode::Incremental));
    assert_eq!(
        users.destination_sync_mode,
        Some(DestinationSyncMode::AppendDedup)
    );
    assert_eq!(users.primary_key, Some(vec![vec!["id".to_owned()]]));
    assert_eq!(users.cursor_field, Some(vec!["updated_at".to_owned()]));
    assert_eq!(users.fields, Some(vec!["id".to_owned(), "name".to_owned()]));
    assert_eq!(users.at.to_string(), "p.yaml:14:9: pipelines[0].streams[0]");
    assert_eq!(orders.name, "orders_*");
    assert_eq!(orders.sync_mode, None);

    let second = Duration::from_secs(1);
    let expected = Settings {
        memory_budget: 64_000_000,
        grace: second * 5,
        unreadable_records: UnreadableRecords::Drop,
        store: Some("./state.db".into()),
        ..Settings::default()
    };
    assert_eq!(plan.settings, expected);
    let mut overridden = Settings {
        grace: second,
        count_mismatch: CountMismatch::Warn,
        rejected_records: RejectedRecords::Allow,
        max_line_bytes: 4096,
        ..expected.clone()
    };
    overridden.retries.complete_failures = 1;
    overridden.retries.is_counted = true;
    overridden.retries.backoff_max = second * 60;
    assert_eq!(pipeline.settings, overridden);
    assert!(pipeline.settings.limits().drop_unreadable_records);

    let other = &plan.pipelines[1];
    assert_eq!(other.settings, expected);
    assert_eq!(other.destinations.len(), 2);
    assert_eq!(other.destinations[0].config, json!({}));
    assert!(other.streams.is_empty());
    assert_eq!(other.namespace, NamespaceRule::Destination);
}

#[test]
fn keys_and_cursors_in_every_form() {
    let check = |form: &str, key: serde_json::Value, cursor: serde_json::Value| {
        let text = pipeline(&format!("streams:\n- name: a\n  {form}"));
        let plan = parse(&text, &Fake::default())
            .map_err(|e| e.to_string())
            .unwrap();
        let stream = &plan.pipelines[0].streams[0];
        assert_eq!(json!(stream.primary_key), key, "{form}");
        assert_eq!(json!(stream.cursor_field), cursor, "{form}");
    };
    check("primary_key: id", json!([["id"]]), json!(null));
    check("primary_key: [id]", json!([["id"]]), json!(null));
    check(
        "primary_key: [id, region]",
        json!([["id"], ["region"]]),
        json!(null),
    );
    check(
        "primary_key: [[id], [a, b]]",
        json!([["id"], ["a", "b"]]),
        json!(null),
    );
    check(
        "primary_key: [id, [a, b]]",
        json!([["id"], ["a", "b"]]),
        json!(null),
    );
    check("cursor_field: at", json!(null), json!(["at"]));
    check("cursor_field: [a, at]", json!(null), json!(["a", "at"]));
    check("cursor_field:", json!(null), json!(null));
}

#[test]
fn a_window_is_a_duration_or_a_number() {
    let check = |form: &str, expected: Option<Lookback>| {
        let text = pipeline(&format!("streams: [{{name: a, lookback: {form}}}]"));
        let plan = parse(&text, &Fake::default());
        let plan = plan.unwrap_or_else(|wrong| panic!("{form}: {wrong}"));
        assert_eq!(plan.pipelines[0].streams[0].lookback, expected, "{form}");
    };
    check("1d", Some(Lookback::Time(Duration::from_secs(86_400))));
    check("1000", Some(Lookback::Number(1000)));
    check("", None);
    let wrong = |form: &str, expected: &str| {
        let text = pipeline(&format!("streams: [{{name: a, lookback: {form}}}]"));
        let wrong = parse(&text, &Fake::default()).unwrap_err().to_string();
        assert!(wrong.contains(expected), "{wrong}");
    };
    wrong("1 week", "streams[0].lookback: the window cannot be read");
    wrong("0s", "the window is empty");
    wrong("0", "the number is less than 1");
    wrong("1.5", "expected a string or an integer, found a number");
}

#[test]
fn yaml_and_json_alike() {
    let check = |text: &str| {
        let plan = parse(text, &Fake::default())
            .map_err(|e| format!("{text}: {e}"))
            .unwrap();
        assert_eq!(
            plan.pipelines[0].sources[0].config,
            json!({"a": [1, 2.5, true, null, "x"]})
        );
    };
    check(
        "{\n\t\"version\": 1,\n\t\"pipelines\": [{\"id\": \"p\", \"source\": {\"connector\": \"native:sample\", \"config\": {\"a\": [1, 2.5, true, null, \"x\"]}}, \"destination\": {\"connector\": \"native:null\"}}]}",
    );
    check(
        "version: \"1\"\npipelines: [{id: p, source: {connector: 'native:sample', config: {a: [1, 2.5, true, null, x]}}, destination: {connector: native:null}}]",
    );
    check(
        "\u{feff}version: 1\r\npipelines:\r\n- id: p\r\n  source: &x\r\n    connector: native:sample\r\n    config: &c {a: [1, 2.5, true, ~, x]}\r\n  destination:\r\n    <<: *x\r\n    config: *c\r\n",
    );
}

#[test]
fn words_and_numbers_stay_what_they_look_like() {
    let text = pipeline("prefix: yes")
        .replace("{connector: native:sample}", "{connector: native:sample, config: {a: on, b: 0123, c: 1_000, d: 1e3, e: -5, f: 18446744073709551615, g: !!str 5, h: 2024-01-01}}");
    let plan = parse(&text, &Fake::default()).unwrap();
    assert_eq!(plan.pipelines[0].prefix, "yes");
    assert_eq!(
        plan.pipelines[0].sources[0].config,
        json!({"a": "on", "b": "0123", "c": "1_000", "d": 1000.0, "e": -5, "f": u64::MAX, "g": "5", "h": "2024-01-01"})
    );
}

#[test]
fn a_file_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.yaml");
    std::fs::write(directory.path().join("token"), "s3cret\r\n").unwrap();
    std::fs::write(
        &path,
        pipeline("").replace(
            "native:sample}",
            "native:sample, config: {t: ${file:token}}}",
        ),
    )
    .unwrap();
    let plan = load(&path, &ProcessEnvironment).unwrap();
    assert_eq!(plan.pipelines[0].sources[0].config, json!({"t": "s3cret"}));

    let error = load(Path::new("/nowhere/p.yaml"), &ProcessEnvironment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nowhere/p.yaml: the file cannot be read: No such file or directory (os error 2) [config.unreadable]\n  hint: check the path and its permissions"
    );
    std::fs::write(&path, b"version: \xff").unwrap();
    let error = load(&path, &ProcessEnvironment).unwrap_err();
    assert!(
        error.to_string().contains("it is not UTF-8 text"),
        "{error}"
    );
    let endless = load(Path::new("/dev/zero"), &ProcessEnvironment).unwrap_err();
    assert!(
        endless.to_string().contains("it is longer than"),
        "{endless}"
    );
}

#[test]
fn settings_of_processors_keep_their_types() {
    let text = pipeline(concat!(
        "processors:\n",
        "  - {processor: dataflow.mask, id: m, when: \"$.a == 'x'\", settings: {fields: [a, b], keepLength: true}}\n",
        "  - {processor: dataflow.insertField, settings: {fields: {t: ${metadata.table}, n: ${now}}}}\n",
        "  - {processor: clone, condition: '{{ true }}', settings: {count: 2}}\n",
    ));
    let plan = parse(&text, &Fake::default()).unwrap();
    let [mask, insert, clone] = plan.pipelines[0].processors.as_slice() else {
        panic!("{:?}", plan.pipelines[0].processors)
    };
    assert_eq!((mask.id.as_str(), mask.when.as_str()), ("m", "$.a == 'x'"));
    assert_eq!(mask.settings["fields"], json!(["a", "b"]));
    assert_eq!(mask.settings["keepLength"], json!(true));
    let fields = json!({"t": "${metadata.table}", "n": "${now}"});
    assert_eq!(insert.settings["fields"], fields);
    assert_eq!((insert.when.as_str(), insert.condition.as_str()), ("", ""));
    assert_eq!(clone.settings["count"], json!(2));
    assert_eq!(clone.condition, "{{ true }}");
}
