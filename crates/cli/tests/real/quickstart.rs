//! `crossdock quickstart` as a new user calls it: the real connector from PyPI, into Parquet files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;

use crate::lab::{program, stream};

const STREAMS: [&str; 3] = ["users", "products", "purchases"];

/// Calls it in this folder, which must go well; the data of its envelope. The package is taken from
/// where the user's own calls keep it, so that it is installed once and not for each test.
fn quickstart(dir: &Path) -> Value {
    let cache = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/crossdock");
    let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["--json", "quickstart", "--source", "faker"])
        .env("CROSSDOCK_CACHE_DIR", cache)
        .env_remove("CROSSDOCK_STORE")
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let envelope: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    envelope["data"].clone()
}

fn records(data: &Value) -> [u64; 3] {
    STREAMS.map(|name| {
        let counts = stream(&data["pipeline"], name);
        assert_eq!(counts["written"], counts["records"], "{counts:#}");
        counts["records"].as_u64().unwrap()
    })
}

/// The rows of all Parquet files of each stream.
fn rows(dir: &Path, data: &Value) -> [u64; 3] {
    let lake = dir.join(data["data"].as_str().unwrap());
    STREAMS.map(|name| {
        let files = fs::read_dir(lake.join(name)).unwrap();
        let rows = files.map(|file| {
            let file = File::open(file.unwrap().path()).unwrap();
            let reader = SerializedFileReader::new(file).unwrap();
            u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap()
        });
        rows.sum()
    })
}

#[test]
fn the_first_run_reads_everything_and_the_second_what_is_new() {
    let Some(_) = program("CROSSDOCK_TEST_PYPI") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let data = quickstart(dir.path());
    assert_eq!(data["incremental"], false);
    assert_eq!(data["instead_of"], Value::Null);
    let first = records(&data);
    assert_eq!(first[..2], [1000, 100]);
    assert!(first[2] > 0, "{data:#}");
    assert_eq!(rows(dir.path(), &data), first);

    let data = quickstart(dir.path());
    assert_eq!(data["incremental"], true);
    let second = records(&data);
    assert_eq!(second[0], 0, "{data:#}");
    let both: Vec<u64> = first.iter().zip(second).map(|(a, b)| a + b).collect();
    assert_eq!(rows(dir.path(), &data)[..], both);
}
