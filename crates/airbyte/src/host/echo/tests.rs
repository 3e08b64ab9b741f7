use super::*;
use crate::wire::{Decoder, Message};
use bytes::Bytes;

fn state(body: &str) -> StateMessage {
    let line = format!("{{\"type\":\"STATE\",\"state\":{{{body}}}}}\n");
    let mut messages = Vec::new();
    Decoder::new().decode(&Bytes::from(line), 0, &mut messages);
    match messages.pop() {
        Some(Message::State(state)) => state,
        other => panic!("{other:?}"),
    }
}

fn stream(name: &str, value: &str, more: &str) -> StateMessage {
    state(&format!(
        r#""type":"STREAM","stream":{{"stream_descriptor":{{"name":"{name}"}},"stream_state":{value}}}{more}"#
    ))
}

/// Sends states of the stream `s` (called `t` at the destination) and of `u`, 10 records each.
fn book() -> EchoBook {
    let mut book = EchoBook::default();
    let sent = [
        ("s", "t", 1),
        ("u", "u", 1),
        ("s", "t", 2),
        ("s", "t", 2),
        ("u", "u", 2),
    ];
    for (seq, (source, target, value)) in (1..).zip(sent) {
        let id = StreamId::new(source);
        book.count(&id, 10);
        let lane = Lane::Stream(id);
        assert_eq!(book.stamp(&lane), (i64::try_from(seq).unwrap(), 10));
        book.send(
            Seq(seq),
            lane,
            &stream(target, &format!("{{\"n\":{value},\"x\":null}}"), ""),
        );
    }
    book
}

fn up_to(name: &str, seq: u64) -> Ack {
    Ack::UpTo {
        lane: Lane::Stream(StreamId::new(name)),
        seq: Seq(seq),
    }
}

fn check(book: &mut EchoBook, echo: &StateMessage, acks: &[Ack], warns: bool) {
    let echoed = book.echo(echo);
    assert_eq!(echoed.acks, acks);
    assert_eq!(echoed.warning.is_some(), warns, "{:?}", echoed.warning);
}

#[test]
fn echoes_with_an_id() {
    let mut book = book();
    let echo = |id: i64| stream("t", "{}", &format!(",\"id\":{id}"));
    check(&mut book, &echo(3), &[up_to("s", 3)], false);
    check(&mut book, &echo(1), &[], true);
    check(&mut book, &echo(3), &[], true);
    check(&mut book, &echo(77), &[], true);
    check(&mut book, &echo(2), &[up_to("u", 2)], false);
    check(&mut book, &echo(5), &[up_to("u", 5)], false);
    check(&mut book, &echo(4), &[up_to("s", 4)], false);
}

