//! `crossdock state …`.

use crate::bench::{Bench, same};

fn with_state() -> Bench {
    let bench = Bench::new();
    let moved = bench.run(&[
        "sync",
        "--name",
        "shop",
        "--source",
        "native:sample",
        "--source-config",
        r#"{"count": 30, "streams": ["users", "orders"]}"#,
        "--destination",
        "native:null",
    ]);
    assert!(moved.status.success(), "{moved:?}");
    bench
}

fn shots(bench: &Bench, lines: &[&[&str]]) -> String {
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    shots.join("\n")
}

#[test]
fn look() {
    let bench = with_state();
    let lines: &[&[&str]] = &[
        &["state", "show"],
        &["state", "show", "--json"],
        &["state", "show", "shop"],
        &["state", "show", "shop", "--json"],
        &["state", "show", "shop", "--stream", "users"],
        &["state", "export", "shop"],
        &["state", "export", "shop", "--json"],
        &["state", "history", "shop"],
        &["state", "history", "shop", "--stream", "users", "--json"],
    ];
    same("state_look", &shots(&bench, lines));
}

#[test]
fn change() {
    let bench = with_state();
    let exported = bench.run(&["state", "export", "shop"]).stdout;
    let exported = String::from_utf8(exported).unwrap();
    bench.file("state.json", &exported);
    let mut text = shots(
        &bench,
        &[
            &["state", "reset", "shop", "--stream", "users"],
            &["state", "show", "shop"],
            &["state", "reset", "shop", "--json"],
            &["state", "history", "shop"],
            &["state", "rollback", "shop", "2"],
            &["state", "rollback", "shop", "2", "--json"],
            &["state", "import", "shop", "state.json"],
            &["state", "import", "copy", "state.json", "--json"],
        ],
    );
    text += &bench.shot_with(&["state", "import", "copy"], &exported);
    text += &bench.shot(&["state", "show", "copy"]);
    same("state_change", &text);
    for pipeline in ["shop", "copy"] {
        let now = bench.run(&["state", "export", pipeline]).stdout;
        assert_eq!(String::from_utf8(now).unwrap(), exported, "{pipeline}");
    }
}

#[test]
fn wrong() {
    let nothing = Bench::new();
    let mut text = shots(
        &nothing,
        &[
            &["state", "show"],
            &["state", "reset", "shop"],
            &["state", "show", "--json"],
        ],
    );
    assert!(!nothing.path("state").exists(), "looking made a store");
    let bench = with_state();
    bench.file("broken.json", "[7]");
    text += &shots(
        &bench,
        &[
            &["state", "show", "shoop"],
            &["state", "export", "elsewhere"],
            &["state", "export", "elsewhere", "--json"],
            &["state", "show", "shop", "--stream", "nothing"],
            &[
                "state",
                "reset",
                "shop",
                "--stream",
                "users",
                "--namespace",
                "public",
            ],
            &["state", "rollback", "shop", "77"],
            &["state", "import", "shop", "broken.json"],
            &["state", "import", "shop", "missing.json"],
        ],
    );
    same("state_wrong", &text);
}
