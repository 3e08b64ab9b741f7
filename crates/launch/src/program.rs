//! A resolved command.

use std::ffi::OsString;
use std::path::PathBuf;

/// A resolved command: what to run before the connector's own arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable, absolute.
    pub path: PathBuf,
    /// Arguments that come before the connector's own.
    pub args: Vec<OsString>,
    /// Environment variables on top of the inherited ones.
    pub env: Vec<(OsString, OsString)>,
}
