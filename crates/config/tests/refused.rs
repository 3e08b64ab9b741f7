//! What is wrong with a file, and every word that is said about it.

use super::fixture::{Fake, parse, pipeline};

fn check(text: &str, expected: &[&str]) {
    let found = parse(text, &Fake::default()).expect_err(text).to_string();
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected, "\n{text}");
}

#[test]
fn files_that_are_not_ours() {
    let begin = "  hint: begin the file with `version: 1`";
    let allowed = "  hint: use `version: 1`, or a newer Crossdock";
    check(
        "",
        &["p.yaml:1:1: the file is empty [config.syntax]", begin],
    );
    check(
        "- a",
        &[
            "p.yaml:1:1: expected a mapping, found a list [config.syntax]",
            begin,
        ],
    );
    check(
        "a: 1",
        &[
            "p.yaml:1:1: the file has no `version` [config.version]",
            begin,
        ],
    );
    check(
        "# x\nverison: 1",
        &[
            "p.yaml:2:1: the file has no `version` [config.version]",
            "  hint: did you mean `version` by `verison`?",
        ],
    );
    check(
        "version: 2",
        &[
            "p.yaml:1:10: version: version `2` is not known [config.version]",
            allowed,
        ],
    );
    check(
        "version: []",
        &[
            "p.yaml:1:10: version: expected a version, found a list [config.version]",
            allowed,
        ],
    );
    check(
        "version: \"2.2\"\npipelines: []",
        &["p.yaml:1:1: the file has no pipelines [config.invalid]"],
    );
    check(
        "version: 2.2\npipelines: []",
        &["p.yaml:1:1: the file has no pipelines [config.invalid]"],
    );
    check(
        "apiVersion: v1\nkind: Secret",
        &[
            "p.yaml:2:7: kind: a `Secret` of Kubernetes is no pipeline [config.version]",
            "  hint: keep it in a file of its own; of manifests those of `DataFlow` and `DataFlowCron` are run",
        ],
    );
    check(
        "apiVersion: dataflow.dataflow.io/v1\nkind: Dataflow",
        &[
            "p.yaml:2:7: kind: there is no kind `Dataflow` of manifests [config.version]",
            "  hint: did you mean `DataFlow`?",
        ],
    );
    check(
        "apiVersion: dataflow.dataflow.io/v1",
        &[
            "p.yaml:1:1: kind: the manifest has no `kind` [config.version]",
            "  hint: write `kind: DataFlow` or `kind: DataFlowCron`",
        ],
    );
}

#[test]
fn syntax() {
    check(
        "version: 1\na: b: c",
        &["p.yaml:2:5: mapping values are not allowed in this context [config.syntax]"],
    );
    check(
        "{\"version\": 1, \"pipelines\": [}",
        &["p.yaml:1:29: mismatched bracket '[' closed by '}' [config.syntax]"],
    );
    check(
        "version: 1\n---\nversion: 1",
        &[
            "p.yaml:3:1: the file holds more than one YAML document [config.syntax]",
            "  hint: list all pipelines under `pipelines` of one document",
        ],
    );
    check(
        &pipeline("streams: [{name: *}]"),
        &[
            "p.yaml:6:22: while scanning an anchor or alias, did not find expected alphabetic or numeric character [config.syntax]",
            "  hint: a value that begins with `*` or `&` goes in quotes: `\"*\"`",
        ],
    );
    check(
        &pipeline("prefix: *gone"),
        &[
            "p.yaml:6:13: alias references unknown anchor [config.syntax]",
            "  hint: a value that begins with `*` or `&` goes in quotes: `\"*\"`",
        ],
    );
    check(
        "version: 1\n~: 2",
        &["p.yaml:2:1: a key is not a string [config.syntax]"],
    );
    check(
        "version: 1\n[a]: 2",
        &["p.yaml:2:1: a key is not a string [config.syntax]"],
    );
    check(
        "version: 1\nx: .inf",
        &["p.yaml:2:4: the number is not finite [config.syntax]"],
    );
}

