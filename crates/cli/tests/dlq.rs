//! `crossdock dlq`, with letters as a run left them. That a run leaves them, and that they can be
//! replayed, is in `real/conduit/dead_letter.rs`: it needs a destination that refuses records.

use crate::bench::{Bench, same};

const FILE: &str = r#"
version: 1
settings: {store: ./state.db}
pipelines:
  - id: orders
    source: {connector: native:sample}
    destination: {connector: "conduit:exec:./shop"}
    dead_letters: {path: ./letters.jsonl, window_size: 100, window_nack_threshold: 5}
"#;

const LETTERS: &str = r#"{"at":1795773600000,"pipeline":"orders","run":7,"connector":"conduit:exec:./shop","destination":1,"reason":"price is no number\nand must be one","stream":"orders","namespace":"shop","record":{"operation":"update","emitted_at":1795773599000,"key":{"id":12345678901234567890},"before":{"price":"1.50"},"after":{"id":12345678901234567890,"price":"cheap"},"metadata":{"opencdc.collection":"orders"}}}
{"at":1795773601000,"pipeline":"orders","run":7,"connector":"conduit:exec:./shop","destination":1,"reason":"no such item","stream":"orders","record":{"operation":"delete","emitted_at":1795773599000,"key":{"id":2}}}
{"replayed":[2],"at":1795773700000}
{"at":1795773602000,"pipeline":"orders","run":8,"connector":"conduit:exec:./shop","destination":1,"reason":"no such item","stream":"ord"#;

#[test]
fn letters_are_listed_and_shown() {
    let bench = Bench::new();
    bench
        .file("orders.yaml", FILE)
        .file("letters.jsonl", LETTERS)
        .file("none.yaml", &FILE.replace("path: ./letters.jsonl, ", ""))
        .file("folder.yaml", &FILE.replace("./letters.jsonl", "."))
        .file(
            "wrong.yaml",
            &FILE.replace("window_size: 100", "window_size: 5"),
        );
    let shots = [
        &["dlq", "list", "orders.yaml"][..],
        &["dlq", "list", "orders.yaml", "--all"],
        &["dlq", "list", "orders.yaml", "--json"],
        &["dlq", "show", "orders.yaml", "1"],
        &["dlq", "show", "orders.yaml", "1", "--json"],
        &["dlq", "show", "orders.yaml", "9"],
        &["dlq", "replay", "orders.yaml", "--letter", "2"],
        &["dlq", "replay", "orders.yaml"],
        &["dlq", "list", "none.yaml"],
        &["dlq", "list", "folder.yaml"],
        &["dlq", "list", "wrong.yaml"],
    ];
    let shots: Vec<String> = shots.iter().map(|words| bench.shot(words)).collect();
    same("dlq", &shots.join("\n"));
    assert!(!bench.path("state.db").exists(), "to look makes no store");
}
