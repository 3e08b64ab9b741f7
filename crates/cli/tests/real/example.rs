//! The example of a source on the SDK: one program, run by PyAirbyte, by the real Conduit, by a stranger's processor of
//! DataFlow, and by Crossdock over each of their protocols.

#[path = "../../../../examples/source-http/tests/api/mod.rs"]
pub(crate) mod api;
#[path = "../../../../examples/source-db/tests/shop/mod.rs"]
pub(crate) mod shop;

use std::path::{Path, PathBuf};
use std::process::Command;

use crossdock_testkit::http::Server;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::conduit::records;
use crate::conduit::served::{Conduit, ENGINES};
use crate::dataflow::served::process;
use crate::dataflow::{own, payloads, written};
use crate::lab::{Lab, program};

/// A tracker that answers until it is dropped.
struct Tracker {
    server: Server,
    _runtime: Runtime,
}

impl Tracker {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start());
        api::serve(&server);
        Self {
            server,
            _runtime: runtime,
        }
    }

    fn config(&self) -> Value {
        json!({"url": self.server.url(), "token": api::TOKEN})
    }
}

/// A program, which is built with the rest of the workspace.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_crossdock")).with_file_name(name);
    assert!(
        path.is_file(),
        "`cargo build --workspace` makes {}",
        path.display()
    );
    path
}

const TITLES: [&str; 7] = [
    "The 1. «issue»",
    "The 2. «issue»",
    "The 3. «issue»",
    "The 4. «issue»",
    "The 5. «issue»",
    "The 6. «issue»",
    "The 7. «issue»",
];

/// Puts the program where its platform looks for it: it is such a connector itself, so nothing stands between.
fn package(lab: &Lab, protocol: &str) {
    let reference = format!("{protocol}:exec:{}", built("source-http").display());
    let made = lab.good(&["connector", "package", "--protocol", protocol, &reference]);
    let script = std::fs::read_to_string(lab.path(made["path"].as_str().unwrap())).unwrap();
    assert!(!script.contains("connector serve"), "{script}");
}

fn titles<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let titles = rows.into_iter().filter_map(|row| row["title"].as_str());
    titles.map(str::to_owned).collect()
}

#[test]
fn one_program_is_a_connector_of_every_platform() {
    let (Some(python), Some(_)) = (
        program("CROSSDOCK_TEST_PYAIRBYTE_PYTHON"),
        program("CROSSDOCK_TEST_CONDUIT"),
    ) else {
        return;
    };
    let tracker = Tracker::start();
    by_pyairbyte(&python, &tracker);
    by_conduit(&tracker);
    by_a_strangers_processor(&tracker);
    by_crossdock(&tracker);
    assert_eq!(tracker.server.unanswered(), []);
}

