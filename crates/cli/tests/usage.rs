//! What the program says of itself, and of command lines that it refuses.

use crate::bench::{Bench, same};

#[test]
fn help() {
    let bench = Bench::new();
    let commands: &[&[&str]] = &[
        &[],
        &["quickstart"],
        &["run"],
        &["sync"],
        &["spec"],
        &["check"],
        &["discover"],
        &["read"],
        &["write"],
        &["state"],
        &["state", "show"],
        &["state", "export"],
        &["state", "import"],
        &["state", "reset"],
        &["state", "history"],
        &["state", "rollback"],
        &["connector"],
        &["connector", "list"],
        &["schema"],
    ];
    let mut text = String::new();
    for command in commands {
        let flag = if command.is_empty() { "--help" } else { "-h" };
        let words = [command, &[flag][..]].concat();
        text += &bench.shot(&words);
        text.push('\n');
    }
    same("help", &text);
}

#[test]
fn refused() {
    let bench = Bench::new();
    let lines: &[&[&str]] = &[
        &[],
        &["--json"],
        &["rn", "x.yaml"],
        &["rn", "x.yaml", "--json"],
        &["run"],
        &["run", "x.yaml", "--pipline", "a"],
        &["spec", "native:parquet", "--color", "pink"],
        &["state"],
        &["state", "show", "a", "--namespace", "n"],
        &["state", "rollback", "a", "b"],
        &["spec", "x", "--quiet", "--verbose"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("refused", &shots.join("\n"));
}

#[test]
fn colour_only_repeats_the_words() {
    let bench = Bench::new();
    same(
        "colour",
        &bench.shot(&["run", "missing.yaml", "--color", "always"]),
    );
}

#[test]
fn the_version_is_the_workspace_s() {
    let output = Bench::new().run(&["--version"]);
    let expected = format!("crossdock {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert!(output.status.success());
}
