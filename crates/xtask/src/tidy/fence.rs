//! What a folder must never do, found by the words for it.
//!
//! Only `launch` starts processes: whoever else could, would sooner or later forget one. And what decides does no I/O:
//! `core`, and the codec of every protocol, so that the same code serves both roles, the tests and the fuzzer.

use crate::tidy::Breach;
use crate::tidy::rust::{code, is_test};
use crate::tidy::tree::Tree;

/// The folders that may start processes: the launchers, and what is never shipped.
const MAY_START: [&str; 3] = ["crates/launch/", "crates/xtask/", "crates/testkit/"];

/// Folders by a part of their path, with words that their code must not have.
const NEVER: [(&str, &[&str], &str); 2] = [
    (
        "crates/core/src/",
        &["std::fs", "std::net", "std::env", "tokio::"],
        "`core` does no I/O",
    ),
    (
        "/src/wire",
        &["std::fs", "std::net", "tokio::", "async fn", ".await"],
        "a codec does no I/O and never waits",
    ),
];

/// Finds I/O in the pure folders, and what starts processes outside of those that may.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !is_test(path)) {
        for (_, words, reason) in NEVER.iter().filter(|(folder, ..)| path.contains(folder)) {
            for (line, text) in code(text) {
                if let Some(word) = words.iter().find(|word| text.contains(**word)) {
                    breaches.push(Breach::at(path, line, format!("`{word}`: {reason}")));
                }
            }
        }
        if MAY_START.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        for (line, text) in code(text) {
            if starts_process(text) {
                breaches.push(Breach::at(
                    path,
                    line,
                    "only `launch` starts processes: call it",
                ));
            }
        }
    }
    breaches
}

/// Whether a line names the type that starts processes, by whatever path. What a started process is made of, its pipes
/// and its exit code, may be named anywhere.
fn starts_process(line: &str) -> bool {
    line.split("process::").skip(1).any(|rest| {
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or(group),
            None => rest.split(',').next().unwrap_or(rest),
        };
        names.split(',').any(|name| {
            let name = name.trim_start();
            name.starts_with("Command") || name.starts_with('*')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_in_a_pure_folder_is_red() {
        for (path, line, red) in [
            ("crates/core/src/store.rs", "use std::fs::File;", true),
            (
                "crates/airbyte/src/wire/state.rs",
                "pub async fn read() {}",
                true,
            ),
            (
                "crates/airbyte/src/host/read.rs",
                "pub async fn read() {}",
                false,
            ),
            (
                "crates/core/src/clock.rs",
                "use std::time::Instant; // not tokio::time",
                false,
            ),
        ] {
            assert_eq!(
                !check(&Tree::sample(&[(path, line)])).is_empty(),
                red,
                "{path}: {line}"
            );
        }
    }

    #[test]
    fn a_process_started_elsewhere_is_red() {
        for (path, line, red) in [
            (
                "crates/engine/src/run.rs",
                "use std::process::Command;",
                true,
            ),
            (
                "crates/engine/src/run.rs",
                "use std::process::{ExitCode, Command};",
                true,
            ),
            (
                "crates/engine/src/run.rs",
                "let mut c = std::process::Command::new(\"ls\");",
                true,
            ),
            (
                "crates/engine/src/run.rs",
                "use tokio::process::Command;",
                true,
            ),
            (
                "crates/cli/src/main.rs",
                "use std::process::{ExitCode, exit};",
                false,
            ),
            (
                "crates/cli/src/main.rs",
                "let id = std::process::id(); run(id, Command::Go);",
                false,
            ),
            (
                "crates/engine/src/run.rs",
                "// not std::process::Command",
                false,
            ),
            (
                "crates/engine/tests/main.rs",
                "use std::process::Command;",
                false,
            ),
            (
                "crates/launch/src/exec.rs",
                "use tokio::process::Command;",
                false,
            ),
        ] {
            assert_eq!(
                !check(&Tree::sample(&[(path, line)])).is_empty(),
                red,
                "{path}: {line}"
            );
        }
    }
}