#[test]
fn structure_all_at_once() {
    check(
        "version: 1",
        &["p.yaml:1:1: `pipelines` is missing [config.invalid]"],
    );
    check(
        "version: 1\npipelines:\n",
        &["p.yaml:1:1: `pipelines` is missing [config.invalid]"],
    );
    check(
        "version: 1\npipelines: []",
        &["p.yaml:2:12: pipelines: the list is empty [config.invalid]"],
    );
    check(
        concat!(
            "version: 1\n",
            "setings: {}\n",
            "pipelines:\n",
            "  - id: 7\n",
            "    source:\n",
            "      conector: native:sample\n",
            "    streams:\n",
            "      - users\n",
            "      - {name: orders, sync-mode: full, sync_mode: incremetal}\n",
            "      - {name: a, primary_key: 5, cursor_field: [[a]]}\n",
            "    destination: native:null\n",
            "    settings:\n",
            "      retries: {complete_failures: 0, backoff_factor: 1.5}\n",
            "      count_mismatch: ignore\n",
            "      grace: 10\n",
            "      banana: 1\n",
            "    id: p\n",
        ),
        &[
            "p.yaml:2:1: setings: unknown key `setings` [config.unknown_key]",
            "  hint: did you mean `settings`?",
            "p.yaml:4:9: pipelines[0].id: expected a string, found an integer [config.syntax]",
            "  hint: put it in quotes",
            "p.yaml:6:7: pipelines[0].source.conector: unknown key `conector` [config.unknown_key]",
            "  hint: did you mean `connector`?",
            "p.yaml:8:9: pipelines[0].streams[0]: expected a mapping, found a string [config.syntax]",
            "p.yaml:9:24: pipelines[0].streams[1].sync-mode: unknown key `sync-mode` [config.unknown_key]",
            "  hint: did you mean `sync_mode`?",
            "p.yaml:9:52: pipelines[0].streams[1].sync_mode: `incremetal` is not allowed here [config.invalid]",
            "  hint: did you mean `incremental`?",
            "p.yaml:10:32: pipelines[0].streams[2].primary_key: expected a string or a list, found an integer [config.syntax]",
            "  hint: put it in quotes",
            "p.yaml:10:50: pipelines[0].streams[2].cursor_field[0]: expected a string, found a list [config.syntax]",
            "p.yaml:11:18: pipelines[0].destination: expected a mapping, found a string [config.syntax]",
            "p.yaml:13:36: pipelines[0].settings.retries.complete_failures: the number is less than 1 [config.invalid]",
            "p.yaml:13:55: pipelines[0].settings.retries.backoff_factor: expected an integer, found a number [config.syntax]",
            "p.yaml:14:23: pipelines[0].settings.count_mismatch: `ignore` is not allowed here [config.invalid]",
            "  hint: the allowed values are `fail`, `warn`",
            "p.yaml:15:14: pipelines[0].settings.grace: expected a string, found an integer [config.syntax]",
            "  hint: write e.g. `10s`",
            "p.yaml:16:7: pipelines[0].settings.banana: unknown key `banana` [config.unknown_key]",
            "  hint: the known keys are `memory_budget`, `max_line_bytes`, `grace`, `command_timeout`, `source_silence`, `destination_silence`, `checkpoint_silence`, `finish_timeout`, `commit_interval`, `mode`, `resume`, `answers`, `until_idle`, `max_records`, `unreadable_records`, `count_mismatch`, `rejected_records`, `route`, `schema_check`, `schema_changes`, `backfill`, `refresh`, `retries`, `store`",
            "p.yaml:17:5: pipelines[0].id: the key `id` stands twice, first in line 4 [config.syntax]",
            "  hint: remove one of them",
        ],
    );
}

