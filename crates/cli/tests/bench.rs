//! A folder to work in, the program, and its output as text that is the same every time.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// What changes from run to run, and what stands for it. In this order.
const FILTERS: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[MOMENT]"),
    (
        r#""(elapsed_ms|at|committed_at|started_at|ended_at|emitted_at|estimated_at|synced_at)":\d+"#,
        r#""$1":[NUMBER]"#,
    ),
    (
        r#""((?:max|mean)_seconds_\w+)":\d+(\.\d+)?(e-\d+)?"#,
        r#""$1":[NUMBER]"#,
    ),
    // How many states one return stands for is a matter of time.
    (
        r#""destination_states":\d+"#,
        r#""destination_states":[NUMBER]"#,
    ),
    (r#""emitted_at":\d+(\.\d+)?"#, r#""emitted_at":[NUMBER]"#),
    (r"\b(\d+h \d\dm|\d+m \d\ds|\d+\.\ds|\d+s)\b", "[TIME]"),
    // Progress, should a run take so long that it shows some.
    (r"(?m)^\S+: [\d,]+ records?, .*checkpoint.*\n", ""),
    // Columns are as wide as the rates in them.
    (
        r"(?m)^  stream +records +bytes +records/s +checkpoints",
        "  stream  records  bytes  records/s  checkpoints",
    ),
    (
        r"(?m)^  (\S+) +([\d,]+) +([\d.]+ k?M?B) +[\d,]+ +(\d+)",
        "  $1  $2  $3  [RATE]  $4",
    ),
    (r"/tmp/\.tmp\w+", "[DIR]"),
    // How much is free is the machine's affair; what is said of it is tested where it is decided.
    (
        r"(?m)^free space  .* \d+ MiB at (\S+)(\n  → free some space)?$",
        "free space        [AS IT IS] at $1",
    ),
    (r#""milliseconds":\d+"#, r#""milliseconds":[NUMBER]"#),
    (r#" time="\d+\.\d+""#, r#" time="[NUMBER]""#),
    (r"/\S+/debug/crossdock\b", "[PATH]/crossdock"),
    (r"pid: \d+\n  host: \S+", "pid: [PID]\n  host: [HOST]"),
    (
        r#""pid":"\d+","host":"[^"]*""#,
        r#""pid":"[PID]","host":"[HOST]""#,
    ),
    (r"crossdock-(\d+)\.(\d+)\.(\d+)", "crossdock-[VERSION]"),
];

/// A folder of its own, in which the program is called.
pub(crate) struct Bench {
    dir: TempDir,
    path: Option<PathBuf>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            path: None,
        }
    }

    /// No program can be found, so no Python either.
    pub(crate) fn without_programs() -> Self {
        let mut bench = Self::new();
        let empty = bench.path("empty");
        fs::create_dir(&empty).unwrap();
        bench.path = Some(empty);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// A program: a script for the shell.
    pub(crate) fn script(&self, name: &str, text: &str) {
        self.file(name, &format!("#!/bin/sh\n{text}\n"));
        let runs = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(name), runs).unwrap();
    }

    /// The program with these words, split at spaces.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command
            .args(words)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_STATE_HOME", self.path("state"));
        match &self.path {
            Some(path) => command.env("PATH", path),
            None => command.env("PATH", std::env::var_os("PATH").unwrap_or_default()),
        };
        command
    }

    /// Calls the program.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().unwrap()
    }

    /// Calls the program; all that a user sees of it.
    pub(crate) fn shot(&self, words: &[&str]) -> String {
        shot(words, &self.run(words))
    }

    /// As [`Bench::shot`], with this on standard input.
    pub(crate) fn shot_with(&self, words: &[&str], input: &str) -> String {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        shot(words, &child.wait_with_output().unwrap())
    }

    /// All files below `name`, without what is different each time.
    pub(crate) fn files(&self, name: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.path(name)];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// Command, exit code, stdout and stderr.
pub(crate) fn shot(words: &[&str], output: &Output) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            if word.contains([' ', '{', '"']) || word.is_empty() {
                format!("'{word}'")
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output
        .status
        .code()
        .map_or("none".to_owned(), |c| c.to_string());
    format!(
        "$ crossdock {}\n--- stdout\n{stdout}--- stderr\n{stderr}--- exit {code}\n",
        words.join(" ")
    )
}

/// The text with what stands for all that changes from run to run.
pub(crate) fn filtered(text: &str) -> String {
    FILTERS
        .iter()
        .fold(text.to_owned(), |text, (pattern, word)| {
            let pattern = regex::Regex::new(pattern).unwrap();
            pattern.replace_all(&text, *word).into_owned()
        })
}

/// Compares with the snapshot of this name.
pub(crate) fn same(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    for (pattern, word) in FILTERS {
        settings.add_filter(pattern, *word);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}
