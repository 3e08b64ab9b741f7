//! What a destination was sent and has not answered (§3.4). Pure.
//!
//! A destination answers each record once, in the order in which they were sent, naming its position.

use std::collections::VecDeque;

use crossdock_core::checkpoint::Seq;
use crossdock_core::stream::StreamId;

use crate::convert::positions::Positions;
use crate::wire::position;

/// Records of one item, by the positions they were sent with.
#[derive(Debug)]
struct Sent {
    seq: Seq,
    /// The stream of a batch; checkpoints have none.
    stream: Option<StreamId>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// How many of them are answered.
    answered: usize,
}

impl Sent {
    fn position(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends.get(at).map(|end| &self.bytes[start..*end])
    }
}

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing yet: its item has more records.
    Waiting,
    /// Everything up to this item is answered.
    UpTo(Seq),
    /// The record of this place in this item was refused; then everything up to `settled` is answered.
    Refused {
        stream: StreamId,
        seq: Seq,
        index: usize,
        settled: Option<Seq>,
    },
    /// It is not the answer to the record that is next.
    Unexpected { expected: Option<String> },
}

/// The book of one destination.
#[derive(Debug, Default)]
pub(super) struct Book {
    sent: VecDeque<Sent>,
}

impl Book {
    /// A batch is sent.
    pub(super) fn send(&mut self, seq: Seq, stream: &StreamId, positions: Positions) {
        let (bytes, ends) = positions.into_parts();
        if ends.is_empty() {
            return; // Nobody will answer it.
        }
        self.push(seq, Some(stream.clone()), bytes, ends);
    }

    /// A checkpoint came, which is not sent. `Some`: nothing is before it that waits for an answer.
    pub(super) fn pass(&mut self, seq: Seq) -> Option<Seq> {
        self.push(seq, None, Vec::new(), Vec::new());
        self.settle()
    }

    fn push(&mut self, seq: Seq, stream: Option<StreamId>, bytes: Vec<u8>, ends: Vec<usize>) {
        self.sent.push_back(Sent {
            seq,
            stream,
            bytes,
            ends,
            answered: 0,
        });
    }

    /// Removes what is answered from the front.
    fn settle(&mut self) -> Option<Seq> {
        let mut settled = None;
        while let Some(front) = self.sent.front()
            && front.answered == front.ends.len()
        {
            settled = Some(front.seq);
            self.sent.pop_front();
        }
        settled
    }

    /// An answer came.
    pub(super) fn answer(&mut self, said: &[u8], is_refusal: bool) -> Answer {
        // What is answered in full is gone, so the front has a record to come.
        let Some(front) = self.sent.front_mut() else {
            return Answer::Unexpected { expected: None };
        };
        let expected = front.position(front.answered).unwrap_or_default();
        if expected != said {
            return Answer::Unexpected {
                expected: Some(position::state(expected).to_string()),
            };
        }
        let (seq, index) = (front.seq, front.answered);
        let refused = front.stream.as_ref().filter(|_| is_refusal).cloned();
        front.answered += 1;
        let settled = self.settle();
        if let Some(stream) = refused {
            return Answer::Refused {
                stream,
                seq,
                index,
                settled,
            };
        }
        settled.map_or(Answer::Waiting, Answer::UpTo)
    }

    /// How many records wait for their answer.
    pub(super) fn waiting(&self) -> usize {
        self.sent
            .iter()
            .map(|sent| sent.ends.len() - sent.answered)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(names: &[&str]) -> Positions {
        let mut positions = Positions::default();
        names
            .iter()
            .for_each(|name| positions.push(name.as_bytes()));
        positions
    }

    #[test]
    fn answers_settle_items_in_order() {
        let mut book = Book::default();
        let stream = StreamId::new("s");
        assert_eq!(book.pass(Seq(1)), Some(Seq(1)));
        book.send(Seq(2), &stream, positions(&["a", "bc"]));
        assert_eq!(book.pass(Seq(3)), None);
        book.send(Seq(4), &stream, positions(&["d"]));
        assert_eq!(book.waiting(), 3);
        assert_eq!(book.answer(b"a", false), Answer::Waiting);
        assert_eq!(book.answer(b"bc", false), Answer::UpTo(Seq(3)));
        assert_eq!(
            book.answer(b"d", true),
            Answer::Refused {
                stream,
                seq: Seq(4),
                index: 0,
                settled: Some(Seq(4))
            }
        );
        assert_eq!(book.waiting(), 0);
    }

    #[test]
    fn answers_out_of_order_are_unexpected() {
        let mut book = Book::default();
        assert_eq!(
            book.answer(b"a", false),
            Answer::Unexpected { expected: None }
        );
        book.send(Seq(1), &StreamId::new("s"), positions(&["a", "b"]));
        let expected = Some("\"a\"".to_owned());
        assert_eq!(book.answer(b"b", false), Answer::Unexpected { expected });
    }
}
