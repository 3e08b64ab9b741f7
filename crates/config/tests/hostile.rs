//! Foreign text never panics, hangs or overflows (P11).

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::fixture::{Fake, manifest, parse, pipeline, source};

fn refused_soon(text: &str) -> String {
    let begun = Instant::now();
    let error = parse(text, &Fake::default()).expect_err("it is not a pipeline file");
    // A guard against hours, not a measurement.
    assert!(begun.elapsed() < Duration::from_secs(60));
    error.to_string()
}

#[test]
fn deep_and_huge_files() {
    refused_soon(&"[".repeat(1_000_000));
    refused_soon(&"{a: ".repeat(100_000));
    refused_soon(&"- ".repeat(100_000));
    let steps: String = (0..1000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    refused_soon(&steps);
    refused_soon(&"a\n".repeat(1_000_000));
    refused_soon(&format!("version: 1\nx: [{}]", "1,".repeat(500_000)));
    refused_soon(&format!("version: 1\n\"{}\": 1", "k".repeat(1_000_000)));
    refused_soon(&format!("version: 1\nx: {}", "${".repeat(500_000)));
    let many: String = (0..50_000).map(|key| format!("k{key}: 1\n")).collect();
    let told = refused_soon(&format!("version: 1\n{many}"));
    // A hundred faults, all but the first with a hint.
    assert_eq!(told.lines().count(), 199);
    let long = "x".repeat(17 << 20);
    assert!(refused_soon(&long).contains("longer than 16777216 bytes"));
}

#[test]
fn the_deepest_allowed_file_fits_a_small_stack() {
    let config = format!("{{a: {}{}}}", "[".repeat(58), "]".repeat(58));
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let read = small.spawn(move || source(&config, &Fake::default()).map(|_| ()));
    assert_eq!(read.unwrap().join().unwrap(), Ok(()));
}

#[test]
fn anchors_that_multiply() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
    }
    assert!(refused_soon(&bomb).contains("more than 200000 values"));
    refused_soon("a: &a\n  b: *a");
}

/// Text made of what pipeline files are made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "version: 1\n",
        "pipelines:\n",
        "  - id: p\n",
        "    source: ",
        "{connector: native:x}",
        "\n",
        "    destination: ",
        "    streams: [",
        "{name: a",
        ", ",
        "}",
        "]",
        "${env:A}",
        "${",
        "$${",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "\"",
        "'",
        "# ",
        "? ",
        ": ",
        "- ",
        "|\n",
        "\t",
        "\u{e000}",
        "é",
        "1e999",
        "~",
        "---\n",
        "settings: {grace: ",
        "10s",
        "    config: ",
        "primary_key: ",
        "apiVersion: dataflow.dataflow.io/v1\n",
        "kind: DataFlow\n",
        "kind: DataFlowCron\n",
        "metadata: {name: p}\n",
        "spec:\n",
        "  source: ",
        "  sink: ",
        "{type: x, config: ",
        "{pSecretRef: {name: s, key: k}",
        "  schedule: ",
        "* * * * *",
        "  transformations: [",
        "{type: router, config: {routes: [",
        "{condition: \"$.a\", sink: ",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = parse(&text, &Fake::default().variable("A", "x"));
    }

    #[test]
    fn likely_text_never_panics(text in pieces()) {
        let _ = parse(&text, &Fake::default().variable("A", "x"));
        let _ = parse(&pipeline(&text), &Fake::default());
        let _ = parse(&manifest(&text), &Fake::default());
        let _ = parse(&pipeline("").replace("native:sample", &text), &Fake::default());
    }

    #[test]
    fn any_reference_prints_as_it_reads(text in "(native|airbyte|conduit|dataflow):(exec:|python:)?[a-z ./=:'1]{0,12}") {
        if let Ok(reference) = text.parse::<crossdock_config::ConnectorRef>() {
            prop_assert_eq!(reference.to_string().parse().ok(), Some(reference));
        }
    }

    #[test]
    fn any_string_survives_a_configuration(value in any::<String>()) {
        let escaped = value.replace("${", "$${");
        // A `$` before `${` cannot be told from an escape.
        prop_assume!(!value.contains("$${"));
        let config = serde_json::json!({ "a": escaped }).to_string();
        let read = crossdock_config::parse_config(&config, "c", "".as_ref(), &Fake::default());
        prop_assert_eq!(&read.map_err(|e| TestCaseError::fail(e.to_string()))?.value["a"], &value);
    }
}
