//! What the sources that read files have in common: which files there are, how they are opened,
//! how far a read is, and the order of events. A format adds how a record is found and told.
//!
//! The files of a stream are read in the order of their names, each once: the state keeps size,
//! time and position of every file, so that a run goes on in the middle of a file, a new run reads
//! new files only, and a file that has grown is read on from where it ended.

pub(crate) mod cursor;
pub(crate) mod dead_letter;
mod hive;
pub(crate) mod input;
pub(crate) mod kind;
pub(crate) mod list;
pub(crate) mod position;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod setting;
pub(crate) mod source;
pub(crate) mod state;
