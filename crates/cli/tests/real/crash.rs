//! Every native destination is killed at its writes, one after another, and meets a full disk at
//! them: `strace` counts the system calls and strikes at the chosen one. After each death readers
//! see whole rows that belong to checkpoints, and after the next run every row once (P4).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::lab::{Lab, program};

/// Records in each of the two streams.
const COUNT: i64 = 400;

/// The calls by which files change.
const CALLS: &str =
    "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate";

/// The ids that a reader sees, by stream, in the order of the rows.
type Seen = BTreeMap<&'static str, Vec<i64>>;

const STREAMS: [&str; 2] = ["sample_1", "sample_2"];

struct Destination {
    connector: &'static str,
    config: Value,
    /// How the streams are written.
    mode: &'static str,
    see: fn(&Lab) -> Seen,
}

fn in_database(lab: &Lab) -> Seen {
    let path = lab.path("out.db");
    let ids = |stream: &&'static str| {
        let mut ids = Vec::new();
        if path.exists() {
            let connection = Connection::open(&path).unwrap();
            if connection.table_exists(None, *stream).unwrap() {
                let mut select = connection
                    .prepare(&format!("SELECT id FROM {stream} ORDER BY rowid"))
                    .unwrap();
                let rows = select.query_map([], |row| row.get::<_, i64>(0)).unwrap();
                ids.extend(rows.map(|id| id.unwrap()));
            }
        }
        (*stream, ids)
    };
    STREAMS.iter().map(ids).collect()
}

fn in_lines(lab: &Lab) -> Seen {
    let folders = match lab.path("out").is_dir() {
        true => lab.folders("out"),
        false => BTreeMap::new(),
    };
    let ids = |stream: &&'static str| {
        let records = folders.get(*stream).into_iter().flatten();
        (
            *stream,
            records.map(|r| r["id"].as_i64().unwrap()).collect(),
        )
    };
    STREAMS.iter().map(ids).collect()
}

/// Read by a stranger.
fn in_parquet(lab: &Lab) -> Seen {
    let python = std::env::var("CROSSDOCK_TEST_PYARROW_PYTHON").unwrap();
    let script = "import glob, json, sys, pyarrow.parquet as pq\n\
        read = lambda s: [i for f in sorted(glob.glob(f'out/{s}/*.parquet')) \
        for i in pq.read_table(f)['id'].to_pylist()]\n\
        print(json.dumps([read(s) for s in sys.argv[1:]]))";
    let output = Command::new(python)
        .args(["-c", script])
        .args(STREAMS)
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let ids: Vec<Vec<i64>> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("a file is not whole: {e}\n{text}"));
    STREAMS.into_iter().zip(ids).collect()
}

/// What strikes at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Kill,
    /// From then on nothing can be written.
    FullDisk,
}

fn struck(lab: &Lab, strace: &str, file: &Path, blow: Blow, at: usize) -> Output {
    let fault = match blow {
        Blow::Kill => format!("{CALLS}:signal=KILL:when={at}"),
        // What is printed does not go to the disk.
        Blow::FullDisk => format!("pwrite64,fsync,fdatasync,ftruncate:error=ENOSPC:when={at}+"),
    };
    let mut command = Command::new(strace);
    command
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={CALLS}")])
        .args(["-e", &format!("inject={fault}")])
        .arg(env!("CARGO_BIN_EXE_crossdock"))
        .args(["run", file.to_str().unwrap()])
        .env("CROSSDOCK_STORE", lab.path("state.db"))
        .current_dir(lab.path(""))
        .stdin(Stdio::null());
    command.output().unwrap()
}

/// How many times a run was struck before it went well.
fn strike_everywhere(destination: &Destination, strace: &str, blow: Blow, stride: usize) -> usize {
    let Destination {
        connector,
        config,
        mode,
        see,
    } = destination;
    let source = json!({
        "count": COUNT, "columns": 2, "streams": 2, "batch_records": 20, "checkpoint_every": 40
    });
    let streams: Vec<_> = STREAMS
        .iter()
        .map(|name| {
            let (sync, mode) = mode.split_once('|').unwrap();
            json!({"name": name, "sync_mode": sync, "destination_sync_mode": mode,
                "primary_key": [["id"]]})
        })
        .collect();
    let more = json!({
        "streams": streams,
        "settings": {"commit_interval": "1ms",
            "retries": {"complete_failures": 1, "partial_failures": 1}}
    });
    let mut strikes = 0;
    for at in (1..).step_by(stride) {
        let lab = Lab::new();
        let file = lab.pipeline(
            ("native:sample", source.clone()),
            (connector, config.clone()),
            more.clone(),
        );
        let output = struck(&lab, strace, &file, blow, at);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !text.contains("panicked"),
            "{connector} {blow:?} {at}: {text}"
        );
        let is_done = output.status.success();
        if !is_done {
            strikes += 1;
            if blow == Blow::FullDisk {
                assert!(output.status.code().is_some(), "{at}: {text}");
                assert!(
                    text.contains("space") || text.contains("full"),
                    "{connector} {at}: {text}"
                );
            }
            for (stream, ids) in see(&lab) {
                let whole = ids.iter().copied().eq(0..ids.len() as i64);
                let replaces = mode.ends_with("overwrite");
                let is_checkpoint = if replaces {
                    // Nothing, or all.
                    ids.is_empty() || ids.len() as i64 == COUNT
                } else {
                    ids.len() % 40 == 0
                };
                assert!(
                    whole && is_checkpoint,
                    "{connector} {mode} {blow:?} {at} {stream}: {ids:?}"
                );
            }
            lab.good(&["run", file.to_str().unwrap()]);
        }
        for (stream, ids) in see(&lab) {
            let complete = ids.iter().copied().eq(0..COUNT);
            assert!(
                complete,
                "{connector} {mode} {blow:?} {at} {stream}: {ids:?}"
            );
        }
        if is_done {
            break;
        }
    }
    eprintln!("{connector} {mode}: {blow:?} at {strikes} writes");
    strikes
}

