//! `init`, from the first question to the second run.

use crate::bench::{Bench, same};

#[test]
fn flags_make_a_file_that_runs() {
    let bench = Bench::new();
    let init = bench.shot(&[
        "init",
        "--source",
        "native:sample",
        "--set",
        "source.count=20",
        "--destination",
        "native:jsonl",
        "--set",
        "destination.path=./lake",
    ]);
    let file = std::fs::read_to_string(bench.path("pipeline.yaml")).unwrap();
    let shots = [
        init,
        file,
        bench.shot(&["validate", "pipeline.yaml"]),
        bench.shot(&["plan", "pipeline.yaml"]),
        bench.shot(&["run", "pipeline.yaml"]),
        bench.shot(&["run", "pipeline.yaml"]),
        bench.shot(&["init", "--source", "native:sample"]),
    ];
    same("init", &shots.join("\n"));
}

#[test]
fn what_no_flag_says_is_asked() {
    let bench = Bench::new();
    let asked = bench.shot_with(
        &["init", "mine.yaml"],
        "native:sample\nnative:parquet\n./lake\n",
    );
    let run = bench.shot(&["run", "mine.yaml"]);
    let nobody = bench.shot(&["init", "other.yaml"]);
    let typo = bench.shot(&[
        "init",
        "other.yaml",
        "--source",
        "native:sample",
        "--set",
        "source.cuont=3",
    ]);
    let form = bench.shot(&["init", "other.yaml", "--set", "count=3"]);
    let secret = bench.shot(&[
        "--json",
        "init",
        "other.yaml",
        "--source",
        "native:sample",
        "--destination",
        "native:parquet",
    ]);
    same(
        "init_asks",
        &[asked, run, nobody, typo, form, secret].join("\n"),
    );
}
