//! The positions of one batch, one after another in one piece of memory.

/// Positions of records that are about to be sent.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Positions {
    pub(crate) fn push(&mut self, position: &[u8]) {
        self.bytes.extend_from_slice(position);
        self.ends.push(self.bytes.len());
    }

    /// The last of them.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        let start = self.ends.len().checked_sub(2).map_or(0, |at| self.ends[at]);
        self.ends.last().map(|end| &self.bytes[start..*end])
    }

    /// The bytes of all, and where each ends.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.bytes, self.ends)
    }
}
