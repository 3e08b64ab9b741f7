//! PyAirbyte reads our source as a program on this machine into a cache of its own, twice: the second time what is new.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{READ, bodies, configure, messages, output, write};
use crate::lab::{Lab, program};

#[test]
fn it_caches_what_our_source_sends_and_goes_on_from_there() {
    let Some(python) = program("CROSSDOCK_TEST_PYAIRBYTE_PYTHON") else {
        return;
    };
    let lab = Lab::new();
    let package = ["connector", "package", "--protocol", "airbyte"];
    let words = [
        &package[..],
        &["--as", "source", "--to", ".", "native:sample"],
    ]
    .concat();
    let packaged = lab.good(&words);
    assert_eq!(packaged["name"], "source-sample");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/airbyte/cache.py");
    let ran = Command::new(python)
        .arg(script)
        .arg(lab.path("source-sample"))
        .env("AIRBYTE_OFFLINE_MODE", "1")
        .env("DO_NOT_TRACK", "1")
        .env("HOME", lab.path(""))
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let seen: Value =
        serde_json::from_str(&std::fs::read_to_string(lab.path("seen.json")).unwrap()).unwrap();
    assert_eq!(seen["first"], 300);
    assert_eq!(seen["second"], 200);
    write(&lab, "config.json", &json!({"count": 500}));
    configure(&lab, "native:sample", "full_refresh", "append");
    let records = bodies(
        &messages(&output(&lab, "native:sample", &READ)),
        "RECORD",
        "record",
    );
    let expected: Vec<Value> = records
        .iter()
        .map(|r| {
            let data = &r["data"];
            json!([
                data["id"],
                data["name"],
                data["is_active"],
                data["balance_cents"]
            ])
        })
        .collect();
    assert_eq!(seen["rows"], Value::from(expected));
}
