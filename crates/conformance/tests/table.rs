//! What every battery's table of faults has to keep.

use crossdock_conformance::{Check, Judged, Verdict, judge};
use crossdock_core::secret::Masker;

/// Judges one subject.
pub(crate) async fn verdicts<S: 'static>(
    checks: impl IntoIterator<Item = &'static Check<S>>,
    subject: &S,
) -> Vec<Judged> {
    let judged = judge(checks, subject, &Masker::default(), |_| {}).await;
    judged.expect("a double can always be started")
}

/// Nothing is broken, and nothing skipped but what is named.
pub(crate) fn all_pass(judged: &[Judged], skipped: &[&str]) {
    for judged in judged {
        match &judged.verdict {
            Verdict::Passed => assert!(
                !skipped.contains(&judged.rule.name),
                "{}: not skipped",
                judged.rule.name
            ),
            Verdict::Failed(finding) => panic!("{}: {finding:#?}", judged.rule.name),
            Verdict::Skipped { reason } => assert!(
                skipped.contains(&judged.rule.name),
                "{}: {reason}",
                judged.rule.name
            ),
        }
    }
}

/// The check finds its fault.
pub(crate) fn fails(judged: &[Judged]) {
    for judged in judged {
        assert!(
            matches!(judged.verdict, Verdict::Failed(_)),
            "{}: the fault is not found: {:?}",
            judged.rule.name,
            judged.verdict
        );
    }
}
