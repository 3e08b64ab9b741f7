//! `read` over a data channel of sockets: records on it, states and statuses on it and on stdout (§4.6).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::Batch;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::destination::{DestinationWriter, Ending};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;

use super::voice::Voice;
use crate::channel::{DataChannel, Outbound, Partitions};
use crate::status::Statuses;
use crate::wire::{Stamp, write_state};

/// Writes to the sockets, and beside them to stdout what a bookkeeper must know.
pub(super) struct SocketWriter {
    outbound: Outbound,
    partitions: Partitions,
    statuses: Statuses,
    voice: Arc<Voice>,
}

impl SocketWriter {
    /// Listens. `is_whole`: the source's states are of all its streams.
    pub(super) fn listen(
        channel: &DataChannel,
        catalog: &ConfiguredCatalog,
        is_whole: bool,
        voice: Arc<Voice>,
    ) -> Result<Self> {
        Ok(Self {
            outbound: Outbound::listen(channel, catalog)?,
            partitions: Partitions::new(is_whole),
            statuses: Statuses::new(catalog),
            voice,
        })
    }

    /// Says a line on both ways; on the channel after the records of the stream that it is about.
    async fn say(&mut self, stream: Option<&StreamId>, line: Vec<u8>) -> Result<()> {
        use std::io::Write as _;
        let line = Bytes::from(line);
        self.outbound.line(stream, line.clone()).await?;
        self.voice
            .data()
            .write_all(&line)
            .map_err(|cause| Error::new(&code::IO, "the output cannot be written").caused_by(cause))
    }

    async fn say_all(&mut self, traces: Vec<(StreamId, String)>) -> Result<()> {
        for (stream, trace) in traces {
            self.say(Some(&stream), trace.into_bytes()).await?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        let traces = self.statuses.begin(SystemClock.now_ms());
        self.say_all(traces).await
    }

    async fn tell(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        match self.statuses.tell(stream, status, SystemClock.now_ms()) {
            Some(trace) => self.say(Some(stream), trace.into_bytes()).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl DestinationWriter for SocketWriter {
    async fn write(&mut self, _: Seq, batch: Batch) -> Result<()> {
        self.begin().await?;
        self.tell(&batch.stream, StreamStatus::Running).await?;
        let partition = self
            .partitions
            .records(&batch.stream, batch.records() as u64);
        let bytes = batch.bytes();
        self.outbound
            .records(&batch.stream, batch.body, bytes, partition)
            .await
    }

    async fn checkpoint(&mut self, _: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.begin().await?;
        let numbered = self.partitions.state(&checkpoint.lane)?;
        let stamp = Stamp {
            id: numbered.id,
            record_count: numbered.records,
            stream: None,
            partition: Some(&numbered.partition),
        };
        let mut line = Vec::new();
        write_state(&checkpoint, &stamp, &mut line);
        let stream = match &checkpoint.lane {
            Lane::Stream(stream) => Some(stream),
            Lane::Global => None,
        };
        self.say(stream, line).await
    }

    async fn status(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        self.begin().await?;
        self.tell(stream, status).await
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        self.begin().await?;
        let traces = self.statuses.end(ending, SystemClock.now_ms());
        self.say_all(traces).await?;
        self.outbound.finish().await
    }
}
