//! A place for one test: a folder with pipeline files, a store and what destinations wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The program that an environment variable names. Without it the test does not run, and says so;
/// where everything is required, it fails.
pub(crate) fn program(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(path) => Some(path),
        Err(_) if std::env::var_os("CROSSDOCK_TEST_REQUIRED").is_some() => {
            panic!("{variable} is not set: run `cargo xtask test`")
        }
        Err(_) => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            eprintln!("not run: {test} needs {variable}, which `cargo xtask test` sets");
            None
        }
    }
}

/// A reference to a program on this machine.
pub(crate) fn exec(words: &[&str]) -> String {
    format!("airbyte:exec:{}", words.join(" "))
}

/// The destination on Airbyte's SDK: appends `{"stream":…,"data":…}` lines to a file.
pub(crate) fn sdk_destination() -> Option<String> {
    let python = program("CROSSDOCK_TEST_CDK_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/destination.py");
    Some(exec(&[&python, script.to_str().unwrap()]))
}

/// Where a lab has the folders that destinations work in.
pub(crate) const WORK: &str = "state/crossdock/work";

pub(crate) struct Lab {
    dir: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a pipeline file. JSON is YAML, so that is what it is.
    pub(crate) fn pipeline(
        &self,
        source: (&str, Value),
        destination: (&str, Value),
        more: Value,
    ) -> PathBuf {
        let mut pipeline = json!({
            "id": "p",
            "source": {"connector": source.0, "config": source.1},
            "destination": {"connector": destination.0, "config": destination.1},
        });
        pipeline
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let object = pipeline.as_object_mut().unwrap();
        if object.contains_key("destinations") {
            // That one is the first of several.
            let first = object.remove("destination").unwrap();
            object["destinations"]
                .as_array_mut()
                .unwrap()
                .insert(0, first);
        }
        let file = json!({"version": 1, "pipelines": [pipeline]});
        let path = self.path("pipeline.yaml");
        std::fs::write(&path, file.to_string()).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command
            .arg("--json")
            .args(args)
            .env("CROSSDOCK_STORE", self.path("state.db"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_STATE_HOME", self.path("state"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs crossdock and returns its envelope.
    pub(crate) fn run(&self, args: &[&str]) -> Value {
        let output = self.command(args).output().unwrap();
        envelope(&output)
    }

    /// Runs crossdock, which must go well, and returns the envelope's data.
    pub(crate) fn good(&self, args: &[&str]) -> Value {
        let envelope = self.run(args);
        assert_eq!(envelope["ok"], true, "{envelope:#}");
        envelope["data"].clone()
    }

    /// What crossdock prints, for what must not be parsed: a long number keeps its digits.
    pub(crate) fn printed(&self, args: &[&str]) -> String {
        String::from_utf8(self.command(args).output().unwrap().stdout).unwrap()
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The records that the SDK destination or `native:jsonl` wrote, by stream, in order.
    pub(crate) fn lines(&self, name: &str) -> BTreeMap<String, Vec<Value>> {
        let mut streams: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        for line in text.lines() {
            // A destination that was killed leaves half a line; the next run goes on after it.
            let Ok(value) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let stream = value["stream"].as_str().unwrap_or_default().to_owned();
            streams
                .entry(stream)
                .or_default()
                .push(value["data"].clone());
        }
        streams
    }

    /// The records in all `.jsonl` files below a folder of `native:jsonl`, by stream (the folder's
    /// name), in the order of the files' names.
    pub(crate) fn folders(&self, name: &str) -> BTreeMap<String, Vec<Value>> {
        let mut streams = BTreeMap::new();
        for entry in std::fs::read_dir(self.path(name)).unwrap() {
            let folder = entry.unwrap().path();
            let stream = folder.file_name().unwrap().to_str().unwrap().to_owned();
            if stream.starts_with('.') {
                continue;
            }
            let mut files: Vec<_> = std::fs::read_dir(&folder)
                .unwrap()
                .map(|f| f.unwrap().path())
                .collect();
            files.sort();
            let records = files
                .iter()
                .flat_map(|file| {
                    let text = std::fs::read_to_string(file).unwrap();
                    text.lines()
                        .map(|l| serde_json::from_str(l).unwrap())
                        .collect::<Vec<Value>>()
                })
                .collect();
            streams.insert(stream, records);
        }
        streams
    }
}

fn envelope(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|_| {
        panic!(
            "no envelope: {text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// The counts of a stream in the data of `run`.
pub(crate) fn stream<'a>(data: &'a Value, name: &str) -> &'a Value {
    let runs = data["runs"]
        .as_array()
        .or_else(|| data["pipelines"].as_array());
    let streams = match runs {
        Some(runs) => &runs[0]["streams"],
        None => &data["streams"],
    };
    streams
        .as_array()
        .and_then(|s| {
            s.iter()
                .find(|s| s["stream"]["name"] == name || s["stream"] == name || s["name"] == name)
        })
        .unwrap_or_else(|| panic!("no stream {name} in {data:#}"))
}
