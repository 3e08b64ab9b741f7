//! The contract of a destination. This text is the contract (design §4).
//!
//! # Order of calls
//!
//! `spec` and `check` are independent of everything. `open` starts a write. From then on one task
//! makes all calls on the [`DestinationWriter`], one at a time: items (`write`, `checkpoint`,
//! `status`) in the order of their sequence numbers, `committed` in between, then at most one
//! `finish`, after which only `committed` may follow, and at last, in every case, one `close`.
//!
//! # Accepted is not durable
//!
//! A call that returns `Ok` has *accepted* the item; that is also the back-pressure: a writer that
//! cannot take more does not return. What is *durable* is said through [`Acknowledge`], from any
//! task, at any later time. Durable means: it survives the death of this process and of the
//! machine. P1 rests on that word.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::catalog::ConfiguredCatalog;
use crate::checkpoint::{Checkpoint, Lane, LaneState, Seq};
use crate::error::{Error, Result};
use crate::event::StreamStatus;
use crate::session::Session;
use crate::spec::{Checked, Spec};
use crate::stream::StreamId;

/// A destination says what became durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// Every item up to and including `seq` on `lane` is durable: those of one stream, or all.
    UpTo {
        /// Of which stream, or of all.
        lane: Lane,
        /// The last durable item.
        seq: Seq,
    },
    /// This one item is durable; nothing is said of others. For destinations that acknowledge out
    /// of order.
    Item(Seq),
    /// Records of the batch `seq` were refused. Must come before the acknowledgement that covers
    /// the batch.
    Rejected {
        /// The stream of the batch.
        stream: StreamId,
        /// The batch.
        seq: Seq,
        /// Which records, by index in the batch; empty if only the number is known.
        indices: Vec<u32>,
        /// How many.
        records: u64,
        /// Why, for people.
        reason: String,
    },
    /// Records of the batch `seq` were left out on purpose, on the way to this destination. Must come
    /// once, before the acknowledgement that covers the batch.
    Filtered {
        /// The stream of the batch.
        stream: StreamId,
        /// The batch.
        seq: Seq,
        /// Which records, by index in the batch, in ascending order.
        indices: Vec<u32>,
    },
    /// How many records of `stream` the destination says it rejected without telling which
    /// (Airbyte's `rejectedRecordCount`): an increment.
    RejectedCount {
        /// The stream.
        stream: StreamId,
        /// How many more.
        records: u64,
    },
    /// What only the destination can count of what passed the engine by ([`crate::event::Event::Passed`]): increments.
    /// Comes before the acknowledgement that covers it.
    Counted {
        /// The stream.
        stream: StreamId,
        /// Records that the source did not tell by their stream.
        records: u64,
        /// Bytes of all of the stream's records.
        bytes: u64,
    },
}

/// Takes acknowledgements. Called from any task; never blocks.
pub trait Acknowledge: Send + Sync {
    /// Takes one acknowledgement. Unknown or repeated ones are legal and change nothing.
    fn acknowledge(&self, ack: Ack);
}

/// A mark up to which an earlier run's items are committed: all items of `lane` with a sequence
/// number up to `seq` that the run with this `epoch` handed to the destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The run.
    pub epoch: i64,
    /// Of one stream, or of all.
    pub lane: Lane,
    /// The last committed item.
    pub seq: Seq,
}

impl Mark {
    /// How far the run `epoch` is committed as `stream` sees it.
    #[must_use]
    pub fn newest(marks: &[Self], stream: &StreamId, epoch: i64) -> Option<Seq> {
        let of_run = marks.iter().filter(|mark| mark.epoch == epoch);
        let covering = of_run.filter(|mark| mark.lane.covers(stream));
        covering.map(|mark| mark.seq).max()
    }
}

/// A checkpoint that a destination keeps in the transaction of the data that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The checkpoint.
    pub state: LaneState,
    /// The run that stored it.
    pub epoch: i64,
    /// The generations that the streams it covers had in that run: it says nothing of a stream
    /// that is being read anew since.
    pub generations: Vec<(StreamId, i64)>,
}

