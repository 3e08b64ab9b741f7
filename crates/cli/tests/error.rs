//! Every error as a user sees it: one scene for each code, and a check that no code is missing.

mod unseen;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crossdock_core::code;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::bench::{Bench, same};
use unseen::UNSEEN;

/// A folder with a scripted connector (`crates/airbyte/tests/peer/connector.py`) in it.
struct Scene {
    bench: Bench,
}

impl Scene {
    fn new() -> Self {
        let bench = Bench::new();
        let peer = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../airbyte/tests/peer/connector.py"
        );
        fs::copy(peer, bench.path("peer.py")).unwrap();
        Self { bench }
    }

    fn peer(&self) -> String {
        format!(
            "airbyte:exec:python3 {}",
            self.bench.path("peer.py").display()
        )
    }

    /// The whole output of a run of this pipeline; failures are not tried again.
    fn shot(&self, source: Value, destination: Value, more: Value) -> String {
        self.write(source, destination, more);
        self.bench.shot(&["run", "p.yaml", "--quiet"])
    }

    fn write(&self, source: Value, destination: Value, mut more: Value) {
        let pipeline = more.as_object_mut().unwrap();
        let settings = pipeline.entry("settings").or_insert_with(|| json!({}));
        let defaults = json!({"retries": {"complete_failures": 1, "partial_failures": 1},
            "grace": "1s", "finish_timeout": "3s", "command_timeout": "20s"});
        for (key, value) in defaults.as_object().unwrap() {
            let settings = settings.as_object_mut().unwrap();
            settings.entry(key).or_insert_with(|| value.clone());
        }
        pipeline.insert("id".into(), json!("p"));
        pipeline.insert("source".into(), source);
        pipeline.insert("destination".into(), destination);
        let file = json!({"version": 1, "settings": {"store": "./state.db"}, "pipelines": [more]});
        self.bench.file("p.yaml", &file.to_string());
    }

    /// Ten records and a state by the script, then these steps.
    fn source(&self, steps: Value) -> Value {
        let mut all = vec![
            json!(["records", "a", 10]),
            json!(["state", "a", {"n": 10}]),
        ];
        all.extend(steps.as_array().unwrap().clone());
        self.source_of(&stream(), Value::Array(all))
    }

    fn source_of(&self, stream: &Value, steps: Value) -> Value {
        let catalog = json!({"type": "CATALOG", "catalog": {"streams": [stream]}});
        let discover = json!([["raw", format!("{catalog}\n")]]);
        self.connector(&json!({"discover": discover, "source": steps}))
    }

    fn destination(&self, mode: &str) -> Value {
        self.connector(&json!({"destination": mode}))
    }

    fn connector(&self, config: &Value) -> Value {
        json!({"connector": self.peer(), "config": config})
    }

    fn database(&self) -> Connection {
        Connection::open(self.bench.path("out.db")).unwrap()
    }
}

fn stream() -> Value {
    json!({"name": "a", "json_schema": {"properties": {"n": {"type": "integer"}}},
        "supported_sync_modes": ["full_refresh", "incremental"], "source_defined_cursor": true})
}

fn sample() -> Value {
    json!({"connector": "native:sample", "config": {"count": 10}})
}

fn native(name: &str, path: &str) -> Value {
    json!({"connector": format!("native:{name}"), "config": {"path": path}})
}

fn null() -> Value {
    json!({"connector": "native:null"})
}

/// A message as a step that prints it.
fn raw(message: &Value) -> Value {
    json!(["raw", format!("{message}\n")])
}

/// A state for the stream, or for all.
fn state_of(kind: &str, more: Value) -> Value {
    let mut state = json!({"type": kind});
    let members = more.as_object().unwrap().clone();
    state.as_object_mut().unwrap().extend(members);
    json!({"type": "STATE", "state": state})
}

