//! Direct mode: records go from the source's sockets to the destination, and the engine keeps the books of both.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::sockets::{WRITE, overtaking, start};
use super::through::{committed, ids, nothing_is_lost, pipeline, sample, stranger};
use super::{READ, configure, connector, served, write};
use crate::lab::Lab;
use crate::rounds::{grows, size};

const FORMS: [(&str, &str); 3] = [
    ("jsonl", "0.0.2"),
    ("protobuf", "0.0.1"),
    ("protobuf", "0.0.2"),
];

const FRAMES: (&str, &str) = ("PROTOBUF", "0.0.2");

fn on(format: &str, version: &str) -> Value {
    json!({"transport": "sockets", "format": format, "version": version, "sockets": 2})
}

fn with(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// The same pair, the same rows, whichever way they go and whatever the streams are called.
#[test]
fn what_goes_straight_is_what_goes_through() {
    let renamed = json!({"prefix": "p_", "namespace":
        {"definition": "custom", "format": "from_${SOURCE_NAMESPACE}"}});
    for (at, (more, folder)) in [
        (json!({}), "out"),
        (json!({"prefix": "p_"}), "out"),
        (renamed, "out/from_"),
    ]
    .iter()
    .enumerate()
    {
        let (format, version) = FORMS[at];
        let rows = ["through", "direct"].map(|route| {
            let lab = Lab::new();
            let to = json!({"path": lab.text("out"), "metadata_columns": false});
            let settings = json!({"settings": {"route": route}, "streams":
                [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}]});
            let file = pipeline(
                &lab,
                (&served("native:sample"), sample(500), on(format, version)),
                (&served("native:jsonl"), to, on(format, version)),
                &with(settings, more),
            );
            let data = lab.good(&["run", &file]);
            assert_eq!(committed(&data), 1000, "{data:#}");
            let streams = data["pipelines"][0]["streams"].as_array().unwrap();
            for stream in streams {
                assert_eq!(stream["records"], 500, "{data:#}");
                assert!(stream["bytes"].as_u64().unwrap() > 5_000, "{data:#}");
            }
            // It goes on where it was.
            let again = lab.good(&["run", &file]);
            assert_eq!(committed(&again), 0, "{again:#}");
            lab.folders(folder)
        });
        assert_eq!(rows[0].len(), 2);
        assert_eq!(rows[0], rows[1], "{more}");
    }
}

/// Ours announce the same sockets, so records go straight where nothing has to see them, and nobody has to ask for it.
#[test]
fn the_way_is_found_by_itself() {
    let check = |more: Value, straight: bool| {
        let lab = Lab::new();
        let to = json!({"path": lab.text("out")});
        let file = pipeline(
            &lab,
            (&served("native:sample"), sample(100), Value::Null),
            (&served("native:jsonl"), to, Value::Null),
            &more,
        );
        // The plan tells it before.
        let plan = lab.good(&["plan", &file]);
        let planned = &plan["pipelines"][0];
        let route = if straight { "direct" } else { "through" };
        assert_eq!(planned["route"], route, "{planned:#}");
        assert_eq!(planned["route_reason"].is_null(), straight, "{planned:#}");
        let run = lab.command(&["run", &file, "-vv"]).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{said}");
        assert_eq!(
            said.contains("records go straight from the source to the destination"),
            straight,
            "{more} {said}"
        );
    };
    check(json!({}), true);
    check(json!({"settings": {"route": "through"}}), false);
    check(json!({"settings": {"max_records": 10}}), false);
    let fields = json!({"streams": [{"name": "*", "fields": ["name", "id"]}]});
    check(fields, false);
}

