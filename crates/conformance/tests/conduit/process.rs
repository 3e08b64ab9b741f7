//! The real peer against programs that do not even shake hands.

use std::sync::Arc;

use crossdock_conformance::Role;
use crossdock_conformance::Verdict;
use crossdock_conformance::conduit::{Launched, Patience, Subject, checks};
use crossdock_core::session::{Session, Unobserved};
use crossdock_launch::Exec;

use crate::table::verdicts;

/// What the check of this name says of a shell script.
async fn verdict(name: &str, script: &str) -> Verdict {
    let words = ["sh", "-c", script].map(str::to_owned);
    let session = Session::new(Arc::new(Unobserved));
    let peer = Launched::new(Arc::new(Exec::new(words.into())), session, Role::Source);
    let subject = Subject::new(Box::new(peer), Role::Source, None, Patience::default());
    let check = checks(Role::Source).find(|check| check.rule.name == name);
    let mut judged = verdicts(check, &subject).await;
    judged.remove(0).verdict
}

#[track_caller]
fn assert_seen(verdict: &Verdict, text: &str) {
    match verdict {
        Verdict::Failed(finding) => assert!(finding.seen.contains(text), "{finding:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_that_exits_at_once_has_no_handshake() {
    let seen = verdict("handshake/line", "echo it is broken >&2; exit 3").await;
    assert_seen(&seen, "exit code 3");
    let Verdict::Failed(finding) = seen else {
        panic!()
    };
    let stderr = finding
        .exchange
        .iter()
        .any(|line| line.text == "it is broken");
    assert!(stderr, "{finding:?}");
}

#[tokio::test]
async fn one_that_prints_something_else_has_no_handshake() {
    let seen = verdict("handshake/line", "echo hello; exec cat").await;
    assert_seen(&seen, "not a handshake");
    let seen = verdict(
        "handshake/line",
        "echo '1|2|unix|/nowhere|netrpc|'; exec cat",
    )
    .await;
    assert_seen(&seen, "netrpc");
}

#[tokio::test]
async fn one_that_does_not_listen_is_not_reachable() {
    let seen = verdict(
        "handshake/reachable",
        "echo '1|2|unix|/nowhere/plugin|grpc|'; exec cat",
    )
    .await;
    assert_seen(&seen, "No such file");
    let skipped = verdict(
        "spec/answers",
        "echo '1|2|unix|/nowhere/plugin|grpc|'; exec cat",
    )
    .await;
    assert!(matches!(skipped, Verdict::Skipped { .. }), "{skipped:?}");
}

#[tokio::test]
async fn one_that_only_closes_its_output_is_not_taken_to_serve() {
    let seen = verdict("handshake/line", "exec >&-; exec sleep 20").await;
    assert_seen(&seen, "there is none");
}

#[tokio::test]
async fn the_cookie_is_looked_at() {
    let script =
        r#"test -n "$CONDUIT_PLUGIN_MAGIC_COOKIE" || exit 1; echo '1|2|tcp|127.0.0.1:1|grpc|'"#;
    assert_eq!(verdict("handshake/cookie", script).await, Verdict::Passed);
    let seen = verdict("handshake/cookie-wrong", script).await;
    assert_seen(&seen, "it serves");
}
