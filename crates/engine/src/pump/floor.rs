//! The floor of the pump: the running actors and what is known of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Seq};
use crossdock_core::clock::Clock;
use crossdock_core::code;
use crossdock_core::destination::{Ack, Ending};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Estimate, Refused, StreamStatus};
use crossdock_core::source::SourceControl;
use crossdock_core::statistics::RunStatistics;
use crossdock_core::store::{Generation, Lease, Store};
use crossdock_core::stream::StreamId;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span, warn};

use super::refusal::{Refusals, in_words};
use super::{Job, Settings};
use crate::budget::{Budget, Permit};
use crate::commit::Order;
use crate::dead_letter::Letters;
use crate::destination_actor::{Busy, Command, DestinationActor, Message};
use crate::ledger::Ready;
use crate::life::Life;
use crate::progress::{Progress, StreamProgress, Watcher};
use crate::run::Run;
use crate::source_actor::{Delivery, SourceActor, Waiting};
use crate::stall::{DestinationSight, Sight};
use crate::statistics::StateLives;
use crate::trace::{self, StreamSpans, TARGET};

/// Deliveries that may wait for the loop; the budget bounds their bytes.
const DELIVERIES: usize = 64;

struct Station {
    commands: mpsc::UnboundedSender<Command>,
    busy: Arc<Busy>,
    life: Arc<Life>,
    task: JoinHandle<Result<()>>,
    abort: watch::Sender<bool>,
    finished: bool,
}

pub(super) struct Floor {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) source_life: Arc<Life>,
    pub(super) drops: BTreeMap<(Option<StreamId>, &'static str), u64>,
    pub(super) statuses: BTreeMap<StreamId, StreamStatus>,
    spans: StreamSpans,
    /// The source is no longer asked for more.
    pub(super) stopped_asking: bool,
    began: Instant,
    store: Arc<dyn Store>,
    lease: Lease,
    completes: Vec<Generation>,
    watcher: Arc<dyn Watcher>,
    budget: Budget,
    source_waiting: Arc<Waiting>,
    source_control: Arc<dyn SourceControl>,
    source_drains: bool,
    source_task: Option<JoinHandle<Result<()>>>,
    source_abort: watch::Sender<bool>,
    source_news: mpsc::UnboundedSender<Arc<Checkpoint>>,
    notifier: JoinHandle<()>,
    stations: Vec<Station>,
    /// Where dead letters are kept: what may still be refused, and the task that carries them.
    refusals: Option<(Refusals, JoinHandle<Result<()>>)>,
    hurry: Arc<Notify>,
    last_commit: Option<Instant>,
    /// The oldest checkpoint that waits for its return, and since when.
    checkpoint_since: Option<(Seq, i64)>,
    estimates: HashMap<StreamId, Estimate>,
    estimate: Option<Estimate>,
    lives: StateLives,
}

impl Floor {
    pub(super) fn start(
        job: Job,
        inbox: mpsc::UnboundedSender<Message>,
        began: Instant,
    ) -> (Self, mpsc::Receiver<Delivery>) {
        let budget = Budget::new(job.settings.queue_bytes);
        let (queue, deliveries) = mpsc::channel(DELIVERIES);
        let (source_abort, aborted) = watch::channel(false);
        let source_waiting = Arc::new(Waiting::default());
        let source_control = job.source.control();
        let source = SourceActor {
            reader: job.source,
            queue,
            budget: budget.clone(),
            abort: aborted,
            waiting: source_waiting.clone(),
            clock: job.clock.clone(),
        };
        let refusals = job.dead_letters.map(|dead_letters| {
            let limit = job.settings.queue_bytes;
            let clock = job.clock.clone();
            Refusals::start(dead_letters, &job.refusing, inbox.clone(), limit, clock)
        });
        let stations = job
            .destinations
            .into_iter()
            .zip(job.destination_lives)
            .enumerate()
            .map(|(at, (writer, life))| {
                let (commands, receiver) = mpsc::unbounded_channel();
                let (abort, aborted) = watch::channel(false);
                let busy = Arc::new(Busy::default());
                let actor = DestinationActor {
                    at,
                    writer,
                    commands: receiver,
                    inbox: inbox.clone(),
                    abort: aborted,
                    busy: busy.clone(),
                    clock: job.clock.clone(),
                };
                let task = tokio::spawn(actor.run());
                Station {
                    commands,
                    busy,
                    life,
                    task,
                    abort,
                    finished: false,
                }
            })
            .collect();
        let (source_news, mut news) = mpsc::unbounded_channel::<Arc<Checkpoint>>();
        let control = source_control.clone();
        let notifier = tokio::spawn(async move {
            while let Some(checkpoint) = news.recv().await {
                if let Err(error) = control.committed(&checkpoint).await {
                    warn!(%error, "the source could not be told of a committed checkpoint");
                }
            }
        });
        let floor = Self {
            lives: StateLives::new(job.clock.now_ms()),
            clock: job.clock,
            settings: job.settings,
            source_life: job.source_life,
            drops: BTreeMap::new(),
            statuses: BTreeMap::new(),
            spans: StreamSpans::here(),
            stopped_asking: false,
            began,
            store: job.store,
            lease: job.lease,
            completes: job.completes,
            watcher: job.watcher,
            budget,
            source_waiting,
            source_control,
            source_drains: job.source_drains,
            source_task: Some(tokio::spawn(source.run())),
            source_abort,
            source_news,
            notifier,
            stations,
            refusals,
            hurry: Arc::new(Notify::new()),
            last_commit: None,
            checkpoint_since: None,
            estimates: HashMap::new(),
            estimate: None,
        };
        (floor, deliveries)
    }