#[test]
fn an_enum_takes_one_of_its_words() {
    check(
        concat!(
            "version: 1\n",
            "pipelines:\n",
            "  - id: a\n",
            "    source: {connector: native:sample}\n",
            "    destination: {connector: native:null}\n",
            "    settings: {schema_changes: {policy: pause}, route: [direct]}\n",
        ),
        &[
            "p.yaml:6:32: pipelines[0].settings.schema_changes: expected a string, found a mapping [config.syntax]",
            "  hint: the allowed values are `ignore`, `pause`, `propagate_columns`, `propagate_fully`",
            "p.yaml:6:56: pipelines[0].settings.route: expected a string, found a list [config.syntax]",
            "  hint: the allowed values are `direct`, `through`",
        ],
    );
}

#[test]
fn values_all_at_once() {
    check(
        concat!(
            "version: 1\n",
            "settings: {grace: 10 seconds, memory_budget: 1.5GB, max_line_bytes: 0B, store: ''}\n",
            "pipelines:\n",
            "  - id: my pipeline\n",
            "    source: {connector: airbite:python:airbyte-source-faker}\n",
            "    destinations:\n",
            "      - {connector: parquet, config: {path: '${env:LAKE}/x'}}\n",
            "      - connector: native:jsonl\n",
            "        config: {path: '${file:missing.txt}', b: ${LAKE}, c: '${evn:X}', d: 'a${', e: '${env:}'}\n",
            "    streams: [{name: '', fields: ['']}]\n",
            "    namespace: {definition: source, format: '${env}'}\n",
            "  - id: my pipeline\n",
            "    source: {connector: native:sample}\n",
            "    destination: {connector: native:null}\n",
            "    destinations: [{connector: native:null}]\n",
            "    namespace: {definition: custom}\n",
            "    settings: {source_silence: 0s, store: x.db, commit_interval: 0s}\n",
            "  - id: p\n",
            "    source: {connector: native:sample}\n",
        ),
        &[
            "p.yaml:2:19: settings.grace: the duration cannot be read [config.invalid]",
            "  hint: a duration is a whole number and a unit, e.g. `500ms`, `10s`, `5m`, `2h`",
            "p.yaml:2:46: settings.memory_budget: the size cannot be read [config.invalid]",
            "  hint: a size is a whole number and a unit, e.g. `256MiB`, `64MB`, `4096B`",
            "p.yaml:2:69: settings.max_line_bytes: the size is zero [config.invalid]",
            "p.yaml:2:80: settings.store: the path is empty [config.invalid]",
            "p.yaml:4:9: pipelines[0].id: `my pipeline` cannot be a pipeline's id [config.invalid]",
            "  hint: an id has up to 128 letters, digits, `.`, `_` and `-`, and begins with a letter or digit",
            "p.yaml:5:25: pipelines[0].source.connector: the connector reference `airbite:python:airbyte-source-faker` names no known protocol, but `airbite` [config.reference]",
            "  hint: did you mean `airbyte:python:airbyte-source-faker`?",
            "p.yaml:7:21: pipelines[0].destinations[0].connector: the connector reference `parquet` names no protocol [config.reference]",
            "  hint: write `native:parquet` for a connector of Crossdock's own",
            "p.yaml:7:45: pipelines[0].destinations[0].config.path: the environment variable `LAKE` is not set [config.secret_unresolved]",
            "  hint: set it, or give a default: `${env:LAKE:-…}`",
            "p.yaml:9:24: pipelines[0].destinations[1].config.path: the file `dir/missing.txt` cannot be read: no such file [config.secret_unresolved]",
            "  hint: the path is seen from the directory of the configuration file",
            "p.yaml:9:50: pipelines[0].destinations[1].config.b: a `${…}` is no reference [config.invalid]",
            "  hint: write `${env:NAME}` or `${file:PATH}`, or `$${` for a literal `${`",
            "p.yaml:9:62: pipelines[0].destinations[1].config.c: a `${…}` is no reference [config.invalid]",
            "  hint: did you mean `${env:…}`?",
            "p.yaml:9:77: pipelines[0].destinations[1].config.d: a `${` is not closed [config.invalid]",
            "  hint: write `$${` for a literal `${`",
            "p.yaml:9:87: pipelines[0].destinations[1].config.e: the reference names no environment variable [config.invalid]",
            "  hint: write `${env:NAME}` or `${env:NAME:-default}`",
            "p.yaml:10:22: pipelines[0].streams[0].name: the name is empty [config.invalid]",
            "p.yaml:10:34: pipelines[0].streams[0].fields: the name is empty [config.invalid]",
            "p.yaml:11:45: pipelines[0].namespace.format: `format` has a meaning only with `definition: custom` [config.invalid]",
            "p.yaml:11:45: pipelines[0].namespace.format: the format refers to something else than the source's namespace [config.invalid]",
            "  hint: the only reference here is `${SOURCE_NAMESPACE}`",
            "p.yaml:12:9: pipelines[1].id: the id `my pipeline` is taken by the pipeline in line 4 [config.invalid]",
            "  hint: give each pipeline an id of its own: its state is kept under it",
            "p.yaml:12:9: pipelines[1].id: `my pipeline` cannot be a pipeline's id [config.invalid]",
            "  hint: an id has up to 128 letters, digits, `.`, `_` and `-`, and begins with a letter or digit",
            "p.yaml:15:19: pipelines[1].destinations: `destination` and `destinations` are both given [config.invalid]",
            "  hint: list all of them under `destinations`",
            "p.yaml:16:16: pipelines[1].namespace: `definition: custom` needs a `format` [config.invalid]",
            "  hint: e.g. `format: \"${SOURCE_NAMESPACE}_raw\"`",
            "p.yaml:17:32: pipelines[1].settings.source_silence: the duration is zero [config.invalid]",
            "  hint: for no limit in practice, write `3650d`",
            "p.yaml:17:43: pipelines[1].settings.store: the store is one for all pipelines of a file [config.invalid]",
            "  hint: move it to the `settings` of the file",
            "p.yaml:18:5: pipelines[2]: `destination` is missing [config.invalid]",
            "  hint: say where the records go, e.g. `destination: {connector: native:jsonl, config: {path: ./out}}`",
        ],
    );
}

