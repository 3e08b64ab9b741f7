use std::time::Duration;

use crossdock_control::{SchemaFindings, StreamSummary};
use crossdock_core::store::StreamCounts;
use crossdock_core::{StreamId, StreamStatus};

use super::table;
use crate::palette::Palette;

fn stream(name: &str, read: u64, edit: impl FnOnce(&mut StreamSummary)) -> StreamSummary {
    let mut counts = StreamCounts::new(StreamId::new(name));
    counts.read = read;
    counts.bytes = read * 200;
    counts.written = read;
    counts.committed = read;
    counts.checkpoints = 2;
    let mut stream = StreamSummary {
        counts,
        status: Some(StreamStatus::Complete),
        drops: Vec::new(),
        failure: None,
        schema: None,
    };
    edit(&mut stream);
    stream
}

#[test]
fn what_is_remarkable_is_said_below_the_stream() {
    let streams = [
        stream("users", 1000, |_| {}),
        stream("orders", 100, |s| {
            s.counts.written = 90;
            s.counts.filtered = 1;
            s.counts.dead_lettered = 2;
            s.counts.rejected = 3;
            s.counts.dropped = 4;
            s.drops = vec![("not in the catalog", 3), ("not readable", 1)];
        }),
        stream("lost", 100, |s| s.counts.written = 97),
        stream("invented", 10, |s| s.counts.written = 11),
        stream("late", 500, |s| {
            s.counts.committed = 400;
            s.status = Some(StreamStatus::Running);
        }),
        stream("unending", 7, |s| {
            s.counts.committed = 0;
            s.counts.checkpoints = 0;
        }),
        stream("lying", 1_000, |s| {
            s.schema = Some(SchemaFindings {
                checked: 100,
                failing: 40,
                faults: (1..=5).map(|at| (at, format!("fault {at}"))).collect(),
                unexpected: vec!["a".into(), "b".into()],
            });
        }),
        stream("broken", 5, |s| {
            s.status = Some(StreamStatus::Incomplete);
            s.failure = Some("the table is gone\nreally".into());
        }),
    ];
    let text = table(&streams, Duration::from_secs(2), true, Palette::PLAIN);
    insta::assert_snapshot!(text);
}

#[test]
fn one_stream_needs_no_total() {
    let streams = [stream("users", 1, |_| {})];
    let text = table(&streams, Duration::ZERO, true, Palette::PLAIN);
    insta::assert_snapshot!(text);
}

#[test]
fn what_was_on_its_way_when_a_run_failed_is_no_mismatch() {
    let streams = [stream("users", 100, |s| {
        s.counts.written = 80;
        s.counts.committed = 60;
    })];
    let text = table(&streams, Duration::from_secs(1), false, Palette::PLAIN);
    insta::assert_snapshot!(text);
}
