//! What a connector has to keep, and how that is checked.

use futures::future::BoxFuture;
use serde::Serialize;

use crate::Outcome;

/// How much a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Platforms lose rows, fail, or refuse the connector where it is broken.
    Must,
    /// Users are worse off where it is broken; platforms go on.
    Should,
}

/// One sentence of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// What it is about, and a word for it: `read/state-counts`.
    pub name: &'static str,
    /// How much it binds.
    pub level: Level,
    /// The place in the protocol's own documents.
    pub clause: &'static str,
    /// What holds of a connector that keeps it.
    pub says: &'static str,
    /// What the author of one that does not can do.
    pub hint: &'static str,
}

/// A rule, and how to find out whether a subject of type `S` keeps it.
pub struct Check<S: 'static> {
    /// The rule.
    pub rule: Rule,
    pub(crate) run: for<'a> fn(&'a S) -> BoxFuture<'a, Outcome>,
}

/// A table of checks of one subject: name, level, clause, what holds, hint, and the function that finds out, an
/// `async fn(&Subject) -> Outcome`.
macro_rules! checks {
    ($subject:ty; $($name:literal $level:ident $clause:literal $says:literal $hint:literal $run:path;)*) => {
        pub(super) const CHECKS: &[$crate::Check<$subject>] = &[$($crate::Check {
            rule: $crate::Rule {
                name: $name,
                level: $crate::Level::$level,
                clause: $clause,
                says: $says,
                hint: $hint,
            },
            run: |subject| Box::pin($run(subject)),
        }),*];
    };
}
pub(crate) use checks;
