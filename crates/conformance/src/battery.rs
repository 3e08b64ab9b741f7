//! Running checks, one after the other.

use std::time::Instant;

use crossdock_core::Result;
use crossdock_core::secret::Masker;
use serde::Serialize;

use crate::{Check, Finding, Level, Line, Objection, Rule};

/// What came of one check.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Whether it holds.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took, in milliseconds; an exchange is counted where it was needed first.
    pub milliseconds: u64,
}

/// Whether a rule holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Passed,
    /// It does not.
    Failed(Finding),
    /// It cannot be checked here.
    Skipped {
        /// Why.
        reason: String,
    },
}

impl Judged {
    /// Whether a rule that binds is broken.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.rule.level == Level::Must && matches!(self.verdict, Verdict::Failed(_))
    }
}

/// Checks `subject`, and tells `heard` of each result at once. Nothing that `masker` knows stands in a result (P10).
///
/// # Errors
/// Whatever keeps the connector from being started at all.
pub async fn judge<S: 'static>(
    checks: impl IntoIterator<Item = &'static Check<S>>,
    subject: &S,
    masker: &Masker,
    mut heard: impl FnMut(&Judged),
) -> Result<Vec<Judged>> {
    let mut all = Vec::new();
    for check in checks {
        let began = Instant::now();
        let verdict = match (check.run)(subject).await {
            Ok(()) => Verdict::Passed,
            Err(Objection::Broken(finding)) => Verdict::Failed(masked(finding, masker)),
            Err(Objection::Skipped(reason)) => Verdict::Skipped { reason },
            Err(Objection::Failed(error)) => return Err(error),
        };
        let judged = Judged {
            rule: check.rule,
            verdict,
            milliseconds: began.elapsed().as_millis() as u64,
        };
        heard(&judged);
        all.push(judged);
    }
    Ok(all)
}

fn masked(finding: Finding, masker: &Masker) -> Finding {
    let lines = finding.exchange.into_iter();
    Finding {
        seen: masker.mask(&finding.seen).into_owned(),
        exchange: lines
            .map(|line| Line {
                text: masker.mask(&line.text).into_owned(),
                ..line
            })
            .collect(),
    }
}
