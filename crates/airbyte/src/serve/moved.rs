//! How a command that moves data ended.

/// How a command that moves data ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// All of it.
    All,
    /// Some streams failed, each with its own trace.
    Some,
    /// The platform asked for the end before.
    Stopped,
}