fn shows(shot: &str, code: &str) -> bool {
    [format!("[{code}]"), format!(r#""code":"{code}""#)]
        .iter()
        .any(|form| shot.contains(form))
}

/// Checks that each scene shows its code, and all of them against the snapshot `name`.
fn scenes(name: &str, scenes: &[(&str, String)]) {
    let mut all = String::new();
    for (code, shot) in scenes {
        assert!(shows(shot, code), "no {code} in\n{shot}");
        all.push_str(&format!("=== {code}\n{shot}\n"));
    }
    same(name, &all);
}

#[test]
fn of_catalogs() {
    let scene = Scene::new();
    let plain = json!({"name": "a", "json_schema": {"properties": {"n": {"type": "integer"}}},
        "supported_sync_modes": ["full_refresh", "incremental"]});
    let run = |stream: &Value, wanted: Value, to: Value| {
        let source = scene.source_of(stream, json!([]));
        scene.shot(source, to, json!({"streams": [wanted]}))
    };
    let cursor = json!({"name": "a", "sync_mode": "incremental"});
    let own = json!({"name": "a", "sync_mode": "incremental", "cursor_field": ["n"]});
    let dedup = json!({"name": "a", "destination_sync_mode": "append_dedup"});
    let late = json!({"name": "a", "sync_mode": "incremental", "destination_sync_mode": "append", "lookback": 5});
    let twins = json!({"connector": "native:sample", "config": {"streams": ["users", "Users"]}});
    scenes(
        "errors_of_catalogs",
        &[
            ("catalog.cursor_missing", run(&plain, cursor, null())),
            ("catalog.lookback", run(&stream(), late, null())),
            ("catalog.cursor_source_defined", run(&stream(), own, null())),
            (
                "catalog.primary_key_missing",
                run(&stream(), dedup, native("sqlite", "out.db")),
            ),
            (
                "catalog.target_collision",
                scene.shot(twins, native("jsonl", "out"), json!({})),
            ),
        ],
    );
}

#[test]
fn of_connectors() {
    let scene = Scene::new();
    let ends = |steps: Value| scene.shot(scene.source(steps), null(), json!({}));
    let discovers = |steps: Value| {
        let source = scene.connector(&json!({"discover": steps}));
        let more = json!({"settings": {"command_timeout": "1s"}});
        scene.shot(source, null(), more)
    };
    let garbage = scene.bench.path("garbage");
    fs::write(&garbage, "\u{7f}no program").unwrap();
    fs::set_permissions(&garbage, fs::Permissions::from_mode(0o755)).unwrap();
    let garbage = json!({"connector": format!("airbyte:exec:{}", garbage.display())});
    scene.bench.script("rude.sh", "echo no; exit 1");
    let rules = [
        "connector",
        "test",
        "airbyte:exec:./rude.sh",
        "--only",
        "spec/answers",
    ];
    let incomplete = json!([["status", "a", "STARTED"]]);
    let mut other = stream();
    other["name"] = json!("b");
    let catalog = json!({"type": "CATALOG", "catalog": {"streams": [stream(), other]}});
    let fail = |name: &str| json!(["error", "it does not answer", "transient_error", name]);
    let two = scene.connector(&json!({"discover": [raw(&catalog)],
        "source": [fail("a"), fail("b"), ["exit", 0]]}));
    scenes(
        "errors_of_connectors",
        &[
            ("launch.failed", scene.shot(garbage, null(), json!({}))),
            (
                "connector.exit",
                ends(json!([["stderr", "out of luck", 2], ["exit", 1]])),
            ),
            ("connector.killed", ends(json!([["kill", 9]]))),
            ("connector.out_of_memory", ends(json!([["exit", 3]]))),
            ("connector.no_entrypoint", ends(json!([["exit", 127]]))),
            ("connector.no_answer", discovers(json!([]))),
            ("connector.timeout", discovers(json!([["sleep", 30]]))),
            ("connector.stream_incomplete", ends(incomplete)),
            (
                "connector.stream_failed",
                scene.shot(two, null(), json!({})),
            ),
            ("connector.nonconforming", scene.bench.shot(&rules)),
        ],
    );
}

#[test]
fn of_protocols() {
    let scene = Scene::new();
    let ends = |steps: Value| scene.shot(scene.source(steps), null(), json!({}));
    let long = json!([["raw", format!("{}\n", "x".repeat(70_000))]]);
    let limit = json!({"settings": {"max_line_bytes": 65536}});
    let global = state_of("GLOBAL", json!({"global": {"stream_states": []}}));
    let broken = json!({"type": "STATE", "state": {"type": "STREAM", "stream": 7}});
    let returns = |mode: &str, steps: Value| {
        scene.shot(scene.source(steps), scene.destination(mode), json!({}))
    };
    let catalog = json!({"type": "CATALOG", "catalog": {"streams": [stream()]}});
    let replaced = json!({"discover": [["control", {"password": "new"}], raw(&catalog)]});
    scene.bench.file("source.json", &replaced.to_string());
    let peer = scene.peer();
    let words = ["discover", peer.as_str(), "--config", "source.json"];
    let replaced = scene.bench.shot(&words);
    scenes(
        "errors_of_protocols",
        &[
            ("config.replaced", replaced),
            (
                "protocol.line_too_long",
                scene.shot(scene.source(long), null(), limit),
            ),
            (
                "protocol.line_truncated",
                ends(json!([["raw", "{\"type\":\"RECORD\",\"rec"]])),
            ),
            ("protocol.state_mixed", ends(json!([raw(&global)]))),
            ("protocol.state_invalid", ends(json!([raw(&broken)]))),
            ("protocol.state_not_returned", returns("silent", json!([]))),
            ("run.rejected_records", returns("reject", json!([]))),
        ],
    );
}

#[test]
fn of_runs() {
    let scene = Scene::new();
    let counted = state_of(
        "STREAM",
        json!({"stream": {"stream_descriptor": {"name": "a"}, "stream_state": {"n": 11}},
            "sourceStats": {"recordCount": 3.0}}),
    );
    let counted = json!([["records", "a", 1], raw(&counted)]);
    let settings = |settings: Value| json!({ "settings": settings });
    let silent = settings(json!({"source_silence": "1s"}));
    // It answers what it is asked, and then takes nothing.
    let stuck = "import sys, time\nif sys.argv[1] == 'write': time.sleep(60)\n\
        print('{\"type\":\"SPEC\",\"spec\":{\"connectionSpecification\":{}}}')\n";
    scene.bench.file("stuck.py", stuck);
    let stuck = format!(
        "airbyte:exec:python3 {}",
        scene.bench.path("stuck.py").display()
    );
    let much = json!([["records", "a", 60_000]]);
    let impatient = settings(json!({"destination_silence": "1s"}));
    let kept = settings(json!({"checkpoint_silence": "1s"}));
    let patient = json!([["sleep", 30]]);
    scenes(
        "errors_of_runs",
        &[
            (
                "run.count_mismatch",
                scene.shot(scene.source(counted), null(), json!({})),
            ),
            (
                "run.source_silent",
                scene.shot(scene.source(patient.clone()), null(), silent),
            ),
            (
                "run.destination_stuck",
                scene.shot(scene.source(much), json!({ "connector": stuck }), impatient),
            ),
            (
                "run.checkpoint_not_returned",
                scene.shot(scene.source(patient), scene.destination("silent"), kept),
            ),
            ("run.interrupted", interrupted()),
            ("store.fenced", fenced()),
            ("store.failed", failed_store()),
        ],
    );
}

/// A source that takes its time.
fn slow() -> Value {
    json!({"connector": "native:sample", "config": {"count": 1000, "rate": 50, "batch_records": 1,
        "checkpoint_every": 1}})
}

/// Waits until a run has committed something.
fn committed(bench: &Bench) -> Connection {
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Instant::now() < limit, "nothing was committed");
        std::thread::sleep(Duration::from_millis(20));
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let Ok(store) = Connection::open_with_flags(bench.path("state.db"), flags) else {
            continue;
        };
        let count = store.query_row("SELECT count(*) FROM lane_state", [], |row| {
            row.get::<_, i64>(0)
        });
        if count.is_ok_and(|count| count > 0) {
            return store;
        }
    }
}

