//! `crossdock read` and `crossdock write`.

use crate::bench::{Bench, same};

const FEW: &str = r#"{"count": 3, "columns": 2, "streams": ["users", "orders"]}"#;

#[test]
fn read() {
    let bench = Bench::new();
    bench.file(
        "state.json",
        r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"next":2}}}]"#,
    );
    bench.file("broken.json", "[{");
    let lines: &[&[&str]] = &[
        &["read", "native:sample", "--config", FEW],
        &[
            "read",
            "native:sample",
            "--config",
            FEW,
            "--stream",
            "users",
            "--state",
            "state.json",
            "--json",
        ],
        &[
            "read",
            "native:sample",
            "--config",
            FEW,
            "--stream",
            "nothing",
        ],
        &[
            "read",
            "native:sample",
            "--config",
            FEW,
            "--stream",
            "nothing",
            "--json",
        ],
        &[
            "read",
            "native:sample",
            "--config",
            FEW,
            "--state",
            "missing.json",
        ],
        &[
            "read",
            "native:sample",
            "--config",
            FEW,
            "--state",
            "broken.json",
        ],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("read", &shots.join("\n"));
}

#[test]
fn write() {
    let bench = Bench::new();
    let read = bench.run(&["read", "native:sample", "--config", FEW]);
    let messages = String::from_utf8(read.stdout).unwrap();
    let catalog = bench.run(&["discover", "native:sample", "--config", FEW, "--raw"]);
    bench.file("catalog.json", &String::from_utf8(catalog.stdout).unwrap());
    bench.file("broken.json", "{\"streams\": 7}");
    let shot = |words: &[&str], input: &str| bench.shot_with(&[&["write"], words].concat(), input);
    let to = r#"{"path": "./lines"}"#;
    let shots = [
        shot(
            &["native:jsonl", "--config", to, "--catalog", "catalog.json"],
            &messages,
        ),
        shot(
            &["native:null", "--catalog", "catalog.json", "--json"],
            &messages,
        ),
        shot(&["native:null", "--catalog", "missing.json"], ""),
        shot(&["native:null", "--catalog", "broken.json"], ""),
        shot(
            &["native:null", "--catalog", "catalog.json"],
            "{\"type\":\"RECORD\",\"record\":{\n",
        ),
        shot(&["native:sample", "--catalog", "catalog.json"], ""),
    ];
    assert_eq!(bench.files("lines/users").len(), 1);
    same("write", &shots.join("\n"));
}
