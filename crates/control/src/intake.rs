//! What a run reads from: its sources as one, with the processors on the way.
//!
//! Each source is read by a task of its own. Their checkpoints are joined: one of the whole holds the
//! states of each, so it covers every record before it of every source, as the ledger wants it. Streams
//! that change on the way are learnt from what comes out.

mod learning;
mod merged_state;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, Refused};
use crossdock_core::source::{SourceControl, SourceReader};
use crossdock_core::stream::StreamId;
use crossdock_processors::{Chain, Failed};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use learning::Learning;
pub(crate) use merged_state::split;
use merged_state::{Told, merged};

/// Why records are left out by processors.
const FILTERED: &str = "filtered by a processor";
/// Who refuses what the pipeline's processors cannot take.
pub(crate) const PROCESSORS: &str = "processors";

/// Who refuses what the processors of a source cannot take.
pub(crate) fn of_source(id: &str) -> String {
    format!("processors of {id}")
}

/// One source of an intake.
pub(crate) struct Inlet {
    /// The connector's name within the pipeline.
    pub(crate) id: String,
    /// The opened source.
    pub(crate) reader: Box<dyn SourceReader>,
    /// Whether it ends by itself when it is told to stop.
    pub(crate) drains: bool,
    /// What its records go through.
    pub(crate) chain: Chain,
    /// What it resumes from.
    pub(crate) states: Vec<LaneState>,
}

/// What happens on the way of all sources.
pub(crate) struct Way {
    /// What all records go through.
    pub(crate) chain: Chain,
    /// The streams that the destinations know; if they are learnt, what is known of them.
    pub(crate) streams: Vec<crossdock_core::Stream>,
    /// Streams may come that are not known, and columns.
    pub(crate) learns: bool,
}

/// A source as it is read.
struct Feed {
    id: String,
    chain: Chain,
    states: Vec<LaneState>,
    task: Option<JoinHandle<Result<()>>>,
    abort: Arc<watch::Sender<bool>>,
}

pub(crate) struct Intake {
    feeds: Vec<Feed>,
    events: mpsc::Receiver<(usize, Result<Event>)>,
    /// Sources that have not ended.
    open: usize,
    chain: Chain,
    known: HashSet<StreamId>,
    learning: Option<Learning>,
    queue: VecDeque<Event>,
    control: Arc<Control>,
}

impl Intake {
    pub(crate) fn new(inlets: Vec<Inlet>, way: Way) -> Self {
        let (sender, events) = mpsc::channel(inlets.len().max(1));
        let mut feeds = Vec::new();
        let mut controls = Vec::new();
        for (at, inlet) in inlets.into_iter().enumerate() {
            let (abort, aborted) = watch::channel(false);
            let abort = Arc::new(abort);
            controls.push(Controlled {
                control: inlet.reader.control(),
                stop: (!inlet.drains).then(|| abort.clone()),
                id: inlet.id.clone(),
            });
            let task = tokio::spawn(read(at, inlet.reader, sender.clone(), aborted));
            feeds.push(Feed {
                id: inlet.id,
                chain: inlet.chain,
                states: inlet.states,
                task: Some(task),
                abort,
            });
        }
        let told = Told::new(feeds.len());
        Self {
            open: feeds.len(),
            control: Arc::new(Control { controls, told }),
            feeds,
            events,
            chain: way.chain,
            known: way.streams.iter().map(crossdock_core::Stream::id).collect(),
            learning: way.learns.then(|| Learning::new(&way.streams)),
            queue: VecDeque::new(),
        }
    }

    fn take(&mut self, at: usize, event: Event) -> Result<()> {
        match event {
            Event::Batch(batch) => self.batch(at, batch)?,
            Event::Schema(stream) => {
                if let Some(learning) = &mut self.learning {
                    learning.describe(stream, &[&self.feeds[at].chain, &self.chain]);
                }
            }
            Event::Checkpoint(checkpoint) => {
                let checkpoint = self.checkpoint(at, checkpoint);
                self.queue.push_back(Event::Checkpoint(checkpoint));
            }
            Event::End => self.open -= 1,
            other => self.queue.push_back(other),
        }
        if self.open == 0 {
            self.queue.push_back(Event::End);
        }
        Ok(())
    }

