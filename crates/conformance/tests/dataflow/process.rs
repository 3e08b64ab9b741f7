//! The battery against real processes: one that is well, and what only a process can do.

use std::sync::Arc;
use std::time::Duration;

use crossdock_conformance::Role;
use crossdock_conformance::dataflow::{Launched, Subject, checks};
use crossdock_conformance::{Judged, Verdict};
use crossdock_core::session::{Session, Unobserved};
use crossdock_launch::Exec;
use serde_json::json;

use crate::table::verdicts;

/// A source in a page of shell: three messages, and a checkpoint that it does not heed.
const SOURCE: &str = r#"
left=3
while IFS= read -r line; do
    case $line in
    *'"init"'*|*'"connect"'*) echo '{"type":"ready"}' ;;
    *'"ping"'*) echo '{"type":"pong"}' ;;
    *'"read"'*)
        while [ $left -gt 0 ]; do
            echo '{"type":"message","data":"{\"id\":'$left'}"}'
            left=$((left-1))
        done
        echo '{"type":"checkpoint","data":"3"}'
        echo '{"type":"done"}' ;;
    *'"close"'*) echo '{"type":"done"}'; exit 0 ;;
    *) echo '{"type":"error","message":"what is that?"}' ;;
    esac
done
exit 0
"#;

/// The rules whose names begin so, of a source that is this script.
async fn judged(script: &str, names: &[&str]) -> Vec<Judged> {
    let words = ["/bin/sh", "-c", script].map(str::to_owned);
    let session = Session::new(Arc::new(Unobserved));
    let peer =
        Launched::new(Arc::new(Exec::new(words.to_vec())), session).hurried(Duration::from_secs(3));
    let subject = Subject::new(Box::new(peer), Role::Source, "script", Some(json!({})));
    let wanted = checks(Role::Source).filter(|check| names.contains(&check.rule.name));
    verdicts(wanted, &subject).await
}

/// The only rule, as it was judged.
async fn one(script: &str, name: &str) -> Verdict {
    let mut judged = judged(script, &[name]).await;
    assert_eq!(judged.len(), 1, "{name}");
    judged.remove(0).verdict
}

/// What a broken rule has seen.
async fn seen(script: &str, name: &str) -> String {
    match one(script, name).await {
        Verdict::Failed(finding) => format!("{}\n{:?}", finding.seen, finding.exchange),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn a_healthy_process_passes() {
    let names = [
        "init/ready",
        "connect/ready",
        "lines/objects",
        "lines/in-pieces",
        "commands/unknown",
        "ping/connected",
        "close/after-work",
        "exit/after-close",
        "exit/input-ends",
        "exit/terminated",
        "message/data",
        "read/done",
        "read/one-answer",
        "read/slow-reader",
        "checkpoint/data",
        "checkpoint/killed",
    ];
    let judged = judged(SOURCE, &names).await;
    assert_eq!(judged.len(), names.len());
    for judged in judged {
        assert_eq!(judged.verdict, Verdict::Passed, "{}", judged.rule.name);
    }
}

#[tokio::test]
async fn one_that_is_deaf_to_sigterm_is_found() {
    let deaf = format!("trap '' TERM\n{SOURCE}");
    let seen = seen(&deaf, "exit/terminated").await;
    assert!(
        seen.contains("did not end") && seen.contains("SIGTERM"),
        "{seen}"
    );
}

#[tokio::test]
async fn one_that_dies_of_sigterm_has_another_status() {
    let seen = seen(SOURCE, "exit/terminated-status").await;
    assert!(seen.contains("SIGTERM (signal 15)"), "{seen}");
}

#[tokio::test]
async fn one_that_ends_at_once_is_found_with_its_last_words() {
    let seen = seen("echo 'no licence' >&2; exit 4", "init/ready").await;
    assert!(
        seen.contains("the end of stdout") && seen.contains("no licence"),
        "{seen}"
    );
}

#[tokio::test]
async fn one_that_says_nothing_is_given_up() {
    let seen = seen("exec sleep 1000", "init/ready").await;
    assert!(seen.contains("answered by nothing"), "{seen}");
}

/// Stderr is read all the time, and only its end is kept.
#[tokio::test]
async fn one_that_floods_stderr_is_heard_all_the_same() {
    let flood = format!("echo flood >&2; (while :; do echo flood >&2; done) &\n{SOURCE}");
    assert_eq!(one(&flood, "ping/often").await, Verdict::Passed);
    let seen = seen(&flood, "exit/terminated-status").await;
    assert!(seen.contains("flood") && seen.len() < 10_000, "{seen}");
}

/// Lines that come without end, where one is waited for.
#[tokio::test]
async fn one_that_floods_stdout_is_given_up() {
    let flood = "read -r line; while :; do echo '{\"type\":\"checkpoint\",\"data\":\"1\"}'; done";
    let seen = seen(flood, "init/ready").await;
    assert!(seen.contains("answered by nothing"), "{seen}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_found() {
    let odd = SOURCE.replace(
        "echo '{\"type\":\"pong\"}'",
        "printf '\\377\\n{\"type\":\"pong\"}\\n'",
    );
    let seen = seen(&odd, "lines/utf-8").await;
    assert!(seen.contains("no UTF-8"), "{seen}");
}
