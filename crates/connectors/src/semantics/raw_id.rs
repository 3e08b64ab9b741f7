//! Row ids (`_airbyte_raw_id`, Airbyte §1.9): version 7 UUIDs, made by the batch.
//!
//! Asking the system for randomness and the time for each record costs more than writing the
//! record. So each batch draws one UUID and its records count on from it in the random bits: still
//! valid, still unique (two batches meet only if 74 random bits within one millisecond do), and in
//! order.

use uuid::Uuid;

/// Length of an id as text.
pub(crate) const LENGTH: usize = 36;

/// Where the last group of twelve digits begins: only it changes within a batch.
const COUNTER: usize = 24;

/// The highest bit of the counter is left clear at the start, so that it never overflows.
const COUNTER_START: u64 = (1 << 47) - 1;

/// The ids of one batch, one after another.
#[derive(Debug)]
pub(crate) struct RawIds {
    text: [u8; LENGTH],
    next: u64,
}

impl RawIds {
    /// Ids that no other batch has.
    pub(crate) fn draw() -> Self {
        Self::from(Uuid::now_v7())
    }

    fn from(base: Uuid) -> Self {
        let mut text = [0; LENGTH];
        base.hyphenated().encode_lower(&mut text);
        let low = base.as_u64_pair().1;
        Self {
            text,
            next: low & COUNTER_START,
        }
    }

    /// The next id.
    pub(crate) fn next(&mut self) -> &[u8; LENGTH] {
        let mut rest = self.next;
        self.next += 1;
        for digit in self.text[COUNTER..].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_valid_ordered_and_unique_across_batches() {
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let mut ids = RawIds::draw();
            let mut last = None;
            for _ in 0..1000 {
                let text = std::str::from_utf8(ids.next()).unwrap().to_owned();
                let id = Uuid::parse_str(&text).unwrap();
                assert_eq!(id.get_version_num(), 7);
                assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
                assert_eq!(id.hyphenated().to_string(), text);
                assert!(last < Some(id));
                last = Some(id);
                assert!(seen.insert(id));
            }
        }
    }

    #[test]
    fn the_counter_has_room_even_from_the_top() {
        let mut ids = RawIds::from(Uuid::from_u128(u128::MAX));
        let first = *ids.next();
        assert!(first < *ids.next());
    }
}