    fn batch(&mut self, at: usize, batch: Batch) -> Result<()> {
        let origin = batch.stream.clone();
        let mut batches = vec![batch];
        let feed = &mut self.feeds[at];
        let of_source = of_source(&feed.id);
        for (chain, by) in [
            (&mut feed.chain, of_source.as_str()),
            (&mut self.chain, PROCESSORS),
        ] {
            if chain.is_empty() {
                continue;
            }
            let mut next = Vec::new();
            for batch in batches {
                let stream = batch.stream.clone();
                let processed = chain.process(batch)?;
                if processed.filtered > 0 {
                    self.queue.push_back(Event::Dropped {
                        stream: Some(stream),
                        records: processed.filtered,
                        reason: FILTERED,
                    });
                }
                self.queue.extend(
                    processed
                        .failed
                        .into_iter()
                        .map(|failed| refused(failed, by)),
                );
                next.extend(processed.batches);
            }
            batches = next;
        }
        for batch in batches {
            match &mut self.learning {
                Some(learning) => {
                    let news = learning.see(&origin, &batch)?;
                    self.queue.extend(news.map(Event::Schema));
                }
                None if !self.known.contains(&batch.stream) => {
                    let reason = format!(
                        "the collection was changed to `{}`, and the source has no such stream",
                        batch.stream
                    );
                    let refused = Refused {
                        seen: batch.clone(),
                        batch,
                        by: PROCESSORS.to_owned(),
                        processor: String::new(),
                        reason,
                    };
                    self.queue.push_back(Event::Refused(Box::new(refused)));
                    continue;
                }
                None => {}
            }
            self.queue.push_back(Event::Batch(batch));
        }
        Ok(())
    }

    /// The checkpoint of the whole.
    fn checkpoint(&mut self, at: usize, checkpoint: Checkpoint) -> Checkpoint {
        let is_alone = self.feeds.len() == 1;
        let feed = &mut self.feeds[at];
        let multiplies = feed.chain.multiplies() || self.chain.multiplies();
        let source_count = checkpoint.source_count.filter(|_| !multiplies);
        if is_alone {
            return Checkpoint {
                source_count,
                ..checkpoint
            };
        }
        let state = LaneState {
            lane: checkpoint.lane,
            kind: checkpoint.kind,
            state: checkpoint.state,
        };
        match feed
            .states
            .iter_mut()
            .find(|known| known.lane == state.lane)
        {
            Some(known) => *known = state,
            None => feed.states.push(state),
        }
        let parts = self
            .feeds
            .iter()
            .map(|feed| (feed.id.as_str(), feed.states.as_slice()));
        Checkpoint::global(StateKind::Position, merged(parts))
    }
}

fn refused(failed: Failed, by: &str) -> Event {
    Event::Refused(Box::new(Refused {
        batch: failed.batch,
        seen: failed.seen,
        by: by.to_owned(),
        processor: failed.processor,
        reason: failed.reason,
    }))
}

/// Reads a source to its end, or until nobody wants it any more; closes it in every case.
async fn read(
    at: usize,
    mut reader: Box<dyn SourceReader>,
    events: mpsc::Sender<(usize, Result<Event>)>,
    mut aborted: watch::Receiver<bool>,
) -> Result<()> {
    let reading = async {
        loop {
            let event = reader.next().await;
            let is_last = matches!(event, Ok(Event::End) | Err(_));
            if events.send((at, event)).await.is_err() || is_last {
                return;
            }
        }
    };
    let is_aborted = tokio::select! {
        () = reading => false,
        _ = aborted.wait_for(|aborted| *aborted) => true,
    };
    if is_aborted {
        // Somebody who goes on listening hears of the end.
        let _ = events.send((at, Ok(Event::End))).await;
    }
    drop(events);
    reader.close().await
}

#[async_trait]
impl SourceReader for Intake {
    /// May be dropped at any time.
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(event);
            }
            match self.events.recv().await {
                Some((at, event)) => {
                    let event = event.map_err(|error| match self.feeds.len() {
                        1 => error,
                        _ => error.with("source", &self.feeds[at].id),
                    })?;
                    self.take(at, event)?;
                }
                None => {
                    return Err(Error::new(&code::INTERNAL, "a source's task broke off"));
                }
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        // Nobody listens any more, so nobody waits to be heard.
        self.events.close();
        let mut tasks = Vec::new();
        for feed in &mut self.feeds {
            let _ = feed.abort.send(true);
            tasks.extend(feed.task.take());
        }
        let mut first = Ok(());
        for task in tasks {
            let closed = task.await.unwrap_or_else(|broken| {
                Err(Error::new(&code::INTERNAL, "a source's task broke off").caused_by(broken))
            });
            first = first.and(closed);
        }
        first
    }
}

/// What a source is told by.
#[derive(Debug)]
struct Controlled {
    id: String,
    control: Arc<dyn SourceControl>,
    /// How one that does not end by itself is ended.
    stop: Option<Arc<watch::Sender<bool>>>,
}

#[derive(Debug)]
struct Control {
    controls: Vec<Controlled>,
    told: Told,
}

#[async_trait]
impl SourceControl for Control {
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()> {
        if let [only] = self.controls.as_slice() {
            return only.control.committed(checkpoint).await;
        }
        let ids: Vec<&str> = self.controls.iter().map(|one| one.id.as_str()).collect();
        for (at, checkpoint) in self.told.news(&ids, &checkpoint.state) {
            self.controls[at].control.committed(&checkpoint).await?;
        }
        Ok(())
    }

    fn stop(&self) {
        for one in &self.controls {
            match &one.stop {
                None => one.control.stop(),
                Some(abort) => drop(abort.send(true)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
