//! The way to a destination over sockets: we are the source that it connects to (§4.3).

use bytes::Bytes;
use crossdock_core::batch::Batch;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane};
use crossdock_core::error::Result;
use crossdock_core::stream::StreamId;

use super::sockets::Sockets;
use crate::channel::{Outbound, Partitions};
use crate::wire::{Stamp, write_state};

/// The sockets, and what is to be said on them.
pub(super) struct SocketFeed {
    sockets: Sockets,
    outbound: Outbound,
    partitions: Partitions,
}

impl SocketFeed {
    /// Listens. Records have the source's names, and go out with those at the target.
    pub(super) fn listen(
        sockets: Sockets,
        catalog: &ConfiguredCatalog,
        is_whole: bool,
    ) -> Result<Self> {
        let outbound = Outbound::listen(sockets.channel(), catalog)?;
        // The user of a container is another one than we are; into the folder around it nobody else can come.
        sockets.open_to_all()?;
        Ok(Self {
            outbound,
            partitions: Partitions::new(is_whole),
            sockets,
        })
    }

    pub(super) fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    pub(super) async fn batch(&mut self, batch: Batch) -> Result<()> {
        let records = batch.records() as u64;
        let partition = self.partitions.records(&batch.stream, records);
        let bytes = batch.bytes();
        self.outbound
            .records(&batch.stream, batch.body, bytes, partition)
            .await
    }

    /// The line of a state, which closes the partition of its lane. `renamed`: its stream's name at the target.
    pub(super) fn state(
        &mut self,
        checkpoint: &Checkpoint,
        renamed: Option<&StreamId>,
    ) -> Result<Bytes> {
        let numbered = self.partitions.state(&checkpoint.lane)?;
        let stamp = Stamp {
            id: numbered.id,
            record_count: numbered.records,
            stream: renamed,
            partition: Some(&numbered.partition),
        };
        let mut line = Vec::new();
        write_state(checkpoint, &stamp, &mut line);
        Ok(line.into())
    }

    /// Sends a line after the records of the lane that it is about.
    pub(super) async fn line(&mut self, lane: &Lane, line: Bytes) -> Result<()> {
        let stream = match lane {
            Lane::Stream(stream) => Some(stream),
            Lane::Global => None,
        };
        self.outbound.line(stream, line).await
    }

    /// Writes what is left and closes the sockets.
    pub(super) async fn close(&mut self) -> Result<()> {
        self.outbound.finish().await
    }
}
