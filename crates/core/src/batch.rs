//! Batches: records of one stream, moved together (design §5).
//!
//! A batch has one of two shapes. **Rows** are spans into one shared buffer and remember the wire
//! form they came in, so that a destination which speaks the same wire writes the original bytes.
//! **Columns** are an Arrow record batch, for native connectors. Who must look inside, pays:
//! [`crate::convert`] goes from one shape to the other, once for all connectors.

mod columns;
mod rows;

pub use columns::Columns;
pub use rows::{RowSpans, Rows, RowsBuilder, Span, WireForm};

use crate::error::Result;
use crate::stream::StreamId;

/// What a record does to its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A new row (the only operation that Airbyte's RECORD knows).
    #[default]
    Create,
    /// A changed row.
    Update,
    /// A removed row.
    Delete,
    /// A row read in an initial snapshot.
    Snapshot,
}

/// The operations of a batch's records: mostly one for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operations {
    /// All records do the same.
    Uniform(Operation),
    /// One entry for each record.
    Each(Vec<Operation>),
}

impl Operations {
    /// The operation of record `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Operation {
        match self {
            Self::Uniform(operation) => *operation,
            Self::Each(each) => each.get(index).copied().unwrap_or_default(),
        }
    }

    /// The operations of the records with these indices.
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        match self {
            Self::Uniform(operation) => Self::Uniform(*operation),
            Self::Each(_) => Self::Each(indices.iter().map(|i| self.get(*i as usize)).collect()),
        }
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self::Uniform(Operation::Create)
    }
}

/// Which of the two shapes a batch has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BodyShape {
    /// [`Rows`].
    #[default]
    Rows,
    /// [`Columns`].
    Columns,
}

/// Records of one stream.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The stream that all records belong to, by the source's name.
    pub stream: StreamId,
    /// The records.
    pub body: Body,
}

/// The two shapes.
#[derive(Clone, Debug)]
pub enum Body {
    /// Spans into a shared buffer.
    Rows(Rows),
    /// An Arrow record batch.
    Columns(Columns),
}

impl Body {
    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Columns(columns) => columns.len(),
        }
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that count against the memory budget and in the statistics: the wire lines of rows
    /// where they are kept, else the values' text; the buffers' size of columns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.bytes(),
            Self::Columns(columns) => columns.bytes(),
        }
    }

    /// The records with these indices, in that order. Rows share their buffer; columns are copied.
    pub fn select(&self, indices: &[u32]) -> Result<Self> {
        Ok(match self {
            Self::Rows(rows) => Self::Rows(rows.select(indices)),
            Self::Columns(columns) => Self::Columns(columns.select(indices)?),
        })
    }
}

impl Batch {
    /// Number of records.
    #[must_use]
    pub fn records(&self) -> usize {
        self.body.len()
    }

    /// See [`Body::bytes`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.body.bytes()
    }
}
