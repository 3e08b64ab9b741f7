//! The pump carries out what [`crate::run::Run`] decides: one task per connector, one for the
//! commit under way, and one loop in which everything meets. The loop itself never waits for a
//! connector, so acknowledgements, cancelling and stalls are always heard.

mod floor;
mod refusal;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::clock::Clock;
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::json::Json;
use crossdock_core::source::SourceReader;
use crossdock_core::statistics::RunStatistics;
use crossdock_core::store::{Generation, Lease, Store};
use crossdock_core::stream::StreamId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::commit::Order;
use crate::dead_letter::DeadLetters;
use crate::destination_actor::{AckSender, Message};
use crate::life::Life;
use crate::progress::Watcher;
use crate::run::{Action, Cancel, Outcome, Run, Strictness};
use crate::source_actor::Delivery;
use crate::stall::{self, Patience};
use floor::Floor;

/// How a run is to be conducted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes that may be under way between source and destinations (P7).
    pub queue_bytes: usize,
    /// Least time between two commits, except at the end.
    pub commit_interval: Duration,
    /// Limits of silence (P9).
    pub patience: Patience,
    /// What is an error and what a warning.
    pub strictness: Strictness,
    /// Time from asking processes to end until they are killed (P8).
    pub grace: Duration,
}

/// Everything that a run needs.
pub struct Job {
    /// The opened source.
    pub source: Box<dyn SourceReader>,
    /// Whether the source ends by itself when it is told to stop.
    pub source_drains: bool,
    /// The opened destinations, in the order of the acknowledgers of [`wire`].
    pub destinations: Vec<Box<dyn DestinationWriter>>,
    /// Which of them can refuse single records.
    pub refusing: Vec<bool>,
    /// What becomes of records that are refused. `None`: one that is told ends the run, unless
    /// rejected records are allowed.
    pub dead_letters: Option<DeadLetters>,
    /// The configured streams.
    pub streams: Vec<StreamId>,
    /// Where checkpoints are committed.
    pub store: Arc<dyn Store>,
    /// The right to do so.
    pub lease: Lease,
    /// The generations that are complete if the run goes well.
    pub completes: Vec<Generation>,
    /// The signs of life of the source …
    pub source_life: Arc<Life>,
    /// … and of each destination.
    pub destination_lives: Vec<Arc<Life>>,
    /// Who watches.
    pub watcher: Arc<dyn Watcher>,
    /// Becomes `Some` when somebody wants the end.
    pub cancel: watch::Receiver<Option<Cancel>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How to conduct it.
    pub settings: Settings,
}

/// The inbox of a run, made before its destinations are opened.
#[derive(Debug)]
pub struct Wiring {
    sender: mpsc::UnboundedSender<Message>,
    inbox: mpsc::UnboundedReceiver<Message>,
}

/// Makes the inbox of a run, and for each destination where it says what is durable.
#[must_use]
pub fn wire(destinations: usize) -> (Wiring, Vec<Arc<dyn Acknowledge>>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    let acknowledgers = (0..destinations)
        .map(|at| {
            Arc::new(AckSender {
                at,
                inbox: sender.clone(),
            }) as Arc<dyn Acknowledge>
        })
        .collect();
    (Wiring { sender, inbox }, acknowledgers)
}

/// What a run did.
#[derive(Debug)]
pub struct Report {
    /// How it ended, with the counts per stream.
    pub outcome: Outcome,
    /// How long it took.
    pub elapsed: Duration,
    /// Why records were left out, and how many: by stream, if it could be told.
    pub drops: BTreeMap<(Option<StreamId>, &'static str), u64>,
    /// The last status of each stream.
    pub statuses: BTreeMap<StreamId, crossdock_core::event::StreamStatus>,
    /// Estimates, and the life of states.
    pub statistics: RunStatistics,
    /// Failures to end a connector tidily; they change nothing of the outcome.
    pub untidy: Vec<Error>,
}

/// Conducts a run from its first record to its last commit, and ends its connectors in every case.
pub async fn execute(wiring: Wiring, job: Job) -> Report {
    let began = Instant::now();
    let mut run = Run::new(job.destinations.len(), job.settings.strictness);
    for stream in &job.streams {
        run.enter(stream);
    }
    let Wiring { sender, mut inbox } = wiring;
    let mut cancel = job.cancel.clone();
    let mut heard = None;
    let mut commit = None;
    let (mut floor, mut deliveries) = Floor::start(job, sender, began);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        for action in run.actions() {
            match action {
                Action::Commit { ready, end } => commit = Some(floor.commit(ready, end, &run)),
                Action::StopSource => floor.stop_source(),
                Action::Finish(ending) => floor.finish(ending),
                Action::Close => debug!("closing"),
            }
        }
        if run.is_over() {
            break;
        }
        tokio::select! {
            Some(message) = inbox.recv() => on_message(message, &mut run, &mut floor),
            delivery = deliveries.recv(), if run.is_flowing() && floor.has_room() => match delivery {
                Some(delivery) => on_delivery(delivery, &mut run, &mut floor),
                None if floor.stopped_asking => run.source_ended(),
                None => run.source_failed(Error::new(&code::INTERNAL, "the source's task broke off")),
            },
            result = commit_done(&mut commit) => {
                commit = None;
                match result {
                    Ok(order) => {
                        floor.tell_committed(order);
                        run.committed();
                    }
                    Err(error) => run.commit_failed(error),
                }
            }
            how = cancelled(&mut cancel, heard) => {
                heard = Some(how);
                run.cancel(how);
                floor.hurry();
            }
            _ = tick.tick() => {
                let sight = floor.sight(&run);
                if let Some(error) = stall::judge(floor.clock.now_ms(), &sight, &floor.settings.patience) {
                    run.stalled(error);
                }
                floor.show(&run);
            }
        }
    }
    drop(deliveries);
    let untidy = floor.close().await;
    floor.show(&run);
    let statistics = floor.statistics(&run);
    let mut outcome = run.outcome();
    // The last commit is told after the run is over. A destination that could not publish it has
    // the data safe, but nobody sees it: that is no success.
    while let Ok(message) = inbox.try_recv() {
        if let Message::Failed(_, error) = message
            && !outcome.cancelled
        {
            outcome.error.get_or_insert(error);
        }
    }
    Report {
        outcome,
        elapsed: began.elapsed(),
        drops: std::mem::take(&mut floor.drops),
        statuses: std::mem::take(&mut floor.statuses),
        statistics,
        untidy,
    }
}

