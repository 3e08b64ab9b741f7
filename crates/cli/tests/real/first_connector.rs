//! `docs/first-connector.md` is what happens: its commands are run in order with the connectors that it is about, and
//! print what the page shows. What `cargo` does there is tested where these connectors are.

#[path = "../../../../examples/my-api/tests/api/mod.rs"]
mod shop;

use std::fs;
use std::path::Path;
use std::process::Command;

use crossdock_testkit::http::Server;
use tokio::runtime::Runtime;

use crate::example::{api, built};
use crate::lab::Lab;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/first-connector.md");
/// Where the page has the APIs that the connectors read.
const ADDRESS: &str = "http://127.0.0.1:8099";

/// The text of a section, without its title.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let (_, after) = page
        .split_once(&format!("\n## {title}"))
        .unwrap_or_else(|| panic!("the page has no section `{title}`"));
    after.split("\n## ").next().unwrap()
}

/// A command of the page and what it prints there, or a file.
enum Step {
    Command(String, String),
    File(String, String),
}

fn steps(section: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            continue;
        };
        let block = lines.by_ref().take_while(|line| *line != "```");
        if let Some((_, name)) = fence.split_once(" title=") {
            let text = block.map(|line| format!("{line}\n")).collect();
            steps.push(Step::File(name.to_owned(), text));
            continue;
        }
        for line in block {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step::Command(command.to_owned(), String::new()));
                }
                (None, Some(Step::Command(_, printed))) => *printed += &format!("{line}\n"),
                (None, _) => panic!("nobody prints `{line}`"),
            }
        }
    }
    steps
}

/// Numbers that are others each time are hidden, and how wide they made a column; rows and judgements are not.
fn alike(command: &str, printed: &str) -> String {
    if command.contains("preview") || command.contains("connector test") {
        return printed.trim_end().to_owned();
    }
    let mut hidden = String::new();
    for line in printed.trim_end().lines() {
        let words: Vec<String> = line
            .split_whitespace()
            .map(
                |word| match word.starts_with(|c: char| c.is_ascii_digit()) {
                    true => "#".to_owned(),
                    false => word.to_owned(),
                },
            )
            .collect();
        hidden += &(words.join(" ") + "\n");
    }
    hidden
}

/// Runs what a section shows, with an API at another address and this program as the connector.
fn plays(section: &str, program: &Path, server: &Server) {
    let lab = Lab::new();
    fs::create_dir_all(lab.path("target/debug")).unwrap();
    fs::copy(program, lab.path("target/debug/my-api")).unwrap();
    let crossdock = Path::new(env!("CARGO_BIN_EXE_crossdock")).parent().unwrap();
    let paths = std::env::var("PATH").unwrap_or_default();
    let mut played = 0;
    for step in steps(section) {
        let (command, shown) = match step {
            Step::File(name, text) => {
                fs::write(lab.path(&name), text.replace(ADDRESS, server.url())).unwrap();
                continue;
            }
            Step::Command(command, _)
                if command.contains("cargo ") || command.starts_with("cd ") =>
            {
                continue;
            }
            Step::Command(command, _) if command.contains(" connector new ") => continue,
            Step::Command(command, shown) => (command, shown),
        };
        let ran = Command::new("sh")
            .args(["-c", &format!("{command} 2>&1")])
            .env("PATH", format!("{}:{paths}", crossdock.display()))
            .env("CROSSDOCK_STORE", lab.path("state.db"))
            .env("XDG_CACHE_HOME", lab.path("cache"))
            .env("XDG_STATE_HOME", lab.path("state"))
            .current_dir(lab.path(""))
            .output();
        // The command of the page has the address in it, too.
        let printed = String::from_utf8(ran.unwrap().stdout).unwrap();
        let printed = printed.replace(server.url(), ADDRESS);
        assert_eq!(
            alike(&command, &printed),
            alike(&command, &shown),
            "`{command}` prints\n{printed}\nand the page shows\n{shown}"
        );
        played += 1;
        if command.contains("config.json") && command.starts_with("echo") {
            let config = fs::read_to_string(lab.path("config.json")).unwrap();
            fs::write(
                lab.path("config.json"),
                config.replace(ADDRESS, server.url()),
            )
            .unwrap();
        }
    }
    assert!(played >= 3, "only {played} commands were run");
}

#[test]
fn the_page_of_the_first_connector_is_what_happens() {
    let page = fs::read_to_string(PAGE).unwrap();
    let runtime = Runtime::new().unwrap();
    let start = |serve: fn(&Server)| {
        let server = runtime.block_on(Server::start());
        serve(&server);
        server
    };
    let tracker = start(api::serve);
    plays(
        section(&page, "A connector to begin with"),
        &built("source-http"),
        &tracker,
    );
    let shop = start(shop::serve);
    let rest = [
        section(&page, "In a pipeline"),
        section(&page, "Does it keep the rules?"),
        section(&page, "For other platforms"),
    ];
    plays(&rest.join("\n"), &built("my-api"), &shop);
}
