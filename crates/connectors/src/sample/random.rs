//! Numbers that look random and follow from their place alone, so that any record can be made
//! without making those before it.

/// A good mix of the bits (the finaliser of SplitMix64).
fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The numbers of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of record `index` of the stream with this key.
    pub(crate) fn of(stream: u64, index: u64) -> Self {
        Self(mixed(
            stream ^ mixed(index.wrapping_add(0x9e37_79b9_7f4a_7c15)),
        ))
    }

    /// The next number.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `limit`. Inlined, so that dividing by a limit that is known costs next to nothing.
    #[inline]
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// One of `items`.
    #[inline]
    pub(crate) fn one<'a>(&mut self, items: &[&'a str]) -> &'a str {
        let at = self.place(items.len());
        items.get(at).copied().unwrap_or_default()
    }

    /// A place among so many.
    #[inline]
    pub(crate) fn place(&mut self, count: usize) -> usize {
        // Below what was a `usize`.
        self.below(count as u64) as usize
    }
}
