//! Files as sources: the first and the second run, bad lines, and a typo in a file's name.

use crate::bench::{Bench, same};

const ORDERS: &str = r#"
version: 1
settings: {store: ./state.db, retries: {complete_failures: 1, partial_failures: 1}}
pipelines:
  - id: orders
    source:
      connector: native:csv
      config: {path: "data/orders_*.csv"}
    streams:
      - {name: orders, sync_mode: incremental, destination_sync_mode: append}
    destination:
      connector: native:jsonl
      config: {path: ./lines, metadata_columns: false}
"#;

#[test]
fn the_second_run_reads_only_what_is_new() {
    let bench = Bench::new();
    bench.file("orders.yaml", ORDERS);
    bench.file(
        "data/orders_1.csv",
        "id,item,price\n1,tea,2.50\n2,\"bread, rye\",3\n",
    );
    let config = r#"{"path": "data/orders_*.csv"}"#;
    let look = bench.shot(&["discover", "native:csv", "--config", config]);
    let first = bench.shot(&["run", "orders.yaml"]);
    bench.file("data/orders_2.csv", "price,id,item\n,3,milk\n");
    let second = bench.shot(&["run", "orders.yaml"]);
    let third = bench.shot(&["run", "orders.yaml"]);
    let mut lines: Vec<String> = bench
        .files("lines/orders")
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    lines.sort();
    assert_eq!(
        lines.concat(),
        "{\"id\":1,\"item\":\"tea\",\"price\":2.50}\n\
         {\"id\":2,\"item\":\"bread, rye\",\"price\":3}\n\
         {\"price\":null,\"id\":3,\"item\":\"milk\"}\n"
    );
    same("file_twice", &[look, first, second, third].join("\n"));
}

#[test]
fn bad_lines() {
    let bench = Bench::new();
    bench.file("orders.yaml", ORDERS);
    bench.file("data/orders_1.csv", "id,item\n1,tea\n2\n3,milk\n");
    let fails = bench.shot(&["run", "orders.yaml"]);
    bench.file(
        "skip.yaml",
        &ORDERS.replace("csv\"}", "csv\", bad_lines: skip}"),
    );
    let skips = bench.shot(&["run", "skip.yaml"]);
    let typo = bench.shot(&[
        "discover",
        "native:csv",
        "--config",
        r#"{"path": "data/odrers_1.csv"}"#,
    ]);
    let sides = bench.shot(&["spec", "native:jsonl", "--as", "destination"]);
    same("file_bad_lines", &[fails, skips, typo, sides].join("\n"));
}
