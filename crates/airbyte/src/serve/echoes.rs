//! Which states a destination may echo, and with which counts (§3.4). Pure.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::destination::Ack;
use crossdock_core::served::Pending;
use crossdock_core::stream::StreamId;

use crate::wire::{Stats, echo_state};

/// A state that waits.
struct Waiting {
    lane: Lane,
    seq: Seq,
    /// As it came; `None`: nobody sent it.
    line: Option<Bytes>,
    /// Records since the state before on its lane.
    records: u64,
}

/// Refused records.
struct Refused {
    stream: StreamId,
    /// The batch; `None`: not known.
    seq: Option<Seq>,
    records: u64,
}

/// What was given to the destination, and the states that wait for it to be durable.
#[derive(Default)]
pub(super) struct Echoes {
    pending: Pending,
    waiting: VecDeque<Waiting>,
    /// Records of each stream since its last state.
    counts: HashMap<StreamId, u64>,
    refused: Vec<Refused>,
    seq: Seq,
}

impl Echoes {
    /// The place of a batch that is about to be written.
    pub(super) fn batch(&mut self, stream: &StreamId, records: u64) -> Seq {
        self.seq.0 += 1;
        self.pending.sent(self.seq, Some(stream.clone()));
        *self.counts.entry(stream.clone()).or_default() += records;
        self.seq
    }

    /// The place of a state that is about to be written.
    pub(super) fn state(&mut self, checkpoint: &Checkpoint) -> Seq {
        self.seq.0 += 1;
        self.pending.sent_checkpoint(self.seq, &checkpoint.lane);
        let records = match &checkpoint.lane {
            Lane::Stream(stream) => self.counts.remove(stream).unwrap_or(0),
            Lane::Global => self.counts.drain().map(|(_, count)| count).sum(),
        };
        self.waiting.push_back(Waiting {
            lane: checkpoint.lane.clone(),
            seq: self.seq,
            // Copied, so that it does not hold on to the read that it came in.
            line: checkpoint
                .wire
                .as_ref()
                .map(|line| Bytes::copy_from_slice(line)),
            records,
        });
        self.seq
    }

    /// The destination acknowledged something.
    pub(super) fn acknowledged(&mut self, ack: &Ack) {
        match ack {
            Ack::Rejected {
                stream,
                seq,
                records,
                ..
            } => self.refused.push(Refused {
                stream: stream.clone(),
                seq: Some(*seq),
                records: *records,
            }),
            Ack::RejectedCount { stream, records } => self.refused.push(Refused {
                stream: stream.clone(),
                seq: None,
                records: *records,
            }),
            ack => self.pending.acknowledged(ack),
        }
    }

    /// The destination finished well.
    pub(super) fn finished(&mut self) {
        self.pending.batches_durable();
    }

    /// The last state up to which everything is durable, if it is later than `committed`: what follows it waits
    /// for the next one, for whoever sends it again after a failure sends it from there.
    pub(super) fn durable_state(&self, committed: Seq) -> Option<Seq> {
        let durable = self.pending.newest()?;
        let states = self.waiting.iter().map(|waiting| waiting.seq);
        states
            .filter(|seq| *seq <= durable && *seq > committed)
            .last()
    }

    /// Everything up to this place is durable.
    pub(super) fn durable(&self) -> Option<Seq> {
        self.pending.newest()
    }

    /// Everything up to `seq` is there for good: the lines of the states up to it, in order.
    pub(super) fn committed(&mut self, seq: Seq) -> Vec<u8> {
        let mut lines = Vec::new();
        while let Some(state) = self.waiting.pop_front_if(|waiting| waiting.seq <= seq) {
            let rejected = self.take_refused(&state.lane, state.seq);
            let Some(line) = state.line else { continue };
            let start = lines.len();
            let counts = Stats {
                record_count: Some(state.records),
                rejected_record_count: (rejected > 0).then_some(rejected),
            };
            if echo_state(&line, counts, &mut lines).is_err() {
                // It was read as a state, so this cannot be; but it must be echoed.
                lines.truncate(start);
                lines.extend_from_slice(line.trim_ascii_end());
                lines.push(b'\n');
            }
        }
        lines
    }

    fn take_refused(&mut self, lane: &Lane, seq: Seq) -> u64 {
        let mut records = 0;
        self.refused.retain(|refused| {
            let counts = lane.covers(&refused.stream) && refused.seq.is_none_or(|at| at < seq);
            if counts {
                records += refused.records;
            }
            !counts
        });
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::json::Json;
    use serde_json::{Value, json};

    fn state(stream: &str, own: u64) -> Checkpoint {
        let mut checkpoint = Checkpoint::stream(StreamId::new(stream), Json::null());
        let line = format!(
            r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"{stream}"}}}},"id":{own},"sourceStats":{{"recordCount":2.0}},"destinationStats":null}},"x":1}}"#
        );
        checkpoint.wire = Some(Bytes::from(line + "\n"));
        checkpoint
    }

    fn up_to(stream: &str, seq: u64) -> Ack {
        Ack::UpTo {
            lane: Lane::Stream(StreamId::new(stream)),
            seq: Seq(seq),
        }
    }

    fn read(lines: &[u8]) -> Vec<Value> {
        let lines = lines.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        lines.map(|l| serde_json::from_slice(l).unwrap()).collect()
    }

    #[test]
    fn states_come_in_order_with_their_counts_and_all_that_was_in_them() {
        let mut echoes = Echoes::default();
        let (a, b) = (StreamId::new("a"), StreamId::new("b"));
        echoes.batch(&a, 3); // 1
        echoes.batch(&b, 5); // 2
        echoes.state(&state("a", 7)); // 3
        echoes.state(&state("b", 8)); // 4
        echoes.batch(&a, 1); // 5
        echoes.acknowledged(&Ack::Rejected {
            stream: b.clone(),
            seq: Seq(2),
            indices: vec![0],
            records: 1,
            reason: String::new(),
        });
        assert_eq!(echoes.durable_state(Seq(0)), None);
        echoes.acknowledged(&up_to("b", 4));
        assert_eq!(echoes.durable_state(Seq(0)), None, "a gap holds back");
        echoes.acknowledged(&up_to("a", 3));
        assert_eq!(echoes.durable_state(Seq(0)), Some(Seq(4)));
        let lines = read(&echoes.committed(Seq(4)));
        let state = |line: &Value| {
            let state = &line["state"];
            (state["id"].clone(), state["destinationStats"].clone())
        };
        assert_eq!(state(&lines[0]), (json!(7), json!({"recordCount": 3})));
        let counts = json!({"recordCount": 5, "rejectedRecordCount": 1});
        assert_eq!(state(&lines[1]), (json!(8), counts));
        assert_eq!(lines[0]["x"], 1);
        assert_eq!(lines[0]["state"]["sourceStats"]["recordCount"], 2.0);
        echoes.finished();
        assert_eq!(echoes.durable_state(Seq(4)), None, "no state covers it");
        assert_eq!(echoes.durable(), Some(Seq(5)));
    }

    #[test]
    fn a_state_that_nobody_acknowledged_is_not_echoed() {
        let mut echoes = Echoes::default();
        echoes.batch(&StreamId::new("a"), 1);
        echoes.state(&state("a", 1));
        echoes.finished();
        assert_eq!(echoes.durable_state(Seq(0)), None);
    }
}
