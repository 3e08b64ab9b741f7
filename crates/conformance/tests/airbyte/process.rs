//! The battery's side of a real process: that it sees what only a process can do.

use std::sync::Arc;
use std::time::Duration;

use crossdock_conformance::airbyte::{Exchange, Invocation, Launched, Peer, Until};
use crossdock_core::session::{Session, Unobserved};
use crossdock_launch::{Exec, Exit, Word};

/// What comes of a shell script that is used so.
async fn used(script: &str, input: Option<&str>, until: Until) -> Exchange {
    let words = ["/bin/sh", "-c", script].map(str::to_owned);
    let peer = Launched::new(
        Arc::new(Exec::new(words.to_vec())),
        Session::new(Arc::new(Unobserved)),
    )
    .hurried(Duration::from_secs(5), Duration::from_millis(300));
    let invocation = Invocation {
        words: vec![Word::Text("read".to_owned())],
        input: input.map(|text| text.as_bytes().to_vec()),
        until,
    };
    peer.call(&invocation).await.expect("a shell")
}

#[tokio::test]
async fn lines_exit_and_stderr_are_kept() {
    let exchange = used(
        "cat; echo no >&2; printf last; exit 3",
        Some("a\nb\n"),
        Until::End,
    )
    .await;
    assert_eq!(exchange.lines, ["a", "b", "last"]);
    assert_eq!(exchange.stderr, ["no"]);
    assert_eq!(exchange.exit, Some(Exit::Code(3)));
}

#[tokio::test]
async fn one_that_is_asked_to_end_is_seen_to_do_so_or_not() {
    let heard = used("echo a; exec sleep 1000", None, Until::Asked(1)).await;
    assert_eq!(heard.exit, Some(Exit::Signal(15)));
    let deaf = used(
        "trap '' TERM; echo a; while :; do sleep 1; done",
        None,
        Until::Asked(1),
    )
    .await;
    assert_eq!(deaf.exit, None);
    // Its input is not what ends it.
    let waits = used("exec cat", Some("a\n"), Until::Asked(1)).await;
    assert_eq!(
        (waits.lines, waits.exit),
        (vec!["a".to_owned()], Some(Exit::Signal(15)))
    );
}

#[tokio::test]
async fn one_that_nobody_listens_to_is_seen_to_end_or_not() {
    let ends = used("while :; do echo a; done", None, Until::Closed(1)).await;
    assert!(ends.exit.is_some());
    let script = "trap '' PIPE; while :; do echo a 2>/dev/null || sleep 1; done";
    assert_eq!(used(script, None, Until::Closed(1)).await.exit, None);
}

#[tokio::test]
async fn one_that_is_killed_leaves_what_it_wrote() {
    let killed = used("echo a; echo b; exec sleep 1000", None, Until::Killed(2)).await;
    assert_eq!(killed.lines, ["a", "b"]);
    assert_eq!(killed.exit, Some(Exit::Signal(9)));
}

#[tokio::test]
async fn a_slow_reader_misses_nothing() {
    let script = "i=0; while [ $i -lt 20000 ]; do echo a line of some length to fill the pipe $i; i=$((i+1)); done";
    let slow = used(script, None, Until::EndSlowly).await;
    assert_eq!(slow.lines.len(), 20_000);
    assert_eq!(slow.exit, Some(Exit::Code(0)));
}
