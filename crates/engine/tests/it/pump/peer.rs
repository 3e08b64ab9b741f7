//! A source and a destination in memory, with faults by script. Each record is one batch of about
//! 100 bytes; record `n` is the number n.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::{RowSpans, RowsBuilder, Span};
use crossdock_core::checkpoint::{Checkpoint, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, Refused};
use crossdock_core::json::Json;
use crossdock_core::source::{SourceControl, SourceReader};
use crossdock_core::stream::StreamId;
use crossdock_core::{Batch, Body};
use tokio::sync::watch;

/// What the source does.
pub(super) struct Script {
    count: u64,
    every: u64,
    fail_at: Option<u64>,
    hang_at: Option<u64>,
    refused_each: Option<u64>,
    pub(super) drains: bool,
    /// How far it has read.
    pub(super) ahead: Arc<AtomicU64>,
}

impl Script {
    pub(super) fn records(count: u64) -> Self {
        Self {
            count,
            every: u64::MAX,
            fail_at: None,
            hang_at: None,
            refused_each: None,
            drains: true,
            ahead: Arc::default(),
        }
    }

    pub(super) fn checkpoint_every(mut self, every: u64) -> Self {
        self.every = every;
        self
    }

    pub(super) fn failing_at(mut self, at: u64) -> Self {
        self.fail_at = Some(at);
        self
    }

    pub(super) fn hanging_at(mut self, at: u64) -> Self {
        self.hang_at = Some(at);
        self
    }

    /// Each so manyth record is refused by a processor.
    pub(super) fn refusing_each(mut self, each: u64) -> Self {
        self.refused_each = Some(each);
        self
    }

    pub(super) fn reader(self, told: Arc<Told>) -> Reader {
        Reader {
            script: self,
            next: 0,
            due: false,
            told,
        }
    }
}

/// What the source was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    committed: Mutex<Vec<u64>>,
    stop: AtomicBool,
    closed: AtomicBool,
}

impl Told {
    pub(super) fn last(&self) -> Option<u64> {
        self.committed.lock().unwrap().last().copied()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Control(Arc<Told>);

#[async_trait]
impl SourceControl for Control {
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()> {
        let point = checkpoint.state.to_value()?.as_u64().unwrap();
        self.0.committed.lock().unwrap().push(point);
        Ok(())
    }

    fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}

pub(super) struct Reader {
    script: Script,
    next: u64,
    due: bool,
    told: Arc<Told>,
}

fn batch(number: u64) -> Batch {
    let text = format!("{{\"n\":{number},\"pad\":\"{:080}\"}}", 0);
    let mut rows = RowsBuilder::default();
    rows.push(RowSpans {
        after: Span::new(0, text.len()).unwrap(),
        ..RowSpans::default()
    });
    let rows = rows.finish(Bytes::from(text), None);
    Batch {
        stream: StreamId::new("s"),
        body: Body::Rows(rows),
    }
}

fn number(batch: &Batch) -> u64 {
    let Body::Rows(rows) = &batch.body else {
        panic!("rows were sent")
    };
    let value: serde_json::Value = serde_json::from_slice(rows.after(0)).unwrap();
    value["n"].as_u64().unwrap()
}

#[async_trait]
impl SourceReader for Reader {
    async fn next(&mut self) -> Result<Event> {
        tokio::task::yield_now().await;
        if std::mem::take(&mut self.due) {
            let point = Json::from_value(&self.next.into());
            return Ok(Event::Checkpoint(Checkpoint::stream(
                StreamId::new("s"),
                point,
            )));
        }
        if self.next == self.script.count || self.told.stop.load(Ordering::SeqCst) {
            return Ok(Event::End);
        }
        if self.script.fail_at == Some(self.next) {
            return Err(Error::new(&code::CONNECTOR_FAILED, "scripted"));
        }
        if self.script.hang_at == Some(self.next) {
            std::future::pending::<()>().await;
        }
        let batch = batch(self.next);
        let is_refused = |each: u64| self.next.is_multiple_of(each);
        let event = if self.script.refused_each.is_some_and(is_refused) {
            Event::Refused(Box::new(Refused {
                seen: batch.clone(),
                batch,
                by: "processors".into(),
                processor: "p".into(),
                reason: "scripted".into(),
            }))
        } else {
            Event::Batch(batch)
        };
        self.next += 1;
        self.script.ahead.store(self.next, Ordering::Relaxed);
        self.due = self.next.is_multiple_of(self.script.every);
        Ok(event)
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        Arc::new(Control(self.told.clone()))
    }

    async fn close(&mut self) -> Result<()> {
        self.told.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// What the destination does wrong, at the record of that number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    FailAt(u64),
    HangAt(u64),
    NeverReturn,
    /// Refuses every so manieth record.
    RefuseEach(u64),
}

/// What the destination holds.
#[derive(Debug)]
pub(super) struct Sink {
    durable: Mutex<Vec<u64>>,
    published: AtomicU64,
    closed: AtomicBool,
    count: watch::Sender<u64>,
    written: watch::Sender<u64>,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            durable: Mutex::default(),
            published: AtomicU64::default(),
            closed: AtomicBool::default(),
            count: watch::channel(0).0,
            written: watch::channel(0).0,
        }
    }
}

impl Sink {
    pub(super) fn durable(&self) -> Vec<u64> {
        self.durable.lock().unwrap().clone()
    }

    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Ready when the store has committed up to item `seq` or later.
    pub(super) fn until(&self, seq: u64) -> impl Future<Output = ()> + Send + 'static {
        let mut count = self.count.subscribe();
        async move {
            count.wait_for(|c| *c >= seq).await.unwrap();
        }
    }

