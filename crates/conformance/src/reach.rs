//! How far a battery goes.

use crate::Store;

/// How far a battery goes. The default needs nothing but the connector, and takes minutes.
#[derive(Default)]
pub struct Reach {
    /// Where the connector is interrupted and gone on from.
    pub places: Places,
    /// The system behind a destination; `None`: what it stored is not looked at.
    pub store: Option<Box<dyn Store>>,
}

/// At how many of all places this is done: each takes a start of the connector, or two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Places {
    /// At a few, from the first to the last.
    #[default]
    Some,
    /// At each.
    Every,
}

impl Places {
    /// The places among `count` of them, `few` at most where some are enough.
    pub(crate) fn among(self, count: usize, few: usize) -> Vec<usize> {
        match self {
            Self::Some if count > few => {
                let steps = few.saturating_sub(1).max(1);
                (0..few).map(|at| at * (count - 1) / steps).collect()
            }
            _ => (0..count).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_spread_over_all_and_every_one_is_every_one() {
        assert_eq!(Places::Some.among(100, 4), [0, 33, 66, 99]);
        assert_eq!(Places::Some.among(3, 4), [0, 1, 2]);
        assert_eq!(Places::Some.among(5, 1), [0]);
        assert_eq!(Places::Every.among(5, 2), [0, 1, 2, 3, 4]);
        assert!(Places::Some.among(0, 2).is_empty());
    }
}
