//! The ledger against a naive model that keeps every item and every acknowledgement, over random
//! interleavings.

use std::collections::BTreeSet;

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::destination::Ack;
use crossdock_core::stream::StreamId;
use crossdock_engine::ledger::Ledger;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Batch(u8),
    Checkpoint(u8),
    UpToStream {
        destination: u8,
        stream: u8,
        seq: u8,
    },
    UpToAll {
        destination: u8,
        seq: u8,
    },
    Item {
        destination: u8,
        seq: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3u8).prop_map(Step::Batch),
        2 => (0..3u8).prop_map(Step::Checkpoint),
        2 => (0..2u8, 0..3u8, any::<u8>())
            .prop_map(|(destination, stream, seq)| Step::UpToStream { destination, stream, seq }),
        1 => (0..2u8, any::<u8>()).prop_map(|(destination, seq)| Step::UpToAll { destination, seq }),
        3 => (0..2u8, any::<u8>()).prop_map(|(destination, seq)| Step::Item { destination, seq }),
    ]
}

#[derive(Default)]
struct Model {
    /// Of each item: its stream, and whether it is a checkpoint.
    items: Vec<(u8, bool)>,
    /// Of each destination: the durable items.
    durable: [BTreeSet<usize>; 2],
    committed: [usize; 3],
}

impl Model {
    /// The newest checkpoint of a lane that may be committed, and that has not been.
    fn newest(&self, stream: u8) -> Option<usize> {
        let mut newest = None;
        for (at, (of, is_checkpoint)) in self.items.iter().enumerate() {
            if *of != stream {
                continue;
            }
            if !self.durable.iter().all(|d| d.contains(&(at + 1))) {
                break;
            }
            if *is_checkpoint && at + 1 > self.committed[stream as usize] {
                newest = Some(at + 1);
            }
        }
        newest
    }
}

fn id(stream: u8) -> StreamId {
    StreamId::new(format!("s{stream}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_commits_what_the_model_commits(steps in prop::collection::vec(step(), 1..80)) {
        let mut ledger = Ledger::new(2);
        let mut model = Model::default();
        for stream in 0..3 {
            ledger.enter(&id(stream));
        }
        for step in steps {
            let last = model.items.len();
            let pick = |seq: u8| 1 + seq as usize % last.max(1);
            match step {
                Step::Batch(stream) => {
                    let seq = ledger.batch(&id(stream), 1, 1);
                    model.items.push((stream, false));
                    prop_assert_eq!(seq, Seq(last as u64 + 1));
                }
                Step::Checkpoint(stream) => {
                    ledger.checkpoint(Lane::Stream(id(stream)), None, last + 1).unwrap();
                    model.items.push((stream, true));
                }
                _ if last == 0 => continue,
                Step::UpToStream { destination, stream, seq } => {
                    let upto = pick(seq);
                    let ack = Ack::UpTo { lane: Lane::Stream(id(stream)), seq: Seq(upto as u64) };
                    ledger.acknowledge(destination as usize, &ack).unwrap();
                    let durable = (1..=upto).filter(|at| model.items[at - 1].0 == stream);
                    model.durable[destination as usize].extend(durable);
                }
                Step::UpToAll { destination, seq } => {
                    let upto = pick(seq);
                    let ack = Ack::UpTo { lane: Lane::Global, seq: Seq(upto as u64) };
                    ledger.acknowledge(destination as usize, &ack).unwrap();
                    model.durable[destination as usize].extend(1..=upto);
                }
                Step::Item { destination, seq } => {
                    let at = pick(seq);
                    ledger.acknowledge(destination as usize, &Ack::Item(Seq(at as u64))).unwrap();
                    model.durable[destination as usize].insert(at);
                }
            }
            let mut ready: Vec<(Lane, usize)> = ledger
                .ready()
                .map(|r| r.checkpoints.into_iter().map(|(lane, _, at)| (lane, at)).collect())
                .unwrap_or_default();
            ready.sort();
            let mut expected = Vec::new();
            for stream in 0..3u8 {
                if let Some(at) = model.newest(stream) {
                    model.committed[stream as usize] = at;
                    expected.push((Lane::Stream(id(stream)), at));
                }
            }
            prop_assert_eq!(ready, expected);
        }
    }
}
