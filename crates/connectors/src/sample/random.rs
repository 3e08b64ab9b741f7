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
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// The numbers of the next column.
    #[inline]
    pub(crate) fn column(&mut self) -> Draw<'_> {
        Draw {
            rest: self.next(),
            random: self,
        }
    }
}

/// The numbers of one value. Small ones are drawn from the same 64 bits: what a draw leaves of them is as good as
/// new for the next one, as long as the limits multiplied stay far below 2^64.
pub(crate) struct Draw<'a> {
    rest: u64,
    random: &'a mut Random,
}

impl Draw<'_> {
    /// 64 bits of its own.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.random.next()
    }

    /// A number below `limit`.
    #[inline]
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.rest) * u128::from(limit);
        self.rest = product as u64;
        (product >> 64) as u64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_do_not_follow_from_one_another() {
        let mut seen = [[0u32; 4]; 5];
        for index in 0..100_000 {
            let mut random = Random::of(3, index);
            random.column();
            let mut draw = random.column();
            let limited = draw.below(1_000_000);
            assert!(limited < 1_000_000);
            seen[draw.place(5)][draw.place(4)] += 1;
        }
        for count in seen.as_flattened() {
            assert!((4_700..5_300).contains(count), "{seen:?}");
        }
    }
}
