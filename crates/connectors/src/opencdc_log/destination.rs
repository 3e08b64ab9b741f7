//! The log destination.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::destination::{
    Ack, Acknowledge, Destination, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::error::Result;
use crossdock_core::event::LogLevel;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};

use super::config::{Config, Level};
use crate::record_form::RecordWriter;

/// Writes records to the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogDestination;

#[async_trait]
impl Destination for LogDestination {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_destination::<Config>(DestinationCapabilities {
            sync_modes: crate::ALL_SYNC_MODES.to_vec(),
            ..DestinationCapabilities::default()
        }))
    }

    async fn check(&self, config: Config, session: &Session) -> Result<Checked> {
        RecordWriter::new(&config.sdk.record, session)?;
        Ok(Checked::Succeeded)
    }

    async fn open(
        &self,
        config: Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        Ok(Box::new(Writer {
            level: match config.level {
                Level::Trace => LogLevel::Trace,
                Level::Debug => LogLevel::Debug,
                Level::Info => LogLevel::Info,
                Level::Warn => LogLevel::Warn,
                Level::Error => LogLevel::Error,
            },
            records: RecordWriter::new(&config.sdk.record, &opening.session)?,
            message: config.message,
            epoch: opening.epoch,
            catalog: opening.catalog,
            acks: opening.acks,
            session: opening.session,
            last: Seq(0),
        }))
    }
}

struct Writer {
    records: RecordWriter,
    level: LogLevel,
    message: String,
    epoch: i64,
    catalog: ConfiguredCatalog,
    acks: Arc<dyn Acknowledge>,
    session: Session,
    last: Seq,
}

#[async_trait]
impl DestinationWriter for Writer {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        self.last = seq;
        let target = self.catalog.target_of(&batch.stream);
        let position = format!("{}/{seq}", self.epoch);
        let (level, said, session) = (self.level, &self.message, &self.session);
        let ended = |record: &mut Vec<u8>| {
            let record = String::from_utf8_lossy(&std::mem::take(record)).into_owned();
            let message = match said.as_str() {
                "" => record,
                said => format!("{said} {record}"),
            };
            session.log(level, message);
        };
        let mut record = Vec::new();
        self.records
            .write(&mut record, &batch.body, &target, &position, ended)
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.last = seq;
        let lane = checkpoint.lane.clone();
        self.acks.acknowledge(Ack::UpTo { lane, seq });
        Ok(())
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        self.records.finish();
        let (lane, seq) = (Lane::Global, self.last);
        self.acks.acknowledge(Ack::UpTo { lane, seq });
        Ok(())
    }
}
