//! Dead letters kept by a connector: each is a record of its own, with the refused one inside, in the form
//! in which Conduit writes them (§3.9).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_config::{Connector, Settings};
use crossdock_core::batch::{Batch, Body, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq, StateKind};
use crossdock_core::code;
use crossdock_core::destination::{
    Ack, Acknowledge, DestinationOpening, DestinationWriter, Ending, Mark,
};
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::raw::{self, RawParts};
use crossdock_core::registry::Registry;
use crossdock_core::stream::StreamId;
use crossdock_engine::dead_letter::{DeadLetterOffice, Letters};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::{Letter, Record, Writing};
use crate::connector as connectors;
use crate::prepare;
use crate::ui::{Role, Ui};

/// The stream of dead letters.
const STREAM: &str = "dead_letters";

/// Keeps the dead letters of one run by a connector.
pub(crate) struct ConnectorOffice {
    writer: Box<dyn DestinationWriter>,
    acks: mpsc::UnboundedReceiver<Ack>,
    seq: u64,
    epoch: i64,
    writing: Writing,
}

struct Inbox(mpsc::UnboundedSender<Ack>);

impl Acknowledge for Inbox {
    fn acknowledge(&self, ack: Ack) {
        // Nobody listens only when the office is closed.
        let _ = self.0.send(ack);
    }
}

impl ConnectorOffice {
    pub(crate) async fn open(
        connector: &Connector,
        settings: &Settings,
        (registry, ui): (&Registry, &Arc<dyn Ui>),
        writing: Writing,
    ) -> Result<Self> {
        let name = |error: Error| error.with("dead_letters", &connector.reference);
        let role = Role::Destination;
        let first = prepare::first_session(connector, role, ui, settings);
        let connector = &connectors::resolved(connector, &first).await?;
        let found = connectors::destination(&connector.reference, registry)?;
        let spec = found.spec(&first).await.map_err(name)?;
        let ready = prepare::ready(connector, spec, role, ui, settings, None).await?;
        let properties = json!({
            "operation": {"type": ["null", "string"]},
            "metadata": {"type": ["null", "object"]},
            "key": {"type": ["null", "object", "array"]},
            "payload": {"type": ["null", "object"]},
        });
        let stream = Stream::new(STREAM, json!({"type": "object", "properties": properties}));
        let (sender, acks) = mpsc::unbounded_channel();
        let opening = DestinationOpening {
            keeps_refused: false,
            connector: String::new(),
            catalog: ConfiguredCatalog {
                streams: vec![ConfiguredStream::new(stream)],
                ..ConfiguredCatalog::default()
            },
            pipeline: format!("{}.{STREAM}", writing.pipeline),
            epoch: writing.run,
            // What an earlier run has not published was not kept, and its records come again.
            marks: Vec::new(),
            marks_decide: false,
            acks: Arc::new(Inbox(sender)),
            session: ready.session.clone(),
        };
        let opened = found.destination.open(ready.config(), opening).await;
        let writer = opened.map_err(|error| prepare::masked(name(error), &ready.masker))?;
        Ok(Self {
            writer,
            acks,
            seq: 0,
            epoch: writing.run,
            writing,
        })
    }

    fn next(&mut self) -> Seq {
        self.seq += 1;
        Seq(self.seq)
    }

    /// Waits until everything up to `seq` is durable.
    async fn durable(&mut self, seq: Seq) -> Result<()> {
        loop {
            let ack = tokio::select! {
                ack = self.acks.recv() => ack,
                error = self.writer.broken() => return Err(error),
            };
            match ack {
                Some(Ack::UpTo {
                    lane: Lane::Global,
                    seq: upto,
                }) if upto >= seq => return Ok(()),
                Some(Ack::Item(item)) if item == seq => return Ok(()),
                Some(Ack::Rejected { reason, .. }) => {
                    let message = format!("the destination of dead letters refused one: {reason}");
                    return Err(Error::new(&code::DEAD_LETTERS_UNWRITABLE, message));
                }
                Some(_) => {}
                None => {
                    let message = "the destination of dead letters is gone";
                    return Err(Error::new(&code::DEAD_LETTERS_UNWRITABLE, message));
                }
            }
        }
    }
}

