//! `crossdock sync`.

use crate::bench::{Bench, same};

#[test]
fn ad_hoc() {
    let bench = Bench::new();
    bench.file("lines.yaml", "path: ./lines\n");
    let base = [
        "sync",
        "--source",
        "native:sample",
        "--source-config",
        r#"{"count": 50, "streams": ["users", "orders"]}"#,
        "--destination",
        "native:jsonl",
        "--destination-config",
        "lines.yaml",
    ];
    let shot = |more: &[&str]| bench.shot(&[&base[..], more].concat());
    let shots = [
        shot(&[]),
        shot(&[]),
        shot(&[
            "--stream",
            "users",
            "--name",
            "mine",
            "--sync-mode",
            "full_refresh",
        ]),
        shot(&[
            "--json",
            "--name",
            "other",
            "--destination-sync-mode",
            "overwrite",
        ]),
        shot(&[
            "--name",
            "other",
            "--destination-sync-mode",
            "overwrite",
            "--sync-mode",
            "full_refresh",
            "--json",
        ]),
        shot(&["--stream", "usrs"]),
    ];
    same("sync", &shots.join("\n"));
}

const PRINT: [&str; 7] = [
    "sync",
    "--source",
    "native:sample",
    "--source-config",
    r#"{"count": 2, "columns": 2}"#,
    "--destination",
    "native:stdout",
];

#[test]
fn records_on_stdout_are_alone_there() {
    let bench = Bench::new();
    let shots = [
        bench.shot(&PRINT),
        bench.shot(&[&PRINT[..], &["--json", "--name", "other"]].concat()),
    ];
    same("sync_stdout", &shots.join("\n"));
}

#[test]
fn wrong() {
    let bench = Bench::new();
    let lines: &[&[&str]] = &[
        &["sync", "--source", "native:sample"],
        &[
            "sync",
            "--source",
            "native:null",
            "--destination",
            "native:null",
        ],
        &[
            "sync",
            "--source",
            "native:sample",
            "--destination",
            "native:sample",
            // Source and destination are prepared at once, so how far the source came differs.
            "--quiet",
        ],
        &[
            "sync",
            "--source",
            "native:sample",
            "--source-config",
            "{",
            "--destination",
            "native:null",
        ],
        &[
            "sync",
            "--source",
            "native:sample",
            "--destination",
            "native:jsonl",
            "--quiet",
        ],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("sync_wrong", &shots.join("\n"));
}
