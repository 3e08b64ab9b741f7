//! Secrets that are planted in every place where a user may put one turn up nowhere: not on the
//! screen, not in logs, states, errors, command lines or files (P10), though the connectors at both
//! ends let them slip wherever they can.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::lab::{Lab, exec, program};

const PLANTED: [&str; 4] = [
    "planted-in-the-environment-7f3a",
    "planted-in-dot-env-19bc",
    "planted-in-a-file-c5d2",
    "planted-in-the-pipeline-88e0",
];

fn pipeline(lab: &Lab, fails: bool) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/leaky.py");
    let connector = exec(&["python3", script.to_str().unwrap()]);
    let config = |report: &str, fails: bool| {
        json!({
            "report": lab.text(report), "fails": fails, "password": "${env:PLANTED}",
            "nested": {"token": "${env:FROM_DOT_ENV}"}, "key": "${file:key.txt}",
            "header": PLANTED[3],
        })
    };
    let more = json!({
        "streams": [{"name": "a", "sync_mode": "incremental", "destination_sync_mode": "append"}],
        "settings": {"retries": {"complete_failures": 2, "partial_failures": 2, "backoff": "10ms"}}
    });
    lab.pipeline(
        (&connector, config("source.report", fails)),
        (&connector, config("destination.report", false)),
        more,
    )
}

/// Every file below, with its bytes.
fn files(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[test]
fn planted_secrets_turn_up_nowhere() {
    if program("CROSSDOCK_TEST_STRACE").is_none() {
        return;
    }
    let lab = Lab::new();
    let temporary = lab.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    std::fs::write(lab.path(".env"), format!("FROM_DOT_ENV={}\n", PLANTED[1])).unwrap();
    std::fs::write(lab.path("key.txt"), PLANTED[2]).unwrap();
    let trace = lab.path("calls");
    let file = pipeline(&lab, false);
    let file = file.to_str().unwrap();
    let run = |words: &[&str], traced: bool| {
        let mut command = match traced {
            true => {
                let mut command = std::process::Command::new("strace");
                command
                    .args(["-f", "-s", "100000", "-e", "trace=execve", "-o"])
                    .arg(&trace);
                command.arg(env!("CARGO_BIN_EXE_crossdock"));
                command
            }
            false => std::process::Command::new(env!("CARGO_BIN_EXE_crossdock")),
        };
        let output = command
            .args(words)
            .current_dir(lab.path(""))
            .env("CROSSDOCK_STORE", lab.path("state.db"))
            .env("XDG_CACHE_HOME", lab.path("cache"))
            .env("XDG_STATE_HOME", lab.path("state"))
            .env("TMPDIR", &temporary)
            .env("PLANTED", PLANTED[0])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        for secret in PLANTED {
            let shown = String::from_utf8_lossy(&text);
            assert!(
                !holds(&text, secret),
                "`{words:?}` shows {secret}:\n{shown}"
            );
        }
        (
            output.status.code(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    };
    let (code, text) = run(&["run", file, "-vv"], true);
    assert_eq!(code, Some(0), "{text}");
    // The connectors did let them slip, and what they said was passed on.
    assert!(text.contains("logging in with"), "{text}");
    let failing = pipeline(&lab, true);
    let failing = failing.to_str().unwrap();
    for words in [
        &["run", failing][..],
        &["run", failing, "--json", "-vv"],
        &["validate", failing],
        &["plan", failing, "-vv"],
        &["runs"],
        &["runs", "show", "2"],
        &["logs", "1"],
        &["logs", "2", "--json"],
        &["state", "show", "p"],
        &["state", "export", "p"],
        &["state", "history", "p"],
        &["doctor"],
    ] {
        run(words, false);
    }
    let inputs = ["pipeline.yaml", ".env", "key.txt"].map(|name| lab.path(name));
    let mut found = Vec::new();
    files(&lab.path(""), &mut found);
    assert!(found.iter().any(|(path, _)| path.ends_with("state.db")));
    assert!(
        found
            .iter()
            .any(|(path, _)| path.to_string_lossy().contains(".logs"))
    );
    for (path, bytes) in found.iter().filter(|(path, _)| !inputs.contains(path)) {
        for secret in PLANTED {
            // The processes' environments are theirs: the variable came from the user.
            assert!(!holds(bytes, secret), "{} holds {secret}", path.display());
        }
    }
    let left = std::fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left, 0, "private folders are gone afterwards");
    for report in ["source.report", "destination.report"] {
        let text = std::fs::read_to_string(lab.path(report)).unwrap();
        assert!(!text.is_empty());
        for line in text.lines() {
            let note: Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&note["mode"], &note["folder"]),
                (&json!("0o600"), &json!("0o700"))
            );
            let lengths = json!(PLANTED.map(str::len));
            assert_eq!(
                note["knows"], lengths,
                "the connector itself must know them"
            );
        }
    }
}
