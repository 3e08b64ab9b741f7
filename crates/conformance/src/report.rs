//! All results of one connector, for programs.

mod junit;

use serde::Serialize;

use crate::{Judged, Level, Role, Verdict};

/// What holds of a connector, and what does not.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The connector.
    pub connector: String,
    /// The protocol: `airbyte`, `conduit` or `dataflow`.
    pub protocol: &'static str,
    /// What it was checked as.
    pub role: Role,
    /// How many rules hold.
    pub passed: usize,
    /// How many binding rules are broken.
    pub failed: usize,
    /// How many rules are broken that only advise.
    pub warned: usize,
    /// How many could not be checked.
    pub skipped: usize,
    /// The results, in the order of the checks.
    pub checks: Vec<Judged>,
}

impl Report {
    /// Whether the connector does not take the configuration that was given: then that may be wrong, and most was not
    /// tested.
    #[must_use]
    pub fn is_config_refused(&self) -> bool {
        const TAKES: [&str; 4] = [
            "check/succeeds",
            "configure/accepted",
            "init/ready",
            "connect/ready",
        ];
        let mut refused = self.checks.iter().filter(|judged| judged.is_violation());
        refused.any(|judged| TAKES.contains(&judged.rule.name))
    }

    /// The report of these results.
    #[must_use]
    pub fn new(connector: String, protocol: &'static str, role: Role, checks: Vec<Judged>) -> Self {
        let count = |of: fn(&Judged) -> bool| checks.iter().filter(|judged| of(judged)).count();
        Self {
            connector,
            protocol,
            role,
            passed: count(|judged| judged.verdict == Verdict::Passed),
            failed: count(Judged::is_violation),
            warned: count(|judged| {
                judged.rule.level == Level::Should && matches!(judged.verdict, Verdict::Failed(_))
            }),
            skipped: count(|judged| matches!(judged.verdict, Verdict::Skipped { .. })),
            checks,
        }
    }

    /// As JUnit XML, which every CI shows. A broken rule that only advises is a passed test with a note.
    #[must_use]
    pub fn junit(&self) -> String {
        junit::write(self)
    }
}