/// What a write starts with.
#[derive(Clone)]
pub struct DestinationOpening {
    /// The streams to come, and how to write them. `target` names them at the destination.
    pub catalog: ConfiguredCatalog,
    /// The pipeline's name, for what the destination keeps beside the data.
    pub pipeline: String,
    /// The connector's name within the pipeline; empty where it has none.
    pub connector: String,
    /// This run's number, greater than that of every earlier run of the pipeline.
    pub epoch: i64,
    /// What earlier runs committed. A staged destination publishes what these cover and drops what
    /// earlier runs left that they do not.
    pub marks: Vec<Mark>,
    /// The run resumes from `marks` alone, though this destination may have stored later checkpoints
    /// (it is not the only one, and was not asked): it must take back what goes beyond them.
    pub marks_decide: bool,
    /// Nobody else keeps marks: the run is one of a platform that keeps states alone. What
    /// [`DestinationWriter::committed`] was told is then as good as given in `marks`, whatever dies
    /// after it has returned: the destination must find it again by itself.
    pub keeps_marks: bool,
    /// Refused records are kept as dead letters: a destination that learns of a refusal only by the batch
    /// should find out which records are meant. Otherwise the first refusal ends the run.
    pub keeps_refused: bool,
    /// The checkpoints to come are of the whole source, not of single streams, as far as is known.
    pub whole_states: bool,
    /// Where to say what is durable.
    pub acks: Arc<dyn Acknowledge>,
    /// Whom to tell, and limits.
    pub session: Session,
}

impl fmt::Debug for DestinationOpening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationOpening")
            .field("pipeline", &self.pipeline)
            .field("epoch", &self.epoch)
            .field("marks", &self.marks)
            .finish_non_exhaustive()
    }
}

/// A destination, as an author writes it: typed by its configuration. The engine sees it erased,
/// as [`crate::erased::ErasedDestination`], by a blanket implementation.
#[async_trait]
pub trait Destination: Send + Sync + 'static {
    /// The configuration. Unknown keys should be refused (`deny_unknown_fields`).
    type Config: DeserializeOwned + Send + 'static;

    /// Describes the connector.
    async fn spec(&self, session: &Session) -> Result<Spec>;

    /// Tells whether the configuration works; see [`crate::source::Source::check`].
    async fn check(&self, config: Self::Config, session: &Session) -> Result<Checked>;

    /// The checkpoints of `pipeline` that this destination stored with the data, if its
    /// capabilities say `transactional_checkpoint`. Asked before each `open` of a run, and before
    /// the run decides what it resumes from: what is stored with the data is how far the data is.
    async fn stored(
        &self,
        _config: Self::Config,
        _pipeline: &str,
        _session: &Session,
    ) -> Result<Vec<Stored>> {
        Ok(Vec::new())
    }

    /// The pipeline forgets this connector; see [`crate::source::Source::deleted`].
    async fn deleted(
        &self,
        _config: Self::Config,
        _pipeline: &str,
        _connector: &str,
        _session: &Session,
    ) -> Result<()> {
        Ok(())
    }

    /// Starts to write.
    async fn open(
        &self,
        config: Self::Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>>;
}

/// How the input of a destination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything came: streams may be finalised, e.g. old generations dropped.
    Complete,
    /// The source failed or was stopped: keep what came, finalise nothing.
    Incomplete,
}

/// A running write.
#[async_trait]
pub trait DestinationWriter: Send {
    /// Accepts a batch. Order within a stream must be kept (P5).
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()>;

    /// Accepts a checkpoint: the destination should make what it covers durable soon, and must
    /// acknowledge `seq` on the checkpoint's lane once it is, checkpoint included.
    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()>;

    /// A stream's status changed at the source. For information; `finish` decides.
    async fn status(&mut self, _stream: &StreamId, _status: StreamStatus) -> Result<()> {
        Ok(())
    }

    /// The store has committed up to `mark` of this run (P2). A staged destination publishes.
    async fn committed(&mut self, _mark: &Mark) -> Result<()> {
        Ok(())
    }

    /// Waits until the destination has failed by itself, between two calls; then no other call but
    /// `close` follows. May be dropped and called again. One that cannot tell waits for ever.
    async fn broken(&mut self) -> Error {
        std::future::pending().await
    }

    /// Asks that everything accepted become durable now rather than in larger pieces later: somebody
    /// waits for it. It is acknowledged as always. One that gathers nothing has nothing to do.
    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// No item follows. Returns when everything accepted is durable and acknowledged: after `Ok`,
    /// the engine takes every *batch* as durable; checkpoints count only if acknowledged.
    async fn finish(&mut self, ending: Ending) -> Result<()>;

    /// Ends everything the writer started, within the grace period (P8). Called once, as the last
    /// call, also after errors and in the middle of a dropped call.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}
