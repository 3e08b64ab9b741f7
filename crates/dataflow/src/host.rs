//! The host side: a DataFlow connector, whatever launches it, as a source or destination of the contract.
//!
//! | what | where |
//! |---|---|
//! | the process and what it says | [`peer`], [`talk`], [`failure`] |
//! | where a connector of a type is found (§1.7) | [`found`] |
//! | a source: when to read, pause, wait and end; states of one that has none | [`course`], [`marks`] (pure), [`reader`] |
//! | a sink: what goes out, what is confirmed, which message is bad | [`outbox`], [`halving`] (pure), [`sender`], [`writer`] |

mod connector;
mod course;
mod destination;
mod failure;
mod found;
mod halving;
mod marks;
mod outbox;
mod peer;
mod reader;
mod sender;
mod source;
mod talk;
mod writer;

pub use destination::DataFlowDestination;
pub use found::{Found, type_of};
pub use source::DataFlowSource;
