//! Rows as text, one after another.

/// The text of whole rows, and where each ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowTexts {
    pub(crate) text: Vec<u8>,
    ends: Vec<usize>,
}

impl RowTexts {
    /// No rows, with room for so many bytes and rows.
    pub(crate) fn with_capacity(bytes: usize, rows: usize) -> Self {
        Self {
            text: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(rows),
        }
    }

    /// Ends the row whose text was appended.
    pub(crate) fn end_row(&mut self) {
        self.ends.push(self.text.len());
    }

    fn row(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[row]]
    }

    /// These rows of these batches, in that order.
    pub(crate) fn gather<'a>(batches: impl Fn(usize) -> &'a Self, rows: &[(usize, usize)]) -> Self {
        let mut gathered = Self::with_capacity(0, rows.len());
        for (batch, row) in rows {
            gathered.text.extend_from_slice(batches(*batch).row(*row));
            gathered.end_row();
        }
        gathered
    }
}