    /// Ready when so many records came that were not refused.
    pub(super) async fn until_written(&self, records: u64) {
        let mut written = self.written.subscribe();
        written.wait_for(|count| *count >= records).await.unwrap();
    }

    pub(super) fn writer(
        self: &Arc<Self>,
        acks: Arc<dyn Acknowledge>,
        fault: Option<Fault>,
    ) -> Writer {
        Writer {
            sink: self.clone(),
            acks,
            fault,
            buffer: Vec::new(),
            last: Seq(0),
        }
    }
}

pub(super) struct Writer {
    sink: Arc<Sink>,
    acks: Arc<dyn Acknowledge>,
    fault: Option<Fault>,
    buffer: Vec<u64>,
    last: Seq,
}

#[async_trait]
impl DestinationWriter for Writer {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        let number = number(&batch);
        match self.fault {
            Some(Fault::FailAt(at)) if at == number => {
                return Err(Error::new(&code::CONNECTOR_FAILED, "scripted"));
            }
            Some(Fault::RefuseEach(each)) if number.is_multiple_of(each) => {
                self.acks.acknowledge(Ack::Rejected {
                    stream: batch.stream.clone(),
                    seq,
                    indices: vec![0],
                    records: 1,
                    reason: "scripted".to_owned(),
                });
                return Ok(());
            }
            Some(Fault::HangAt(at)) if at == number => std::future::pending::<()>().await,
            _ => {}
        }
        self.buffer.push(number);
        self.sink.written.send_modify(|count| *count += 1);
        self.last = seq;
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.sink.durable.lock().unwrap().append(&mut self.buffer);
        if !matches!(self.fault, Some(Fault::NeverReturn)) {
            self.acks.acknowledge(Ack::UpTo {
                lane: checkpoint.lane.clone(),
                seq,
            });
        }
        Ok(())
    }

    async fn committed(&mut self, mark: &Mark) -> Result<()> {
        self.sink.published.store(mark.seq.0, Ordering::SeqCst);
        self.sink.count.send_replace(mark.seq.0);
        Ok(())
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        self.sink.durable.lock().unwrap().append(&mut self.buffer);
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        self.sink.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}
