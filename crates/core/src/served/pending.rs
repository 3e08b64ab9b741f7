//! What a served destination was given and what of it is durable. Pure.

use std::collections::VecDeque;

use crate::checkpoint::{Lane, Seq};
use crate::destination::Ack;
use crate::stream::StreamId;

#[derive(Debug)]
struct Item {
    seq: Seq,
    /// Of a batch, or of a checkpoint of one stream; other checkpoints are of all.
    stream: Option<StreamId>,
    is_checkpoint: bool,
    is_durable: bool,
}

/// The items in order.
#[derive(Debug, Default)]
pub struct Pending {
    items: VecDeque<Item>,
    newest: Option<Seq>,
}

impl Pending {
    /// An item is about to be given to the destination: a batch of the stream, or a checkpoint of all.
    pub fn sent(&mut self, seq: Seq, stream: Option<StreamId>) {
        let is_checkpoint = stream.is_none();
        self.push(seq, stream, is_checkpoint);
    }

    /// A checkpoint is about to be given to the destination.
    pub fn sent_checkpoint(&mut self, seq: Seq, lane: &Lane) {
        let stream = match lane {
            Lane::Stream(stream) => Some(stream.clone()),
            Lane::Global => None,
        };
        self.push(seq, stream, true);
    }

    fn push(&mut self, seq: Seq, stream: Option<StreamId>, is_checkpoint: bool) {
        self.items.push_back(Item {
            seq,
            stream,
            is_checkpoint,
            is_durable: false,
        });
    }

    /// The destination acknowledged.
    pub fn acknowledged(&mut self, ack: &Ack) {
        for item in &mut self.items {
            item.is_durable |= match ack {
                Ack::UpTo { lane, seq } => {
                    item.seq <= *seq
                        && match &item.stream {
                            Some(stream) => lane.covers(stream),
                            None => *lane == Lane::Global,
                        }
                }
                Ack::Item(seq) => item.seq == *seq,
                Ack::Rejected { .. }
                | Ack::Filtered { .. }
                | Ack::RejectedCount { .. }
                | Ack::Counted { .. } => false,
            };
        }
        self.settle();
    }

    /// The destination finished well.
    pub fn all_durable(&mut self) {
        self.items
            .iter_mut()
            .for_each(|item| item.is_durable = true);
        self.settle();
    }

    /// The destination finished well: its batches are durable, and of its checkpoints those that it
    /// acknowledged.
    pub fn batches_durable(&mut self) {
        for item in &mut self.items {
            item.is_durable |= !item.is_checkpoint;
        }
        self.settle();
    }

    fn settle(&mut self) {
        while self.items.front().is_some_and(|item| item.is_durable) {
            self.newest = self.items.pop_front().map(|item| item.seq);
        }
    }

    /// Everything up to this item is durable.
    #[must_use]
    pub fn newest(&self) -> Option<Seq> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_holds_back_what_is_after_it() {
        let mut pending = Pending::default();
        let (a, b) = (StreamId::new("a"), StreamId::new("b"));
        pending.sent(Seq(1), Some(a.clone()));
        pending.sent(Seq(2), Some(b.clone()));
        pending.sent(Seq(3), None);
        pending.sent(Seq(4), Some(a.clone()));
        let up_to = |lane, seq| Ack::UpTo {
            lane,
            seq: Seq(seq),
        };
        pending.acknowledged(&up_to(Lane::Stream(a), 4));
        assert_eq!(pending.newest(), Some(Seq(1)));
        pending.acknowledged(&Ack::Item(Seq(2)));
        assert_eq!(pending.newest(), Some(Seq(2)));
        pending.acknowledged(&up_to(Lane::Global, 3));
        assert_eq!(pending.newest(), Some(Seq(4)));
        pending.sent(Seq(5), Some(b.clone()));
        pending.all_durable();
        assert_eq!(pending.newest(), Some(Seq(5)));
        let lane = Lane::Stream(b);
        pending.sent_checkpoint(Seq(6), &lane);
        pending.sent(Seq(7), Some(StreamId::new("a")));
        pending.batches_durable();
        assert_eq!(
            pending.newest(),
            Some(Seq(5)),
            "nobody spoke of the checkpoint"
        );
        pending.acknowledged(&up_to(lane, 6));
        assert_eq!(pending.newest(), Some(Seq(7)));
    }
}
