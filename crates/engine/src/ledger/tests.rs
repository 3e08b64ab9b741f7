//! The ledger by cases; `tests/ledger_property.rs` holds it against a naive model.

use super::*;

fn stream(name: &str) -> StreamId {
    StreamId::new(name)
}

fn lane(name: &str) -> Lane {
    Lane::Stream(stream(name))
}

fn upto(lane: Lane, seq: u64) -> Ack {
    Ack::UpTo {
        lane,
        seq: Seq(seq),
    }
}

fn ready<C: Clone>(ledger: &mut Ledger<C>) -> Vec<C> {
    ledger
        .ready()
        .map(|r| r.checkpoints.into_iter().map(|(_, _, c)| c).collect())
        .unwrap_or_default()
}

#[test]
fn a_checkpoint_waits_for_its_records_and_its_return() {
    let mut ledger = Ledger::new(1);
    let batch = ledger.batch(&stream("a"), 10, 100);
    let point = ledger.checkpoint(lane("a"), Some(10), "c1").unwrap();
    assert!(ready(&mut ledger).is_empty());
    ledger.acknowledge(0, &upto(lane("a"), batch.0)).unwrap();
    assert!(
        ready(&mut ledger).is_empty(),
        "the checkpoint itself has not come back"
    );
    ledger.acknowledge(0, &upto(lane("a"), point.0)).unwrap();
    assert_eq!(ready(&mut ledger), ["c1"]);
    assert!(ready(&mut ledger).is_empty(), "taken once");
    let counts = &ledger.counts()[0];
    assert_eq!(
        (counts.read, counts.written, counts.committed),
        (10, 10, 10)
    );
}

#[test]
fn lanes_are_independent_and_every_destination_counts() {
    let mut ledger = Ledger::new(2);
    ledger.batch(&stream("a"), 1, 1);
    ledger.batch(&stream("b"), 1, 1);
    let a = ledger.checkpoint(lane("a"), None, "a").unwrap();
    let b = ledger.checkpoint(lane("b"), None, "b").unwrap();
    ledger.acknowledge(0, &upto(lane("b"), b.0)).unwrap();
    ledger.acknowledge(0, &upto(lane("a"), a.0)).unwrap();
    assert!(ready(&mut ledger).is_empty());
    ledger.acknowledge(1, &upto(lane("b"), b.0)).unwrap();
    assert_eq!(ready(&mut ledger), ["b"]);
    ledger.acknowledge(1, &upto(Lane::Global, b.0)).unwrap();
    assert_eq!(ready(&mut ledger), ["a"]);
}

#[test]
fn a_gap_holds_back_what_follows() {
    let mut ledger = Ledger::new(1);
    let one = ledger.batch(&stream("a"), 1, 1);
    let c1 = ledger.checkpoint(lane("a"), None, "c1").unwrap();
    let two = ledger.batch(&stream("a"), 1, 1);
    let c2 = ledger.checkpoint(lane("a"), None, "c2").unwrap();
    for seq in [two, c2, c1] {
        ledger.acknowledge(0, &Ack::Item(seq)).unwrap();
        assert!(ready(&mut ledger).is_empty());
    }
    ledger.acknowledge(0, &Ack::Item(one)).unwrap();
    assert_eq!(ready(&mut ledger), ["c2"], "the newest stands for both");
    assert_eq!(ledger.counts()[0].checkpoints, 2);
    assert_eq!(ledger.entries(), 0);
}

#[test]
fn a_global_checkpoint_covers_all_streams() {
    let mut ledger = Ledger::new(1);
    ledger.batch(&stream("a"), 3, 1);
    let b = ledger.batch(&stream("b"), 4, 1);
    let point = ledger.checkpoint(Lane::Global, Some(7), "g").unwrap();
    ledger.batch(&stream("a"), 5, 1);
    ledger.acknowledge(0, &Ack::Item(point)).unwrap();
    ledger.acknowledge(0, &upto(lane("b"), b.0)).unwrap();
    assert!(ready(&mut ledger).is_empty());
    ledger.acknowledge(0, &upto(lane("a"), 2)).unwrap();
    assert_eq!(ready(&mut ledger), ["g"]);
    assert_eq!(ledger.counts()[0].committed, 3);
    assert_eq!(ledger.counts()[1].committed, 4);
    assert_eq!(ledger.checkpoint(lane("a"), None, "x"), Err(MixedLanes));
}

