//! What a file format adds: how a batch is brought into shape (CPU work, on its own thread), and
//! how shapes are written into one file.

use std::fs::File;
use std::path::Path;

use crossdock_core::error::Result;

use crate::semantics::shape::Shape;
use crate::semantics::target::Target;

/// A file format with its settings.
pub(crate) trait Format: Send + Sync + 'static {
    /// A batch, ready to be written.
    type Shaped: Send + 'static;

    /// Extension of the files, without the leading dot.
    fn extension(&self) -> String;

    /// What brings batches of `target` into shape.
    fn shape(&self, target: &Target) -> Result<Box<dyn Shape<Self::Shaped>>>;

    /// These rows (batch, row) of these batches, in that order, as one batch.
    fn gather(&self, batches: &[Self::Shaped], rows: &[(usize, usize)]) -> Result<Self::Shaped>;

    /// Begins a file at `path`, which does not exist. `first` is what will be written first, and is
    /// not written yet.
    fn encode(&self, path: &Path, first: &Self::Shaped) -> Result<Box<dyn Encode<Self::Shaped>>>;
}

/// Writes one file.
pub(crate) trait Encode<S>: Send {
    /// Whether this file was begun in a way that suits the batch; if not, another file is.
    fn takes(&self, shaped: &S) -> bool;

    /// Appends a batch.
    fn write(&mut self, shaped: &S) -> Result<()>;

    /// About how large the file would be if it ended here.
    fn bytes(&self) -> u64;

    /// About how much memory is held back until the next flush.
    fn memory(&self) -> u64;

    /// Lets go of the memory.
    fn flush(&mut self) -> Result<()>;

    /// Ends the file and hands it back, all bytes given to the system, not yet synced.
    fn finish(self: Box<Self>) -> Result<File>;
}
