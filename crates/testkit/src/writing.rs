//! Writing to a destination, and what it acknowledges.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use crossdock_core::batch::{Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::{Checkpoint, Seq, StateKind};
use crossdock_core::destination::{
    Ack, Acknowledge, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::erased::ErasedDestination;
use crossdock_core::error::Result;
use crossdock_core::json::Json;
use crossdock_core::session::Session;
use crossdock_core::stream::StreamId;
use crossdock_core::{Batch, Body};
use serde_json::Value;

#[derive(Debug, Default)]
struct Acks(Mutex<Vec<Ack>>);

impl Acks {
    fn lock(&self) -> MutexGuard<'_, Vec<Ack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acknowledge for Acks {
    fn acknowledge(&self, ack: Ack) {
        self.lock().push(ack);
    }
}

/// A write that is going on.
pub struct Writing {
    writer: Box<dyn DestinationWriter>,
    acks: Arc<Acks>,
    seq: Seq,
}

impl Writing {
    /// Begins to write these streams.
    ///
    /// # Errors
    /// Why the destination cannot be opened.
    pub async fn open(
        destination: &dyn ErasedDestination,
        config: &Value,
        streams: Vec<ConfiguredStream>,
    ) -> Result<Self> {
        let acks = Arc::new(Acks::default());
        let opening = DestinationOpening {
            catalog: ConfiguredCatalog {
                streams,
                ..ConfiguredCatalog::default()
            },
            pipeline: "test".to_owned(),
            connector: String::new(),
            epoch: 1,
            marks: Vec::new(),
            marks_decide: false,
            keeps_marks: false,
            keeps_refused: true,
            whole_states: true,
            acks: acks.clone(),
            session: Session::default(),
        };
        let writer = destination.open(config.clone(), opening).await?;
        Ok(Self {
            writer,
            acks,
            seq: Seq(0),
        })
    }

    fn next(&mut self) -> Seq {
        self.seq = Seq(self.seq.0 + 1);
        self.seq
    }

    /// Writes these rows of a stream.
    ///
    /// # Errors
    /// Why they were not taken.
    pub async fn rows(&mut self, stream: &str, rows: &[Value]) -> Result<Seq> {
        self.batch(stream, rows, Operation::Create).await
    }

    /// Says of these rows of a stream that they are no more.
    ///
    /// # Errors
    /// Why that was not taken.
    pub async fn deleted(&mut self, stream: &str, rows: &[Value]) -> Result<Seq> {
        self.batch(stream, rows, Operation::Delete).await
    }

    async fn batch(&mut self, stream: &str, rows: &[Value], operation: Operation) -> Result<Seq> {
        let mut builder = RowsBuilder::default();
        let mut buffer = Vec::new();
        for row in rows {
            let start = buffer.len();
            serde_json::to_writer(&mut buffer, row).expect("JSON");
            let span = Span::new(start, buffer.len()).expect("a span");
            let deleted = operation == Operation::Delete;
            let (before, after) = if deleted {
                (span, Span::NONE)
            } else {
                (Span::NONE, span)
            };
            builder.push(RowSpans {
                after,
                before,
                operation,
                ..RowSpans::default()
            });
        }
        let batch = Batch {
            stream: StreamId::new(stream),
            body: Body::Rows(builder.finish(Bytes::from(buffer), None)),
        };
        let seq = self.next();
        self.writer.write(seq, batch).await?;
        Ok(seq)
    }

    /// Writes a checkpoint of the whole source.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn checkpoint(&mut self) -> Result<Seq> {
        let seq = self.next();
        let state = Json::from_value(&Value::from(seq.0));
        let checkpoint = Checkpoint::global(StateKind::Position, state);
        self.writer.checkpoint(seq, Arc::new(checkpoint)).await?;
        Ok(seq)
    }

    /// Asks that everything be durable now.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn flush(&mut self) -> Result<()> {
        self.writer.flush().await
    }

    /// Ends the input, and the write.
    ///
    /// # Errors
    /// Why it did not end well.
    pub async fn finish(mut self, ending: Ending) -> Result<Vec<Ack>> {
        let finished = self.writer.finish(ending).await;
        let closed = self.writer.close().await;
        finished?;
        closed?;
        Ok(self.acks())
    }

    /// Waits until it fails by itself.
    pub async fn broken(&mut self) -> crossdock_core::Error {
        self.writer.broken().await
    }

    /// What was acknowledged so far.
    #[must_use]
    pub fn acks(&self) -> Vec<Ack> {
        self.acks.lock().clone()
    }

    /// The last item up to which everything is durable.
    #[must_use]
    pub fn durable(&self) -> Seq {
        let all = self.acks();
        let up_to = all.iter().filter_map(|ack| match ack {
            Ack::UpTo { seq, .. } => Some(*seq),
            _ => None,
        });
        up_to.max().unwrap_or(Seq(0))
    }
}
