//! Traces by OpenTelemetry's environment variables.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::bench::Bench;

const PIPELINE: &str = r#"
version: 1
settings:
  store: ./state.db
  retries: {complete_failures: 1, partial_failures: 1}
pipelines:
  - id: shop
    source:
      connector: native:sample
      config: {count: 500, streams: [users, orders], checkpoint_every: 100}
    destination:
      connector: native:jsonl
      config: {path: ./out}
"#;

/// What a collector was sent: path, type and body of each request.
type Sent = Arc<Mutex<Vec<(String, String, Vec<u8>)>>>;

/// A collector that answers everything well, until the test is over.
fn collector() -> (u16, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Sent::default();
    let kept = sent.clone();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = BufReader::new(client.unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                client.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let header = |name: &str| {
                let found = head.iter().filter_map(|line| line.split_once(": "));
                let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(name));
                found
                    .next()
                    .map(|(_, value)| value.to_owned())
                    .unwrap_or_default()
            };
            let mut body = vec![0; header("content-length").parse().unwrap()];
            client.read_exact(&mut body).unwrap();
            let path = head[0].split(' ').nth(1).unwrap().to_owned();
            kept.lock()
                .unwrap()
                .push((path, header("content-type"), body));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            client.get_mut().write_all(answer).unwrap();
        }
    });
    (port, sent)
}

/// All spans of JSON requests by id.
fn spans(sent: &Sent) -> HashMap<String, Value> {
    let mut spans = HashMap::new();
    for (path, content_type, body) in sent.lock().unwrap().iter() {
        assert_eq!(
            (path.as_str(), content_type.as_str()),
            ("/v1/traces", "application/json")
        );
        let request: Value = serde_json::from_slice(body).unwrap();
        let resource = request["resourceSpans"][0]["resource"].to_string();
        assert!(
            resource.contains(r#""stringValue":"crossdock""#),
            "{resource}"
        );
        assert!(resource.contains("red team"), "{resource}");
        for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .unwrap()
        {
            spans.insert(span["spanId"].as_str().unwrap().to_owned(), span.clone());
        }
    }
    spans
}

fn attribute(span: &Value, name: &str) -> String {
    let mut attributes = span["attributes"].as_array().unwrap().iter();
    let found = attributes.find(|attribute| attribute["key"] == name);
    let value = found.map(|found| found["value"].as_object().unwrap().values().next().unwrap());
    value
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
        .unwrap_or_default()
}

/// The command that runs the pipeline and sends its spans to the collector.
fn traced(bench: &Bench, port: u16) -> Command {
    let mut command = bench.command(&["run", "shop.yaml"]);
    command
        .env(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://127.0.0.1:{port}"),
        )
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env("OTEL_RESOURCE_ATTRIBUTES", "team=red team");
    command
}

#[test]
fn a_run_is_one_trace() {
    let (port, sent) = collector();
    let bench = Bench::new();
    bench.file("shop.yaml", PIPELINE);
    let output = traced(&bench, port)
        .env(
            "TRACEPARENT",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .output()
        .unwrap();
    assert!(output.status.success());
    let spans = spans(&sent);
    // Each span as the path of names from the root.
    let path = |span: &Value| {
        let mut path = vec![span["name"].as_str().unwrap().to_owned()];
        let mut span = span;
        while let Some(parent) = spans.get(span["parentSpanId"].as_str().unwrap()) {
            span = parent;
            path.insert(0, span["name"].as_str().unwrap().to_owned());
        }
        assert_eq!(span["parentSpanId"], "b7ad6b7169203331", "TRACEPARENT");
        path.join(" > ")
    };
    let mut paths: Vec<_> = spans.values().map(path).collect();
    paths.sort();
    paths.dedup();
    let expected = [
        "crossdock run",
        "crossdock run > pipeline",
        "crossdock run > pipeline > attempt",
        "crossdock run > pipeline > attempt > move",
        "crossdock run > pipeline > attempt > move > commit",
        "crossdock run > pipeline > attempt > move > stream",
        "crossdock run > pipeline > attempt > open destination",
        "crossdock run > pipeline > attempt > open source",
        "crossdock run > pipeline > discover",
        "crossdock run > pipeline > spec",
    ];
    assert_eq!(paths, expected);
    let traces = spans.values().map(|span| span["traceId"].as_str().unwrap());
    assert!(
        traces
            .into_iter()
            .all(|id| id == "0af7651916cd43dd8448eb211c80319c")
    );
    let mut streams: Vec<_> = spans
        .values()
        .filter(|span| span["name"] == "stream")
        .map(|span| {
            (
                attribute(span, "crossdock.stream"),
                attribute(span, "crossdock.records"),
            )
        })
        .collect();
    streams.sort();
    let of = |name: &str| (name.to_owned(), "500".to_owned());
    assert_eq!(streams, [of("orders"), of("users")]);
}

#[test]
fn a_failure_is_in_the_trace_and_its_text_is_not() {
    let (port, sent) = collector();
    let bench = Bench::new();
    bench.file("shop.yaml", PIPELINE);
    // A file stands where the folder should be.
    bench.file("out", "");
    let output = traced(&bench, port).output().unwrap();
    assert!(!output.status.success());
    let spans = spans(&sent);
    let failed: Vec<_> = spans
        .values()
        .filter(|span| span["status"]["code"] == 2)
        .collect();
    let mut names: Vec<_> = failed
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["attempt", "open destination", "pipeline"]);
    assert!(
        failed
            .iter()
            .all(|span| attribute(span, "error.type") == "io"),
        "{failed:?}"
    );
    let bodies: Vec<_> = sent
        .lock()
        .unwrap()
        .iter()
        .map(|(.., body)| body.clone())
        .collect();
    assert!(
        !String::from_utf8(bodies.concat())
            .unwrap()
            .contains("create the folder")
    );
}

#[test]
fn the_usual_form_is_protobuf() {
    let (port, sent) = collector();
    let bench = Bench::new();
    bench.file("shop.yaml", PIPELINE);
    let endpoint = format!("http://127.0.0.1:{port}/custom/traces");
    let mut command = bench.command(&["validate", "shop.yaml"]);
    command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint);
    assert!(command.status().unwrap().success());
    let sent = sent.lock().unwrap();
    let (path, content_type, body) = &sent[0];
    assert_eq!(path, "/custom/traces");
    assert_eq!(content_type, "application/x-protobuf");
    assert!(body.windows(18).any(|bytes| bytes == b"crossdock validate"));
}

#[test]
fn what_cannot_be_traced_runs_all_the_same() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let check = |variables: &[(&str, &str)], says: Option<&str>| {
        let bench = Bench::new();
        bench.file("shop.yaml", PIPELINE);
        let mut command = bench.command(&["validate", "shop.yaml"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        match says {
            Some(says) => assert!(
                text.contains("warning: traces") && text.contains(says),
                "{text}"
            ),
            None => assert_eq!(text, ""),
        }
    };
    let endpoint = format!("http://127.0.0.1:{port}");
    let place = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    check(&[place], Some("Connection refused"));
    check(&[place, ("OTEL_SDK_DISABLED", "true")], None);
    check(&[place, ("OTEL_TRACES_EXPORTER", "none")], None);
    check(&[("OTEL_SERVICE_NAME", "x")], None);
    check(
        &[place, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        Some("http/protobuf"),
    );
    check(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://127.0.0.1:1")],
        Some("http://"),
    );
}
