//! Which states a destination may echo, and with which counts (§3.4). Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::destination::Ack;
use crossdock_core::served::Pending;
use crossdock_core::stream::StreamId;

use crate::wire::{Stats, Totals, echo_state};

/// A state that waits.
struct Waiting {
    lane: Lane,
    seq: Seq,
    /// As it came; `None`: nobody sent it.
    line: Option<Bytes>,
    /// Records of each stream since the state before on its lane.
    counts: Vec<(StreamId, Count)>,
    /// Records that the source says it covers.
    told: Option<u64>,
}

/// Records and their bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    records: u64,
    bytes: u64,
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
    counts: HashMap<StreamId, Count>,
    refused: Vec<Refused>,
    /// What is committed of each stream, for a bookkeeper.
    totals: Option<HashMap<StreamId, Totals>>,
    /// What came of each stream.
    came: BTreeMap<StreamId, Totals>,
    seq: Seq,
}

impl Echoes {
    /// States that are echoed to a bookkeeper: with the sums since the start, and with the counts of the source,
    /// since records overtake states on sockets (§4.7).
    pub(super) fn for_bookkeeper() -> Self {
        Self {
            totals: Some(HashMap::new()),
            ..Self::default()
        }
    }

    /// The place of a batch that is about to be written.
    pub(super) fn batch(&mut self, batch: &Batch) -> Seq {
        self.seq.0 += 1;
        let stream = &batch.stream;
        self.pending.sent(self.seq, Some(stream.clone()));
        let (records, bytes) = (batch.records() as u64, batch.bytes() as u64);
        let count = self.counts.entry(stream.clone()).or_default();
        count.records += records;
        count.bytes += bytes;
        if self.totals.is_some() {
            let came = self.came.entry(stream.clone()).or_default();
            came.records += records;
            came.bytes += bytes;
        }
        self.seq
    }

    /// Records and bytes of each stream that came so far, for a bookkeeper.
    pub(super) fn came(&self) -> &BTreeMap<StreamId, Totals> {
        &self.came
    }

