//! The data channel over Unix domain sockets ("socket mode", §4): records go from source to destination past
//! stdin and stdout, over several sockets at once, and both print their states so that a bookkeeper can keep
//! them.
//!
//! | part | what it decides or does |
//! |---|---|
//! | `medium` | what the environment says of the channel, and what a host says in it (§4.2) |
//! | `partition` | which partition a record belongs to, and the numbers of states (§4.6). Pure |
//! | `outbound` | the source's end: listens, encodes, writes (§4.3) |
//! | `inbound` | the destination's end: connects, reads, decodes |
//! | `assembly` | which states are whole: they overtake their records (§4.7). Pure |
//! | `reader` | all of that as a source of events |
//! | `wish` | which channel a connector gets (§4.1). Pure |
//!
//! A runner in the middle has both ends, one towards each connector.

mod assembly;
mod inbound;
mod medium;
mod outbound;
mod partition;
mod reader;
mod split;
#[cfg(test)]
mod tests;
mod wish;

pub(crate) use inbound::{Inbound, Incoming};
pub use medium::{DataChannel, Format};
pub(crate) use outbound::{Outbound, listen};
pub(crate) use partition::Partitions;
pub(crate) use reader::{Arrivals, ChannelReader};
pub use wish::ChannelWish;
pub(crate) use wish::{OPTIONS, ours};
