//! Dead letters kept by a connector: each is a record of its own, with the refused one inside.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_config::{Connector, LetterForm, Settings};
use crossdock_core::batch::{Batch, Body, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq, StateKind};
use crossdock_core::code;
use crossdock_core::destination::{
    Ack, Acknowledge, DestinationOpening, DestinationWriter, Ending, Mark,
};
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::registry::Registry;
use crossdock_core::stream::StreamId;
use crossdock_engine::dead_letter::{DeadLetterOffice, Letters};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Letter, Writing, dataflow, opencdc};
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
    form: LetterForm,
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
        (writing, form): (Writing, LetterForm),
    ) -> Result<Self> {
        let name = |error: Error| error.with("dead_letters", &connector.reference);
        let role = Role::Destination;
        let first = prepare::first_session(connector, role, ui, settings);
        let connector = &connectors::resolved(connector, &first).await?;
        let found = connectors::destination_of(connector, registry).map_err(name)?;
        let spec = found.spec(&first).await.map_err(name)?;
        let ready = prepare::ready(connector, spec, role, ui, settings, None).await?;
        let properties = match form {
            LetterForm::OpenCdc => opencdc::properties(),
            LetterForm::DataFlow => dataflow::properties(),
        };
        let stream = Stream::new(STREAM, json!({"type": "object", "properties": properties}));
        let (sender, acks) = mpsc::unbounded_channel();
        let opening = DestinationOpening {
            whole_states: true,
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
            keeps_marks: true,
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
            form,
        })
    }

    fn next(&mut self) -> Seq {
        self.seq += 1;
        Seq(self.seq)
    }

    /// A letter as JSON: the record's data and metadata.
    fn parts(&self, letter: &Letter) -> Result<(String, String)> {
        match self.form {
            LetterForm::OpenCdc => Ok((
                opencdc::data(&letter.record)?,
                opencdc::metadata(letter).to_string(),
            )),
            LetterForm::DataFlow => {
                // What a processor could not take was on its way to the first.
                let at = letter.destination.saturating_sub(1);
                let sink = self.writing.destinations.get(at);
                let sink = sink.map_or("", |(reference, _)| reference.as_str());
                dataflow::parts(letter, sink)
            }
        }
    }

    fn batch(&self, letters: &[Letter]) -> Result<Batch> {
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
            let (data, metadata) = self.parts(letter)?;
            let row = RowSpans {
                after: put(data)?,
                metadata: put(metadata)?,
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
        let batch = self.batch(&all)?;
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
