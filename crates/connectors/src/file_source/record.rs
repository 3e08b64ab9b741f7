//! What a file format adds to a source.

use crossdock_core::batch::Body;
use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::error::Result;
use serde_json::Value;

use super::list::Found;

/// The outcome of looking for the next record.
pub(crate) enum Step {
    /// Its JSON text was appended.
    Record,
    /// Several at once, and nothing was appended.
    Batch(Body),
    /// There is something that is not a record, and nothing was appended.
    Bad {
        /// The line on which it begins, from 1.
        line: u64,
        /// Why it is none.
        reason: String,
        /// It.
        text: Vec<u8>,
    },
    /// The file has ended.
    End,
}

/// Finds the records of one file.
pub(crate) trait Records: Send {
    /// Appends the JSON text of the next record to `out`. An error means that the file cannot be
    /// read on.
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Step>;

    /// Offset and line (from 1) at which the next record begins.
    fn place(&self) -> (u64, u64);
}

/// A file format with its settings.
pub(crate) trait SourceFormat: Send + Sync + 'static {
    /// The JSON Schema of the records in `files`, told by a sample.
    fn infer(&self, files: &[Found]) -> Result<Value>;

    /// Begins to read `found` at a place that [`Records::place`] told, or at `(0, 1)`.
    fn records(
        &self,
        stream: &ConfiguredStream,
        found: &Found,
        place: (u64, u64),
    ) -> Result<Box<dyn Records>>;

    /// Whether a file that has grown still has what was read of it, up to `offset`; if not it is
    /// read anew.
    fn continues(&self, found: &Found, offset: u64) -> Result<bool>;

    /// The extensions of such files.
    fn extensions(&self) -> &'static [&'static str];
}
