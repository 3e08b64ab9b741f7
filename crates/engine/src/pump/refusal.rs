//! What becomes of records that a destination refuses: they are taken out of the batch that they came
//! in, and carried to the dead-letter office by a task of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::clock::Clock;
use crossdock_core::code::{self, Code};
use crossdock_core::destination::Ack;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Refused;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::dead_letter::{DeadLetters, Letters, Refuser, Tolerance, Window};
use crate::destination_actor::{Busy, Message};

/// Bytes of batches that are kept for each destination until it has answered, in units of the queue
/// between source and destinations (P7).
const KEPT: usize = 16;
/// Letters that are kept by one call of the office.
const TOGETHER: usize = 64;

/// A batch that a destination has not answered in full.
struct Kept {
    seq: Seq,
    /// The number of its first record, of all that the destination got.
    first: u64,
    batch: Batch,
    /// The batch's, which takes a sum over its records.
    bytes: usize,
}

/// What one destination may still refuse.
struct Unanswered {
    kept: VecDeque<Kept>,
    bytes: usize,
    records: u64,
    window: Window,
}

impl Unanswered {
    fn drop_front(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.bytes -= kept.bytes;
        }
    }

    fn forget(&mut self, what: impl Fn(&Kept) -> bool) {
        self.kept.retain(|kept| !what(kept));
        self.bytes = self.kept.iter().map(|kept| kept.bytes).sum();
    }
}

/// The refusals of a run whose dead letters are kept.
pub(super) struct Refusals {
    destinations: Vec<Option<Unanswered>>,
    letters: mpsc::UnboundedSender<Letters>,
    /// Bytes of letters on their way.
    under_way: Arc<AtomicUsize>,
    busy: Arc<Busy>,
    limit: usize,
    tolerance: Tolerance,
    /// Refusals on the way to all destinations, and how many records came so far.
    on_the_way: Window,
    records: u64,
}

impl Refusals {
    /// `refusing`: which destinations can refuse single records.
    pub(super) fn start(
        dead_letters: DeadLetters,
        refusing: &[bool],
        inbox: mpsc::UnboundedSender<Message>,
        queue_bytes: usize,
        clock: Arc<dyn Clock>,
    ) -> (Self, JoinHandle<Result<()>>) {
        let (letters, receiver) = mpsc::unbounded_channel();
        let under_way = Arc::new(AtomicUsize::new(0));
        let tolerance = dead_letters.tolerance;
        let window = Window::new(tolerance);
        let destinations = refusing.iter().map(|refuses| {
            refuses.then(|| Unanswered {
                kept: VecDeque::new(),
                bytes: 0,
                records: 0,
                window: window.clone(),
            })
        });
        let destinations = destinations.collect();
        let busy = Arc::new(Busy::default());
        let carrier = Carrier {
            letters: receiver,
            inbox,
            under_way: under_way.clone(),
            busy: busy.clone(),
            clock,
        };
        let task = tokio::spawn(carrier.carry(dead_letters));
        let this = Self {
            destinations,
            letters,
            under_way,
            busy,
            limit: queue_bytes,
            tolerance,
            on_the_way: window,
            records: 0,
        };
        (this, task)
    }

    /// A batch goes to every destination.
    pub(super) fn sent(&mut self, seq: Seq, batch: &Batch) {
        let bytes = batch.bytes();
        self.records += batch.records() as u64;
        for unanswered in self.destinations.iter_mut().flatten() {
            unanswered.kept.push_back(Kept {
                seq,
                first: unanswered.records,
                batch: batch.clone(),
                bytes,
            });
            unanswered.records += batch.records() as u64;
            unanswered.bytes += bytes;
            while unanswered.bytes > self.limit * KEPT && unanswered.kept.len() > 1 {
                unanswered.drop_front();
            }
        }
    }

    /// A destination has answered: what it can no longer refuse is forgotten.
    pub(super) fn answered(&mut self, at: usize, ack: &Ack) {
        let Some(unanswered) = &mut self.destinations[at] else {
            return;
        };
        match ack {
            Ack::UpTo {
                lane: Lane::Global,
                seq,
            } => {
                while unanswered.kept.front().is_some_and(|kept| kept.seq <= *seq) {
                    unanswered.drop_front();
                }
            }
            Ack::UpTo {
                lane: Lane::Stream(stream),
                seq,
            } => unanswered.forget(|kept| kept.seq <= *seq && kept.batch.stream == *stream),
            Ack::Item(seq) => unanswered.forget(|kept| kept.seq == *seq),
            Ack::Rejected { .. }
            | Ack::Filtered { .. }
            | Ack::RejectedCount { .. }
            | Ack::Counted { .. } => {}
        }
    }