#[test]
fn echoes_without_an_id_are_matched_by_meaning() {
    let mut book = book();
    check(&mut book, &stream("t", r#"{"n":9}"#, ""), &[], true);
    check(&mut book, &stream("s", r#"{"n":1}"#, ""), &[], true);
    check(
        &mut book,
        &stream("u", r#"{"n": 2.0}"#, ""),
        &[up_to("u", 5)],
        false,
    );
    check(&mut book, &stream("u", r#"{"n":1}"#, ""), &[], true);
    check(
        &mut book,
        &stream("t", r#"{"n":2}"#, ""),
        &[up_to("s", 3)],
        false,
    );
    check(
        &mut book,
        &stream("t", r#"{"n":2}"#, ""),
        &[up_to("s", 4)],
        false,
    );
    check(&mut book, &stream("t", r#"{"n":2}"#, ""), &[], true);
}

#[test]
fn counts_are_compared_and_rejections_passed_on_first() {
    let stats = |count: u64, rejected: u64| {
        format!(
            r#","destinationStats":{{"recordCount":{count}.0,"rejectedRecordCount":{rejected}}}"#
        )
    };
    let mut right = book();
    check(
        &mut right,
        &stream("t", r#"{"n":1}"#, &stats(10, 0)),
        &[up_to("s", 1)],
        false,
    );
    let rejected = Ack::RejectedCount {
        stream: StreamId::new("u"),
        records: 4,
    };
    check(
        &mut right,
        &stream("u", r#"{"n":1}"#, &stats(6, 4)),
        &[rejected, up_to("u", 2)],
        false,
    );
    check(
        &mut right,
        &stream("t", r#"{"n":2}"#, &stats(9, 0)),
        &[up_to("s", 3)],
        true,
    );
    // An echo that stands for dropped ones before it may count theirs, too.
    let mut sums = book();
    check(
        &mut sums,
        &stream("t", r#"{"n":2}"#, &stats(20, 0)),
        &[up_to("s", 3)],
        false,
    );
}

#[test]
fn global_states_cover_all_streams() {
    let mut book = EchoBook::default();
    for (name, records) in [("a", 3), ("b", 5)] {
        book.count(&StreamId::new(name), records);
    }
    assert_eq!(book.stamp(&Lane::Global), (1, 8));
    let big = "x".repeat(SMALL);
    let global = |n: u32| {
        state(&format!(
            r#""type":"GLOBAL","global":{{"shared_state":{{"n":{n},"big":"{big}"}},"stream_states":[]}}"#
        ))
    };
    book.send(Seq(3), Lane::Global, &global(1));
    book.send(Seq(4), Lane::Global, &global(2));
    assert!(matches!(book.waiting[0].content, Content::Digest(_)));
    let first = Ack::UpTo {
        lane: Lane::Global,
        seq: Seq(3),
    };
    check(&mut book, &global(1), &[first], false);
    let legacy = state(r#""data":{"n":2}"#);
    check(&mut book, &legacy, &[], true);
}

#[test]
fn states_that_never_come_back_are_forgotten_and_not_missed() {
    let mut book = EchoBook::default();
    for seq in 1..=200_000u64 {
        let name = if seq % 3 == 0 { "s" } else { "u" };
        let id = StreamId::new(name);
        book.count(&id, 10);
        let sent = stream(name, &format!("{{\"n\":{seq}}}"), "");
        book.send(Seq(seq), Lane::Stream(id), &sent);
    }
    assert!(
        book.waiting.len() <= 2 * THIN_ABOVE,
        "{} wait",
        book.waiting.len()
    );
    let records: u64 = book.waiting.iter().flat_map(|s| s.records.values()).sum();
    assert_eq!(records, 2_000_000, "no record is lost in the counts");
    // Early ones come back late: no harm, no noise, and nothing that is not kept is acknowledged.
    check(&mut book, &stream("u", "{\"n\":1}", ""), &[], false);
    check(
        &mut book,
        &stream("u", "{\"n\":200000}", ""),
        &[up_to("u", 200_000)],
        false,
    );
    check(
        &mut book,
        &stream("s", "{\"n\":199998}", ""),
        &[up_to("s", 199_998)],
        false,
    );
    assert!(book.waiting.is_empty());
    check(
        &mut book,
        &stream("s", "{\"n\":1}", ",\"id\":999999"),
        &[],
        true,
    );
}

#[test]
fn lanes_that_count_for_themselves() {
    let mut book = EchoBook::by_lane();
    for (seq, (source, target, id)) in (1..).zip([("s", "t", 1), ("u", "u", 1), ("s", "t", 2)]) {
        let lane = Lane::Stream(StreamId::new(source));
        let numbered = format!(",\"id\":{id}");
        book.send(Seq(seq), lane, &stream(target, "{}", &numbered));
    }
    let echo = |stream_name: &str, id: i64| stream(stream_name, "{}", &format!(",\"id\":{id}"));
    check(&mut book, &echo("u", 2), &[], true);
    check(&mut book, &echo("u", 1), &[up_to("u", 2)], false);
    check(&mut book, &echo("t", 2), &[up_to("s", 3)], false);
    check(&mut book, &echo("t", 1), &[], true);
}

#[test]
fn an_echo_may_come_before_it_is_known_what_it_returns() {
    let mut book = EchoBook::beside();
    let numbered = |name: &str, id: i64| stream(name, "{}", &format!(",\"id\":{id}"));
    let lane = |name: &str| Lane::Stream(StreamId::new(name));
    check(&mut book, &numbered("s", 1), &[], false);
    check(&mut book, &numbered("u", 1), &[], false);
    let unknown = book.send(Seq(1), lane("t"), &numbered("t", 1));
    assert_eq!(unknown.acks, []);
    let known = book.send(Seq(2), lane("s"), &numbered("s", 1));
    assert_eq!(known.acks, [up_to("s", 2)]);
    check(&mut book, &numbered("t", 1), &[up_to("t", 1)], false);
    // What was there before is not early.
    check(&mut book, &numbered("s", 1), &[], true);
    book.send(Seq(3), lane("s"), &numbered("s", 2));
    check(&mut book, &numbered("s", 2), &[up_to("s", 3)], false);
}
