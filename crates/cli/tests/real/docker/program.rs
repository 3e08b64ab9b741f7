//! A connector of Airbyte without any library, for an image that holds nothing else: compiled by the tests
//! themselves, statically linked. It is a source and a destination.
//!
//! Its configuration is flat and small, so that it is read by looking for names.

use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

/// The text or number behind a name; what it holds has no quotes.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.split_once(&format!("\"{name}\":"))?.1.trim_start();
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    rest.split(['"', ',', '}']).next()
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn record(n: u64, text: &str) {
    say(&format!(
        r#"{{"type":"RECORD","record":{{"stream":"numbers","emitted_at":1,"data":{{"n":{n},"text":"{text}"}}}}}}"#
    ));
}

fn state(n: u64) {
    say(&format!(
        r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"numbers"}},"stream_state":{{"n":{n}}}}}}}}}"#
    ));
}

/// What the connector finds around it: where it stands, who it is, what it may do with its files.
fn surroundings(paths: &[String]) -> String {
    let cwd = std::env::current_dir().unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or("?");
    let written = fs::write("written-beside", "x").is_ok();
    let mut words = format!(
        "cwd={} uid={user} writes={written} token={}",
        cwd.display(),
        std::env::var("TOKEN").unwrap_or_default()
    );
    for path in paths.iter().filter(|path| path.starts_with('/')) {
        let rights = fs::metadata(path).map_or(0, |meta| meta.permissions().mode() & 0o777);
        let length = fs::read(path).map_or(0, |bytes| bytes.len());
        words += &format!(" {path}={rights:o}/{}", length > 1);
    }
    words
}

fn read(config: &str, from: u64, words: &[String]) {
    let count: u64 = value(config, "count").and_then(|n| n.parse().ok()).unwrap_or(3);
    match value(config, "mode").unwrap_or_default() {
        "eat" => {
            let mut eaten = Vec::new();
            loop {
                // Each page is written to, so that it has to be there.
                eaten.push(vec![1_u8; 1 << 20]);
            }
        }
        "endless" => {
            for n in from + 1.. {
                record(n, "endless");
                state(n);
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        "show" => record(1, &surroundings(words)),
        _ => {
            for n in from + 1..=count {
                record(n, "plain");
            }
        }
    }
    state(count.max(from));
}

fn write(config: &str) {
    let path = value(config, "path").unwrap_or("/local/out.jsonl");
    let mut file = match fs::OpenOptions::new().append(true).create(true).open(path) {
        Ok(file) => file,
        Err(cause) => {
            say(&format!(
                r#"{{"type":"TRACE","trace":{{"type":"ERROR","emitted_at":1,"error":{{"message":"{path}: {cause}","failure_type":"config_error"}}}}}}"#
            ));
            std::process::exit(1);
        }
    };
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if line.contains(r#""type":"RECORD""#) {
            let _ = writeln!(file, "{line}");
        } else if line.contains(r#""type":"STATE""#) {
            let _ = file.sync_all();
            say(&line);
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let file = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        fs::read_to_string(words.get(at + 1)?).ok()
    };
    let config = file("--config").unwrap_or_default();
    match words.first().map(String::as_str) {
        Some("spec") => say(
            r#"{"type":"SPEC","spec":{"connectionSpecification":{"type":"object","properties":{"count":{"type":"integer"},"mode":{"type":"string"},"path":{"type":"string"},"password":{"type":"string","airbyte_secret":true}}},"supported_destination_sync_modes":["append"]}}"#,
        ),
        Some("check") => say(r#"{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED"}}"#),
        Some("discover") => say(
            r#"{"type":"CATALOG","catalog":{"streams":[{"name":"numbers","json_schema":{"type":"object","properties":{"n":{"type":"integer"},"text":{"type":"string"}}},"supported_sync_modes":["full_refresh","incremental"],"source_defined_cursor":true}]}}"#,
        ),
        Some("read") => {
            let from = file("--state").and_then(|state| value(&state, "n")?.parse().ok());
            read(&config, from.unwrap_or(0), &words);
        }
        Some("write") => write(&config),
        _ => std::process::exit(2),
    }
}