#[test]
fn foolish_acknowledgements_change_nothing() {
    let mut ledger = Ledger::new(1);
    ledger.batch(&stream("a"), 1, 1);
    ledger.checkpoint(lane("a"), None, "c").unwrap();
    assert_eq!(
        ledger.acknowledge(0, &upto(Lane::Global, 9)),
        Err(AckFault::Future(Seq(9)))
    );
    assert_eq!(
        ledger.acknowledge(0, &upto(lane("x"), 1)),
        Err(AckFault::UnknownStream(stream("x")))
    );
    ledger.acknowledge(0, &upto(lane("a"), 2)).unwrap();
    ledger.acknowledge(0, &upto(lane("a"), 1)).unwrap();
    ledger.acknowledge(0, &upto(lane("a"), 2)).unwrap();
    assert_eq!(ready(&mut ledger), ["c"]);
}

/// The runs of streams whose batches come by turns overlap.
#[test]
fn rejected_records_count_for_their_own_stream() {
    let mut ledger = Ledger::<&str>::new(1);
    let mut last = Seq(0);
    for name in ["a", "b", "a", "b"] {
        last = ledger.batch(&stream(name), 10, 1);
    }
    for (name, seq, records) in [("b", 2, 3), ("a", 3, 2)] {
        let rejected = Ack::Rejected {
            stream: stream(name),
            seq: Seq(seq),
            indices: vec![],
            records,
            reason: String::new(),
        };
        ledger.acknowledge(0, &rejected).unwrap();
    }
    ledger.acknowledge(0, &upto(Lane::Global, last.0)).unwrap();
    let counts = ledger.counts();
    let counts: Vec<_> = counts.iter().map(|c| (c.written, c.rejected)).collect();
    assert_eq!(counts, [(18, 2), (17, 3)]);
}

#[test]
fn rejected_records_wait_for_the_dead_letters() {
    let mut ledger = Ledger::new(1);
    let batch = ledger.batch(&stream("a"), 10, 1);
    let point = ledger.checkpoint(lane("a"), None, "c").unwrap();
    let rejected = Ack::Rejected {
        stream: stream("a"),
        seq: batch,
        indices: vec![1, 2],
        records: 2,
        reason: String::new(),
    };
    ledger.acknowledge(0, &rejected).unwrap();
    ledger.hold(batch, 2);
    ledger.acknowledge(0, &upto(lane("a"), point.0)).unwrap();
    assert!(
        ready(&mut ledger).is_empty(),
        "P1: in the dead-letter destination first"
    );
    ledger.dead_lettered(&stream("a"), batch, 1);
    assert!(ready(&mut ledger).is_empty(), "one is still on its way");
    ledger.dead_lettered(&stream("a"), batch, 1);
    assert_eq!(ready(&mut ledger), ["c"]);
    let counts = &ledger.counts()[0];
    assert_eq!(
        (counts.written, counts.dead_lettered, counts.rejected),
        (8, 2, 0)
    );
    let too_many = Ack::Rejected {
        stream: stream("a"),
        seq: batch,
        indices: vec![],
        records: 99,
        reason: String::new(),
    };
    assert_eq!(
        ledger.acknowledge(0, &too_many),
        Err(AckFault::TooManyRejected(batch))
    );
}

#[test]
fn an_end_without_return_leaves_the_checkpoint_out() {
    let mut ledger = Ledger::new(1);
    ledger.batch(&stream("a"), 5, 1);
    ledger.checkpoint(lane("a"), None, "c").unwrap();
    ledger.finished(0);
    assert!(ready(&mut ledger).is_empty());
    assert_eq!(ledger.counts()[0].written, 5);
    assert_eq!(ledger.unreturned(), [(lane("a"), Seq(2))]);
}

#[test]
fn counts_that_differ_are_kept() {
    let mut ledger = Ledger::new(1);
    ledger.batch(&stream("a"), 5, 1);
    ledger.checkpoint(lane("a"), Some(5), "c").unwrap();
    ledger.batch(&stream("a"), 5, 1);
    ledger.checkpoint(lane("a"), Some(6), "d").unwrap();
    assert_eq!(
        ledger.mismatches(),
        [CountMismatch {
            lane: lane("a"),
            source: 6,
            counted: 5
        }]
    );
}

