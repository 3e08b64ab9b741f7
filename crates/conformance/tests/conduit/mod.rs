//! The battery of Conduit against doubles, and its process against small programs.

mod common_fault;
mod double;
mod fault;
mod process;

use crossdock_conformance::Role;
use crossdock_conformance::conduit::checks;

use crate::table::{all_pass, fails, verdicts};

const ROLES: [Role; 2] = [Role::Source, Role::Destination];

#[tokio::test]
async fn healthy_doubles_keep_every_rule() {
    for role in ROLES {
        let judged = verdicts(checks(role), &double::subject(role, None)).await;
        all_pass(&judged, &[]);
    }
}

#[tokio::test]
async fn every_check_finds_its_fault() {
    for role in ROLES {
        for check in checks(role) {
            let name = check.rule.name;
            let fault = common_fault::of(name).or_else(|| fault::of(name, role));
            let fault = fault.unwrap_or_else(|| panic!("{name} has no fault in the table"));
            fails(&verdicts([check], &double::subject(role, Some(fault))).await);
        }
    }
}

#[test]
fn names_are_unique_and_there_are_enough() {
    let mut all = std::collections::BTreeSet::new();
    for role in ROLES {
        let names: Vec<&str> = checks(role).map(|check| check.rule.name).collect();
        let unique: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "a name stands twice");
        all.extend(names);
    }
    assert!(all.len() >= 60, "{}", all.len());
}
