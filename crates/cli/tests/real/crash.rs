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
const CALLS: &str = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,\
    mkdir,mkdirat,rmdir,ftruncate";

/// The ids that a reader sees, by stream, or stream and partition, in the order of the rows.
type Seen = BTreeMap<String, Vec<i64>>;

const STREAMS: [&str; 2] = ["sample_1", "sample_2"];

struct Destination {
    connector: &'static str,
    config: Value,
    /// How the streams are written.
    mode: &'static str,
    /// Files are written beside.
    beside: bool,
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
        ((*stream).to_owned(), ids)
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
            (*stream).to_owned(),
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
    STREAMS.iter().map(|s| (*s).to_owned()).zip(ids).collect()
}

/// What strikes at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Kill,
    /// From then on nothing can be written.
    FullDisk,
}

impl Blow {
    /// The calls that it strikes at.
    fn calls(self) -> &'static str {
        match self {
            Self::Kill => CALLS,
            // What is printed does not go to the disk.
            Self::FullDisk => "pwrite64,fsync,fdatasync,ftruncate",
        }
    }
}

/// A run under `strace`, which writes the calls to `trace.txt` and does as `fault` says.
fn traced(lab: &Lab, strace: &str, file: &Path, fault: Option<String>) -> Output {
    let mut command = Command::new(strace);
    command.args([
        "-f",
        "-o",
        &lab.text("trace.txt"),
        "-e",
        &format!("trace={CALLS}"),
    ]);
    if let Some(fault) = fault {
        command.args(["-e", &format!("inject={fault}")]);
    }
    command
        .arg(env!("CARGO_BIN_EXE_crossdock"))
        .args(["run", file.to_str().unwrap()])
        .env("CROSSDOCK_STORE", lab.path("state.db"))
        .current_dir(lab.path(""))
        .stdin(Stdio::null());
    command.output().unwrap()
}