/// What the ledger keeps of a checkpoint, maybe for long: copied, so that it does not hold on to the
/// whole read that it came in (P7).
fn unpinned(checkpoint: &Checkpoint) -> Checkpoint {
    let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    Checkpoint {
        state: Json::from_scanned(copy(checkpoint.state.bytes())),
        wire: checkpoint.wire.as_ref().map(copy),
        ..checkpoint.clone()
    }
}

/// Waits until somebody wants the end, or wants it faster than `heard`.
async fn cancelled(cancel: &mut watch::Receiver<Option<Cancel>>, heard: Option<Cancel>) -> Cancel {
    let changed = cancel
        .wait_for(|how| how.is_some() && *how != heard)
        .await
        .map(|how| *how);
    match changed {
        Ok(Some(how)) => how,
        // The other end is gone, so nobody can want anything any more.
        _ => std::future::pending().await,
    }
}

/// Waits for the commit under way; for ever if there is none.
async fn commit_done(commit: &mut Option<JoinHandle<Result<Order>>>) -> Result<Order> {
    match commit {
        None => std::future::pending().await,
        Some(task) => task.await.unwrap_or_else(|broken| {
            Err(Error::new(&code::INTERNAL, "the commit task broke off").caused_by(broken))
        }),
    }
}

fn on_message(message: Message, run: &mut Run<Arc<Checkpoint>>, floor: &mut Floor) {
    match message {
        Message::Ack(at, ack) => {
            floor.heard_from(at, &ack);
            if let Ack::Rejected {
                seq,
                indices,
                reason,
                ..
            } = &ack
            {
                match floor.refused(at, *seq, indices, reason) {
                    None => {}
                    Some(Ok(letters)) => {
                        let records = letters.batch.records() as u64;
                        run.refused(&letters.batch.stream, *seq, records);
                        return floor.bury(letters);
                    }
                    Some(Err(error)) => return run.refused_for_good(*seq, error),
                }
            }
            if let Err(fault) = run.acknowledged(at, &ack) {
                warn!(
                    destination = at + 1,
                    ?fault,
                    "an acknowledgement was ignored"
                );
            }
        }
        Message::Finished(at) => {
            floor.finished(at);
            run.destination_finished(at);
        }
        Message::Failed(at, error) => run.destination_failed(at, error),
        Message::Buried(stream, seq, records) => run.dead_lettered(&stream, seq, records),
        Message::Unburied(error) => run.office_failed(error),
    }
}

fn on_delivery(delivery: Delivery, run: &mut Run<Arc<Checkpoint>>, floor: &mut Floor) {
    let Delivery { event, permit } = delivery;
    floor.source_life.beat();
    match event {
        Ok(Event::Batch(batch)) => {
            let seq = run.batch(&batch.stream, batch.records() as u64, batch.bytes() as u64);
            floor.write(seq, batch, permit);
        }
        Ok(Event::Passed { stream, records }) => {
            run.batch(&stream, records, 0);
        }
        Ok(Event::Checkpoint(checkpoint)) => {
            let checkpoint = Arc::new(checkpoint);
            let lane = checkpoint.lane.clone();
            let kept = Arc::new(unpinned(&checkpoint));
            if let Some(seq) = run.checkpoint(lane, checkpoint.source_count, kept) {
                floor.checkpoint(seq, &checkpoint, permit);
            }
        }
        Ok(Event::Schema(stream)) => run.enter(&stream.id()),
        Ok(Event::Status { stream, status }) => floor.status(stream, status),
        Ok(Event::StreamFailed { stream, error }) => run.stream_failed(stream, error),
        Ok(Event::Estimate(estimate)) => floor.estimate(estimate),
        Ok(Event::Dropped {
            stream,
            records,
            reason,
        }) => {
            if let Some(stream) = &stream {
                run.dropped(stream, records);
            }
            *floor.drops.entry((stream, reason)).or_default() += records;
        }
        Ok(Event::Refused(refused)) => {
            let batch = &refused.batch;
            let records = batch.records() as u64;
            let seq = run.batch(&batch.stream, records, batch.bytes() as u64);
            match floor.refused_on_the_way(seq, *refused) {
                Ok(letters) => {
                    run.refused_on_the_way(&letters.batch.stream, seq, records);
                    floor.bury(letters);
                }
                Err(error) => run.refused_for_good_on_the_way(seq, error),
            }
        }
        Ok(Event::End) => run.source_ended(),
        Err(error) => run.source_failed(error),
    }
}
