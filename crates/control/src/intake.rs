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

use crate::fields::Selection;
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
    /// The fields that its records keep.
    pub(crate) fields: Selection,
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
    fields: Selection,
    chain: Chain,
    states: Vec<LaneState>,
}

/// The reader of a run. Everything is done by tasks, so that its `next` may be dropped at any time.
pub(crate) struct Intake {
    events: mpsc::Receiver<Result<Event>>,
    tasks: Vec<JoinHandle<Result<()>>>,
    wishes: Vec<Arc<watch::Sender<Wish>>>,
    control: Arc<Control>,
}

impl Intake {
    pub(crate) fn new(inlets: Vec<Inlet>, way: Way) -> Self {
        let (sender, arrivals) = mpsc::channel(inlets.len().max(1));
        let (mut feeds, mut controls) = (Vec::new(), Vec::new());
        let (mut tasks, mut wishes) = (Vec::new(), Vec::new());
        for (at, inlet) in inlets.into_iter().enumerate() {
            let (wish, wished) = watch::channel(Wish::Read);
            let wish = Arc::new(wish);
            controls.push(Controlled {
                control: inlet.reader.control(),
                stop: (!inlet.drains).then(|| wish.clone()),
                id: inlet.id.clone(),
            });
            tasks.push(tokio::spawn(read(at, inlet.reader, sender.clone(), wished)));
            wishes.push(wish);
            feeds.push(Feed {
                id: inlet.id,
                fields: inlet.fields,
                chain: inlet.chain,
                states: inlet.states,
            });
        }
        let told = Told::new(feeds.len());
        let works = Works {
            open: feeds.len(),
            feeds,
            chain: way.chain,
            known: way.streams.iter().map(crossdock_core::Stream::id).collect(),
            learning: way.learns.then(|| Learning::new(&way.streams)),
            queue: VecDeque::new(),
        };
        let (out, events) = mpsc::channel(1);
        tasks.push(tokio::spawn(works.run(arrivals, out)));
        Self {
            events,
            tasks,
            wishes,
            control: Arc::new(Control { controls, told }),
        }
    }
}

/// What is done with what the sources say.
struct Works {
    feeds: Vec<Feed>,
    /// Sources that have not ended.
    open: usize,
    chain: Chain,
    known: HashSet<StreamId>,
    learning: Option<Learning>,
    queue: VecDeque<Event>,
}

impl Works {
    /// Until everything is said, or nobody listens.
    async fn run(
        mut self,
        mut arrivals: mpsc::Receiver<(usize, Result<Event>)>,
        out: mpsc::Sender<Result<Event>>,
    ) -> Result<()> {
        while let Some((at, event)) = arrivals.recv().await {
            let taken = match event {
                Ok(event) => self.take(at, event).await,
                Err(error) if self.feeds.len() > 1 => Err(error.with("source", &self.feeds[at].id)),
                Err(error) => Err(error),
            };
            for event in self.queue.drain(..) {
                if out.send(Ok(event)).await.is_err() {
                    return Ok(());
                }
            }
            if let Err(error) = taken {
                let _ = out.send(Err(error)).await;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn take(&mut self, at: usize, event: Event) -> Result<()> {
        match event {
            Event::Batch(batch) => self.batch(at, batch).await?,
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

    async fn batch(&mut self, at: usize, batch: Batch) -> Result<()> {
        let origin = batch.stream.clone();
        let feed = &mut self.feeds[at];
        let mut batches = vec![feed.fields.apply(batch)?];
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
                let processed = chain.process(batch).await?;
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
        let awaited = checkpoint.awaited;
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
        Checkpoint::global(StateKind::Position, merged(parts)).awaited(awaited)
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

/// What is wanted of the task that reads a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Read,
    /// No more: it cannot be asked to end by itself.
    Stop,
    Close,
}

/// Reads a source to its end, or as long as somebody wants; then waits to be closed, since it still hears
/// of what is committed.
async fn read(
    at: usize,
    mut reader: Box<dyn SourceReader>,
    events: mpsc::Sender<(usize, Result<Event>)>,
    mut wish: watch::Receiver<Wish>,
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
    let is_stopped = tokio::select! {
        () = reading => false,
        _ = wish.wait_for(|wish| *wish > Wish::Read) => true,
    };
    if is_stopped {
        // Somebody who goes on listening hears of the end.
        let _ = events.send((at, Ok(Event::End))).await;
    }
    drop(events);
    // An intake that is gone has nobody to tell.
    let _ = wish.wait_for(|wish| *wish == Wish::Close).await;
    reader.close().await
}

#[async_trait]
impl SourceReader for Intake {
    async fn next(&mut self) -> Result<Event> {
        self.events.recv().await.unwrap_or_else(|| {
            Err(Error::new(
                &code::INTERNAL,
                "the task of the sources broke off",
            ))
        })
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        // Nobody listens any more, so nobody waits to be heard.
        self.events.close();
        for wish in &self.wishes {
            let _ = wish.send(Wish::Close);
        }
        let mut first = Ok(());
        for task in self.tasks.drain(..) {
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
    stop: Option<Arc<watch::Sender<Wish>>>,
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
                Some(wish) => drop(wish.send(Wish::Stop)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
