//! What goes in comes out: messages through a pipe and back.

use std::sync::Mutex;

use super::*;
use crossdock_core::catalog::{ConfiguredStream, Stream};

#[derive(Default)]
struct Acks(Mutex<Vec<Ack>>);

impl Acknowledge for Acks {
    fn acknowledge(&self, ack: Ack) {
        self.0.lock().unwrap().push(ack);
    }
}

fn catalog() -> ConfiguredCatalog {
    let stream = ConfiguredStream::new(Stream::new("a", serde_json::json!({})));
    ConfiguredCatalog {
        streams: vec![stream],
        ..Default::default()
    }
}

const INPUT: &str = concat!(
    r#"{"type":"RECORD","record":{"stream":"a","data":{"n":123456789012345678901},"emitted_at":1}}"#,
    "\n",
    r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"x":1}},"own":true}}"#,
    "\n",
);

#[tokio::test]
async fn messages_pass_through() {
    let session = Session::default();
    let mut reader = read_messages(INPUT.as_bytes(), &catalog(), &session);
    let (output, mut seen) = tokio::io::duplex(1 << 16);
    let acks = Arc::new(Acks::default());
    let mut writer = write_messages(output, &catalog(), acks.clone(), &session);
    let mut seq = Seq(0);
    loop {
        seq.0 += 1;
        match reader.next().await.unwrap() {
            Event::Batch(batch) => writer.write(seq, batch).await.unwrap(),
            Event::Checkpoint(point) => writer.checkpoint(seq, Arc::new(point)).await.unwrap(),
            Event::End => break,
            _ => {}
        }
    }
    writer.finish(Ending::Complete).await.unwrap();
    drop(writer);
    let mut text = String::new();
    seen.read_to_string(&mut text).await.unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].contains("STARTED"), "{text}");
    assert!(lines[1].contains("RUNNING"), "{text}");
    let lines = &lines[2..];
    assert_eq!(
        lines[0],
        INPUT.lines().next().unwrap(),
        "the digits are kept"
    );
    assert!(
        lines[1].contains(r#""own":true"#) && lines[1].contains(r#""recordCount":1"#),
        "{text}"
    );
    assert!(lines[2].contains("COMPLETE"), "{text}");
    assert_eq!(acks.0.lock().unwrap().len(), 1);
}
