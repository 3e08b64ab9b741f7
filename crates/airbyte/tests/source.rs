//! Reads that go well, and many that do not.

use std::time::Duration;

use crossdock_core::ErrorKind;
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::event::Event;
use crossdock_core::json::Json;
use crossdock_core::source::{Source, SourceOpening};
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};

use crate::rig::{GUARD, Rig, catalog, drain};

#[tokio::test]
async fn a_plain_read_ends_well() {
    let rig = Rig::new(|_| {});
    let (seen, error) = rig
        .read(json!([
            ["log", "INFO", "password is hunter22"], ["raw", "plain\n\n"], ["status", "a", "STARTED"],
            ["records", "a", 2], ["state", "a", {"n": 2}], ["status", "a", "COMPLETE"], ["status", "b", "COMPLETE"],
            ["records", "zzz", 3], ["stderr", "note hunter22", 1], ["control", {"password": "fresh-one"}],
            ["log", "WARN", "now fresh-one"],
        ]))
        .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["a x2", "a at {\"n\":2}", "dropped 3", "b at {}"]);
    let log = rig.ears.log();
    for line in [
        "Info password is ****",
        "Info plain",
        "Info note ****",
        "Warn now ****",
    ] {
        assert!(log.contains(line), "{line} not in {log}");
    }
    assert!(!log.contains("hunter22") && !log.contains("fresh-one"));
    assert_eq!(rig.ears.new_configs(), [json!({"password": "fresh-one"})]);
}

#[tokio::test]
async fn the_connector_gets_its_files_privately() {
    let rig = Rig::new(|_| {});
    let opening = SourceOpening {
        bounded: true,
        connector: String::new(),
        pipeline: "p".to_owned(),
        shape: crossdock_core::batch::BodyShape::Rows,

        verbatim: None,
        values: true,
        catalog: catalog(&["a"]),
        state: vec![LaneState {
            lane: Lane::Stream(StreamId::new("a")),
            kind: StateKind::Stream,
            state: Json::from_value(&json!({"n": 1})),
        }],
        session: rig.session.clone(),
    };
    let config = json!({"source": [["show", "a"]], "password": "hunter22"});
    let mut reader = Rig::source().open(config, opening).await.unwrap();
    let shown: Value = loop {
        if let Event::Batch(batch) = reader.next().await.unwrap() {
            let crossdock_core::Body::Rows(rows) = batch.body else {
                panic!("rows expected")
            };
            break serde_json::from_slice(rows.after(0)).unwrap();
        }
    };
    assert_eq!(shown["state"][0]["stream"]["stream_state"], json!({"n": 1}));
    assert_eq!(shown["catalog"]["streams"][0]["sync_mode"], "full_refresh");
    assert_eq!(shown["env"], "true");
    assert!(!shown["argv"].to_string().contains("hunter22"));
    let modes: Vec<_> = shown["modes"].as_array().unwrap().iter().skip(1).collect();
    assert_eq!(modes, ["0o600", "0o600", "0o600"]);
    let cwd = shown["cwd"].as_str().unwrap().to_owned();
    drain(&mut reader).await;
    reader.close().await.unwrap();
    drop(reader);
    assert!(!std::path::Path::new(&cwd).exists());
}

