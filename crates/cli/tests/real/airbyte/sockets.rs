//! The data channel over sockets (§4): our connectors with each other, and with a second implementation of the
//! framing that shares nothing with ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use super::{READ, bodies, configure, connector, messages, output, write};
use crate::lab::{Lab, program};
use crate::rounds::size;

pub(super) const WRITE: [&str; 5] = ["write", "--config", "to.json", "--catalog", "catalog.json"];

/// How the channel is spoken: format and version.
pub(super) const FORMS: [(&str, &str); 3] = [
    ("JSONL", "0.0.2"),
    ("PROTOBUF", "0.0.1"),
    ("PROTOBUF", "0.0.2"),
];

/// The same channel for both sides.
pub(super) fn on_channel(command: &mut Command, lab: &Lab, form: (&str, &str)) {
    let paths = ["1.sock", "2.sock"].map(|name| lab.text(name));
    command
        .env("DATA_CHANNEL_MEDIUM", "SOCKET")
        .env("DATA_CHANNEL_FORMAT", form.0)
        .env("DATA_CHANNEL_VERSION", form.1)
        .env("DATA_CHANNEL_SOCKET_PATHS", paths.join(","));
}

pub(super) fn start(mut command: Command, lab: &Lab, form: (&str, &str)) -> Child {
    on_channel(&mut command, lab, form);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

pub(super) fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

/// Runs both and returns what each said.
fn pair(lab: &Lab, form: (&str, &str), source: Command, destination: Command) -> (Output, Output) {
    let source = start(source, lab, form);
    let destination = start(destination, lab, form);
    (ended(source), ended(destination))
}

fn stranger(lab: &Lab, words: &[&str]) -> Option<Command> {
    let python = program("CROSSDOCK_TEST_PROTOBUF_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../airbyte/tests/peer/data_channel/stranger.py");
    let mut command = Command::new(python);
    command.arg(script).args(words).current_dir(lab.path(""));
    Some(command)
}

fn good(output: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{errors}{said}");
    messages(output)
}

fn states(messages: &[Value]) -> Vec<Value> {
    bodies(messages, "STATE", "state")
}

/// Two streams of every type.
fn samples(lab: &Lab) {
    let config = json!({"count": 300, "streams": 2, "columns": 13, "checkpoint_every": 100, "batch_records": 50});
    write(lab, "config.json", &config);
    configure(lab, "native:sample", "incremental", "append");
    write(
        lab,
        "to.json",
        &json!({"path": "out", "metadata_columns": false}),
    );
}

/// The rows of a stream without the order of their members.
fn rows(lab: &Lab) -> BTreeMap<String, Vec<Value>> {
    lab.folders("out")
}

/// A row in which moments have no zeros at the end of their fractions: frames hold numbers, not texts.
fn plain(row: &Value) -> Value {
    let Value::Object(row) = row else {
        return row.clone();
    };
    let short = |value: &Value| match value.as_str().and_then(|text| text.split_once('.')) {
        Some((moment, fraction)) if moment.contains('T') && moment.ends_with(char::is_numeric) => {
            let digits = fraction.trim_end_matches('Z');
            let zone = &fraction[digits.len()..];
            json!(format!("{moment}.{}{zone}", digits.trim_end_matches('0')))
        }
        _ => value.clone(),
    };
    row.iter()
        .map(|(name, value)| (name.clone(), short(value)))
        .collect()
}

#[test]
fn what_comes_over_sockets_is_what_comes_over_a_pipe() {
    let lab = Lab::new();
    samples(&lab);
    let over_pipe = output(&lab, "native:sample", &READ);
    let records = bodies(&messages(&over_pipe), "RECORD", "record");
    let mut expected: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in records {
        let stream = record["stream"].as_str().unwrap().to_owned();
        expected
            .entry(stream)
            .or_default()
            .push(record["data"].clone());
    }
    for form in FORMS {
        let source = connector(&lab, "native:sample", &READ);
        let destination = connector(&lab, "native:jsonl", &WRITE);
        let (source, destination) = pair(&lab, form, source, destination);
        let (said, echoed) = (good(&source), good(&destination));
        for (stream, written) in rows(&lab) {
            assert_eq!(written.len(), expected[&stream].len(), "{form:?}");
            for (written, expected) in written.iter().zip(&expected[&stream]) {
                assert_eq!(plain(written), plain(expected), "{form:?}");
            }
        }
        assert!(
            bodies(&said, "RECORD", "record").is_empty(),
            "nothing passes stdout"
        );
        // Both tell the same states; the destination adds its counts, in the order of each stream's numbers.
        assert_eq!(states(&said).len(), 6);
        let mut sums: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for state in states(&echoed) {
            assert_eq!(state["destinationStats"]["recordCount"], 100);
            let stream = &state["stream"]["stream_descriptor"]["name"];
            let numbers = (
                state["id"].as_i64(),
                state["committedRecordsCount"].as_i64(),
            );
            sums.entry(stream.as_str().unwrap().to_owned())
                .or_default()
                .push((numbers.0.unwrap(), numbers.1.unwrap()));
        }
        for sums in sums.values() {
            assert_eq!(*sums, [(1, 100), (2, 200), (3, 300)]);
        }
        std::fs::remove_dir_all(lab.path("out")).unwrap();
    }
}

#[test]
fn a_stranger_reads_what_our_source_sends() {
    let lab = Lab::new();
    samples(&lab);
    let over_pipe = messages(&output(&lab, "native:sample", &READ));
    let data = |messages: &[Value]| {
        let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in bodies(messages, "RECORD", "record") {
            let stream = record["stream"].as_str().unwrap().to_owned();
            rows.entry(stream).or_default().push(record["data"].clone());
        }
        rows
    };
    let without_nulls = |mut rows: BTreeMap<String, Vec<Value>>| {
        for row in rows.values_mut().flatten() {
            if let Value::Object(row) = row {
                row.retain(|_, value| !value.is_null());
            }
        }
        rows
    };
    for form in FORMS {
        write(
            &lab,
            "to.json",
            &json!({"out": "came.jsonl", "version": form.1}),
        );
        let Some(destination) = stranger(&lab, &WRITE) else {
            return;
        };
        let source = connector(&lab, "native:sample", &READ);
        let (source, destination) = pair(&lab, form, source, destination);
        let (said, echoed) = (good(&source), good(&destination));
        assert_eq!(states(&echoed).len(), states(&said).len(), "all came back");
        let came = std::fs::read_to_string(lab.path("came.jsonl")).unwrap();
        let came: Vec<Value> = came
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let (seen, sent) = (without_nulls(data(&came)), without_nulls(data(&over_pipe)));
        for (stream, rows) in &sent {
            assert_eq!(seen[stream].len(), rows.len(), "{form:?}");
            for (seen, sent) in seen[stream].iter().zip(rows) {
                assert_eq!(plain(seen), plain(sent), "{form:?}");
            }
        }
        std::fs::remove_file(lab.path("came.jsonl")).unwrap();
    }
}

/// The messages of a source that sends a state before its records, over whichever socket comes next.
pub(super) fn overtaking(lab: &Lab, complete: bool) -> Value {
    let record = |stream: &str, id: i64, partition: &str| {
        json!({"type": "RECORD", "record": {"stream": stream, "emitted_at": 1, "partition_id": partition,
            "data": {"id": id, "name": format!("n{id}")}}})
    };
    let state = |stream: &str, id: i64, partition: &str, count: i64| {
        json!({"type": "STATE", "state": {"type": "STREAM", "id": id, "partition_id": partition,
            "stream": {"stream_descriptor": {"name": stream}, "stream_state": {"id": id}},
            "sourceStats": {"recordCount": count}, "odd": true}})
    };
    let status = |stream: &str, status: &str| {
        json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1,
            "stream_status": {"stream_descriptor": {"name": stream}, "status": status}}})
    };
    let mut sent = vec![status("a", "STARTED"), status("b", "STARTED")];
    sent.extend([
        state("a", 2, "a2", 1),
        record("a", 1, "a1"),
        state("a", 1, "a1", 2),
        record("b", 1, "b1"),
        record("a", 3, "a2"),
        record("a", 2, "a1"),
        state("b", 1, "b1", 1),
    ]);
    if complete {
        sent.extend([status("a", "COMPLETE"), status("b", "COMPLETE")]);
    }
    let lines: String = sent.iter().map(|message| format!("{message}\n")).collect();
    std::fs::write(lab.path("messages.jsonl"), lines).unwrap();
    let stream = |name: &str| {
        json!({"stream": {"name": name, "supported_sync_modes": ["full_refresh"], "json_schema":
            {"properties": {"name": {"type": "string"}, "id": {"type": "integer"}}}},
            "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"})
    };
    write(
        lab,
        "catalog.json",
        &json!({"streams": [stream("a"), stream("b")]}),
    );
    json!({"messages": "messages.jsonl"})
}