    /// The place of a state that is about to be written.
    pub(super) fn state(&mut self, checkpoint: &Checkpoint) -> Seq {
        self.seq.0 += 1;
        self.pending.sent_checkpoint(self.seq, &checkpoint.lane);
        let counts = match &checkpoint.lane {
            Lane::Stream(stream) => self.counts.remove_entry(stream).into_iter().collect(),
            Lane::Global => self.counts.drain().collect(),
        };
        self.waiting.push_back(Waiting {
            lane: checkpoint.lane.clone(),
            seq: self.seq,
            // Copied, so that it does not hold on to the read that it came in.
            line: checkpoint
                .wire
                .as_ref()
                .map(|line| Bytes::copy_from_slice(line)),
            counts,
            told: checkpoint.source_count,
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

    /// The last state of each lane up to `seq`.
    pub(super) fn lanes(&self, seq: Seq) -> BTreeMap<Lane, Seq> {
        let states = self.waiting.iter().filter(|state| state.seq <= seq);
        states
            .map(|state| (state.lane.clone(), state.seq))
            .collect()
    }

    /// Everything up to this place is durable.
    pub(super) fn durable(&self) -> Option<Seq> {
        self.pending.newest()
    }

    /// Everything up to `seq` is there for good: the lines of the states up to it, in order.
    pub(super) fn committed(&mut self, seq: Seq) -> Vec<u8> {
        let mut lines = Vec::new();
        while let Some(state) = self.waiting.pop_front_if(|waiting| waiting.seq <= seq) {
            let refused = self.take_refused(&state.lane, state.seq);
            let rejected: u64 = refused.values().sum();
            let came = state.counts.iter().map(|(_, count)| count.records).sum();
            let told = state.told.filter(|_| self.totals.is_some());
            self.add(&state.lane, told, state.counts, refused);
            let Some(line) = state.line else { continue };
            let start = lines.len();
            let counts = Stats {
                record_count: Some(told.unwrap_or(came)),
                rejected_record_count: (rejected > 0).then_some(rejected),
            };
            if echo_state(&line, counts, self.totals.as_ref(), &mut lines).is_err() {
                // It was read as a state, so this cannot be; but it must be echoed.
                lines.truncate(start);
                lines.extend_from_slice(line.trim_ascii_end());
                lines.push(b'\n');
            }
        }
        lines
    }

    /// Adds to the sums for a bookkeeper. Of one stream the source's own count is right, whatever came early.
    fn add(
        &mut self,
        lane: &Lane,
        told: Option<u64>,
        counts: Vec<(StreamId, Count)>,
        refused: BTreeMap<StreamId, u64>,
    ) {
        let Some(totals) = &mut self.totals else {
            return;
        };
        if let (Lane::Stream(stream), Some(told)) = (lane, told) {
            totals.entry(stream.clone()).or_default().records += told;
        }
        for (stream, count) in counts {
            let total = totals.entry(stream).or_default();
            if *lane == Lane::Global || told.is_none() {
                total.records += count.records;
            }
            total.bytes += count.bytes;
        }
        for (stream, records) in refused {
            let total = totals.entry(stream).or_default();
            total.records = total.records.saturating_sub(records);
            total.rejected += records;
        }
    }

    fn take_refused(&mut self, lane: &Lane, seq: Seq) -> BTreeMap<StreamId, u64> {
        let mut taken = BTreeMap::new();
        self.refused.retain(|refused| {
            let counts = lane.covers(&refused.stream) && refused.seq.is_none_or(|at| at < seq);
            if counts {
                *taken.entry(refused.stream.clone()).or_default() += refused.records;
            }
            !counts
        });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::batch::{Body, RowSpans, RowsBuilder};
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

    fn batch(stream: &str, records: usize) -> Batch {
        let mut rows = RowsBuilder::default();
        for _ in 0..records {
            rows.push(RowSpans::default());
        }
        Batch {
            stream: StreamId::new(stream),
            body: Body::Rows(rows.finish(Bytes::new(), None)),
        }
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
        echoes.batch(&batch("a", 3)); // 1
        echoes.batch(&batch("b", 5)); // 2
        echoes.state(&state("a", 7)); // 3
        echoes.state(&state("b", 8)); // 4
        echoes.batch(&batch("a", 1)); // 5
        echoes.acknowledged(&Ack::Rejected {
            stream: StreamId::new("b"),
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
        let lanes =
            [("a", 3), ("b", 4)].map(|(name, seq)| (Lane::Stream(StreamId::new(name)), Seq(seq)));
        assert_eq!(echoes.lanes(Seq(4)), lanes.into());
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
    fn a_bookkeeper_gets_sums() {
        let mut echoes = Echoes::for_bookkeeper();
        let mut committed = Vec::new();
        for (records, told) in [(3, 3), (5, 4)] {
            echoes.batch(&batch("a", records));
            let mut checkpoint = state("a", 1);
            checkpoint.source_count = Some(told);
            let seq = echoes.state(&checkpoint);
            echoes.acknowledged(&Ack::UpTo {
                lane: Lane::Global,
                seq,
            });
            let lines = read(&echoes.committed(seq));
            let state = &lines[0]["state"];
            assert_eq!(state["destinationStats"]["recordCount"], told);
            committed.push(state["committedRecordsCount"].clone());
        }
        assert_eq!(committed, [json!(3), json!(7)]);
        assert_eq!(echoes.came()[&StreamId::new("a")].records, 8);
    }

    #[test]
    fn a_state_that_nobody_acknowledged_is_not_echoed() {
        let mut echoes = Echoes::default();
        echoes.batch(&batch("a", 1));
        echoes.state(&state("a", 1));
        echoes.finished();
        assert_eq!(echoes.durable_state(Seq(0)), None);
    }
}