#[tokio::test]
async fn a_bad_end_is_an_error_with_the_best_cause() {
    let rig = Rig::new(|_| {});
    let expect =
        async |steps: Value, events: &[&str], code: &str, kind: ErrorKind, message: &str| {
            let (seen, error) = rig.read(steps).await;
            let error = error.expect("an error");
            assert_eq!(seen, events);
            assert_eq!((error.code().name, error.kind()), (code, kind), "{error:?}");
            assert!(error.message().contains(message), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter22"));
        };
    let connector = ErrorKind::Connector;
    expect(
        json!([
            ["records", "a", 1],
            ["error", "quota hunter22", "transient_error"],
            ["error", "x"],
            ["exit", 1]
        ]),
        &["a x1"],
        "connector.failed",
        ErrorKind::Transient,
        "quota ****",
    )
    .await;
    expect(
        json!([["records", "a", 1], ["exit", 127]]),
        &["a x1"],
        "connector.no_entrypoint",
        ErrorKind::Config,
        "127",
    )
    .await;
    expect(
        json!([["exit", 137]]),
        &[],
        "connector.killed",
        connector,
        "137",
    )
    .await;
    expect(
        json!([["kill", 15]]),
        &[],
        "connector.killed",
        connector,
        "SIGTERM",
    )
    .await;
    expect(
        json!([["exit", 3]]),
        &[],
        "connector.out_of_memory",
        connector,
        "3",
    )
    .await;
    // Half a line and a bad exit: the exit is the reason.
    let half = "{\"type\":\"RECORD\",\"record\":{\"stream\":\"a\",\"da";
    expect(
        json!([["records", "a", 1], ["raw", half], ["exit", 9]]),
        &["a x1"],
        "connector.exit",
        connector,
        "9",
    )
    .await;
    expect(
        json!([["raw", half]]),
        &[],
        "protocol.line_truncated",
        ErrorKind::Protocol,
        "middle",
    )
    .await;
    expect(
        json!([
            ["records", "a", 1],
            ["raw", half],
            ["raw", "\n"],
            ["records", "a", 1]
        ]),
        &["a x1"],
        "protocol.record_unreadable",
        ErrorKind::Protocol,
        "cannot be read",
    )
    .await;
    expect(
        json!([
            ["state", "a", {}],
            ["raw", "{\"type\":\"STATE\",\"state\":{\"data\":{}}}\n"]
        ]),
        &["a at {}"],
        "protocol.state_mixed",
        ErrorKind::Protocol,
        "",
    )
    .await;
    expect(
        json!([
            ["error", "a is gone", "system_error", "a"],
            ["status", "a", "INCOMPLETE"],
            ["records", "b", 1],
            ["error", "one stream failed"],
            ["exit", 1]
        ]),
        &["a failed: connector.stream_failed a is gone", "b x1"],
        "connector.failed",
        connector,
        "one stream failed",
    )
    .await;
}

#[tokio::test]
async fn a_stream_left_incomplete_fails_alone() {
    let (seen, error) = Rig::new(|_| {})
        .read(json!([
            ["status", "a", "INCOMPLETE"],
            ["records", "b", 1],
            ["status", "b", "COMPLETE"]
        ]))
        .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(
        seen[1].starts_with("a failed: connector.stream_incomplete"),
        "{seen:?}"
    );
    assert_eq!(seen[2], "b at {}");
}

#[tokio::test]
async fn unreadable_records_are_dropped_where_that_is_wanted() {
    let rig = Rig::new(|limits| limits.drop_unreadable_records = true);
    let bad = "{\"type\":\"RECORD\",\"record\":{\"stream\":\"a\"\n";
    let (seen, error) = rig.read(json!([["raw", bad], ["records", "a", 1]])).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["dropped 1", "a x1", "a at {}", "b at {}"]);
}

#[tokio::test]
async fn a_line_over_the_limit_is_a_clear_error() {
    let rig = Rig::new(|limits| limits.max_line_bytes = 5000);
    let (_, error) = rig
        .read(json!([["raw", "x".repeat(5001)], ["sleep", 600]]))
        .await;
    assert_eq!(error.unwrap().code().name, "protocol.line_too_long");
}

#[tokio::test]
async fn floods_on_stderr_do_not_block() {
    let rig = Rig::new(|_| {});
    let (seen, error) = rig
        .read(json!([
            ["stderr", "x".repeat(1000), 4000],
            ["records", "a", 5000]
        ]))
        .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen[0], "a x5000");
}

#[tokio::test]
async fn a_child_that_holds_stdout_does_not_hold_the_read() {
    let rig = Rig::new(|limits| limits.grace = Duration::from_millis(300));
    let (seen, error) = rig.read(json!([["hold", 600], ["records", "a", 1]])).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["a x1", "a at {}", "b at {}"]);
    let log = rig.ears.log();
    assert!(log.contains("left processes behind"), "{log}");
    let child = log
        .split("\"child\": ")
        .nth(1)
        .unwrap()
        .split('}')
        .next()
        .unwrap()
        .to_owned();
    let gone = || {
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        !status.contains("State:") || status.contains("zombie")
    };
    let start = std::time::Instant::now();
    while !gone() {
        assert!(start.elapsed() < GUARD, "the child {child} lives on");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_source_that_closes_its_output_and_stays_has_failed() {
    let rig = Rig::new(|limits| limits.grace = Duration::from_millis(300));
    let (_, error) = rig
        .read(json!([["records", "a", 1], ["close"], ["sleep", 600]]))
        .await;
    assert_eq!(error.unwrap().code().name, "connector.exit");
}

#[tokio::test]
async fn a_stopped_source_ends_well_with_what_it_printed() {
    for (first, grace) in [("log", 20_000), ("deaf", 300)] {
        let rig = Rig::new(|limits| limits.grace = Duration::from_millis(grace));
        let half = "{\"type\":\"RECORD\",\"rec";
        let mut reader = rig
            .open(json!([
                [first, "INFO", "x"],
                ["records", "a", 3],
                ["raw", half],
                ["sleep", 600]
            ]))
            .await;
        let control = reader.control();
        let mut records = 0;
        while records < 3 {
            if let Event::Batch(batch) = reader.next().await.unwrap() {
                records += batch.records();
            }
        }
        control.stop();
        control.stop();
        let (seen, error) = drain(&mut reader).await;
        assert!(
            error.is_none() && seen.is_empty(),
            "{first}: {seen:?} {error:?}"
        );
        reader.close().await.unwrap();
    }
}
