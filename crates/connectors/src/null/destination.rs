//! The null destination.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::destination::{
    Ack, Acknowledge, Destination, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::error::Result;
use crossdock_core::event::LogLevel;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;

use super::config::Config;

/// Takes everything and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null;

#[async_trait]
impl Destination for Null {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_destination::<Config>(DestinationCapabilities {
            sync_modes: crate::ALL_SYNC_MODES.to_vec(),
            generations: true,
            only_counts: true,
            ..DestinationCapabilities::default()
        }))
    }

    async fn check(&self, _: Config, _: &Session) -> Result<Checked> {
        Ok(Checked::Succeeded)
    }

    async fn open(
        &self,
        _: Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let DestinationOpening { acks, session, .. } = opening;
        Ok(Box::new(NullWriter {
            acks,
            session,
            counts: BTreeMap::new(),
            last: Seq(0),
        }))
    }
}

struct NullWriter {
    acks: Arc<dyn Acknowledge>,
    session: Session,
    /// Records and bytes.
    counts: BTreeMap<StreamId, (u64, u64)>,
    last: Seq,
}

#[async_trait]
impl DestinationWriter for NullWriter {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        self.last = seq;
        let (records, bytes) = (batch.records() as u64, batch.bytes() as u64);
        if let Some(count) = self.counts.get_mut(&batch.stream) {
            count.0 += records;
            count.1 += bytes;
        } else {
            self.counts.insert(batch.stream, (records, bytes));
        }
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.last = seq;
        self.acks.acknowledge(Ack::UpTo {
            lane: checkpoint.lane.clone(),
            seq,
        });
        Ok(())
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        for (stream, (records, bytes)) in &self.counts {
            self.session.log(
                LogLevel::Debug,
                format!("{stream}: {records} records, {bytes} bytes, let go"),
            );
        }
        if self.last > Seq(0) {
            self.acks.acknowledge(Ack::UpTo {
                lane: Lane::Global,
                seq: self.last,
            });
        }
        Ok(())
    }
}