#[test]
fn memory_is_bounded_without_acknowledgements() {
    let mut ledger = Ledger::new(1);
    for i in 0..100_000u64 {
        ledger.batch(&stream(if i % 2 == 0 { "a" } else { "b" }), 1, 1);
        if i % 100 == 0 {
            ledger.checkpoint(lane("a"), None, i).unwrap();
        }
    }
    assert!(ledger.entries() < 5_000, "{} entries", ledger.entries());
    let last = ledger.last().0;
    ledger.acknowledge(0, &upto(Lane::Global, last)).unwrap();
    assert_eq!(ready(&mut ledger), [99_900]);
    assert_eq!(
        ledger.counts()[0].checkpoints,
        1000,
        "forgotten ones are counted"
    );
    assert_eq!(ledger.counts()[0].written, 50_000);
}

#[test]
fn many_streams_share_the_memory() {
    let streams: Vec<_> = (0..1000).map(|n| stream(&format!("s{n}"))).collect();
    let mut ledger = Ledger::new(1);
    for (i, stream) in streams.iter().cycle().take(200_000).enumerate() {
        ledger.batch(stream, 1, 1);
        if i % 7 == 0 {
            let lane = Lane::Stream(stream.clone());
            ledger.checkpoint(lane, None, i as u64).unwrap();
        }
    }
    // Were it for each stream alone, it would be ten times as much.
    assert!(ledger.entries() < 100_000, "{} entries", ledger.entries());
    let last = ledger.last().0;
    ledger.acknowledge(0, &upto(Lane::Global, last)).unwrap();
    assert_eq!(ready(&mut ledger).len(), 1000);
    let counts = ledger.counts();
    assert!(
        counts
            .iter()
            .all(|c| c.written == 200 && c.committed <= 200)
    );
    assert_eq!(
        counts.iter().map(|c| c.checkpoints).sum::<u64>(),
        200_000_u64.div_ceil(7)
    );
}

#[test]
fn forgotten_checkpoints_let_their_runs_join() {
    let mut ledger = Ledger::new(1);
    for i in 0..50_000u64 {
        ledger.batch(&stream("a"), 1, 1);
        ledger.checkpoint(lane("a"), Some(1), i).unwrap();
    }
    assert!(ledger.entries() < 2_000, "{} entries", ledger.entries());
    // Half-way: what is kept of the checkpoints before it commits, and nothing beyond.
    ledger.acknowledge(0, &upto(lane("a"), 50_000)).unwrap();
    let half = ready(&mut ledger);
    assert!(
        half.len() == 1 && (24_000..25_000).contains(&half[0]),
        "{half:?}"
    );
    let counts = &ledger.counts()[0];
    assert!(counts.committed <= 25_000 && counts.written >= counts.committed);
    ledger.acknowledge(0, &upto(lane("a"), 100_000)).unwrap();
    assert_eq!(ready(&mut ledger), [49_999]);
    let counts = &ledger.counts()[0];
    assert_eq!(
        (counts.written, counts.committed, counts.checkpoints),
        (50_000, 50_000, 50_000)
    );
}

#[test]
fn what_passes_by_is_committed_as_ever_and_counted_by_whoever_knows() {
    let mut ledger = Ledger::new(1);
    ledger.enter(&stream("b"));
    // A batch that nobody hands on.
    ledger.batch(&stream("a"), 10, 0);
    let point = ledger.checkpoint(lane("a"), Some(10), "c1").unwrap();
    let counted = |name: &str, records: u64, bytes: u64| Ack::Counted {
        stream: stream(name),
        records,
        bytes,
    };
    ledger.acknowledge(0, &counted("a", 0, 70)).unwrap();
    ledger.acknowledge(0, &counted("b", 5, 50)).unwrap();
    assert_eq!(ledger.committed_bytes(), [0, 0]);
    assert_eq!(ledger.counts()[1].committed, 0, "not yet");
    ledger.acknowledge(0, &upto(lane("a"), point.0)).unwrap();
    assert_eq!(ready(&mut ledger), ["c1"]);
    assert_eq!(ledger.committed_bytes(), [0, 70], "of its own lane");
    ledger.commit_all();
    assert_eq!(ledger.committed_bytes(), [50, 70]);
    let counts = ledger.counts();
    let of = |at: usize| {
        let one: &StreamCounts = &counts[at];
        (one.read, one.written, one.committed, one.bytes)
    };
    assert_eq!(of(0), (5, 5, 5, 50));
    assert_eq!(of(1), (10, 10, 10, 70));
    assert!(ledger.mismatches().is_empty());
    let unknown = ledger.acknowledge(0, &counted("c", 1, 1));
    assert_eq!(unknown, Err(AckFault::UnknownStream(stream("c"))));
}
