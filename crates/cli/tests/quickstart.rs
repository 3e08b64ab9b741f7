//! `crossdock quickstart`, with the source that needs nothing.

use std::fs;

use crate::bench::{Bench, same};

#[test]
fn twice_and_then_by_its_file() {
    let bench = Bench::new();
    let words = ["quickstart", "--source", "sample"];
    let first = bench.shot(&words);
    let second = bench.shot(&words);
    let file = bench.path("crossdock-quickstart/pipeline-sample.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("count: 1000", "count: 1500")).unwrap();
    let shots = [
        first,
        second,
        bench.shot(&words),
        bench.shot(&["run", "crossdock-quickstart/pipeline-sample.yaml"]),
        bench.shot(&[
            "state",
            "show",
            "quickstart-sample",
            "--store",
            "crossdock-quickstart/state.db",
        ]),
        text,
    ];
    same("quickstart", &shots.join("\n"));
    for stream in ["users", "products", "purchases"] {
        let files = bench.files(&format!("crossdock-quickstart/data-sample/{stream}"));
        assert!(!files.is_empty(), "{stream}");
    }
}

#[test]
fn without_python_it_falls_back_and_says_so() {
    let bench = Bench::without_programs();
    let shots = [
        bench.shot(&["quickstart", "--dir", "./somewhere else"]),
        bench.shot(&["quickstart", "--json"]),
        bench.shot(&["quickstart", "--source", "faker"]),
    ];
    same("quickstart_fallback", &shots.join("\n"));
}
