//! Airbyte's mappers, under their streams and as processors, and which streams a processor is for.

use crossdock_core::StreamId;
use serde_json::json;

use super::fixture::{Fake, parse, pipeline};

fn processors(lines: &str) -> Vec<crossdock_config::Processor> {
    let environment = Fake::default().variable("KEY", "hunter2");
    let plan = parse(&pipeline(lines), &environment);
    let mut plan = plan.unwrap_or_else(|wrong| panic!("{wrong}"));
    plan.pipelines.remove(0).processors
}

const BOTH: &str = r"
streams:
- name: users
  mappers:
  - {type: hashing, mapperConfiguration: {targetField: mail, method: MD5}}
  - {id: secret, type: encryption, mapperConfiguration: {key: '${env:KEY}', targetField: note}}
- name: '*'
processors:
- {processor: filter, condition: '{{ true }}'}
- {processor: airbyte.encryption, streams: ['o*', users], settings: {key: 'x${env:KEY}'}}
- {processor: field.set, settings: {field: .Key, value: '${env:KEY}'}}";

#[test]
fn mappers_come_before_processors() {
    let found = processors(BOTH);
    let shown: Vec<_> = found.iter().map(|p| (&*p.id, &*p.plugin)).collect();
    let expected = [
        ("users.1", "airbyte.hashing"),
        ("secret", "airbyte.encryption"),
        ("1", "filter"),
        ("2", "airbyte.encryption"),
        ("3", "field.set"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        found[0].at.to_string(),
        "p.yaml:10:9: pipelines[0].streams[0].mappers[0]"
    );
    assert_eq!(found[0].settings["method"], "MD5");
}

#[test]
fn references_in_mappers_are_resolved_and_never_shown() {
    let found = processors(BOTH);
    assert_eq!(found[1].settings["key"], "hunter2");
    assert_eq!(found[1].secrets, ["hunter2"]);
    assert_eq!(found[3].settings["key"], "xhunter2");
    // In other processors `${` means what it means to them.
    assert_eq!(found[4].settings["value"], "${env:KEY}");
    assert!(!format!("{found:?}").contains("hunter2"));
    let gone = parse(&pipeline(BOTH), &Fake::default()).unwrap_err();
    let gone = gone.to_string();
    assert!(
        gone.contains("streams[0].mappers[1].mapperConfiguration.key: the environment variable `KEY` is not set"),
        "{gone}"
    );
}

#[test]
fn a_later_entry_has_other_mappers() {
    let rename = |to: &str| {
        format!(
            "[{{type: field-renaming, mapperConfiguration: {{originalFieldName: a, newFieldName: {to}}}}}]"
        )
    };
    let lines = format!(
        "streams:\n- {{name: '*', mappers: {}}}\n- {{name: 'o*', mappers: {}}}\n- {{name: old, mappers: []}}\n- {{name: orders, fields: [a]}}",
        rename("x"),
        rename("y"),
    );
    let found = processors(&lines);
    let check = |stream: &str, expected: &[&str]| {
        let stream = StreamId::new(stream);
        let of = found.iter().filter(|p| p.scope.covers(&stream));
        let names: Vec<_> = of.map(|p| p.settings["newFieldName"].clone()).collect();
        assert_eq!(json!(names), json!(expected), "{stream}");
    };
    check("users", &["x"]);
    check("orders", &["y"]);
    check("old", &[]);
}

#[test]
fn what_is_wrong_with_mappers() {
    let check = |lines: &str, expected: &str| {
        let wrong = parse(&pipeline(lines), &Fake::default()).unwrap_err();
        let wrong = wrong.to_string();
        assert!(wrong.contains(expected), "{wrong}");
    };
    check(
        "streams: [{name: a, mappers: [{type: hash, mapperConfiguration: {}}]}]",
        "pipelines[0].streams[0].mappers[0].type: `hash` is not allowed here",
    );
    check(
        "streams: [{name: a, mappers: [{type: hashing, config: {}}]}]",
        "unknown key `config`",
    );
    check(
        "streams: [{name: a, mappers: [{type: hashing}]}]",
        "pipelines[0].streams[0].mappers[0]: `mapperConfiguration` is missing",
    );
    check(
        "processors: [{processor: filter, streams: []}]",
        "pipelines[0].processors[0].streams: the list is empty",
    );
}
