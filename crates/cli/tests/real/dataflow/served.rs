//! Our connectors run by a stranger's processor, which follows the page to the letter, and spoken to by hand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ids, own, payloads, written};
use crate::lab::Lab;

/// The words that start a connector of ours.
fn serve(reference: &str) -> Value {
    let program = env!("CARGO_BIN_EXE_crossdock");
    json!([
        program,
        "connector",
        "serve",
        "--protocol",
        "dataflow",
        reference
    ])
}

/// Runs the stranger's processor. Returns its summary, or what it says is wrong.
pub(crate) fn process(lab: &Lab, spec: &Value) -> Result<Value, String> {
    std::fs::write(lab.path("spec.json"), spec.to_string()).unwrap();
    let output = Command::new("python3")
        .args([own("stranger/processor.py"), lab.text("spec.json")])
        .env("CROSSDOCK_STORE", lab.text("state.db"))
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.success() {
        true => Ok(serde_json::from_str(text.lines().last().unwrap()).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn a_strangers_processor_reads_our_source_to_the_end_and_goes_on_after_it() {
    let lab = Lab::new();
    let sink = json!({"command": ["python3", own("stranger/sink.py")], "type": "file",
        "config": {"path": lab.text("out")}});
    let spec = |count: u64, stop: Option<u64>| {
        let config = json!({"count": count, "streams": 2, "checkpoint_every": 100});
        let mut spec = json!({
            "source": {"command": serve("native:sample"), "type": "sample", "config": config, "options": {}},
            "sink": sink, "limit": 150, "max_empty_reads": 1, "checkpoint_file": lab.text("checkpoint")});
        if let Some(stop) = stop {
            spec["stop_after"] = stop.into();
        }
        spec
    };
    let done = process(&lab, &spec(1000, Some(700))).unwrap();
    let first = done["written"].as_u64().unwrap();
    assert!((700..2000).contains(&first), "{done}");
    process(&lab, &spec(1000, None)).unwrap();
    let messages = written(&lab, "out");
    for stream in ["sample_1", "sample_2"] {
        let own: Vec<Value> = messages
            .iter()
            .filter(|message| message["metadata"]["table"] == stream)
            .cloned()
            .collect();
        let mut seen = ids(&payloads(&own));
        seen.sort_unstable();
        // What came after the last checkpoint comes again; nothing is missing.
        seen.dedup();
        assert_eq!(seen, (0..1000).collect::<Vec<u64>>(), "{stream}");
    }
    assert!(messages.len() < 2000 + 400, "{}", messages.len());
    assert_eq!(messages[0]["metadata"]["operation"], "insert");
    let again = process(&lab, &spec(1000, None)).unwrap();
    assert_eq!(again["read"], 0, "{again}");
}

#[test]
fn a_strangers_processor_writes_to_our_destinations() {
    for (reference, read) in [
        ("native:jsonl", in_lines as fn(&Lab) -> Vec<u64>),
        ("native:sqlite", in_database),
    ] {
        let lab = Lab::new();
        let spec = json!({
            "source": {"command": ["python3", own("stranger/source.py")], "type": "x", "config": {"count": 730}},
            "sink": {"command": serve(reference), "type": "x", "config": {"path": lab.text("rows")}},
            "limit": 100, "max_empty_reads": 1});
        let done = process(&lab, &spec).unwrap();
        assert_eq!(done["written"], 730, "{done}");
        assert_eq!(read(&lab), (1..=730).collect::<Vec<u64>>(), "{reference}");
    }
}

fn in_lines(lab: &Lab) -> Vec<u64> {
    ids(&lab.folders("rows")["rows"])
}

fn in_database(lab: &Lab) -> Vec<u64> {
    let connection = rusqlite::Connection::open(lab.path("rows")).unwrap();
    let mut select = connection
        .prepare("SELECT id FROM rows ORDER BY rowid")
        .unwrap();
    let rows = select.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    rows.map(|id| id.unwrap().unsigned_abs()).collect()
}

#[test]
fn a_packaged_connector_is_found_in_the_folder_and_works_there() {
    let lab = Lab::new();
    let data = lab.good(&[
        "connector",
        "package",
        "--protocol",
        "dataflow",
        "native:sample",
    ]);
    assert!(
        data["path"]
            .as_str()
            .unwrap()
            .ends_with("connectors/dataflow-connector-sample"),
        "{data}"
    );
    let spec = json!({
        "source": {"command": ["connectors/dataflow-connector-sample"], "type": "sample", "config": {"count": 10},
            "options": {}},
        "max_empty_reads": 1});
    assert_eq!(process(&lab, &spec).unwrap()["read"], 10);
    let sink = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = lab.pipeline(
        ("dataflow:sample", json!({"count": 12})),
        ("native:jsonl", sink),
        json!({}),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    assert_eq!(lab.folders("out")["sample"].len(), 12);
}

#[test]
fn a_configuration_that_is_wrong_is_said_when_it_connects() {
    let lab = Lab::new();
    let spec = json!({"source": {"command": serve("native:sample"), "type": "sample", "config": {"cuont": 1}},
        "max_empty_reads": 1});
    let wrong = process(&lab, &spec).unwrap_err();
    assert!(
        wrong.contains("cuont") && wrong.contains("invalid_config"),
        "{wrong}"
    );
}

/// A connector of ours, spoken to line by line.
struct Served {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Served {
    fn start(reference: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .args(["connector", "serve", "--protocol", "dataflow", reference])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn tell(&mut self, text: &str) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    fn ask(&mut self, command: &Value) -> Value {
        self.tell(&format!("{command}\n"));
        self.hear()
    }

    /// Asks for something that must be refused with this code.
    fn refused(&mut self, command: &Value, code: &str) {
        let answer = self.ask(command);
        assert_eq!(
            (&answer["type"], &answer["code"]),
            (&json!("error"), &json!(code)),
            "{command}: {answer}"
        );
        assert!(
            answer["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }

    /// How it ends, soon.
    fn ended(mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn init(role: &str, config: Value) -> Value {
    json!({"cmd": "init", "role": role, "type": "sample", "config": config, "more": "ignored"})
}

fn cmd(name: &str) -> Value {
    json!({"cmd": name})
}

#[test]
fn commands_out_of_order_are_refused_and_the_connector_stays() {
    let mut served = Served::start("native:sample");
    served.refused(&cmd("dance"), "unknown_command");
    served.refused(&cmd("connect"), "not_connected");
    served.refused(&cmd("read"), "not_connected");
    served.refused(&json!({"cmd": "write", "messages": []}), "not_connected");
    served.refused(&json!({"role": "source"}), "invalid_command");
    served.refused(&init("sink", json!({})), "unsupported_role");
    served.refused(
        &json!({"cmd": "init", "role": "source", "type": "x", "config": 3}),
        "invalid_command",
    );
    assert_eq!(served.ask(&cmd("ping")), json!({"type": "pong"}));
    let ready = served.ask(&init("source", json!({"count": 25})));
    assert_eq!(ready["type"], "ready");
    assert_eq!(ready["features"], json!(["more", "ack"]));
    served.refused(&init("source", json!({})), "invalid_command");
    served.refused(&cmd("read"), "not_connected");
    assert_eq!(served.ask(&cmd("connect")), json!({"type": "ready"}));
    served.refused(&cmd("connect"), "invalid_command");
    served.refused(&json!({"cmd": "write", "messages": []}), "unsupported_role");
    served.refused(&json!({"cmd": "read", "limit": 0}), "invalid_command");
    // Ends of lines, blank lines, a byte order mark; what is no JSON.
    served.tell("\u{feff}{\"cmd\":\"ping\"}\r\n\n  \n");
    assert_eq!(served.hear(), json!({"type": "pong"}));
    served.tell("hello\n");
    assert_eq!(served.hear()["code"], "invalid_command");
    // A limit is an upper bound.
    served.tell("{\"cmd\":\"read\",\"limit\":10}\n");
    for id in 0..10 {
        let message = served.hear();
        assert_eq!(message["type"], "message");
        assert_eq!(payloads(&[message])[0]["id"], id);
    }
    assert_eq!(served.hear(), json!({"type": "done", "more": true}));
    assert_eq!(served.ask(&cmd("close")), json!({"type": "done"}));
    assert_eq!(served.ask(&cmd("close")), json!({"type": "done"}));
    served.refused(&cmd("read"), "not_connected");
    served.refused(&init("source", json!({})), "not_connected");
    served.input = None;
    assert_eq!(served.ended(), Some(0));
}

#[test]
fn it_ends_well_by_itself_by_the_end_of_its_input_and_by_a_signal() {
    let connected = || {
        let mut served = Served::start("native:sample");
        served.ask(&init("source", json!({"count": 5, "rate": 1})));
        assert_eq!(served.ask(&cmd("connect"))["type"], "ready");
        served
    };
    let mut served = connected();
    served.ask(&cmd("close"));
    assert_eq!(served.ended(), Some(0));
    let mut served = connected();
    served.input = None;
    assert_eq!(served.ended(), Some(0));
    let served = connected();
    let pid = served.process.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert_eq!(served.ended(), Some(0));
}

#[test]
fn an_empty_read_does_not_block() {
    let mut served = Served::start("native:sample");
    let mut begin = init("source", json!({"count": 3, "rate": 1, "batch_records": 1}));
    begin["options"] = json!({"maxWaitMs": 100});
    served.ask(&begin);
    served.ask(&cmd("connect"));
    let began = Instant::now();
    let mut reads = 0;
    let mut seen = 0;
    while seen < 3 {
        reads += 1;
        served.tell("{\"cmd\":\"read\"}\n");
        loop {
            let said = served.hear();
            match said["type"].as_str() {
                Some("message") => seen += 1,
                Some("done") => break,
                _ => {}
            }
        }
    }
    assert!(reads > 5, "{reads} reads in {:?}", began.elapsed());
}

#[test]
fn a_sink_says_which_messages_it_refuses_and_writes_the_others() {
    let lab = Lab::new();
    let mut served = Served::start("native:jsonl");
    served.ask(&init(
        "sink",
        json!({"path": lab.text("rows"), "metadata_columns": false}),
    ));
    assert_eq!(served.ask(&cmd("connect"))["type"], "ready");
    let message = |data: &str| json!({"data": data, "metadata": {"table": "rows"}});
    let good = json!({"cmd": "write", "messages": [message("{\"id\":1}"), message("{\"id\":2}")]});
    assert_eq!(served.ask(&good), json!({"type": "done"}));
    // It is there as soon as it is said.
    assert_eq!(ids(&lab.folders("rows")["rows"]), [1, 2]);
    assert_eq!(
        served.ask(&json!({"cmd": "write", "messages": []})),
        json!({"type": "done"})
    );
    let broken =
        json!({"data": "!!", "metadata": {"table": "rows", "dataflow.encoding": "base64"}});
    let mixed =
        json!({"cmd": "write", "messages": [message("{\"id\":3}"), broken, message("{\"id\":4}")]});
    let answer = served.ask(&mixed);
    assert_eq!(
        (&answer["type"], &answer["failed"]),
        (&json!("error"), &json!([1])),
        "{answer}"
    );
    assert_eq!(ids(&lab.folders("rows")["rows"]), [1, 2, 3, 4]);
    // A new column in the middle of it.
    let wider = json!({"cmd": "write", "messages": [message("{\"id\":5,\"name\":\"x\"}")]});
    assert_eq!(served.ask(&wider), json!({"type": "done"}));
    assert_eq!(served.ask(&cmd("close")), json!({"type": "done"}));
    assert_eq!(ids(&lab.folders("rows")["rows"]), [1, 2, 3, 4, 5]);
}

#[test]
fn our_host_runs_our_own_connectors_with_all_of_the_profile() {
    let lab = Lab::new();
    let served = |reference: &str| {
        let program = env!("CARGO_BIN_EXE_crossdock");
        format!("dataflow:exec:{program} connector serve --protocol dataflow {reference}")
    };
    let file = lab.pipeline(
        (
            &served("native:sample"),
            json!({"count": 5000, "streams": 2}),
        ),
        (
            &served("native:jsonl"),
            json!({"path": lab.text("out"), "metadata_columns": false}),
        ),
        json!({}),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    for stream in ["sample_1", "sample_2"] {
        let expected: Vec<u64> = (0..5000).collect();
        assert_eq!(ids(&lab.folders("out")[stream]), expected);
    }
}

#[test]
fn a_write_is_done_when_the_destination_behind_it_says_so() {
    let lab = Lab::new();
    // Its name says which side it is.
    let program = lab.path("destination.py");
    std::fs::copy(own("scripted.py"), &program).unwrap();
    let mut served = Served::start(&format!("dataflow:exec:python3 {}", program.display()));
    let slow = json!([["wait", 400], {"type": "done"}]);
    let odd = json!([["refuse", "odd"]]);
    served.ask(&init("sink", json!({"answers": {"write": [slow, odd]}})));
    assert_eq!(served.ask(&cmd("connect"))["type"], "ready");
    let write = |texts: &[&str]| {
        let messages: Vec<Value> = texts.iter().map(|text| json!({"data": text})).collect();
        json!({"cmd": "write", "messages": messages})
    };
    let began = Instant::now();
    assert_eq!(served.ask(&write(&["one"])), json!({"type": "done"}));
    assert!(began.elapsed() >= Duration::from_millis(400));
    let answer = served.ask(&write(&["even", "odd", "even", "odd"]));
    assert_eq!(answer["failed"], json!([1, 3]), "{answer}");
    assert_eq!(answer["message"], "too odd");
}
