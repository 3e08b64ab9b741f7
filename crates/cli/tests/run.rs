//! `crossdock run`.

use crate::bench::{Bench, same};

const TWO: &str = r#"
version: 1
settings:
  store: ./state.db
  retries: {complete_failures: 1, partial_failures: 1}
pipelines:
  - id: shop
    source:
      connector: native:sample
      config: {count: 500, streams: [users, orders]}
    destination:
      connector: native:parquet
      config: {path: ./lake}
  - id: copy
    source:
      connector: native:sample
      config: {count: 20}
    destination:
      connector: native:jsonl
      config: {path: ./lines}
"#;

#[test]
fn twice() {
    let bench = Bench::new();
    bench.file("two.yaml", TWO);
    let first = bench.shot(&["run", "two.yaml"]);
    assert!(bench.path("state.db").exists());
    assert!(!bench.path("state").exists());
    assert!(!bench.files("lake/users").is_empty());
    let second = bench.shot(&["run", "two.yaml"]);
    let again = bench.shot(&["run", "two.yaml", "--pipeline", "copy", "--quiet"]);
    same("run_twice", &[first, second, again].join("\n"));
}

#[test]
fn json() {
    let bench = Bench::new();
    bench.file("two.yaml", TWO);
    same("run_json", &bench.shot(&["run", "two.yaml", "--json"]));
}

#[test]
fn the_store_s_flag_goes_before_the_file() {
    let bench = Bench::new();
    bench.file("two.yaml", TWO);
    let output = bench.run(&["run", "two.yaml", "--store", "flag.db", "-q"]);
    assert!(output.status.success());
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    assert!(bench.path("flag.db").exists());
    assert!(!bench.path("state.db").exists());
    let mut command = bench.command(&["run", "two.yaml", "-q"]);
    assert!(
        command
            .env("CROSSDOCK_STORE", "variable.db")
            .status()
            .unwrap()
            .success()
    );
    assert!(bench.path("variable.db").exists());
}

/// One pipeline with these lines in its source's configuration and as its streams.
fn one(config: &str, more: &str) -> String {
    format!(
        "version: 1
settings: {{store: ./state.db, retries: {{complete_failures: 1, partial_failures: 1}}}}
pipelines:
  - id: shop
    source:
      connector: native:sample
      config: {config}
    destination: {{connector: 'native:null'}}
{more}"
    )
}

#[test]
fn what_the_file_may_get_wrong() {
    let bench = Bench::new();
    bench.file("good.yaml", &one("{}", ""));
    bench.file("syntax.yaml", "version: 1\npipelines: [\n");
    bench.file("version.yaml", "version: 7\npipelines: []\n");
    bench.file(
        "key.yaml",
        &one("{}", "    stream:\n      - {name: users}\n"),
    );
    bench.file("faults.yaml", &one("{}", "    prefx: a\n    streams: []\n"));
    bench.file("secret.yaml", &one("{seed: '${env:NOT_SET}'}", ""));
    bench.file("spec.yaml", &one("{cuont: 3}", ""));
    bench.file(
        "stream.yaml",
        &one("{streams: [users]}", "    streams: [{name: usres}]\n"),
    );
    bench.file(
        "field.yaml",
        &one(
            "{columns: 2}",
            "    streams: [{name: sample, fields: [nothing]}]\n",
        ),
    );
    bench.file(
        "mode.yaml",
        &one(
            "{}",
            "    streams: [{name: sample, destination_sync_mode: soft_delete}]\n",
        ),
    );
    let lines: &[&[&str]] = &[
        &["run", "missing.yaml"],
        &["run", "missing.yaml", "--json"],
        &["run", "syntax.yaml"],
        &["run", "version.yaml"],
        &["run", "key.yaml"],
        &["run", "faults.yaml"],
        &["run", "faults.yaml", "--json"],
        &["run", "secret.yaml"],
        &["run", "good.yaml", "--pipeline", "shup"],
        &["run", "good.yaml", "--pipeline", "elsewhere"],
        &["run", "spec.yaml"],
        &["run", "stream.yaml"],
        &["run", "stream.yaml", "--json"],
        &["run", "field.yaml"],
        &["run", "mode.yaml"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("run_wrong_file", &shots.join("\n"));
}

#[test]
fn what_may_fail_on_the_way() {
    let bench = Bench::new();
    bench.file(
        "error.yaml",
        &one(
            "{count: 100, checkpoint_every: 10, batch_records: 10, fail_after: {records: 50}}",
            "",
        ),
    );
    bench.file(
        "stream.yaml",
        &one(
            "{count: 100, streams: [users, orders], checkpoint_every: 10, batch_records: 10, fail_after: {records: 50, how: incomplete_stream}}",
            "",
        ),
    );
    let lines: &[&[&str]] = &[
        &["run", "error.yaml"],
        &["run", "error.yaml", "--json"],
        &["run", "stream.yaml", "--store", "other.db"],
        &["run", "stream.yaml", "--store", "another.db", "--json"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("run_failed", &shots.join("\n"));
}

#[test]
fn one_pipeline_fails_and_the_next_runs() {
    let bench = Bench::new();
    let text = TWO.replace("native:parquet", "native:parquett");
    bench.file("two.yaml", &text);
    let shots = [
        bench.shot(&["run", "two.yaml"]),
        bench.shot(&["run", "two.yaml", "--json", "--store", "other.db"]),
    ];
    // Both connectors are asked at once, so the source may or may not have been when the other is found missing.
    let asked = "shop: asking the source for its streams\n";
    same("run_one_fails", &shots.join("\n").replace(asked, ""));
}

#[test]
fn a_store_that_is_none() {
    let bench = Bench::new();
    bench.file("good.yaml", &one("{count: 1}", ""));
    bench.file(
        "state.db",
        "this is a text, and a long one, and no store at all\n",
    );
    bench.file("file", "");
    let lines: &[&[&str]] = &[
        &["run", "good.yaml"],
        &["run", "good.yaml", "--json"],
        &["run", "good.yaml", "--store", "file/state.db"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("run_no_store", &shots.join("\n"));
}

#[test]
fn a_store_that_another_program_holds() {
    let bench = Bench::new();
    let words = [
        "sync",
        "--no-retry",
        "--store",
        "state.db",
        "--source",
        "native:sample",
        "--source-config",
        r#"{"count": 1}"#,
        "--destination",
        "native:null",
    ];
    assert!(bench.run(&words).status.success());
    let holder = rusqlite::Connection::open(bench.path("state.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    same("run_store_locked", &bench.shot(&words));
    holder.execute_batch("ROLLBACK").unwrap();
    assert!(bench.run(&words).status.success(), "nothing stays locked");
}

#[test]
fn a_store_of_a_newer_version() {
    let bench = Bench::new();
    bench.file("good.yaml", &one("{count: 1}", ""));
    assert!(bench.run(&["run", "good.yaml"]).status.success());
    let newer = rusqlite::Connection::open(bench.path("state.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let lines: &[&[&str]] = &[
        &["run", "good.yaml"],
        &["run", "good.yaml", "--json"],
        &["state", "show", "shop", "--store", "state.db"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("run_store_newer", &shots.join("\n"));
}