#[test]
fn places_where_references_mean_nothing() {
    check(
        &pipeline("prefix: ${env:PREFIX}"),
        &[
            "p.yaml:6:13: pipelines[0].prefix: a reference stands where none is resolved [config.invalid]",
            "  hint: `${env:…}` and `${file:…}` are for values inside a connector's `config` or a mapper's settings",
        ],
    );
}

#[test]
fn numbers_that_would_lose_digits() {
    check(
        &pipeline("x: 12345678901234567890123"),
        &[
            "p.yaml:6:8: the integer is too large to keep all its digits [config.invalid]",
            "  hint: put it in quotes",
        ],
    );
}

#[test]
fn duplicate_keys_in_connector_configurations_too() {
    check(
        "version: 1\npipelines:\n- id: a\n  source: {connector: native:x, config: {a: [{b: 1, b: 2}]}}\n  destination: {connector: native:null}\n",
        &[
            "p.yaml:4:53: pipelines[0].source.config.a[0].b: the key `b` stands twice, first in line 4 [config.syntax]",
            "  hint: remove one of them",
        ],
    );
}

#[test]
fn a_processor_has_one_condition() {
    check(
        &pipeline("processors: [{processor: filter, condition: x, when: $.a}]"),
        &[
            "p.yaml:6:58: pipelines[0].processors[0].when: `condition` and `when` are both given [config.invalid]",
            "  hint: a processor has one condition: a template, or one of DataFlow",
        ],
    );
}
