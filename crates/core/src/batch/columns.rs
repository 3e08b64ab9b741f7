//! The column shape: an Arrow record batch and what Arrow does not say of the records.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray, UInt32Array};
use arrow_select::take::{take, take_record_batch};

use super::Operations;
use crate::code;
use crate::error::{Error, Result};

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

    /// The records with these indices, in that order.
    ///
    /// Panics if an index is beyond the records: that is a defect of the caller.
    pub fn select(&self, indices: &[u32]) -> Result<Self> {
        let fault = |cause| {
            Error::new(&code::INTERNAL, "could not take records out of a batch").caused_by(cause)
        };
        let places = UInt32Array::from(indices.to_vec());
        let metadata = self.metadata.as_ref().map(|texts| {
            let taken = take(texts, &places, None).map_err(fault)?;
            Ok(taken.as_string::<i32>().clone())
        });
        Ok(Self {
            values: take_record_batch(&self.values, &places).map_err(fault)?,
            operations: self.operations.select(indices),
            emitted_at: indices
                .iter()
                .map(|i| self.emitted_at[*i as usize])
                .collect(),
            metadata: metadata.transpose()?,
        })
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