/// A run whose process was killed, as the history shows it after the next one.
fn interrupted() -> String {
    let scene = Scene::new();
    scene.write(slow(), null(), json!({}));
    let mut child = scene
        .bench
        .command(&["run", "p.yaml", "--quiet"])
        .spawn()
        .unwrap();
    committed(&scene.bench);
    child.kill().unwrap();
    child.wait().unwrap();
    scene.write(sample(), null(), json!({}));
    assert!(
        scene
            .bench
            .run(&["run", "p.yaml", "--quiet"])
            .status
            .success()
    );
    let shown = scene
        .bench
        .shot(&["runs", "show", "1", "--store", "state.db"]);
    // How far it came is another thing each time.
    let end = shown.find("\n\n  stream").unwrap();
    format!("{}\n", &shown[..end])
}

/// Another process took the pipeline over in the middle.
fn fenced() -> String {
    let scene = Scene::new();
    scene.write(
        slow(),
        null(),
        json!({"settings": {"commit_interval": "1ms"}}),
    );
    let mut command = scene.bench.command(&["run", "p.yaml", "--quiet"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let store = committed(&scene.bench);
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store
        .execute("UPDATE pipeline SET epoch = epoch + 1", [])
        .unwrap();
    let output = child.wait_with_output().unwrap();
    crate::bench::shot(&["run", "p.yaml", "--quiet"], &output)
}

/// The store is there, and something is wrong inside.
fn failed_store() -> String {
    let scene = Scene::new();
    scene.write(sample(), null(), json!({}));
    assert!(
        scene
            .bench
            .run(&["run", "p.yaml", "--quiet"])
            .status
            .success()
    );
    let store = Connection::open(scene.bench.path("state.db")).unwrap();
    let trigger =
        "CREATE TRIGGER strange BEFORE INSERT ON run BEGIN SELECT RAISE(ABORT, 'strange'); END";
    store.execute_batch(trigger).unwrap();
    scene.bench.shot(&["run", "p.yaml", "--quiet"])
}

#[test]
fn of_destinations() {
    let scene = Scene::new();
    scene.bench.file("file", "");
    scene
        .bench
        .file("out.db", "this is no database, whatever its name says");
    let run = |to: Value| scene.shot(sample(), to, json!({}));
    let unusable = run(native("sqlite", "out.db"));
    fs::remove_file(scene.bench.path("out.db")).unwrap();
    let foreign = {
        scene
            .database()
            .execute_batch("CREATE TABLE sample (x)")
            .unwrap();
        run(native("sqlite", "out.db"))
    };
    fs::remove_file(scene.bench.path("out.db")).unwrap();
    let locked = {
        let database = scene.database();
        database
            .execute_batch("CREATE TABLE t (x); BEGIN EXCLUSIVE")
            .unwrap();
        run(json!({"connector": "native:sqlite",
            "config": {"path": "out.db", "busy_timeout_ms": 100}}))
    };
    let failed = {
        assert!(run(native("sqlite", "out.db")).contains("exit 0"));
        let trigger = "CREATE TRIGGER strange BEFORE INSERT ON sample BEGIN SELECT RAISE(ABORT, 'strange'); END";
        scene.database().execute_batch(trigger).unwrap();
        let more = json!({"streams": [{"name": "sample", "sync_mode": "full_refresh",
            "destination_sync_mode": "append"}]});
        scene.shot(sample(), native("sqlite", "out.db"), more)
    };
    scenes(
        "errors_of_destinations",
        &[
            ("io", run(native("jsonl", "file"))),
            ("database.unusable", unusable),
            ("database.target_foreign", foreign),
            ("database.locked", locked),
            ("database.failed", failed),
        ],
    );
}

#[test]
fn of_connectors_of_conduit() {
    let scene = Scene::new();
    let source = |words: &str| json!({"connector": format!("conduit:exec:{words}")});
    let run = |words: &str| scene.shot(source(words), null(), json!({}));
    scenes(
        "errors_of_conduit",
        &[("protocol.handshake", run("echo hello"))],
    );
}

#[test]
fn every_code_is_shown() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots");
    let mut shown = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The reference page names all of them.
        if path.extension().is_some_and(|e| e == "snap") && !path.ends_with("errors.snap") {
            shown.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    let is_unseen = |name: &str| UNSEEN.iter().any(|(unseen, _)| *unseen == name);
    let missing: Vec<_> = code::ALL
        .iter()
        .map(|code| code.name)
        .filter(|name| shows(&shown, name) == is_unseen(name))
        .collect();
    assert_eq!(
        missing,
        Vec::<&str>::new(),
        "give them a scene, or take them out of `UNSEEN`"
    );
}
