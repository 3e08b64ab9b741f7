//! `crossdock refresh` and `crossdock clear`.

use crate::bench::{Bench, same};

const FILE: &str = r#"
version: 1
pipelines:
  - id: shop
    source: {connector: native:sample, config: {count: 30, streams: [users, orders]}}
    streams: [{name: "*", sync_mode: incremental, destination_sync_mode: append}]
    destination: {connector: native:jsonl, config: {path: ./out}}
"#;

const SEVERAL: &str = r#"
version: 1
pipelines:
  - id: one
    source: {connector: native:sample}
    destination: {connector: native:null}
  - id: two
    source: {connector: native:sample}
    destination: {connector: native:null}
"#;

#[test]
fn streams_are_read_anew_or_emptied() {
    let bench = Bench::new();
    bench.file("shop.yaml", FILE).file("several.yaml", SEVERAL);
    let lines: &[&[&str]] = &[
        &["clear", "shop.yaml"],
        &["run", "shop.yaml"],
        &["refresh", "shop", "--stream", "users", "--mode", "truncate"],
        &["plan", "shop.yaml"],
        &["refresh", "shop", "--json"],
        &["run", "shop.yaml"],
        &["clear", "shop.yaml", "--stream", "users"],
        &["clear", "shop.yaml", "--json"],
        &["runs"],
        &["refresh", "shop", "--stream", "user"],
        &["refresh", "shoop"],
        &["clear", "shop.yaml", "--stream", "user"],
        &["clear", "several.yaml"],
        &["clear", "several.yaml", "--pipeline", "one"],
    ];
    let shots: Vec<String> = lines.iter().map(|words| bench.shot(words)).collect();
    same("refresh", &shots.join("\n"));
}
