//! Processors between a run and one of its destinations: what they leave out, this destination does not
//! get, and what they cannot take, it refuses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::LogLevel;
use crossdock_core::session::Session;
use crossdock_core::stream::StreamId;
use crossdock_processors::{Chain, Processed};

use crate::changing::{Change, changing};

/// Where the records of batches that were changed came from in them.
#[derive(Default)]
struct Origins(Mutex<BTreeMap<Seq, (StreamId, Vec<u32>)>>);

impl Origins {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Seq, (StreamId, Vec<u32>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of refused records by their places in the batch that the run has sent.
struct Translated {
    acks: Arc<dyn Acknowledge>,
    origins: Arc<Origins>,
}

impl Acknowledge for Translated {
    fn acknowledge(&self, ack: Ack) {
        let ack = match ack {
            Ack::Rejected {
                stream,
                seq,
                mut indices,
                records,
                reason,
            } => {
                if let Some((_, origins)) = self.origins.all().get(&seq) {
                    let translated = indices.iter().filter_map(|at| origins.get(*at as usize));
                    let mut translated: Vec<u32> = translated.copied().collect();
                    // Several parts of one record are that record.
                    translated.dedup();
                    indices = translated;
                }
                let records = if indices.is_empty() {
                    records
                } else {
                    indices.len() as u64
                };
                Ack::Rejected {
                    stream,
                    seq,
                    indices,
                    records,
                    reason,
                }
            }
            Ack::Item(seq) => {
                self.origins.all().remove(&seq);
                Ack::Item(seq)
            }
            Ack::UpTo { lane, seq } => {
                let covers = |own: &StreamId| match &lane {
                    Lane::Global => true,
                    Lane::Stream(stream) => own == stream,
                };
                let mut origins = self.origins.all();
                origins.retain(|at, (own, _)| *at > seq || !covers(own));
                drop(origins);
                Ack::UpTo { lane, seq }
            }
            other => other,
        };
        self.acks.acknowledge(ack);
    }
}

/// The processors before a destination that is being opened.
pub(crate) struct Outlet {
    chain: Chain,
    keeps: bool,
    acks: Arc<dyn Acknowledge>,
    origins: Arc<Origins>,
}

impl Outlet {
    /// `keeps`: records that are refused are kept as dead letters.
    pub(crate) fn new(chain: Chain, keeps: bool, acks: Arc<dyn Acknowledge>) -> Self {
        Self {
            keeps,
            chain,
            acks,
            origins: Arc::default(),
        }
    }

    /// Where the destination says what is durable.
    pub(crate) fn acks(&self) -> Arc<dyn Acknowledge> {
        if self.chain.is_empty() {
            return self.acks.clone();
        }
        Arc::new(Translated {
            acks: self.acks.clone(),
            origins: self.origins.clone(),
        })
    }

    /// The opened destination with the processors before it.
    pub(crate) fn around(
        self,
        writer: Box<dyn DestinationWriter>,
        session: Session,
    ) -> Box<dyn DestinationWriter> {
        if self.chain.is_empty() {
            return writer;
        }
        let processing = Processing {
            outlet: self,
            session,
            filtered: 0,
        };
        changing(writer, processing)
    }
}

struct Processing {
    outlet: Outlet,
    session: Session,
    filtered: u64,
}

#[async_trait]
impl Change for Processing {
    async fn change(&mut self, seq: Seq, batch: Batch) -> Result<Option<Batch>> {
        let stream = batch.stream.clone();
        let records = batch.records();
        let processed = self.outlet.chain.process(batch).await?;
        self.filtered += processed.filtered;
        if processed.filtered > 0 {
            self.outlet.acks.acknowledge(Ack::Filtered {
                stream: stream.clone(),
                seq,
                indices: left_out(&processed, records),
            });
        }
        for failed in processed.failed {
            if !self.outlet.keeps {
                let error = Error::new(&code::RECORD_UNPROCESSED, failed.reason);
                return Err(error
                    .with("processor", failed.processor)
                    .with("stream", &stream));
            }
            self.outlet.acks.acknowledge(Ack::Rejected {
                stream: stream.clone(),
                seq,
                indices: vec![failed.at],
                records: 1,
                reason: format!("the processor `{}`: {}", failed.processor, failed.reason),
            });
        }
        let mut batches = processed.batches.into_iter();
        let (Some(batch), None) = (batches.next(), batches.next()) else {
            if processed.origins.is_empty() {
                // Nothing is left to be written, so the batch is as durable as it will be.
                self.outlet.acks.acknowledge(Ack::Item(seq));
                return Ok(None);
            }
            return Err(moved(&stream));
        };
        if batch.stream != stream {
            return Err(moved(&stream));
        }
        let origins = (stream, processed.origins);
        self.outlet.origins.all().insert(seq, origins);
        Ok(Some(batch))
    }

    fn end(&mut self) {
        if self.filtered > 0 {
            self.session.log(
                LogLevel::Info,
                format!("{} records were filtered by its processors", self.filtered),
            );
        }
    }
}

/// The records of a batch of so many that neither go on nor failed.
fn left_out(processed: &Processed, records: usize) -> Vec<u32> {
    let mut is_known = vec![false; records];
    let failed = processed.failed.iter().map(|failed| failed.at);
    for at in processed.origins.iter().copied().chain(failed) {
        if let Some(known) = is_known.get_mut(at as usize) {
            *known = true;
        }
    }
    let all = (0_u32..).zip(is_known);
    all.filter_map(|(at, known)| (!known).then_some(at))
        .collect()
}

fn moved(stream: &StreamId) -> Error {
    let message = "a processor of a destination changed the collection of a record";
    Error::new(&code::RECORD_UNPROCESSED, message)
        .with("stream", stream)
        .hint("do that in a processor of the pipeline, before the destinations")
}