#[test]
fn our_destination_waits_for_what_a_strangers_states_cover() {
    let lab = Lab::new();
    let config = overtaking(&lab, true);
    write(
        &lab,
        "to.json",
        &json!({"path": "out", "metadata_columns": false}),
    );
    for form in FORMS {
        let mut config = config.clone();
        config["version"] = json!(form.1);
        write(&lab, "config.json", &config);
        let Some(source) = stranger(&lab, &READ) else {
            return;
        };
        let destination = connector(&lab, "native:jsonl", &WRITE);
        let (source, destination) = pair(&lab, form, source, destination);
        good(&source);
        let echoed = states(&good(&destination));
        let of = |stream: &str| -> Vec<(i64, i64)> {
            let states = echoed
                .iter()
                .filter(|s| s["stream"]["stream_descriptor"]["name"] == stream);
            states
                .map(|s| {
                    assert_eq!(s["odd"], true, "what is not known stays");
                    let count = s["destinationStats"]["recordCount"].as_i64();
                    (s["id"].as_i64().unwrap(), count.unwrap())
                })
                .collect()
        };
        assert_eq!(
            (of("a"), of("b")),
            (vec![(1, 2), (2, 1)], vec![(1, 1)]),
            "{form:?}"
        );
        let mut ids: Vec<i64> = rows(&lab)["a"]
            .iter()
            .map(|r| r["id"].as_i64().unwrap())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3]);
    }
}

