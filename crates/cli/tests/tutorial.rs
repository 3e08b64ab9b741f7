//! `docs/tutorial.md` is what happens: its files are written, its commands are run in order, and
//! what they print is what the page shows.

use crate::bench::{Bench, filtered};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorial.md");

/// Runs the page and gives it back with what its commands print.
fn played(page: &str) -> String {
    let bench = Bench::new();
    let mut out = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out += &format!("{line}\n");
        let Some(fence) = line.strip_prefix("```") else {
            continue;
        };
        let mut block = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            block.push(line);
        }
        if let Some((_, file)) = fence.split_once(" title=") {
            let text: String = block.iter().map(|line| format!("{line}\n")).collect();
            bench.file(file, &text);
            out += &text;
        } else if fence == "console" {
            for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                out += &format!("$ {command}\n{}", run(&bench, command));
            }
        } else {
            block.iter().for_each(|line| out += &format!("{line}\n"));
        }
        out += "```\n";
    }
    out
}

fn run(bench: &Bench, command: &str) -> String {
    let words = shell_words(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(("crossdock", words)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        panic!("the page runs `{command}`");
    };
    let output = bench.run(words);
    let text = [output.stderr, output.stdout].concat();
    filtered(&String::from_utf8(text).unwrap())
        .replace("[MOMENT]", "2026-11-27T09:00:00Z")
        .replace("[TIME]", "0.1s")
        .replace("[RATE]", "1,000")
}

/// Words, with single quotes.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_tutorial_is_what_happens() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let told = played(&page);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &told).unwrap();
        return;
    }
    assert!(
        page == told,
        "docs/tutorial.md is out of date; UPDATE=1 writes:\n{told}"
    );
}
