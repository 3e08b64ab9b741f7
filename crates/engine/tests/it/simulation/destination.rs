//! A simulated destination: what it holds survives crashes, what it buffers does not.

use std::collections::VecDeque;

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::destination::{Ack, Mark};
use crossdock_core::stream::StreamId;

use super::random::Random;

/// One thing on its way to a destination.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Batch {
        seq: u64,
        stream: usize,
        records: Vec<u64>,
    },
    Checkpoint {
        seq: u64,
        lane: Lane,
    },
}

impl Item {
    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Batch { seq, .. } | Self::Checkpoint { seq, .. } => *seq,
        }
    }
}

/// Records that a staged destination keeps back until they are committed.
#[derive(Clone, Debug)]
struct Staged {
    epoch: i64,
    seq: u64,
    stream: usize,
    records: Vec<u64>,
}

/// How it acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Up to a checkpoint of a lane, as Airbyte destinations do.
    PerLane,
    /// Up to a number, for all streams.
    Global,
    /// Each item, in any order.
    Items,
    /// Per lane, and visible only once committed.
    Staged,
}

#[derive(Debug)]
pub(super) struct Destination {
    pub(super) style: Style,
    /// Durable and visible, per stream, in the order of writing.
    pub(super) visible: Vec<Vec<u64>>,
    staged: Vec<Staged>,
    /// Handed over, not yet accepted.
    pub(super) queue: VecDeque<Item>,
    /// Accepted, not durable.
    buffer: Vec<Item>,
    /// Durable single items that are not acknowledged yet.
    owed: Vec<u64>,
    pub(super) epoch: i64,
    /// It refuses some records: always the same.
    pub(super) refuses: bool,
    /// What it refused and nobody has heard of yet.
    pub(super) refused: Vec<Refused>,
    /// What the dead-letter office keeps of it, per stream: survives crashes.
    pub(super) letters: Vec<Vec<u64>>,
}

/// Records of a batch that were refused.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) seq: u64,
    pub(super) stream: usize,
    pub(super) records: Vec<u64>,
}

/// Whether a destination that refuses some records refuses this one.
pub(super) fn is_bad(record: u64) -> bool {
    record % 7 == 2
}

impl Destination {
    pub(super) fn new(style: Style, streams: usize) -> Self {
        Self {
            refuses: false,
            refused: Vec::new(),
            letters: vec![Vec::new(); streams],
            style,
            visible: vec![Vec::new(); streams],
            staged: Vec::new(),
            queue: VecDeque::new(),
            buffer: Vec::new(),
            owed: Vec::new(),
            epoch: 0,
        }
    }

    /// Everything volatile is lost, then a new run opens it.
    pub(super) fn reopen(&mut self, epoch: i64, marks: &[Mark], streams: &[StreamId]) {
        self.queue.clear();
        self.buffer.clear();
        self.owed.clear();
        self.refused.clear();
        self.epoch = epoch;
        for mark in marks {
            self.publish(mark, streams);
        }
        self.staged.clear();
    }

    /// Accepts the next item.
    pub(super) fn accept(&mut self) {
        self.buffer.extend(self.queue.pop_front());
    }

    /// Makes what is buffered durable, up to a random point, and says so.
    pub(super) fn flush(
        &mut self,
        random: &mut Random,
        streams: &[StreamId],
        all: bool,
    ) -> Vec<Ack> {
        let upto = if all {
            self.buffer.len()
        } else {
            random.below(self.buffer.len() as u64 + 1) as usize
        };
        let mut acks = Vec::new();
        let mut last = 0;
        for item in self.buffer.drain(..upto).collect::<Vec<_>>() {
            last = item.seq();
            match item {
                Item::Batch {
                    seq,
                    stream,
                    mut records,
                } => {
                    if self.refuses {
                        let bad: Vec<u64> = records.extract_if(.., |r| is_bad(*r)).collect();
                        if !bad.is_empty() {
                            self.refused.push(Refused {
                                seq,
                                stream,
                                records: bad,
                            });
                        }
                    }
                    if self.style == Style::Staged {
                        self.staged.push(Staged {
                            epoch: self.epoch,
                            seq,
                            stream,
                            records,
                        });
                    } else {
                        self.visible[stream].extend(records);
                    }
                    self.owed.push(seq);
                }
                Item::Checkpoint { seq, lane } => {
                    self.owed.push(seq);
                    if matches!(self.style, Style::PerLane | Style::Staged) {
                        acks.push(Ack::UpTo {
                            lane,
                            seq: Seq(seq),
                        });
                    }
                }
            }
        }
        match self.style {
            Style::Global if last > 0 => acks.push(Ack::UpTo {
                lane: Lane::Global,
                seq: Seq(last),
            }),
            Style::Items => {
                while !self.owed.is_empty() {
                    let at = random.below(self.owed.len() as u64) as usize;
                    acks.push(Ack::Item(Seq(self.owed.swap_remove(at))));
                    if !all && random.one_in(4) {
                        break;
                    }
                }
            }
            _ => {}
        }
        let _ = streams;
        acks
    }

    pub(super) fn publish(&mut self, mark: &Mark, streams: &[StreamId]) {
        let covered = |s: &Staged| {
            s.epoch == mark.epoch
                && s.seq <= mark.seq.0
                && match &mark.lane {
                    Lane::Global => true,
                    Lane::Stream(stream) => streams[s.stream] == *stream,
                }
        };
        for staged in self.staged.iter().filter(|s| covered(s)) {
            self.visible[staged.stream].extend(&staged.records);
        }
        self.staged.retain(|s| !covered(s));
    }

    /// Whether record `index` of `stream` would survive a crash now.
    pub(super) fn is_durable(&self, stream: usize, index: u64) -> bool {
        self.visible[stream].contains(&index)
            || self.letters[stream].contains(&index)
            || self
                .staged
                .iter()
                .any(|s| s.stream == stream && s.records.contains(&index))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.buffer.is_empty()
    }
}
