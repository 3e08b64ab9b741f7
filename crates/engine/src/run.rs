//! The life of one run as a pure state machine (design §7): it is told what happened and says what
//! to do. The actors of [`crate::pump`] and the simulation of the tests drive the same code.
//!
//! ```text
//! Flowing ──source ended──▶ Finishing ──destinations ended──▶ Settling ──last commit──▶ Over
//!    │  └─cancel: drain──▶ Stopping ──source ended──▲              ▲
//!    └─failure of a destination, cancel: now, stall ────────────────┘
//! ```
//!
//! The commit point is one place: [`Action::Commit`] is only ever made from
//! [`Ledger::ready`], one at a time, and the source hears of it only after
//! [`Run::committed`] (P1, P2, P3).

mod outcome;

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Ending};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

use crate::ledger::{AckFault, Ledger, Ready};

pub use outcome::Outcome;
use outcome::{mismatch, rejected, stream_failure};

/// What the run wants done. Actions are carried out in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<C> {
    /// Persist, atomically; answer with [`Run::committed`] or [`Run::commit_failed`]. Only one is
    /// ever under way.
    Commit {
        /// New states, and how far each lane is committed.
        ready: Ready<C>,
        /// The run went well and everything up to here is durable everywhere: also what no
        /// checkpoint covers.
        end: Option<Seq>,
    },
    /// Ask the source to come to an end.
    StopSource,
    /// Tell every destination that no item follows; answer with [`Run::destination_finished`] or
    /// [`Run::destination_failed`] for each.
    Finish(Ending),
    /// End source and destinations; then the run is over. The outcome stands.
    Close,
}

/// How to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// Read no more, but let the destinations finish and commit what they return.
    Drain,
    /// End everything; commit what is already acknowledged.
    Now,
}

/// How a run treats what is wrong but not fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strictness {
    /// A difference of counts fails the run at its end (P6); else it is a warning.
    pub count_mismatch_fails: bool,
    /// Rejected records that nothing keeps fail the run at its end.
    pub rejected_fails: bool,
}

