//! The column shape: an Arrow record batch and what Arrow does not say of the records.

use arrow_array::{Array, RecordBatch, StringArray};

use super::Operations;

/// Records as columns. The batch's columns are the stream's fields in the order of its schema.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The values.
    pub values: RecordBatch,
    /// What each record does.
    pub operations: Operations,
    /// Milliseconds since the epoch at which each record was emitted; as long as `values`.
    pub emitted_at: Vec<i64>,
    /// Each record's metadata as JSON text (Airbyte's `meta`, with `changes`), where any has some.
    pub metadata: Option<StringArray>,
}

impl Columns {
    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.num_rows()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory of the buffers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.get_array_memory_size()
            + self.emitted_at.len() * 8
            + self
                .metadata
                .as_ref()
                .map_or(0, |m| m.get_array_memory_size())
    }
}