fn by_pyairbyte(python: &str, tracker: &Tracker) {
    let lab = Lab::new();
    std::fs::write(lab.path("config.json"), tracker.config().to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/airbyte/tables.py");
    let ran = Command::new(python)
        .arg(script)
        .arg(built("source-http"))
        .env("AIRBYTE_OFFLINE_MODE", "1")
        .env("DO_NOT_TRACK", "1")
        .env("HOME", lab.path(""))
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let seen: Value =
        serde_json::from_str(&std::fs::read_to_string(lab.path("seen.json")).unwrap()).unwrap();
    assert_eq!(titles(seen["issues"].as_array().unwrap()), TITLES);
    assert_eq!(seen["users"][0]["email"], "ada@example.com");
    assert_eq!(seen["users"].as_array().unwrap().len(), 3);
}

fn by_conduit(tracker: &Tracker) {
    for engine in ENGINES {
        let lab = Lab::new();
        package(&lab, "conduit");
        let source = ("src", "source", "standalone:source-http", tracker.config());
        let out = (
            "dst",
            "destination",
            "builtin:file",
            json!({"path": "./out.txt"}),
        );
        let mut conduit = Conduit::start(&lab, engine, &[source, out]).unwrap();
        let lines = || std::fs::read_to_string(lab.path("out.txt")).unwrap_or_default();
        conduit.until(&lab, "ten records", || lines().lines().count() >= 10);
        conduit.stop(&lab);
        let written = records(&lab, "out.txt");
        assert_eq!(written.len(), 10, "{engine:?}");
        let rows = written.iter().map(|record| &record["payload"]["after"]);
        assert_eq!(titles(rows), TITLES, "{engine:?}");
        assert_eq!(written[0]["key"], json!({"id": 1}));
        assert_eq!(written[9]["metadata"]["opencdc.collection"], "users");
    }
}

fn by_a_strangers_processor(tracker: &Tracker) {
    let lab = Lab::new();
    package(&lab, "dataflow");
    let name = lab.path("connectors/dataflow-connector-source-http");
    let done = process(
        &lab,
        &json!({
            "source": {"command": [name], "type": "source-http", "config": tracker.config(), "options": {}},
            "sink": {"command": ["python3", own("stranger/sink.py")], "type": "file",
                "config": {"path": lab.text("out")}},
            "limit": 100, "max_empty_reads": 1, "checkpoint_file": lab.text("checkpoint")}),
    );
    assert_eq!(done.unwrap()["written"], 10);
    let messages = written(&lab, "out");
    assert_eq!(titles(&payloads(&messages)), TITLES);
    assert_eq!(messages[9]["metadata"]["table"], "users");
}

fn by_crossdock(tracker: &Tracker) {
    for protocol in ["airbyte", "conduit", "dataflow"] {
        let lab = Lab::new();
        let source = format!("{protocol}:exec:{}", built("source-http").display());
        let file = lab.pipeline(
            (&source, tracker.config()),
            (
                "native:jsonl",
                json!({"path": lab.text("out"), "metadata_columns": false}),
            ),
            json!({"settings": {"until_idle": "1s"}}),
        );
        let done = lab.good(&["run", file.to_str().unwrap()]);
        let rows = lab.folders("out");
        assert_eq!(titles(&rows["issues"]), TITLES, "{protocol}");
        assert_eq!(rows["users"].len(), 3, "{protocol}");
        for stream in done["pipelines"][0]["streams"].as_array().unwrap() {
            assert_eq!(stream["schema"], Value::Null, "{protocol}: {stream}");
        }
    }
}

/// Also where it speaks a protocol that has no operations, over stdio and in frames.
#[test]
fn a_change_of_a_database_reaches_the_destination_over_every_protocol() {
    for (protocol, transport) in [
        ("airbyte", Some("stdio")),
        ("airbyte", Some("sockets")),
        ("conduit", None),
        ("dataflow", None),
    ] {
        let lab = Lab::new();
        let connection = shop::make(&lab.path("shop.db"));
        let ask = |words: &str| connection.execute_batch(words).unwrap();
        ask("INSERT INTO customers VALUES (1, 'Ada'), (2, 'Zoë'), (3, 'Bo')");
        let source = format!("{protocol}:exec:{}", built("source-db").display());
        let file = lab.pipeline(
            (&source, json!({"path": lab.text("shop.db"), "poll_ms": 10})),
            ("native:sqlite", json!({"path": lab.text("out.db")})),
            json!({
                "streams": [{"name": "customers", "sync_mode": "incremental",
                    "destination_sync_mode": "append_dedup", "primary_key": [["id"]]}],
                "settings": {"until_idle": "1s"},
            }),
        );
        if let Some(transport) = transport {
            let mut pipelines: Value =
                serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            pipelines["pipelines"][0]["source"]["data_channel"] = json!({"transport": transport});
            std::fs::write(&file, pipelines.to_string()).unwrap();
        }
        let run = || lab.good(&["run", file.to_str().unwrap()]);
        let rows = || {
            let out = rusqlite::Connection::open(lab.path("out.db")).unwrap();
            let mut statement = out
                .prepare("SELECT id, name FROM customers ORDER BY id")
                .unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.unwrap()
                .collect::<Result<Vec<(i64, String)>, _>>()
                .unwrap()
        };
        let row = |id: i64, name: &str| (id, name.to_owned());
        run();
        assert_eq!(
            rows(),
            [row(1, "Ada"), row(2, "Zoë"), row(3, "Bo")],
            "{source}"
        );
        ask(
            "UPDATE customers SET name = 'Ada L.' WHERE id = 1; DELETE FROM customers WHERE id = 2",
        );
        run();
        assert_eq!(
            rows(),
            [row(1, "Ada L."), row(3, "Bo")],
            "{source} {transport:?}"
        );
    }
}
