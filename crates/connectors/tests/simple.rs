//! Registry, specs, `null` and `stdout`.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crossdock_connectors::stdout::{LineFormat, StdoutWriter};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::destination::{Ack, DestinationWriter, Ending};
use crossdock_core::session::Session;
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};

use crate::rig::{Acks, batch, lane, open, registry, stream};

fn check_schema(name: &str, schema: &Value) {
    assert!(
        schema["$schema"].as_str().unwrap().contains("draft-07"),
        "{name}"
    );
    assert_eq!(schema["additionalProperties"], false, "{name}");
    assert!(
        schema["title"].is_string() && schema["description"].is_string(),
        "{name}"
    );
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        assert!(
            property["description"].is_string(),
            "{name} {key}: {property}"
        );
    }
    assert!(!schema.to_string().contains("$ref"), "{name}: {schema}");
}

#[tokio::test]
async fn every_connector_describes_itself() {
    let registry = registry();
    let names: Vec<_> = registry.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "csv",
            "file",
            "generator",
            "jsonl",
            "log",
            "null",
            "parquet",
            "sample",
            "sqlite",
            "stdout"
        ]
    );
    for (name, entry) in registry.iter() {
        let session = Session::default();
        let mut specs = Vec::new();
        if let Some(source) = &entry.source {
            specs.push(source.spec(&session).await.unwrap());
        }
        if let Some(destination) = &entry.destination {
            specs.push(destination.spec(&session).await.unwrap());
        }
        assert!(!specs.is_empty(), "{name}");
        for spec in specs {
            check_schema(name, &spec.connection_specification);
        }
    }
    let spec = registry
        .get("parquet")
        .unwrap()
        .destination
        .clone()
        .unwrap();
    let spec = spec.spec(&Session::default()).await.unwrap();
    assert_eq!(
        spec.connection_specification["properties"]["compression"]["enum"],
        json!(["none", "snappy", "zstd"])
    );
    assert_eq!(
        spec.connection_specification["properties"]["compression"]["default"],
        "zstd"
    );
    assert_eq!(spec.connection_specification["required"], json!(["path"]));
    assert!(spec.destination.staged && spec.destination.generations);
}

#[tokio::test]
async fn null_acknowledges_at_once() {
    let mut writer = open("null", &json!({}), vec![stream("a")], 1, &[])
        .await
        .unwrap();
    writer.write(1, "a", 0..10).await;
    assert_eq!(writer.acks.all(), []);
    writer.checkpoint(2, &lane("a")).await;
    assert_eq!(writer.acks.up_to(&lane("a")), 2);
    writer.write(3, "a", 10..11).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    assert_eq!(
        writer.acks.all().last(),
        Some(&Ack::UpTo {
            lane: Lane::Global,
            seq: Seq(3)
        })
    );
    writer.inner.close().await.unwrap();
}

/// What was written and flushed.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<(Vec<u8>, usize)>>);

impl Write for Tape {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().0.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let mut tape = self.0.lock().unwrap();
        tape.1 = tape.0.len();
        Ok(())
    }
}

#[tokio::test]
async fn stdout_prints_lines_and_flushes_them() {
    let mut renamed = stream("a");
    renamed.target = Some(StreamId::with_namespace("n", "b\"c"));
    let catalog = ConfiguredCatalog {
        streams: vec![renamed],
        ..ConfiguredCatalog::default()
    };
    for (format, expected) in [
        (
            LineFormat::Record,
            r#"{"stream":"b\"c","namespace":"n","data":{"id":7,"name":"n7"},"emitted_at":1700000000000}"#,
        ),
        (LineFormat::Data, r#"{"id":7,"name":"n7"}"#),
    ] {
        let (tape, acks) = (Tape::default(), Arc::new(Acks::default()));
        let mut writer = StdoutWriter::new(tape.clone(), format, catalog.clone(), acks.clone());
        writer.write(Seq(1), batch("a", 7..8)).await.unwrap();
        writer.finish(Ending::Complete).await.unwrap();
        let (text, flushed) = tape.0.lock().unwrap().clone();
        assert_eq!(String::from_utf8(text).unwrap(), format!("{expected}\n"));
        assert_eq!(flushed, expected.len() + 1);
        assert_eq!(acks.up_to(&Lane::Global), 1);
    }
}
