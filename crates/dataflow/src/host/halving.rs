//! Which messages of a refused batch are the bad ones: its halves are written again, and halves of those
//! that are refused again, until single messages are left (§1.6). Pure.

use std::ops::Range;

/// What to do after a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Parts of it are to be written.
    Split,
    /// It was one message, which is the bad one.
    Single(usize),
}

/// The parts of a batch that are still to be written, in order.
#[derive(Debug)]
pub(super) struct Halving {
    /// The next part is the last.
    parts: Vec<Range<usize>>,
}

impl Halving {
    /// A batch of `len` messages.
    pub(super) fn new(len: usize) -> Self {
        let whole = 0..len;
        Self {
            parts: if len > 0 { vec![whole] } else { Vec::new() },
        }
    }

    /// The part to write next.
    pub(super) fn next(&self) -> Option<Range<usize>> {
        self.parts.last().cloned()
    }

    /// The part was written.
    pub(super) fn written(&mut self) {
        self.parts.pop();
    }

    /// The part was refused as a whole.
    pub(super) fn refused(&mut self) -> Refused {
        let part = self.parts.pop().unwrap_or_default();
        if part.len() < 2 {
            return Refused::Single(part.start);
        }
        let middle = part.start + part.len() / 2;
        self.parts.push(middle..part.end);
        self.parts.push(part.start..middle);
        Refused::Split
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(len: usize, bad: &[usize]) {
        let mut halving = Halving::new(len);
        let (mut written, mut refused, mut writes) = (Vec::new(), Vec::new(), 0);
        while let Some(part) = halving.next() {
            writes += 1;
            if part.clone().any(|at| bad.contains(&at)) {
                if let Refused::Single(at) = halving.refused() {
                    refused.push(at);
                }
            } else {
                written.extend(part);
                halving.written();
            }
        }
        let good: Vec<usize> = (0..len).filter(|at| !bad.contains(at)).collect();
        assert_eq!((written, refused.as_slice()), (good, bad));
        let depth = len.max(1).ilog2() as usize + 1;
        assert!(writes <= 1 + 2 * depth * bad.len(), "{writes}");
    }

    #[test]
    fn bad_messages_are_found_and_the_others_written_once_in_order() {
        check(0, &[]);
        check(1, &[]);
        check(1, &[0]);
        check(7, &[3]);
        check(1000, &[0, 499, 500, 999]);
        check(5, &[0, 1, 2, 3, 4]);
    }
}
