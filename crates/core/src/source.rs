//! The contract of a source. This text is the contract (design §4).
//!
//! # Order of calls
//!
//! `spec`, `check` and `discover` are independent of each other and of `open`; each may be called
//! at any time, also at once. `open` starts a read. From then on one task calls
//! [`SourceReader::next`] again and again, never two at once, until it returns [`Event::End`] or an
//! error; after either, `next` is not called again. Meanwhile other tasks may call the methods of
//! the reader's [`SourceControl`]. At last, in every case, [`SourceReader::close`] is called once.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::batch::{BodyShape, WireForm};
use crate::catalog::{Catalog, ConfiguredCatalog};
use crate::checkpoint::{Checkpoint, LaneState};
use crate::error::Result;
use crate::event::Event;
use crate::session::Session;
use crate::spec::{Checked, Spec};

/// What a read starts from.
#[derive(Clone, Debug)]
pub struct SourceOpening {
    /// The streams to read, and how.
    pub catalog: ConfiguredCatalog,
    /// The pipeline's name, for sources that must tell others who they are.
    pub pipeline: String,
    /// The connector's name within the pipeline; empty where it has none.
    pub connector: String,
    /// The last committed state of each lane; empty: from the beginning.
    pub state: Vec<LaneState>,
    /// The shape that the destinations take without a conversion. A wish: a source that can give
    /// either saves a step by it, and every destination takes both.
    pub shape: BodyShape,
    /// A wire form that a destination writes as it is: a source that speaks it keeps the lines of its
    /// rows.
    pub verbatim: Option<WireForm>,
    /// Somebody looks inside the records. If not, a source that keeps lines may leave the values out.
    pub values: bool,
    /// The run ends when there is nothing more for now: a source that polls ends when it is told of nothing
    /// new, instead of asking again later. Sources that do not poll need not look.
    pub bounded: bool,
    /// Whom to tell, and limits.
    pub session: Session,
}

/// A source, as an author writes it: typed by its configuration. The engine sees it erased, as
/// [`crate::erased::ErasedSource`], by a blanket implementation.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// The configuration. Unknown keys should be refused (`deny_unknown_fields`).
    type Config: DeserializeOwned + Send + 'static;

    /// Describes the connector. Needs no configuration and no network beyond the connector itself.
    async fn spec(&self, session: &Session) -> Result<Spec>;

    /// Tells whether the configuration works. "It does not" is an answer
    /// ([`Checked::Failed`]), not an error; an error means that the question could not be asked.
    async fn check(&self, config: Self::Config, session: &Session) -> Result<Checked>;

    /// Lists the streams.
    async fn discover(&self, config: Self::Config, session: &Session) -> Result<Catalog>;

    /// The pipeline forgets this connector (`connector` is its name there, empty where it has none): what
    /// it keeps elsewhere for it, such as a replication slot, goes. One that keeps nothing has nothing to
    /// do. Not called while a read is open.
    async fn deleted(
        &self,
        _config: Self::Config,
        _pipeline: &str,
        _connector: &str,
        _session: &Session,
    ) -> Result<()> {
        Ok(())
    }

    /// Starts to read `opening.catalog` from `opening.state`.
    async fn open(
        &self,
        config: Self::Config,
        opening: SourceOpening,
    ) -> Result<Box<dyn SourceReader>>;
}

/// A running read.
#[async_trait]
pub trait SourceReader: Send {
    /// The next event. It may wait as long as there is none. A batch holds records of one stream
    /// that is in the catalog; a checkpoint covers all records that this reader returned before
    /// it on the checkpoint's lane (P1 rests on that). The future may be dropped only if
    /// `close` follows; that of a source which learns its streams may be dropped at any time, and
    /// nothing is lost by it.
    async fn next(&mut self) -> Result<Event>;

    /// The handle for calls that must not wait for `next`. Called once, before the first `next`.
    fn control(&self) -> Arc<dyn SourceControl> {
        Arc::new(NoControl)
    }

    /// Ends everything the reader started, within the grace period of its limits (P8): processes
    /// are asked, then killed. Called once, as the last call, also after errors.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What the engine tells a running read.
#[async_trait]
pub trait SourceControl: Send + Sync + Debug {
    /// `checkpoint` is on disk in the store (P2: never called before). Checkpoints of a lane come
    /// in order; some may be left out, since a later one covers them.
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()>;

    /// Asks the source to come to an end: return what has been read, then [`Event::End`]. A source
    /// that cannot is not asked for more; its `next` is dropped.
    fn stop(&self);
}

/// The control of a source that needs none.
#[derive(Debug)]
pub struct NoControl;

#[async_trait]
impl SourceControl for NoControl {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(())
    }

    fn stop(&self) {}
}