    /// The records that a destination refused, if that many are put up with.
    pub(super) fn judge(
        &mut self,
        at: usize,
        seq: Seq,
        indices: &[u32],
        reason: &str,
    ) -> Result<Letters> {
        let unanswered = self.destinations[at].as_mut();
        let kept = unanswered
            .as_ref()
            .and_then(|u| u.kept.iter().find(|kept| kept.seq == seq));
        let (Some(kept), Some(last)) = (kept, indices.iter().max()) else {
            let message = format!("the destination refused records: {reason}");
            return Err(Error::new(&code::RECORD_REFUSED, message).hint(
                "they are no longer held, so they cannot be kept as dead letters; a larger `settings.memory_budget` holds more",
            ));
        };
        if *last as usize >= kept.batch.records() {
            let message = "the destination refused a record that it was not sent";
            return Err(Error::new(&code::ACK_UNEXPECTED, message));
        }
        let letters = Letters {
            seq,
            by: Refuser::Destination(at),
            batch: Batch {
                stream: kept.batch.stream.clone(),
                body: kept.batch.body.select(indices)?,
            },
            reason: reason.to_owned(),
        };
        let first = kept.first;
        let tolerated = unanswered.is_some_and(|unanswered| {
            let mut each = indices.iter().map(|index| first + u64::from(*index));
            each.all(|record| unanswered.window.tolerates(record))
        });
        if tolerated {
            return Ok(letters);
        }
        Err(self.too_many(&code::RECORD_REFUSED, "the destination refused", reason))
    }

    /// Records that a processor refused, if that many are put up with.
    pub(super) fn judge_on_the_way(&mut self, seq: Seq, refused: Refused) -> Result<Letters> {
        for _ in 0..refused.batch.records() {
            let tolerated = self.on_the_way.tolerates(self.records);
            self.records += 1;
            if !tolerated {
                let reason = in_words(&refused);
                return Err(self.too_many(
                    &code::RECORD_UNPROCESSED,
                    "processors could not take",
                    &reason,
                ));
            }
        }
        Ok(Letters {
            seq,
            by: Refuser::Processor {
                list: refused.by,
                id: refused.processor,
                seen: Box::new(refused.seen),
            },
            batch: refused.batch,
            reason: refused.reason,
        })
    }

    /// Where none is put up with, a new attempt may help; else somebody has to look (§3.9).
    fn too_many(&self, single: &'static Code, who: &str, reason: &str) -> Error {
        let (code, what) = match self.tolerance.threshold {
            0 => (single, "a record"),
            _ => (
                &code::DEAD_LETTERS_EXCEEDED,
                "more records than are put up with",
            ),
        };
        Error::new(code, format!("{who} {what}: {reason}"))
    }

    /// Sends letters on their way; their arrival is told as [`Message::Buried`].
    pub(super) fn send(&self, letters: Letters) {
        self.under_way
            .fetch_add(letters.batch.bytes(), Ordering::Relaxed);
        // The task that is gone has said why.
        let _ = self.letters.send(letters);
    }

    /// Since when the office has been busy with one call.
    pub(super) fn office_since(&self) -> Option<i64> {
        self.busy.since()
    }

    /// Whether the source may go on: the office keeps up (P7).
    pub(super) fn has_room(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) < self.limit
    }
}

/// Carries letters to the office.
struct Carrier {
    letters: mpsc::UnboundedReceiver<Letters>,
    inbox: mpsc::UnboundedSender<Message>,
    under_way: Arc<AtomicUsize>,
    busy: Arc<Busy>,
    clock: Arc<dyn Clock>,
}

impl Carrier {
    async fn carry(mut self, mut dead_letters: DeadLetters) -> Result<()> {
        if let Err(error) = self.carry_all(&mut dead_letters).await {
            self.busy.end();
            let _ = self.inbox.send(Message::Unburied(error));
        }
        dead_letters.office.close().await
    }

    async fn carry_all(&mut self, dead_letters: &mut DeadLetters) -> Result<()> {
        let mut some = Vec::new();
        while self.letters.recv_many(&mut some, TOGETHER).await > 0 {
            self.busy.begin(self.clock.now_ms());
            dead_letters.office.keep(&some).await?;
            self.busy.end();
            for letters in some.drain(..) {
                self.under_way
                    .fetch_sub(letters.batch.bytes(), Ordering::Relaxed);
                let records = letters.batch.records() as u64;
                let kept = Message::Buried(letters.batch.stream, letters.seq, records);
                let _ = self.inbox.send(kept);
            }
        }
        Ok(())
    }
}

/// Why, and by whom.
pub(super) fn in_words(refused: &Refused) -> String {
    match refused.processor.as_str() {
        "" => refused.reason.clone(),
        id => format!("the processor `{id}`: {}", refused.reason),
    }
}