impl Default for Strictness {
    fn default() -> Self {
        Self {
            count_mismatch_fails: true,
            rejected_fails: true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Flowing,
    Stopping,
    Finishing,
    Settling,
    Over,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Run<C> {
    ledger: Ledger<C>,
    strictness: Strictness,
    phase: Phase,
    committing: bool,
    /// The source returned everything and said so.
    source_complete: bool,
    source_over: bool,
    finished: Vec<bool>,
    stream_failures: Vec<(StreamId, Error)>,
    /// The first cause; what follows from it is not reported.
    error: Option<Error>,
    cancelled: Option<Cancel>,
    end_committed: bool,
    /// Letters on their way are not waited for any more.
    letters_given_up: bool,
    actions: Vec<Action<C>>,
}

impl<C> Run<C> {
    /// A run into `destinations` destinations.
    #[must_use]
    pub fn new(destinations: usize, strictness: Strictness) -> Self {
        Self {
            ledger: Ledger::new(destinations),
            strictness,
            phase: Phase::Flowing,
            committing: false,
            source_complete: false,
            source_over: false,
            finished: vec![false; destinations.max(1)],
            stream_failures: Vec::new(),
            error: None,
            cancelled: None,
            end_committed: false,
            letters_given_up: false,
            actions: Vec::new(),
        }
    }

    /// Takes the actions that have become due.
    #[must_use]
    pub fn actions(&mut self) -> Vec<Action<C>> {
        std::mem::take(&mut self.actions)
    }

    /// The books, for counts and display.
    #[must_use]
    pub fn ledger(&self) -> &Ledger<C> {
        &self.ledger
    }

    /// Whether items of the source are still passed on.
    #[must_use]
    pub fn is_flowing(&self) -> bool {
        matches!(self.phase, Phase::Flowing | Phase::Stopping)
    }

    /// Whether everything is done; then [`Run::outcome`] may be asked.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Enters a configured stream, so that it shows in the counts from the start.
    pub fn enter(&mut self, stream: &StreamId) {
        self.ledger.enter(stream);
    }

    /// The source emitted records; pass them to every destination with this number.
    pub fn batch(&mut self, stream: &StreamId, records: u64, bytes: u64) -> Seq {
        self.ledger.batch(stream, records, bytes)
    }

    /// The source emitted a checkpoint; pass it on with this number. `None`: the run has failed.
    pub fn checkpoint(&mut self, lane: Lane, source_count: Option<u64>, content: C) -> Option<Seq> {
        match self.ledger.checkpoint(lane, source_count, content) {
            Ok(seq) => Some(seq),
            Err(_) => {
                self.source_failed(Error::new(
                    &code::STATE_MIXED,
                    "the source sent states of single streams and global states in one sync",
                ));
                None
            }
        }
    }

    /// Records were left out with a reason.
    pub fn dropped(&mut self, stream: &StreamId, records: u64) {
        self.ledger.dropped(stream, records);
    }

    /// One stream failed; the others go on.
    pub fn stream_failed(&mut self, stream: StreamId, error: Error) {
        self.stream_failures.push((stream, error));
    }

    /// The source ended well.
    pub fn source_ended(&mut self) {
        if self.source_over {
            return;
        }
        self.source_over = true;
        self.source_complete = self.cancelled.is_none() && self.stream_failures.is_empty();
        self.finish();
    }

    /// The source failed. What came before stays, and destinations may return it.
    pub fn source_failed(&mut self, error: Error) {
        if self.source_over {
            return;
        }
        self.source_over = true;
        // A source that was asked to stop may end badly: that is not news.
        if self.cancelled.is_none() {
            self.fail(error);
        }
        self.finish();
    }

    fn finish(&mut self) {
        if self.is_flowing() {
            self.phase = Phase::Finishing;
            let ending = if self.source_complete {
                Ending::Complete
            } else {
                Ending::Incomplete
            };
            self.actions.push(Action::Finish(ending));
        }
    }

    fn fail(&mut self, error: Error) {
        // The first cause stands. What breaks while everything is being ended is not a cause.
        if self.cancelled != Some(Cancel::Now) {
            self.error.get_or_insert(error);
        }
    }

    /// A destination acknowledged.
    pub fn acknowledged(&mut self, destination: usize, ack: &Ack) -> Result<(), AckFault> {
        let result = self.ledger.acknowledge(destination, ack);
        self.advance();
        result
    }

    /// A destination ended well after [`Action::Finish`].
    pub fn destination_finished(&mut self, destination: usize) {
        self.finished[destination] = true;
        self.ledger.finished(destination);
        if self.phase == Phase::Finishing && self.finished.iter().all(|f| *f) {
            self.phase = Phase::Settling;
        }
        self.advance();
    }

    /// A destination failed: nothing more can be passed on.
    pub fn destination_failed(&mut self, _destination: usize, error: Error) {
        self.fail(error);
        self.settle_now();
    }

    /// One side made no progress within its limit (P9).
    pub fn stalled(&mut self, error: Error) {
        self.fail(error);
        self.settle_now();
    }

    /// A destination refused `records` of batch `seq`, and they are on their way to the dead-letter
    /// office.
    pub fn refused(&mut self, stream: &StreamId, seq: Seq, records: u64) {
        self.ledger.hold(seq, records);
        self.ledger.refused(stream, seq, records);
    }

    /// The records of batch `seq` were refused before any destination, and are on their way to the
    /// dead-letter office.
    pub fn refused_on_the_way(&mut self, stream: &StreamId, seq: Seq, records: u64) {
        self.refused(stream, seq, records);
        for destination in 0..self.finished.len() {
            // The item is known: it has just been entered.
            let _ = self.ledger.acknowledge(destination, &Ack::Item(seq));
        }
    }

    /// A destination refused records of batch `seq`, and nothing keeps them: what it acknowledged
    /// before them is still committed, they never are (P1).
    pub fn refused_for_good(&mut self, seq: Seq, error: Error) {
        self.ledger.withhold(seq);
        self.fail(error);
        self.settle();
    }

    /// The records of batch `seq` were refused before any destination, and nothing keeps them: the
    /// destinations finish what came before them, and that is committed; they never are (P1).
    pub fn refused_for_good_on_the_way(&mut self, seq: Seq, error: Error) {
        self.ledger.withhold(seq);
        self.fail(error);
        self.source_over = true;
        self.finish();
    }

    /// Refused records came to the dead-letter office.
    pub fn dead_lettered(&mut self, stream: &StreamId, seq: Seq, records: u64) {
        self.ledger.dead_lettered(stream, seq, records);
        self.advance();
    }

    /// The dead-letter office could not keep records.
    pub fn office_failed(&mut self, error: Error) {
        self.fail(error);
        self.settle_now();
    }

    /// Ends without waiting for anybody.
    fn settle_now(&mut self) {
        self.letters_given_up = true;
        self.settle();
    }

    fn settle(&mut self) {
        if self.phase != Phase::Over {
            self.phase = Phase::Settling;
            self.advance();
        }
    }

    /// Somebody wants the end. A second call may only hasten it.
    pub fn cancel(&mut self, how: Cancel) {
        // With the last commit under way there is nothing left to give up.
        if self.phase == Phase::Over || self.end_committed {
            return;
        }
        // Once the source is over, draining changes nothing: the run ends as it would have.
        if self.error.is_none() && !self.source_over {
            self.cancelled = Some(how);
        }
        match how {
            Cancel::Drain => {
                if self.phase == Phase::Flowing {
                    self.phase = Phase::Stopping;
                    self.actions.push(Action::StopSource);
                }
            }
            Cancel::Now => {
                self.cancelled = Some(how);
                self.settle_now();
            }
        }
    }

    /// The commit under way is on disk (P2).
    pub fn committed(&mut self) {
        self.committing = false;
        self.advance();
    }

    /// The commit under way failed: without a store the run cannot go on.
    pub fn commit_failed(&mut self, error: Error) {
        self.committing = false;
        // Also under `Cancel::Now`: what the user was told is committed would not be.
        self.error.get_or_insert(error);
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            self.actions.push(Action::Close);
        }
    }

    fn went_well(&self) -> bool {
        self.source_complete
            && self.cancelled.is_none()
            && self.error.is_none()
            && self.finished.iter().all(|f| *f)
    }

    /// Commits what is ready, one commit at a time; ends the run when nothing is left.
    fn advance(&mut self) {
        if self.committing || self.phase == Phase::Over {
            return;
        }
        let ready = self.ledger.ready();
        let settling = self.phase == Phase::Settling;
        let awaits_letters = self.ledger.is_holding() && !self.letters_given_up;
        let ends_well = settling && !awaits_letters && self.went_well();
        if ends_well {
            self.judge_end();
        }
        let end = (ends_well && self.error.is_none() && !self.end_committed).then(|| {
            self.end_committed = true;
            self.ledger.commit_all();
            self.ledger.last()
        });
        if ready.is_some() || end.is_some() {
            self.committing = true;
            let ready = ready.unwrap_or(Ready {
                checkpoints: Vec::new(),
            });
            self.actions.push(Action::Commit { ready, end });
        } else if settling && !awaits_letters {
            self.phase = Phase::Over;
            self.actions.push(Action::Close);
        }
    }

    /// Everything ended well by itself: does it add up?
    fn judge_end(&mut self) {
        if self.end_committed {
            return;
        }
        if let Some((lane, _)) = self.ledger.unreturned().first() {
            self.error = Some(
                Error::new(
                    &code::STATE_NOT_RETURNED,
                    "the destination ended without returning the last checkpoint",
                )
                .with("stream", lane),
            );
        }
    }

    /// How the run ended. Call it when the run is over.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        let streams = self.ledger.counts();
        let mut error = self.error;
        let mut warnings = Vec::new();
        if error.is_none() && self.cancelled.is_none() {
            for (problem, fails) in [
                (rejected(&streams), self.strictness.rejected_fails),
                (
                    mismatch(&self.ledger, &streams),
                    self.strictness.count_mismatch_fails,
                ),
            ] {
                match problem {
                    Some(problem) if fails && error.is_none() => error = Some(problem),
                    Some(problem) => warnings.push(problem),
                    None => {}
                }
            }
        }
        let failures = self.stream_failures;
        if error.is_none() && self.cancelled.is_none() && !failures.is_empty() {
            error = Some(stream_failure(&failures));
        }
        let cancelled = self.cancelled.is_some();
        Outcome {
            error,
            cancelled,
            warnings,
            stream_failures: failures,
            streams,
        }
    }
}
