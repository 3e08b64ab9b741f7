//! The battery of DataFlow against doubles and processes.

mod double;
mod fault;
mod process;
mod sink_fault;
mod source_fault;

use crossdock_conformance::Role;
use crossdock_conformance::dataflow::checks;
use crossdock_conformance::{Level, Verdict};

use crate::table::{all_pass, fails, verdicts};

#[tokio::test]
async fn a_healthy_source_keeps_every_rule() {
    let judged = verdicts(checks(Role::Source), &double::subject(Role::Source, None)).await;
    all_pass(&judged, &[]);
}

#[tokio::test]
async fn a_healthy_sink_keeps_every_rule() {
    let judged = verdicts(
        checks(Role::Destination),
        &double::subject(Role::Destination, None),
    )
    .await;
    all_pass(&judged, &[]);
}

#[tokio::test]
async fn every_check_finds_its_fault() {
    for role in [Role::Source, Role::Destination] {
        for check in checks(role) {
            let fault = fault::of(check.rule.name, role)
                .unwrap_or_else(|| panic!("{} has no fault in the table", check.rule.name));
            fails(&verdicts([check], &double::subject(role, Some(fault))).await);
        }
    }
}

/// Only what the published page says binds.
#[test]
fn what_the_profile_adds_only_advises() {
    for check in checks(Role::Source).chain(checks(Role::Destination)) {
        let profile = check
            .rule
            .clause
            .starts_with("Crossdock's profile of the protocol, ");
        let page = check.rule.clause.starts_with("Connector Protocol, ");
        assert!(profile != page, "{}", check.rule.name);
        assert!(
            page || check.rule.level == Level::Should,
            "{}",
            check.rule.name
        );
    }
}

#[tokio::test]
async fn the_configuration_is_never_shown() {
    let mut found = 0;
    for role in [Role::Source, Role::Destination] {
        let silent = double::subject(role, Some(|_, process| process.dies()));
        for judged in verdicts(checks(role), &silent).await {
            if let Verdict::Failed(finding) = &judged.verdict {
                let text = format!("{finding:?}");
                assert!(!text.contains("s3cret"), "{}", judged.rule.name);
                found += usize::from(text.contains(r#"\"config\":{…}"#));
            }
        }
    }
    assert!(found > 0, "no `init` is shown at all");
}