/// Where to strike: each kind of call at every `stride`th time that one thread makes it, and at
/// the last. `strace` counts for each thread and each kind of call.
fn strikes(trace: &str, blow: Blow, stride: usize) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in trace.lines() {
        let mut words = line.split(['(', ' ']).filter(|word| !word.is_empty());
        let (thread, call) = (words.next().unwrap(), words.next().unwrap_or_default());
        if blow.calls().split(',').any(|of| of == call) {
            *counts.entry((call, thread)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((call, _), count) in counts {
        let most = most.entry(call).or_default();
        *most = count.max(*most);
    }
    let mut strikes = Vec::new();
    for (call, count) in most {
        let every = (1..=count).step_by(stride);
        let last = (count % stride != 1).then_some(count);
        strikes.extend(every.chain(last).map(|at| (call.to_owned(), at)));
    }
    strikes
}

/// A pipeline into the destination.
fn pipeline(lab: &Lab, destination: &Destination) -> std::path::PathBuf {
    let Destination {
        connector,
        config,
        mode,
        ..
    } = destination;
    let columns = if destination.is_partitioned() { 5 } else { 2 };
    let source = json!({
        "count": COUNT, "columns": columns, "streams": 2, "batch_records": 20, "checkpoint_every": 40
    });
    let (sync, mode) = mode.split_once('|').unwrap();
    let stream = |name: &&str| {
        json!({"name": name, "sync_mode": sync, "destination_sync_mode": mode,
            "primary_key": [["id"]]})
    };
    let mut more = json!({
        "streams": STREAMS.iter().map(stream).collect::<Vec<_>>(),
        "settings": {"commit_interval": "1ms",
            "retries": {"complete_failures": 1, "partial_failures": 1}}
    });
    if destination.beside {
        let files = json!({"path": "out", "min_file_bytes": 0});
        more["destinations"] = json!([{"connector": "native:jsonl", "config": files}]);
    }
    lab.pipeline(("native:sample", source), (connector, config.clone()), more)
}

impl Destination {
    fn is_partitioned(&self) -> bool {
        self.config.get("partition_by").is_some()
    }

    fn replaces(&self) -> bool {
        self.mode.ends_with("overwrite")
    }

    /// What is seen after a death, beside what is seen in the end.
    fn check_death(&self, died: &Seen, done: &Seen, strike: &str) {
        for (place, ids) in died {
            let rest = done[place].strip_prefix(ids.as_slice());
            let (first, next) = (
                ids.last().map_or(0, |last| last + 1),
                rest.and_then(|rest| rest.first()).copied().unwrap_or(COUNT),
            );
            let is_cut = match self.replaces() {
                // The old records, or the new ones; never some of each.
                true => rest == Some(&[]),
                // A checkpoint comes after every 40 records.
                false => (first..=next).any(|id| id % 40 == 0),
            };
            assert!(rest.is_some() && is_cut, "{strike} {place}: {ids:?}");
        }
    }

    /// Every row once.
    fn check_whole(&self, done: Seen, strike: &str) {
        let mut all: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (place, ids) in done {
            let stream = place.split('/').next().unwrap_or_default().to_owned();
            all.entry(stream).or_default().extend(ids);
        }
        for (stream, mut ids) in all {
            if self.is_partitioned() {
                ids.sort_unstable();
            }
            let complete = ids.iter().copied().eq(0..COUNT);
            assert!(complete, "{strike} {stream}: {ids:?}");
        }
    }
}

/// How many runs were struck.
fn strike_everywhere(destination: &Destination, strace: &str, blow: Blow, stride: usize) -> usize {
    let Destination {
        connector,
        mode,
        see,
        ..
    } = destination;
    let lab = Lab::new();
    let file = pipeline(&lab, destination);
    if destination.replaces() {
        lab.good(&["run", file.to_str().unwrap()]);
    }
    let output = traced(&lab, strace, &file, None);
    assert!(output.status.success());
    let trace = std::fs::read_to_string(lab.path("trace.txt")).unwrap();
    let mut struck = 0;
    for (call, at) in strikes(&trace, blow, stride) {
        let strike = format!("{connector} {mode} {blow:?} {call} {at}");
        let lab = Lab::new();
        let file = pipeline(&lab, destination);
        if destination.replaces() {
            lab.good(&["run", file.to_str().unwrap()]);
        }
        let fault = match blow {
            Blow::Kill => format!("{call}:signal=KILL:when={at}"),
            Blow::FullDisk => format!("{}:error=ENOSPC:when={at}+", blow.calls()),
        };
        let output = traced(&lab, strace, &file, Some(fault));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains("panicked"), "{strike}: {text}");
        // One run makes some more or fewer calls than another.
        if !output.status.success() {
            struck += 1;
            if blow == Blow::FullDisk {
                assert!(output.status.code().is_some(), "{strike}: {text}");
                let says = text.contains("space") || text.contains("full");
                assert!(says, "{strike}: {text}");
            }
            let died = see(&lab);
            lab.good(&["run", file.to_str().unwrap()]);
            destination.check_death(&died, &see(&lab), &strike);
        }
        destination.check_whole(see(&lab), &strike);
        if destination.beside {
            destination.check_whole(in_lines(&lab), &strike);
        }
    }
    eprintln!("{connector} {mode}: {blow:?} at {struck} writes");
    struck
}

const INCREMENTAL: &str = "incremental|append";
const DEDUP: &str = "incremental|append_dedup";
const OVERWRITE: &str = "full_refresh|overwrite";

fn check(connector: &'static str, config: &Value, see: fn(&Lab) -> Seen, modes: &[&'static str]) {
    check_beside(connector, config, see, modes, false);
}

fn check_beside(
    connector: &'static str,
    config: &Value,
    see: fn(&Lab) -> Seen,
    modes: &[&'static str],
    beside: bool,
) {
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
            beside,
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

/// Beside another destination, whose rows may end elsewhere, it takes back what comes again.
#[test]
fn sqlite_beside_files() {
    let config = json!({"path": "out.db", "transaction_bytes": 0});
    check_beside("native:sqlite", &config, in_database, &[INCREMENTAL], true);
}

/// Records in folders named after a field.
fn in_partitions(lab: &Lab) -> Seen {
    let mut seen = Seen::new();
    for stream in STREAMS {
        for partition in ["true", "false", "__HIVE_DEFAULT_PARTITION__"] {
            let place = format!("{stream}/is_active={partition}");
            let mut files: Vec<_> = std::fs::read_dir(lab.path("out").join(&place))
                .into_iter()
                .flatten()
                .map(|entry| entry.unwrap().path())
                .collect();
            files.sort();
            let texts = files
                .iter()
                .map(|file| std::fs::read_to_string(file).unwrap());
            let lines = texts.collect::<String>();
            let records = lines
                .lines()
                .map(|l| serde_json::from_str::<Value>(l).unwrap());
            let ids = records.map(|record| record["id"].as_i64().unwrap());
            seen.insert(place, ids.collect());
        }
    }
    seen
}

#[test]
fn partitions() {
    let config = json!({"path": "out", "min_file_bytes": 0, "partition_by": {"*": ["is_active"]}});
    check(
        "native:jsonl",
        &config,
        in_partitions,
        &[INCREMENTAL, OVERWRITE],
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
        ((*stream).to_owned(), ids)
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
