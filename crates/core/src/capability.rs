//! What a connector can do, as data: read by the engine, the docs and the tests alike (design §4).
//! Nothing is found out by trying.

use crate::batch::{BodyShape, WireForm};
use crate::catalog::DestinationSyncMode;

/// What a source can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCapabilities {
    /// Reads only what is new, from a state.
    pub incremental: bool,
    /// Ends by itself (a sync); otherwise it streams until told to stop.
    pub bounded: bool,
    /// Ends when there is nothing more for now if [`crate::source::SourceOpening::bounded`] says so, whatever
    /// `bounded` says here.
    pub bounded_on_wish: bool,
    /// [`crate::source::SourceControl::stop`] makes it finish what it has and end well.
    pub drains: bool,
    /// It does not know its streams before it runs: `discover` cannot list them, and
    /// [`crate::event::Event::Schema`] tells of them. The catalog it is opened with has those that are
    /// known from before.
    pub learns_streams: bool,
    /// Its checkpoints are of the whole source, not of single streams.
    pub whole_states: bool,
    /// It may tell of rows that are no more ([`crate::batch::Operation::Delete`]): a protocol that has no operations
    /// announces the property by which it tells them.
    pub deletes: bool,
}

/// What a destination can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationCapabilities {
    /// The modes it keeps. Empty: not declared, so everything is passed on and it decides.
    pub sync_modes: Vec<DestinationSyncMode>,
    /// Truncates by generation: old rows go only when the new ones are complete (Airbyte §3.9).
    pub generations: bool,
    /// Data that it acknowledged stays invisible until the engine says that the checkpoint is
    /// committed, and is dropped or published at the next `open` otherwise: exactly-once (P4).
    pub staged: bool,
    /// Stores the checkpoint with the data and hands it back at `open`: exactly-once (P4).
    pub transactional_checkpoint: bool,
    /// It can refuse single records, and tells which ([`crate::destination::Ack::Rejected`]).
    pub refuses_records: bool,
    /// Removes rows on delete operations.
    pub deletes: bool,
    /// It does not look at the records' values: rows may come without them.
    pub only_counts: bool,
    /// Streams whose names differ only in upper and lower case have the same place.
    pub ignores_case: bool,
    /// The shape of batches that it takes without a conversion; it takes both.
    pub shape: BodyShape,
    /// Wire forms whose lines it writes verbatim.
    pub wire_forms: Vec<WireForm>,
}
