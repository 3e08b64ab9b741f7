//! `crossdock status`.

use crate::bench::{Bench, same};

fn file(id: &str, columns: &str, source: &str) -> String {
    format!(
        r#"
version: 1
pipelines:
  - id: {id}
    source: {{connector: {source}}}
    streams: [{{name: "*", {columns}}}]
    destination: {{connector: native:sqlite, config: {{path: ./out.db}}}}
    settings: {{retries: {{complete_failures: 1, partial_failures: 1}}}}
"#
    )
}

#[test]
fn what_a_pipeline_shows() {
    let bench = Bench::new();
    let csv = "native:csv, config: {path: ./users.csv}";
    let dedup = "destination_sync_mode: append_dedup, primary_key: id";
    bench.file("users.yaml", &file("users", dedup, csv));
    bench.file(
        "fails.yaml",
        &file(
            "fails",
            "destination_sync_mode: append",
            "native:sample, config: {count: 100, fail_after: {records: 5}}",
        ),
    );
    bench.file("users.csv", "id,name\n1,Ada\n");
    let mut shots = vec![
        bench.shot(&["status"]),
        bench.shot(&["status", "users.yaml"]),
    ];
    for yaml in ["users.yaml", "fails.yaml"] {
        bench.run(&["run", yaml]);
    }
    for words in [
        &["status"][..],
        &["status", "fails", "--json"],
        &["refresh", "users"],
        &["status", "users.yaml"],
    ] {
        shots.push(bench.shot(words));
    }
    bench.run(&["run", "users.yaml"]);
    bench.file("users.csv", "name\nAda\n");
    bench.run(&["run", "users.yaml"]);
    shots.push(bench.shot(&["status", "users"]));
    shots.push(bench.shot(&["status", "users", "--json"]));
    bench.run(&["accept", "users"]);
    shots.push(bench.shot(&["status", "users"]));
    bench.run(&["clear", "users.yaml"]);
    shots.push(bench.shot(&["status", "users"]));
    shots.push(bench.shot(&["status", "user"]));
    same("status", &shots.join("\n"));
}