    fn tell(&self, command: impl Fn() -> Command) {
        for station in &self.stations {
            // A station that is gone has said why.
            let _ = station.commands.send(command());
        }
    }

    pub(super) fn write(&mut self, seq: Seq, batch: Batch, permit: Option<Permit>) {
        self.spans.batch(&batch);
        if let Some((refusals, _)) = &mut self.refusals {
            refusals.sent(seq, &batch);
        }
        self.tell(|| Command::Write(seq, Box::new(batch.clone()), permit.clone()));
    }

    pub(super) fn checkpoint(
        &mut self,
        seq: Seq,
        checkpoint: &Arc<Checkpoint>,
        permit: Option<Permit>,
    ) {
        self.lives
            .emitted(&checkpoint.lane, seq, self.clock.now_ms());
        self.tell(|| Command::Checkpoint(seq, checkpoint.clone(), permit.clone()));
    }

    pub(super) fn status(&mut self, stream: StreamId, status: StreamStatus) {
        self.tell(|| Command::Status(stream.clone(), status));
        self.spans.status(&stream, status);
        self.statuses.insert(stream, status);
    }

    pub(super) fn estimate(&mut self, estimate: Estimate) {
        match estimate.stream.clone() {
            Some(stream) => drop(self.estimates.insert(stream, estimate)),
            None => self.estimate = Some(estimate),
        }
    }

    pub(super) fn finish(&mut self, ending: Ending) {
        self.hurry();
        self.tell(|| Command::Finish(ending));
    }

    /// A source that cannot be asked is not asked for more: its actor ends, and with it the queue.
    pub(super) fn stop_source(&mut self) {
        self.source_control.stop();
        if !self.source_drains {
            self.stopped_asking = true;
            let _ = self.source_abort.send(true);
        }
    }

    /// An acknowledgement is a sign of life.
    pub(super) fn heard_from(&mut self, at: usize, ack: &Ack) {
        self.stations[at].life.beat();
        if let Ack::UpTo { lane, .. } = ack {
            self.lives.returned(lane);
        }
        if let Some((refusals, _)) = &mut self.refusals {
            refusals.answered(at, ack);
        }
    }

    /// Whether another event may be taken: dead letters are kept as fast as they come.
    pub(super) fn has_room(&self) -> bool {
        let refusals = self.refusals.as_ref();
        refusals.is_none_or(|(refusals, _)| refusals.has_room())
    }

    /// The records that a destination refused, to be kept; or why that ends the run. `None`: they are
    /// only counted.
    pub(super) fn refused(
        &mut self,
        at: usize,
        seq: Seq,
        indices: &[u32],
        reason: &str,
    ) -> Option<Result<Letters>> {
        let judged = match &mut self.refusals {
            Some((refusals, _)) => refusals.judge(at, seq, indices, reason),
            None if self.settings.strictness.rejected_fails => Err(Error::new(
                &code::RECORD_REFUSED,
                format!("the destination refused a record: {reason}"),
            )),
            None => return None,
        };
        Some(judged.map_err(|error| error.with("destination", at + 1)))
    }

    /// The records that a processor refused, to be kept; or why that ends the run.
    pub(super) fn refused_on_the_way(&mut self, seq: Seq, refused: Refused) -> Result<Letters> {
        match &mut self.refusals {
            Some((refusals, _)) => refusals.judge_on_the_way(seq, refused),
            None => Err(Error::new(&code::RECORD_UNPROCESSED, in_words(&refused))
                .with("stream", &refused.batch.stream)),
        }
    }

    /// Sends refused records to the dead-letter office.
    pub(super) fn bury(&self, letters: Letters) {
        if let Some((refusals, _)) = &self.refusals {
            refusals.send(letters);
        }
    }

    /// A destination ended well: it will carry out what is left in its queue.
    pub(super) fn finished(&mut self, at: usize) {
        self.stations[at].finished = true;
    }

