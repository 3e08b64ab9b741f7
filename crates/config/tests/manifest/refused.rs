//! Wrong manifests, and every word that is said about them.

use super::{cron, refused};
use crate::fixture::manifest;

#[test]
fn wrong_documents() {
    let check = |text: &str, expected: &[&str]| refused(text, expected);
    check(
        &manifest("").replace("dataflow.dataflow.io/v1", "apps/v1"),
        &[
            "p.yaml:1:13: apiVersion: `apps/v1` is not of DataFlow [config.version]",
            "  hint: write `apiVersion: dataflow.dataflow.io/v1`",
        ],
    );
    check(
        &manifest("").replace("apiVersion: dataflow.dataflow.io/v1\n", ""),
        &[
            "p.yaml:1:1: `apiVersion` is missing [config.version]",
            "  hint: write `apiVersion: dataflow.dataflow.io/v1`",
        ],
    );
    check(
        &manifest("").replace("metadata: {name: p}\n", ""),
        &[
            "p.yaml:1:1: `metadata` is missing [config.invalid]",
            "  hint: e.g. `metadata: {name: orders}`",
        ],
    );
    check(
        &manifest("").replace("{name: p}", "{nmae: p}"),
        &[
            "p.yaml:3:11: metadata: `name` is missing [config.invalid]",
            "  hint: the state is kept under it, e.g. `metadata: {name: orders}`",
        ],
    );
    check(
        &manifest("").replace("{name: p}", "{name: a/b}"),
        &[
            "p.yaml:3:18: metadata.name: `a/b` cannot be a pipeline's id [config.invalid]",
            "  hint: an id has up to 128 letters, digits, `.`, `_` and `-`, and begins with a letter or digit",
        ],
    );
    check(
        &manifest("").replace("metadata:", "sepc: {}\nmetadata:"),
        &[
            "p.yaml:3:1: sepc: unknown key `sepc` [config.unknown_key]",
            "  hint: did you mean `spec`?",
        ],
    );
    check(
        "apiVersion: dataflow.dataflow.io/v1\nkind: DataFlow\nmetadata: {name: p}\n",
        &[
            "p.yaml:1:1: `spec` is missing [config.invalid]",
            "  hint: it says what is moved: `source` and `sink`",
        ],
    );
    check(
        &format!("{}---\n{}", manifest(""), manifest("")),
        &[
            "p.yaml:10:18: metadata.name: the name `default.p` is taken by another manifest of the file [config.invalid]",
            "  hint: give each a name of its own: its state is kept under it",
        ],
    );
    check(
        &format!("{}---\nversion: 1\n", manifest("")),
        &[
            "p.yaml:8:1: a pipeline file of Crossdock stands in a file that begins with a manifest of DataFlow [config.syntax]",
            "  hint: move it to a file of its own",
        ],
    );
    check(
        &format!("version: 2.2\npipelines: []\n---\n{}", manifest("")),
        &[
            "p.yaml:4:1: a manifest of DataFlow stands in a file that begins with a pipeline file of Conduit [config.syntax]",
            "  hint: move it to a file of its own",
        ],
    );
    check(
        &format!("{}---\napiVersion: v1\nkind: Secret\n", manifest("")),
        &[
            "p.yaml:9:7: kind: a `Secret` of Kubernetes is no pipeline [config.version]",
            "  hint: keep it in a file of its own; of manifests those of `DataFlow` and `DataFlowCron` are run",
        ],
    );
}

