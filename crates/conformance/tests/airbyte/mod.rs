//! The battery of Airbyte against doubles.

mod destination;
mod destination_fault;
mod double;
mod fault;
mod process;
mod source;
mod source_fault;
mod stored_loss;

use crossdock_conformance::Role;
use crossdock_conformance::airbyte::checks;

use crate::table::{all_pass, fails, verdicts};

#[tokio::test]
async fn a_healthy_source_keeps_every_rule() {
    let judged = verdicts(checks(Role::Source), &source::subject(None)).await;
    all_pass(&judged, &[]);
}

#[tokio::test]
async fn a_healthy_destination_keeps_every_rule() {
    let judged = verdicts(checks(Role::Destination), &destination::subject(None)).await;
    all_pass(&judged, &[]);
}

#[tokio::test]
async fn every_check_finds_its_fault() {
    for (role, subject) in [
        (Role::Source, source::subject as fn(_) -> _),
        (Role::Destination, destination::subject),
    ] {
        for check in checks(role) {
            if check.rule.name.starts_with("stored/") {
                continue;
            }
            let fault = fault::of(check.rule.name, role)
                .unwrap_or_else(|| panic!("{} has no fault in the table", check.rule.name));
            fails(&verdicts([check], &subject(Some(fault))).await);
        }
    }
}

#[tokio::test]
async fn every_check_of_what_is_stored_finds_its_loss() {
    let stored = checks(Role::Destination).filter(|check| check.rule.name.starts_with("stored/"));
    for check in stored {
        let loss = stored_loss::of(check.rule.name);
        fails(&verdicts([check], &destination::losing(None, Some(loss))).await);
    }
}
