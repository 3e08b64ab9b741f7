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

#[test]
fn one_stream() {
    let bench = with_state();
    let export = |words: &[&str]| {
        let words = [&["state", "export", "shop"], words].concat();
        String::from_utf8(bench.run(&words).stdout).unwrap()
    };
    let (before, users) = (export(&[]), export(&["--stream", "users"]));
    assert!(
        users.contains("users") && !users.contains("orders"),
        "{users}"
    );
    bench.file("earlier.json", &before.replace("30", "7"));
    bench.file("users.json", &users);
    let global = r#"[{"type":"GLOBAL","global":{"shared_state":1,"stream_states":[]}}]"#;
    bench.file("global.json", global);
    let legacy = r#"[{"type":"LEGACY","data":{"users":1}}]"#;
    bench.file("legacy.json", legacy);
    let one = ["--stream", "users"];
    let other = ["--stream", "users", "--namespace", "public"];
    let import =
        |words: &[&str], one: &[&str]| bench.shot(&[&["state", "import"], words, one].concat());
    let mut text = shots(
        &bench,
        &[
            &["state", "export", "shop", "--stream", "users"],
            &["state", "export", "shop", "--stream", "users", "--json"],
            &["state", "export", "shop", "--stream", "nothing"],
            &[
                "state",
                "export",
                "shop",
                "--stream",
                "users",
                "--namespace",
                "public",
            ],
        ],
    );
    text += &import(&["shop", "earlier.json"], &one);
    assert_eq!(export(&[]).matches("30").count(), 1, "orders stay");
    assert!(export(&["--stream", "users"]).contains("\"next\":7"));
    text += &import(&["shop", "users.json", "--json"], &one);
    assert_eq!(export(&[]), before);
    text += &import(&["shop", "users.json"], &other);
    text += &import(&["fresh", "earlier.json"], &one);
    text += &bench.shot(&["state", "export", "fresh"]);
    for (pipeline, file) in [("global", "global.json"), ("legacy", "legacy.json")] {
        text += &import(&[pipeline, file], &[]);
        text += &bench.shot(&["state", "export", pipeline, "--stream", "users"]);
        text += &import(&[pipeline, "users.json"], &one);
        text += &import(&["shop", file], &one);
    }
    assert_eq!(export(&[]), before, "what is refused changes nothing");
    same("state_one_stream", &text);
}