#[test]
fn wrong_specs() {
    let check = |lines: &str, expected: &[&str]| refused(&manifest(lines), expected);
    check(
        "transfromations: []",
        &[
            "p.yaml:7:3: spec.transfromations: unknown key `transfromations` [config.unknown_key]",
            "  hint: did you mean `transformations`?",
        ],
    );
    check(
        "schedule: 0 0 * * *",
        &[
            "p.yaml:7:13: spec.schedule: `schedule` is a key of `kind: DataFlowCron` [config.invalid]",
            "  hint: remove it, or write that kind",
        ],
    );
    check(
        "source:",
        &[
            "p.yaml:5:3: spec: `source` is missing [config.invalid]",
            "  hint: it says where the messages come from",
        ],
    );
    check(
        "source: kafka",
        &["p.yaml:6:11: spec.source: expected a mapping, found a string [config.syntax]"],
    );
    check(
        "source: {config: {}}",
        &[
            "p.yaml:6:11: spec.source: `type` is missing [config.invalid]",
            "  hint: e.g. `type: postgresql`, and its settings under `config`",
        ],
    );
    check(
        "source: {type: 'a b'}",
        &[
            "p.yaml:6:18: spec.source.type: `a b` cannot be the type of a connector [config.invalid]",
            "  hint: a type has only letters, digits, `-`, `_` and `.`",
        ],
    );
    check(
        "source: {type: kafka, confg: {topic: t}}",
        &[
            "p.yaml:6:25: spec.source.confg: unknown key `confg` [config.unknown_key]",
            "  hint: did you mean `config`?",
        ],
    );
    check(
        "source: {type: kafka, kafka: {topic: t}}",
        &[
            "p.yaml:6:25: spec.source.kafka: the settings stand under `kafka`, as in manifests before DataFlow 1.0.4 [config.unknown_key]",
            "  hint: move the keys under `config`: `{type: …, config: {…}}`",
        ],
    );
    check(
        "transformations: [{type: mask, mask: {fields: [a]}}]",
        &[
            "p.yaml:7:34: spec.transformations[0].mask: the settings stand under `mask`, as in manifests before DataFlow 1.0.4 [config.unknown_key]",
            "  hint: move the keys under `config`: `{type: …, config: {…}}`",
        ],
    );
    check(
        "transformations: [{type: snakeCase}]",
        &[
            "p.yaml:7:21: spec.transformations[0]: `config` is missing [config.invalid]",
            "  hint: where there is nothing to set, write `config: {}`",
        ],
    );
    check(
        "transformations: [{type: snake_case, config: {}}]",
        &[
            "p.yaml:7:28: spec.transformations[0].type: there is no transformation `snake_case` [config.invalid]",
            "  hint: did you mean `snakeCase`?",
        ],
    );
    check(
        "transformations: [{type: cast, when: true, config: {}}]",
        &[
            "p.yaml:7:40: spec.transformations[0].when: expected a text, found a boolean [config.syntax]",
            "  hint: put it in quotes",
        ],
    );
    check(
        "transformations: {}",
        &["p.yaml:7:20: spec.transformations: expected a list, found a mapping [config.syntax]"],
    );
    check(
        "replicas: 2",
        &[
            "p.yaml:7:13: spec.replicas: only a source `kafka` can have more than one replica: every other would be read several times [config.invalid]",
            "  hint: write `replicas: 1`, or leave it out",
        ],
    );
    check(
        "checkpointPersistence: 'no'",
        &[
            "p.yaml:7:26: spec.checkpointPersistence: expected `true` or `false`, found a string [config.syntax]",
        ],
    );
    check(
        "checkpointSaveInterval: soon",
        &[
            "p.yaml:7:27: spec.checkpointSaveInterval: the duration cannot be read [config.invalid]",
            "  hint: a duration is a whole number and a unit, e.g. `500ms`, `10s`, `5m`, `2h`",
        ],
    );
    let policy = "  hint: write `afterWrite`, which is also the default: a record counts as done once the error sink has it";
    check(
        "errors: {type: jsonl, ackPolicy: never}",
        &[
            "p.yaml:7:36: spec.errors.ackPolicy: `ackPolicy: never` is not taken: a record that is in the error sink would come again with every run [config.invalid]",
            policy,
        ],
    );
    check(
        "errors: {type: jsonl, ackPolicy: later}",
        &[
            "p.yaml:7:36: spec.errors.ackPolicy: there is no `ackPolicy` `later` [config.invalid]",
            policy,
        ],
    );
    let schedule = "  hint: e.g. `schedule: \"0 2 * * *\"`, every night at two";
    refused(
        &cron(""),
        &[
            "p.yaml:5:3: spec: `schedule` is missing [config.invalid]",
            schedule,
        ],
    );
    refused(
        &cron("schedule: 0 25 * * *"),
        &[
            "p.yaml:7:13: spec.schedule: `0 25 * * *` is no schedule: the hour is 0 to 23, `*`, a range `a-b`, each with a step `/n` or not, or several with commas [config.invalid]",
            schedule,
        ],
    );
}

#[test]
fn wrong_routers() {
    let check = |config: &str, expected: &[&str]| {
        refused(
            &manifest(&format!(
                "transformations:\n- type: router\n  config: {config}"
            )),
            expected,
        );
    };
    let sink = "sink: {type: csv}";
    check(
        "{}",
        &[
            "p.yaml:9:13: spec.transformations[0].config: the router has no `routes` [config.invalid]",
            "  hint: e.g. `routes: [{condition: \"$.kind == 'paid'\", sink: {type: …, config: {…}}}]`",
        ],
    );
    check(
        "{routes: [{condition: $.a}]}",
        &[
            "p.yaml:9:23: spec.transformations[0].config.routes[0]: `sink` is missing [config.invalid]",
            "  hint: it says where the records of the route go",
        ],
    );
    check(
        &format!("{{routes: [{{{sink}}}]}}"),
        &[
            "p.yaml:9:23: spec.transformations[0].config.routes[0]: `condition` is missing [config.invalid]",
            "  hint: e.g. `condition: \"$.kind == 'paid'\"`",
        ],
    );
    check(
        &format!("{{routes: [{{condition: $.a, {sink}}}, {{condition: $.a, {sink}}}]}}"),
        &[
            "p.yaml:9:72: spec.transformations[0].config.routes[1].condition: an earlier route has the same condition, so this one never gets a record [config.invalid]",
            "  hint: remove one of the two routes",
        ],
    );
    check(
        &format!("{{routes: [{{condition: $.a, {sink}}}]}}\n- type: router\n  config: {{}}"),
        &[
            "p.yaml:10:5: spec.transformations[1]: the transformation 1 is a router, too [config.invalid]",
            "  hint: give one router the routes of both; of two it is not said which wins",
        ],
    );
}