#[async_trait]
impl DeadLetterOffice for ConnectorOffice {
    async fn keep(&mut self, letters: &[Letters]) -> Result<()> {
        let mut all = Vec::new();
        for some in letters {
            all.extend(self.writing.letters(some)?);
        }
        let batch = batch(&all)?;
        let seq = self.next();
        self.writer.write(seq, batch).await?;
        // A destination that gathers makes durable what a checkpoint covers.
        let seq = self.next();
        let checkpoint = Checkpoint::global(StateKind::Position, Json::null());
        self.writer.checkpoint(seq, Arc::new(checkpoint)).await?;
        self.writer.flush().await?;
        self.durable(seq).await?;
        let mark = Mark {
            epoch: self.epoch,
            lane: Lane::Global,
            seq,
        };
        self.writer.committed(&mark).await
    }

    async fn close(&mut self) -> Result<()> {
        let finished = self.writer.finish(Ending::Incomplete).await;
        finished.and(self.writer.close().await)
    }
}

fn batch(letters: &[Letter]) -> Result<Batch> {
    let mut buffer = Vec::new();
    let mut rows = RowsBuilder::default();
    for letter in letters {
        let mut put = |text: String| {
            let start = buffer.len();
            buffer.extend_from_slice(text.as_bytes());
            Span::new(start, buffer.len()).ok_or_else(|| {
                Error::new(
                    &code::RECORD_TOO_LARGE,
                    "dead letters have more than 4 GiB together",
                )
            })
        };
        let row = RowSpans {
            after: put(wrapped(&letter.record)?)?,
            metadata: put(metadata(letter).to_string())?,
            emitted_at: letter.at,
            ..RowSpans::default()
        };
        rows.push(row);
    }
    Ok(Batch {
        stream: StreamId::new(STREAM),
        body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
    })
}

fn metadata(letter: &Letter) -> Value {
    // Conduit's name of who refused it.
    let node = match letter.processor.as_str() {
        "" => letter.connector.clone(),
        processor => format!("{}:{processor}", letter.pipeline),
    };
    json!({
        "opencdc.createdAt": (i128::from(letter.at) * 1_000_000).to_string(),
        "conduit.dlq.nack.error": letter.reason,
        "conduit.dlq.nack.node.id": node,
        "crossdock.connector": letter.connector,
        "crossdock.pipeline": letter.pipeline,
        "crossdock.run": letter.run.to_string(),
        "crossdock.stream": letter.stream_id().to_string(),
    })
}

/// The refused record as one object.
fn wrapped(record: &Record) -> Result<String> {
    let text = |part: &Option<Box<RawValue>>| part.as_deref().map_or("", RawValue::get).to_owned();
    let metadata = text(&record.metadata);
    let parts = RawParts::of_metadata(metadata.as_bytes());
    let mut shown: Map<String, Value> = serde_json::from_str(&metadata).unwrap_or_default();
    shown.shift_remove(raw::RAW_PARTS);
    let data = |part: &Option<Box<RawValue>>, is_raw: bool| -> Result<Box<RawValue>> {
        let text = text(part);
        let json = match raw::unwrap(text.as_bytes()).filter(|_| is_raw) {
            Some(bytes) => {
                let mut out = vec![b'"'];
                crossdock_core::convert::write_base64(&mut out, &bytes);
                out.push(b'"');
                String::from_utf8_lossy(&out).into_owned()
            }
            None if text.is_empty() => "null".to_owned(),
            None => text,
        };
        RawValue::from_string(json).map_err(|cause| {
            Error::new(&code::INTERNAL, "a refused record is no JSON").caused_by(cause)
        })
    };
    // Digits stay, so values go from text to text.
    Ok(format!(
        r#"{{"position":null,"operation":"{}","metadata":{},"key":{},"payload":{{"before":{},"after":{}}}}}"#,
        record.operation,
        Value::Object(shown),
        data(&record.key, parts.key)?,
        data(&record.before, parts.before)?,
        data(&record.after, parts.after)?,
    ))
}