#[test]
fn without_complete_nothing_is_replaced() {
    let lab = Lab::new();
    write(
        &lab,
        "to.json",
        &json!({"path": "out", "metadata_columns": false}),
    );
    let form = FORMS[2];
    let write_it = || {
        let source = stranger(&lab, &READ)?;
        Some(pair(
            &lab,
            form,
            source,
            connector(&lab, "native:jsonl", &WRITE),
        ))
    };
    write(&lab, "config.json", &overtaking(&lab, true));
    let Some((_, destination)) = write_it() else {
        return;
    };
    good(&destination);
    let before = rows(&lab);
    write(&lab, "config.json", &overtaking(&lab, false));
    let Some((_, destination)) = write_it() else {
        return;
    };
    assert_eq!(destination.status.code(), Some(1));
    assert_eq!(rows(&lab), before);
    assert_eq!(
        states(&messages(&destination)).len(),
        3,
        "what is whole is acknowledged"
    );
}

/// The reason that a connector gives for its end.
fn reason(output: &Output) -> String {
    let traces = bodies(&messages(output), "TRACE", "trace");
    let error = traces.iter().find(|trace| trace["type"] == "ERROR");
    let error = error.unwrap_or_else(|| panic!("{traces:?}"));
    error["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn what_goes_wrong_is_told() {
    let lab = Lab::new();
    samples(&lab);
    for (variable, value) in [
        ("DATA_CHANNEL_MEDIUM", "TCP"),
        ("DATA_CHANNEL_FORMAT", "AVRO"),
        ("DATA_CHANNEL_SOCKET_PATHS", ""),
    ] {
        let mut command = connector(&lab, "native:sample", &READ);
        on_channel(&mut command, &lab, FORMS[2]);
        let failed = command.env(variable, value).output().unwrap();
        assert_eq!(failed.status.code(), Some(1), "{variable}");
        assert!(reason(&failed).contains(variable), "{}", reason(&failed));
    }
    // The reader goes away: the source says so, and ends.
    write(
        &lab,
        "config.json",
        &json!({"count": 2_000_000, "streams": 2}),
    );
    let source = start(connector(&lab, "native:sample", &READ), &lab, FORMS[2]);
    let mut destination = start(connector(&lab, "native:jsonl", &WRITE), &lab, FORMS[2]);
    while size(&lab.path("out")) < 100_000 {
        assert!(destination.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    destination.kill().unwrap();
    destination.wait().unwrap();
    let failed = ended(source);
    assert_eq!(failed.status.code(), Some(1));
    assert!(reason(&failed).contains("went away"), "{}", reason(&failed));
}

/// Sends bytes over the first socket, nothing over the second, and returns how the destination took it.
fn fed(lab: &Lab, form: (&str, &str), bytes: &[u8]) -> Output {
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;
    let listeners = ["1.sock", "2.sock"].map(|name| {
        let _ = std::fs::remove_file(lab.path(name));
        UnixListener::bind(lab.path(name)).unwrap()
    });
    let destination = start(connector(lab, "native:jsonl", &WRITE), lab, form);
    let [first, second] = listeners;
    first.accept().unwrap().0.write_all(bytes).unwrap();
    drop(second.accept().unwrap());
    ended(destination)
}

#[test]
fn an_input_that_breaks_off_is_told() {
    let lab = Lab::new();
    overtaking(&lab, false);
    write(&lab, "to.json", &json!({"path": "out"}));
    let protobuf = FORMS[2];
    let cut = fed(&lab, protobuf, &[200, 1, 10]);
    assert_eq!(cut.status.code(), Some(1));
    assert!(reason(&cut).contains("frame"), "{}", reason(&cut));
    let huge = fed(&lab, protobuf, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(huge.status.code(), Some(1));
    let lines = |lines: &[&str]| fed(&lab, FORMS[0], (lines.join("\n") + "\n").as_bytes());
    let state = |id: i64, count: i64| {
        format!(
            r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"a"}}}},"id":{id},"partition_id":"p","sourceStats":{{"recordCount":{count}}}}}}}"#
        )
    };
    let record = r#"{"type":"RECORD","record":{"stream":"a","data":{"id":1},"emitted_at":1,"partition_id":"p"}}"#;
    let check = |sent: &[&str], expected: &str| {
        let output = lines(sent);
        assert_eq!(output.status.code(), Some(1), "{sent:?}");
        assert!(reason(&output).contains(expected), "{}", reason(&output));
    };
    check(&["", record, &state(1, 2)], "1 of the 2 records");
    check(&[record, &state(2, 1), ""], "without the state 1");
    let unnamed = r#"{"type":"RECORD","record":{"stream":"a","data":{"id":1},"emitted_at":1}}"#;
    check(&[unnamed], "which partition");
}

#[test]
fn the_mapping_of_the_platform_names_the_streams() {
    let lab = Lab::new();
    samples(&lab);
    let mapping = json!({"namespaceDefinitionType": "destination", "streamPrefix": "my_"});
    write(&lab, "mapping.json", &mapping);
    let source = connector(&lab, "native:sample", &READ);
    let mut destination = connector(&lab, "native:jsonl", &WRITE);
    destination.env("NAMESPACE_MAPPING_CONFIG_PATH", lab.path("mapping.json"));
    let (source, destination) = pair(&lab, FORMS[2], source, destination);
    good(&source);
    let echoed = states(&good(&destination));
    let names: Vec<String> = rows(&lab).into_keys().collect();
    assert_eq!(names, ["my_sample_1", "my_sample_2"]);
    // States keep the names that the source gave them.
    let name = &echoed[0]["stream"]["stream_descriptor"]["name"];
    assert!(
        ["sample_1", "sample_2"].contains(&name.as_str().unwrap()),
        "{name}"
    );
}
