//! The wire: types and codecs, without I/O and without a runtime.
//!
//! | what | where |
//! |---|---|
//! | the first line and the environment of a connector (§1.1–§1.4) | [`handshake`] |
//! | versions 1 and 2 of the protocol | [`version`] |
//! | log lines (§1.6) | [`log_line`] |
//! | records (§2.2–§2.4, §4) | [`record`] |
//! | positions as states | [`position`] |
//! | data in Avro (§4.4, §4.5) | `crossdock_avro` |
//! | everything that is not on the way of the data | [`proto`] |

pub mod description;
mod field;
pub mod handshake;
pub mod log_line;
pub mod position;
pub mod proto;
pub mod record;
pub mod side;
pub mod structured;
pub mod version;

/// The wire form of records: each line is a record as a field of the message that carries it, tag and
/// length included, so that lines in a row are the content of a message. The same in both versions.
pub const FORM: crossdock_core::batch::WireForm = "conduit/opencdc";
