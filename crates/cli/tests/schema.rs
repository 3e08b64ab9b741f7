//! Changes of a source's schema, as a user sees them.

use crate::bench::{Bench, same};

fn file(policy: &str) -> String {
    format!(
        r#"
version: 1
pipelines:
  - id: shop
    source: {{connector: native:csv, config: {{path: ./users.csv}}}}
    streams: [{{name: "*", destination_sync_mode: append_dedup, primary_key: id}}]
    destination: {{connector: native:sqlite, config: {{path: ./out.db}}}}
    settings: {{schema_changes: {policy}}}
"#
    )
}

#[test]
fn changes_flow_or_are_left_out_or_wait() {
    let bench = Bench::new();
    bench.file("flow.yaml", &file("propagate_fully"));
    bench.file("ignore.yaml", &file("ignore"));
    bench.file("pause.yaml", &file("pause"));
    bench.file("users.csv", "id,name\n1,Ada\n");
    let mut shots = vec![
        bench.shot(&["accept", "shop"]),
        bench.shot(&["run", "pause.yaml"]),
    ];
    bench.file(
        "users.csv",
        "id,name,mail\n1,Ada,a@example.org\n2,Bo,b@example.org\n",
    );
    for words in [
        &["plan", "pause.yaml"][..],
        &["run", "pause.yaml"],
        &["plan", "ignore.yaml"],
        &["plan", "ignore.yaml", "--json"],
        &["run", "ignore.yaml"],
        &["accept", "shop"],
        &["accept", "shop"],
        &["run", "flow.yaml"],
    ] {
        shots.push(bench.shot(words));
    }
    bench.file("users.csv", "name,mail\nAda,a@example.org\n");
    for words in [
        &["plan", "flow.yaml"][..],
        &["run", "flow.yaml"],
        &["run", "flow.yaml", "--json"],
        &["runs", "--limit", "1"],
        &["accept", "shop"],
        &["run", "flow.yaml"],
    ] {
        shots.push(bench.shot(words));
    }
    same("schema", &shots.join("\n"));
}