const INCREMENTAL: &str = "incremental|append";
const DEDUP: &str = "incremental|append_dedup";
const OVERWRITE: &str = "full_refresh|overwrite";

fn check(connector: &'static str, config: &Value, see: fn(&Lab) -> Seen, modes: &[&'static str]) {
    let (Some(strace), Some(_)) = (
        program("CROSSDOCK_TEST_STRACE"),
        program("CROSSDOCK_TEST_PYARROW_PYTHON"),
    ) else {
        return;
    };
    let mut strikes = 0;
    for mode in modes {
        let destination = Destination {
            connector,
            config: config.clone(),
            mode,
            see,
        };
        strikes += strike_everywhere(&destination, &strace, Blow::Kill, 11);
        strikes += strike_everywhere(&destination, &strace, Blow::FullDisk, 37);
    }
    assert!(strikes >= 20, "{connector}: only {strikes}");
}

/// A place that cannot be written is told before anything is moved, and as what it is: nobody tries
/// again.
#[test]
fn read_only_places_are_told() {
    let Some(strace) = program("CROSSDOCK_TEST_STRACE") else {
        return;
    };
    for connector in [
        "native:sqlite",
        "native:jsonl",
        "native:csv",
        "native:parquet",
    ] {
        let lab = Lab::new();
        let config = json!({"path": lab.text("out")});
        let source = ("native:sample", json!({"count": 10}));
        let file = lab.pipeline(source, (connector, config), json!({}));
        let mut command = Command::new(&strace);
        command.args(["-f", "-o", "/dev/null", "-e", "trace=openat,mkdir,mkdirat"]);
        command.args(["-e", "inject=openat,mkdir,mkdirat:error=EROFS"]);
        for place in ["out", "out/.crossdock", "out-journal", "out-wal"] {
            command.args(["-P", &lab.text(place)]);
        }
        let output = command
            .arg(env!("CARGO_BIN_EXE_crossdock"))
            .args(["run", file.to_str().unwrap(), "--quiet"])
            .env("CROSSDOCK_STORE", lab.path("state.db"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{connector}: {text}");
        let says = text.contains("Read-only file system") || text.contains("unable to open");
        assert!(
            says && text.contains(&lab.text("out")),
            "{connector}: {text}"
        );
    }
}

#[test]
fn sqlite() {
    let config = json!({"path": "out.db", "transaction_bytes": 0});
    check(
        "native:sqlite",
        &config,
        in_database,
        &[INCREMENTAL, DEDUP, OVERWRITE],
    );
}

#[test]
fn jsonl() {
    let config = json!({"path": "out", "min_file_bytes": 0});
    check("native:jsonl", &config, in_lines, &[INCREMENTAL, OVERWRITE]);
}

fn in_csv(lab: &Lab) -> Seen {
    let ids = |stream: &&'static str| {
        let mut files: Vec<_> = std::fs::read_dir(lab.path("out").join(stream))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut ids = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let (header, records) = text.split_once('\n').unwrap();
            let at = header.split(',').position(|name| name == "id").unwrap();
            // No field before it has a comma.
            ids.extend(
                records
                    .lines()
                    .map(|l| l.split(',').nth(at).unwrap().parse::<i64>().unwrap()),
            );
        }
        (*stream, ids)
    };
    STREAMS.iter().map(ids).collect()
}

#[test]
fn csv() {
    let config = json!({"path": "out", "min_file_bytes": 0, "metadata_columns": false});
    check("native:csv", &config, in_csv, &[INCREMENTAL, OVERWRITE]);
}

#[test]
fn parquet() {
    let config = json!({"path": "out", "min_file_bytes": 0});
    check("native:parquet", &config, in_parquet, &[INCREMENTAL]);
}
