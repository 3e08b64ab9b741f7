//! Commands that look and change nothing: `plan`, `preview`, `runs`, `logs`, `doctor`, and what is
//! made of the command line's definition.

use serde_json::{Value, json};

use crate::bench::{Bench, same};

const ORDERS: &str = r#"
version: 1
settings: {store: ./state/crossdock/state.db, retries: {complete_failures: 1, partial_failures: 1}}
pipelines:
  - id: orders
    source:
      connector: native:csv
      config: {streams: {orders: orders.csv, users: users.csv}}
    streams:
      - {name: "*", sync_mode: full_refresh, destination_sync_mode: overwrite}
      - {name: orders, sync_mode: incremental, destination_sync_mode: append_dedup, primary_key: [[id]]}
    destination:
      connector: native:sqlite
      config: {path: ./shop.db, metadata_columns: false}
"#;

fn shop() -> Bench {
    let bench = Bench::new();
    bench
        .file("orders.yaml", ORDERS)
        .file(
            "orders.csv",
            "id,item,price\n1,tea,2.50\n2,\"bread, rye\",3\n",
        )
        .file("users.csv", "id,name\n1,Ann\n");
    bench
}

#[test]
fn a_plan_says_what_a_run_would_do() {
    let bench = shop();
    let first = bench.shot(&["plan", "orders.yaml"]);
    assert!(!bench.path("state").exists() && !bench.path("shop.db").exists());
    let run = bench.shot(&["run", "orders.yaml"]);
    bench.file("orders.csv", "id,item,price,at\n1,tea,cheap,2026-01-01\n");
    bench.file(
        "fewer.yaml",
        &ORDERS.replace(", users: users.csv", "").replace(
            "      - {name: \"*\", sync_mode: full_refresh, destination_sync_mode: overwrite}\n",
            "",
        ),
    );
    let second = bench.shot(&["plan", "orders.yaml"]);
    let fewer = bench.shot(&["plan", "fewer.yaml"]);
    let json = bench.shot(&["--json", "plan", "fewer.yaml"]);
    let wrong = bench.shot(&["plan", "orders.yaml", "--pipeline", "order"]);
    same("plan", &[first, run, second, fewer, json, wrong].join("\n"));
}

#[test]
fn a_plan_says_which_way_records_would_go() {
    let bench = Bench::new();
    let served = |name: &str| {
        let program = env!("CARGO_BIN_EXE_crossdock");
        json!({"connector": format!("airbyte:exec:{program} connector serve --protocol airbyte native:{name}")})
    };
    let pipeline = |id: &str, settings: Value, processors: Value| {
        json!({
            "id": id,
            "source": served("sample"),
            "destination": served("null"),
            "settings": settings,
            "processors": processors,
        })
    };
    let exclude = json!([{"processor": "field.exclude",
        "settings": {"fields": ".Payload.After.email"}}]);
    let file = json!({"version": 1, "settings": {"store": "state.db"}, "pipelines": [
        pipeline("straight", json!({}), json!([])),
        pipeline("wished", json!({"route": "through"}), json!([])),
        pipeline("changed", json!({}), exclude.clone()),
        pipeline("impossible", json!({"route": "direct"}), exclude),
    ]});
    bench.file("ways.yaml", &file.to_string());
    same("plan_route", &bench.shot(&["plan", "ways.yaml"]));
}

#[test]
fn a_preview_shows_the_first_records() {
    let bench = shop();
    let config = r#"{"streams": {"orders": "orders.csv", "users": "users.csv"}}"#;
    let preview = |more: &[&str]| {
        let words = ["preview", "native:csv", "--config", config];
        bench.shot(&[&words[..], more].concat())
    };
    let shots = [
        preview(&[]),
        preview(&["--stream", "users", "--json"]),
        preview(&["--limit", "1"]),
        preview(&["--stream", "user"]),
        bench.shot(&[
            "preview",
            "native:sample",
            "--config",
            r#"{"columns": 20}"#,
            "--limit",
            "2",
        ]),
    ];
    same("preview", &shots.join("\n"));
}

#[test]
fn runs_and_their_logs_are_kept() {
    let bench = shop();
    let nothing = bench.shot(&["runs"]);
    bench.run(&["run", "orders.yaml"]);
    bench.file("orders.csv", "id,item,price\n1,tea\n");
    bench.run(&["run", "orders.yaml"]);
    bench.file(
        "skip.yaml",
        &ORDERS.replace("users: users.csv}", "users: users.csv}, bad_lines: skip"),
    );
    bench.run(&["run", "skip.yaml"]);
    bench.file("users.csv", "id,name\n1,Ann,x\n");
    let shots = [
        nothing,
        bench.shot(&["runs"]),
        bench.shot(&["runs", "--pipeline", "orders", "--limit", "1", "--json"]),
        bench.shot(&["runs", "show", "1"]),
        bench.shot(&["runs", "show", "2"]),
        bench.shot(&["runs", "show", "99"]),
        bench.shot(&["runs", "--pipeline", "other"]),
        bench.shot(&["logs"]),
        bench.shot(&["logs", "2", "--level", "warn"]),
        bench.shot(&["logs", "--pipeline", "orders", "--level", "warn", "--json"]),
        bench.shot(&["logs", "77"]),
        bench.shot(&["run", "skip.yaml", "--log-format", "json", "-v"]),
    ];
    same("runs", &shots.join("\n"));
}

#[test]
fn the_doctor_names_what_is_missing_and_what_to_do() {
    let bench = Bench::without_programs();
    let sick = bench.shot(&["doctor"]);
    bench.file("broken.db", "this is not a database, it is a text");
    let broken = bench.shot(&["doctor", "--store", "broken.db"]);
    same("doctor", &[sick, broken].join("\n"));
}

#[test]
fn shells_and_readers_get_what_they_need() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = bench.run(&["completions", shell]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("quickstart") && text.contains("crossdock"),
            "{shell}"
        );
    }
    let manual = bench.run(&["man"]);
    let manual = String::from_utf8(manual.stdout).unwrap();
    assert!(manual.starts_with(".ie"), "{}", &manual[..40]);
    assert!(manual.contains("crossdock\\-run") && manual.contains("The pipeline file"));
}

#[test]
fn the_page_of_commands_is_what_the_commands_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
    let output = Bench::new().run(&["man", "--markdown"]);
    let told = String::from_utf8(output.stdout).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &told).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == told,
        "docs/commands.md is out of date: UPDATE=1 writes it"
    );
}

#[test]
fn metrics_are_served_while_a_run_goes_on() {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    let bench = Bench::new();
    bench.file(
        "slow.yaml",
        r#"
version: 1
pipelines:
  - id: slow
    source: {connector: native:sample, config: {rate: 50, count: 100000, checkpoint_every: 10}}
    destination: {connector: native:null}
"#,
    );
    // A port that is free now.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let port = port.to_string();
    let mut run = bench
        .command(&["run", "slow.yaml", "--metrics-port", &port, "--quiet"])
        .spawn()
        .unwrap();
    let page = loop {
        assert!(run.try_wait().unwrap().is_none(), "the run has ended");
        let Ok(mut client) = TcpStream::connect(format!("127.0.0.1:{port}")) else {
            std::thread::yield_now();
            continue;
        };
        client
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        client.read_to_string(&mut page).unwrap();
        let committed = page
            .lines()
            .find(|l| l.starts_with("crossdock_checkpoints_committed_total{"));
        if committed.is_some_and(|line| !line.ends_with(" 0")) {
            break page;
        }
    };
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("crossdock_records_read_total{pipeline=\"slow\",stream=\"sample\"}"));
}