#[test]
fn a_way_that_cannot_be_gone_is_refused() {
    let check = |more: Value, from: Value, why: &str| {
        let lab = Lab::new();
        let to = json!({"path": lab.text("out")});
        let file = pipeline(
            &lab,
            (&served("native:sample"), sample(100), from),
            (&served("native:jsonl"), to, Value::Null),
            &with(json!({"settings": {"route": "direct"}}), &more),
        );
        let run = lab.run(&["run", &file]);
        assert_eq!(run["ok"], false, "{run:#}");
        let text = run.to_string();
        assert!(
            text.contains("config.invalid") && text.contains(why),
            "{run:#}"
        );
        assert!(!lab.path("out").exists());
    };
    let excluding = json!({"processors": [{"processor": "field.exclude", "settings": {"fields": ".Payload.After.email"}}]});
    check(excluding, Value::Null, "processors have to see the records");
    check(
        json!({"dead_letters": {"path": "letters"}}),
        Value::Null,
        "records that are refused are kept",
    );
    let stdio = json!({"transport": "stdio"});
    check(json!({}), stdio, "not all of the connectors");
    let old = on("protobuf", "0.0.1");
    check(json!({}), old, "write different forms");
}

/// Whoever failed first is told of, though the other one fails from that (§4.9).
#[test]
fn the_one_that_failed_first_is_told_of() {
    let once = json!({"settings": {"route": "direct", "grace": "5s",
        "retries": {"complete_failures": 1, "partial_failures": 1}},
        "streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}]});
    let lab = Lab::new();
    let mut failing = sample(500);
    failing["fail_after"] = json!({"records": 250, "how": "error"});
    let to = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = pipeline(
        &lab,
        (&served("native:sample"), failing, Value::Null),
        (&served("native:jsonl"), to, Value::Null),
        &once,
    );
    let run = lab.run(&["run", &file]);
    assert_eq!(run["ok"], false, "{run:#}");
    assert!(run.to_string().contains("fail_after"), "{run:#}");
    let mut found = ids(&lab.folders("out")["sample_1"]);
    found.truncate(200);
    assert_eq!(found, (0..200).collect::<Vec<_>>());
    let state = lab.printed(&["state", "show", "p"]);
    assert!(state.contains("200"), "{state}");

    // A destination that has not room enough.
    let lab = Lab::new();
    let to = json!({"path": lab.text("rows.db"), "busy_timeout_ms": 1});
    let file = pipeline(
        &lab,
        (&served("native:sample"), sample(100_000), Value::Null),
        (&served("native:sqlite"), to, Value::Null),
        &once,
    );
    let holder = rusqlite::Connection::open(lab.path("rows.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = lab.run(&["run", &file]);
    assert_eq!(run["ok"], false, "{run:#}");
    assert!(run.to_string().contains("locked"), "{run:#}");

    // A destination that never comes to read: the source, which waits for it, is not waited for.
    let lab = Lab::new();
    let mut patient = once.clone();
    patient["settings"]["grace"] = json!("60s");
    let to = json!({"path": "/proc/nowhere"});
    let file = pipeline(
        &lab,
        (&served("native:sample"), sample(100), Value::Null),
        (&served("native:jsonl"), to, Value::Null),
        &patient,
    );
    let run = lab.run(&["run", &file]);
    assert!(run.to_string().contains("/proc/nowhere"), "{run:#}");
    let elapsed = &run["data"]["pipelines"][0]["elapsed_ms"];
    assert!(elapsed.as_u64().unwrap() < 50_000, "{run:#}");

    // A destination that leaves in the middle and calls that well.
    let Some(stranger) = stranger() else { return };
    let lab = Lab::new();
    let file = pipeline(
        &lab,
        (
            &served("native:sample"),
            sample(100_000),
            on("protobuf", "0.0.2"),
        ),
        (&stranger, json!({"quit": true}), on("protobuf", "0.0.2")),
        &once,
    );
    let run = lab.run(&["run", &file]);
    assert_eq!(run["ok"], false, "{run:#}");
    let text = run.to_string();
    // The source may feel it before the process has ended.
    assert!(
        text.contains("the destination closed its input before the end")
            || text.contains("the reader of the data channel went away"),
        "{run:#}"
    );
}

/// A destination that waits for a source that is over finds an end; without one it would wait for a quarter of an hour.
#[test]
fn a_source_without_sockets_holds_nobody_up() {
    let Some(stranger) = stranger() else { return };
    let lab = Lab::new();
    overtaking(&lab, true);
    let config = json!({"quit": true, "catalog": lab.text("catalog.json")});
    let to = json!({"path": lab.text("out")});
    let channel = on("protobuf", "0.0.2");
    let file = pipeline(
        &lab,
        (&stranger, config, channel.clone()),
        (&served("native:jsonl"), to, channel),
        &json!({"settings": {"route": "direct", "retries": {"complete_failures": 1}}}),
    );
    let mut run = lab.command(&["run", &file]);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let said = String::from_utf8(within_a_minute(run.unwrap()).stdout).unwrap();
    assert!(said.contains("out of order"), "{said}");
}

/// Somebody who wants the end gets it, whichever way records go: what was read is committed, and that a destination
/// finds its input cut short is no failure.
#[test]
fn a_run_that_is_asked_to_end_is_cancelled() {
    for route in ["through", "direct"] {
        let lab = Lab::new();
        std::fs::create_dir(lab.path("db")).unwrap();
        let started = |rate: u64| {
            let mut config = sample(2000);
            config["rate"] = json!(rate);
            config["streams"] = json!(["a", "b"]);
            let to = json!({"path": lab.text("db/out.db"), "metadata_columns": false});
            let streams = json!([{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}]);
            pipeline(
                &lab,
                (&served("native:sample"), config, Value::Null),
                (&served("native:sqlite"), to, Value::Null),
                &json!({"settings": {"route": route}, "streams": streams}),
            )
        };
        let mut command = lab.command(&["run", &started(500)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = command.spawn().unwrap();
        let folder = lab.path("db");
        assert!(grows(&folder, 0, &mut run));
        assert!(grows(&folder, size(&folder), &mut run));
        let run_id = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(run_id, rustix::process::Signal::INT).unwrap();
        let ended = within_a_minute(run);
        let said = String::from_utf8(ended.stderr).unwrap();
        let data: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(data["error"]["code"], "run.cancelled", "{data:#} {said}");
        assert!(!said.contains("ended before every stream"), "{said}");
        // The rest comes with the next run.
        lab.good(&["run", &started(0)]);
        let database = rusqlite::Connection::open(folder.join("out.db")).unwrap();
        for table in ["a", "b"] {
            let query = format!("SELECT count(*) * 10000 + count(DISTINCT id) FROM {table}");
            let both: i64 = database.query_row(&query, [], |row| row.get(0)).unwrap();
            assert_eq!(both, 20_002_000, "{route}: all rows, each once");
        }
    }
}

/// Nobody but the reader of its stdout tells a connector on sockets that it is not wanted any more.
#[test]
fn a_connector_that_nobody_runs_any_more_ends() {
    let lab = Lab::new();
    write(&lab, "config.json", &sample(10));
    configure(&lab, "native:sample", "full_refresh", "append");
    write(&lab, "to.json", &json!({"path": "out"}));
    for words in [&READ, &WRITE] {
        let reference = ["native:sample", "native:jsonl"][usize::from(words[0] == "write")];
        let mut waiting = start(connector(&lab, reference, words), &lab, FRAMES);
        assert!(waiting.try_wait().unwrap().is_none());
        drop(waiting.stdout.take());
        within_a_minute(waiting);
    }
}

/// Whoever asks a source to stop need not kill it, though nobody ever came to read.
#[test]
fn a_source_that_nobody_reads_ends_when_it_is_asked_to() {
    let lab = Lab::new();
    write(&lab, "config.json", &sample(10));
    configure(&lab, "native:sample", "full_refresh", "append");
    let mut waiting = start(connector(&lab, "native:sample", &READ), &lab, FRAMES);
    // Held open to the end: else it would end for want of anybody.
    let mut said = BufReader::new(waiting.stdout.take().unwrap()).lines();
    // All is said, but for the end.
    let is_complete = |line: Result<String, _>| line.unwrap().contains("COMPLETE").then_some(());
    assert!(said.find_map(is_complete).is_some() && said.find_map(is_complete).is_some());
    let id = rustix::process::Pid::from_child(&waiting);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    within_a_minute(waiting);
    drop(said);
}

fn within_a_minute(mut child: Child) -> Output {
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it goes on and on");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn strangers_with_each_other_and_with_ours() {
    let Some(stranger) = stranger() else { return };
    for (format, version) in FORMS {
        let channel = on(format, version);
        let route = json!({"settings": {"route": "direct"}});
        // States overtake their records, and one another.
        let lab = Lab::new();
        overtaking(&lab, true);
        let config = json!({"messages": lab.text("messages.jsonl"), "catalog": lab.text("catalog.json"), "version": version});
        let to = json!({"out": lab.text("came.jsonl"), "version": version});
        let file = pipeline(
            &lab,
            (&stranger, config.clone(), channel.clone()),
            (&stranger, to, channel.clone()),
            &route,
        );
        let data = lab.good(&["run", &file]);
        assert_eq!(committed(&data), 4, "{data:#}");
        let state = lab.printed(&["state", "show", "p"]);
        assert!(state.contains(r#""state":{"id":2}"#), "{state}");

        let lab = Lab::new();
        overtaking(&lab, true);
        let config = json!({"messages": lab.text("messages.jsonl"), "catalog": lab.text("catalog.json"), "version": version});
        let to = json!({"path": lab.text("out"), "metadata_columns": false});
        let file = pipeline(
            &lab,
            (&stranger, config, channel.clone()),
            (&served("native:jsonl"), to, channel),
            &route,
        );
        let data = lab.good(&["run", &file]);
        assert_eq!(committed(&data), 4, "{data:#}");
        assert_eq!(ids(&lab.folders("out")["a"]), [1, 2, 3]);
    }
}

/// Of a state of all streams the destination says how many records of each it covers (§4.7).
#[test]
fn states_of_the_whole_are_counted_by_stream() {
    let Some(stranger) = stranger() else { return };
    let lab = Lab::new();
    overtaking(&lab, true);
    let record = |stream: &str, id: i64| {
        json!({"type": "RECORD", "record": {"stream": stream, "emitted_at": 1, "partition_id": "p",
            "data": {"id": id, "name": "n"}}})
    };
    let part = |stream: &str| json!({"stream_descriptor": {"name": stream}, "stream_state": {}});
    let state = json!({"type": "STATE", "state": {"type": "GLOBAL", "id": 1, "partition_id": "p",
        "global": {"shared_state": {"lsn": 7}, "stream_states": [part("a"), part("b")]},
        "sourceStats": {"recordCount": 3}}});
    let complete = |stream: &str| {
        json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1,
            "stream_status": {"stream_descriptor": {"name": stream}, "status": "COMPLETE"}}})
    };
    let sent = [
        record("a", 1),
        record("a", 2),
        record("b", 1),
        state,
        complete("a"),
        complete("b"),
    ];
    let lines: String = sent.iter().map(|message| format!("{message}\n")).collect();
    std::fs::write(lab.path("messages.jsonl"), lines).unwrap();
    let config = json!({"messages": lab.text("messages.jsonl"), "catalog": lab.text("catalog.json"), "version": "0.0.2"});
    let to = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = pipeline(
        &lab,
        (&stranger, config, on("protobuf", "0.0.2")),
        (&served("native:jsonl"), to, on("protobuf", "0.0.2")),
        &json!({"settings": {"route": "direct"}}),
    );
    let data = lab.good(&["run", &file]);
    let streams = data["pipelines"][0]["streams"].as_array().unwrap();
    let counts: Vec<_> = streams
        .iter()
        .map(|stream| {
            [&stream["stream"], &stream["records"], &stream["committed"]].map(Value::to_string)
        })
        .collect();
    assert_eq!(counts.len(), 2);
    assert_eq!(counts[0][1..], ["2", "2"], "{data:#}");
    assert_eq!(counts[1][1..], ["1", "1"], "{data:#}");
}

#[test]
fn nothing_is_lost_when_any_side_is_killed() {
    nothing_is_lost("direct");
}
