//! Records that processors before single destinations left out. One is filtered if no destination got it.

use std::collections::BTreeMap;

/// What is known of batches that some destinations have not told of.
#[derive(Debug, Default)]
pub(super) struct Filtered(BTreeMap<u64, Told>);

#[derive(Debug)]
struct Told {
    stream: usize,
    /// How many destinations have told.
    by: usize,
    /// The records that all of them left out.
    indices: Vec<u32>,
}

impl Filtered {
    /// A destination of `destinations` left these records of a batch out: how many none of them gets.
    /// Each tells once of a batch, in ascending order.
    pub(super) fn tell(
        &mut self,
        destinations: usize,
        stream: usize,
        seq: u64,
        indices: &[u32],
    ) -> u64 {
        let told = self.0.entry(seq).or_insert_with(|| Told {
            stream,
            by: 0,
            indices: indices.to_vec(),
        });
        told.by += 1;
        told.indices.retain(|at| indices.binary_search(at).is_ok());
        let known = told.indices.len() as u64;
        let is_last = told.by >= destinations;
        // Once nothing is left no other destination can change that.
        if is_last || known == 0 {
            self.0.remove(&seq);
        }
        if is_last { known } else { 0 }
    }

    /// Batches of a stream up to here are durable everywhere.
    pub(super) fn settled(&mut self, stream: usize, last: u64) {
        if !self.0.is_empty() {
            self.0
                .retain(|seq, told| told.stream != stream || *seq > last);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_destination_gets_is_filtered() {
        let mut filtered = Filtered::default();
        assert_eq!(filtered.tell(1, 0, 1, &[0, 2]), 2);
        assert_eq!(filtered.tell(2, 0, 2, &[0, 1, 2]), 0);
        assert_eq!(filtered.tell(2, 0, 2, &[1, 2, 3]), 2);
        // Each gets what the other does not.
        assert_eq!(filtered.tell(2, 0, 3, &[0]), 0);
        assert_eq!(filtered.tell(2, 0, 3, &[1]), 0);
        assert_eq!(filtered.len(), 0);
        // Only one of two leaves anything out.
        assert_eq!(filtered.tell(2, 0, 4, &[0]), 0);
        filtered.settled(1, 9);
        assert_eq!(filtered.len(), 1);
        filtered.settled(0, 4);
        assert_eq!(filtered.len(), 0);
    }
}