    /// Starts the commit under way (P2: the source hears of it in `tell_committed`, after it).
    pub(super) fn commit(
        &mut self,
        ready: Ready<Arc<Checkpoint>>,
        end: Option<Seq>,
        run: &Run<Arc<Checkpoint>>,
    ) -> JoinHandle<Result<Order>> {
        let order = Order::new(
            &self.lease,
            ready,
            end,
            run.ledger().counts(),
            &self.completes,
        );
        let pause = match self.last_commit {
            // Who waits for it is not kept waiting for others.
            Some(last) if run.is_flowing() && !order.is_awaited() => {
                self.settings.commit_interval.saturating_sub(last.elapsed())
            }
            _ => Duration::ZERO,
        };
        let (store, lease, hurry) = (self.store.clone(), self.lease.clone(), self.hurry.clone());
        let parent = Span::current();
        tokio::spawn(async move {
            if !pause.is_zero() {
                let _ = tokio::time::timeout(pause, hurry.notified()).await;
            }
            let span = info_span!(
                target: TARGET, parent: &parent, "commit",
                crossdock.checkpoints = order.checkpoints.len(),
                otel.status_code = Empty, error.type = Empty,
            );
            let commit = store.commit(&lease, order.commit.clone());
            let done = commit.instrument(span.clone()).await;
            done.inspect_err(|error| trace::failed(&span, error))?;
            Ok(order)
        })
    }

    /// Ends the pause before a commit.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    pub(super) fn tell_committed(&mut self, order: Order) {
        self.last_commit = Some(Instant::now());
        let now = self.clock.now_ms();
        for mark in order.marks {
            self.lives.committed(&mark.lane, mark.seq, now);
            self.tell(|| Command::Committed(mark.clone()));
        }
        for checkpoint in order.checkpoints {
            let _ = self.source_news.send(checkpoint);
        }
    }

    /// What the judge of stalls sees.
    pub(super) fn sight(&mut self, run: &Run<Arc<Checkpoint>>) -> Sight {
        let oldest = run.ledger().oldest_unreturned();
        self.checkpoint_since = match (oldest, self.checkpoint_since) {
            (Some(seq), Some((known, since))) if seq == known => Some((seq, since)),
            (Some(seq), _) => Some((seq, self.clock.now_ms())),
            (None, _) => None,
        };
        let waited_for = if run.is_flowing() {
            self.source_waiting.since()
        } else {
            None
        };
        Sight {
            source_since: waited_for,
            source_life: self.source_life.last_ms(),
            destinations: self
                .stations
                .iter()
                .map(|s| DestinationSight {
                    busy_since: s.busy.since(),
                    finishing: s.busy.is_finishing(),
                    last_life: s.life.last_ms(),
                })
                .collect(),
            checkpoint_since: self
                .checkpoint_since
                .map(|(_, since)| since)
                .filter(|_| run.is_flowing()),
            office_since: self
                .refusals
                .as_ref()
                .and_then(|(refusals, _)| refusals.office_since()),
        }
    }

    /// What is kept of the run beside its counts.
    pub(super) fn statistics(&self, run: &Run<Arc<Checkpoint>>) -> RunStatistics {
        let ledger = run.ledger();
        self.lives.report(
            &ledger.counts(),
            &ledger.committed_bytes(),
            &self.estimates,
            self.estimate.as_ref(),
        )
    }

    pub(super) fn show(&self, run: &Run<Arc<Checkpoint>>) {
        let streams = run
            .ledger()
            .counts()
            .into_iter()
            .map(|counts| StreamProgress {
                status: self.statuses.get(&counts.stream).copied(),
                estimate: self.estimates.get(&counts.stream).cloned(),
                counts,
            })
            .collect();
        self.watcher.progress(&Progress {
            elapsed: self.began.elapsed(),
            since_commit: self.last_commit.map(|at| at.elapsed()),
            estimate: self.estimate.clone(),
            queued_bytes: self.budget.in_use(),
            streams,
        });
    }

    /// Ends all actors (P8). Destinations that ended well get to hear the last commits first;
    /// everything else is aborted. Whoever does not close within its time is dropped, which kills
    /// what it started.
    pub(super) async fn close(&mut self) -> Vec<Error> {
        let _ = self.source_abort.send(true);
        let mut tasks = Vec::new();
        tasks.extend(self.source_task.take());
        // Without its sender the office's task ends when it has kept what is on its way.
        tasks.extend(self.refusals.take().map(|(_, task)| task));
        // The senders live until their actors have ended.
        let mut aborts = Vec::new();
        for station in self.stations.drain(..) {
            if station.finished {
                let _ = station.commands.send(Command::Close);
            } else {
                let _ = station.abort.send(true);
            }
            aborts.push(station.abort);
            tasks.push(station.task);
        }
        let limit = self.settings.grace * 2 + Duration::from_secs(5);
        let mut untidy = Vec::new();
        for mut task in tasks {
            match tokio::time::timeout(limit, &mut task).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => untidy.push(error),
                Ok(Err(panic)) => untidy.push(
                    Error::new(&code::INTERNAL, "a connector's task broke off").caused_by(panic),
                ),
                Err(_) => {
                    task.abort();
                    untidy.push(Error::new(
                        &code::INTERNAL,
                        "a connector did not close in time",
                    ));
                }
            }
        }
        // The source may still have commits to hear of; the end of the channel ends the notifier.
        self.source_news = mpsc::unbounded_channel().0;
        if tokio::time::timeout(limit, &mut self.notifier)
            .await
            .is_err()
        {
            self.notifier.abort();
        }
        untidy
    }
}
