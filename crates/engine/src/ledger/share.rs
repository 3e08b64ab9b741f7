//! Limits that many share (P7).

/// So many in all, at most and at least so many for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) all: usize,
    pub(super) most: usize,
    pub(super) least: usize,
}

impl Share {
    /// How many are for each of so many.
    pub(super) fn among(self, many: usize) -> usize {
        (self.all / many.max(1)).clamp(self.least, self.most)
    }
}
