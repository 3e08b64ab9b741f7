//! The last active configuration of a connector, and what it is told when that changes (§3.1).
//!
//! What is remembered holds no secret (P10): of a parameter that may be one only a digest is kept. A
//! connector that is told of a change gets the old value where it is still the same, and nothing where
//! it is not.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

use crossdock_core::secret::is_secret_name;

/// The key under which it is remembered.
pub(super) const KEY: &str = "conduit/last-active-config";

/// A configuration without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Active {
    values: BTreeMap<String, String>,
    /// By parameter: a salted digest.
    secrets: BTreeMap<String, u64>,
    salt: u64,
}

/// What to tell the connector.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It was never started here.
    Created,
    /// It was, with this configuration.
    Updated { before: BTreeMap<String, String> },
    /// Nothing changed.
    Same,
}

impl Active {
    /// Of this configuration. `salt` makes digests useless for anybody who guesses values in bulk.
    pub(super) fn new(config: &BTreeMap<String, String>, salt: u64) -> Self {
        let mut active = Self {
            salt,
            ..Self::default()
        };
        for (name, value) in config {
            if is_secret_name(name) {
                active
                    .secrets
                    .insert(name.clone(), digest(salt, name, value));
            } else {
                active.values.insert(name.clone(), value.clone());
            }
        }
        active
    }

    /// What was remembered, seen from today's configuration.
    pub(super) fn before(&self, now: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut before = self.values.clone();
        for (name, kept) in &self.secrets {
            if let Some(value) = now
                .get(name)
                .filter(|v| digest(self.salt, name, v) == *kept)
            {
                before.insert(name.clone(), value.clone());
            }
        }
        before
    }

    fn is_same(&self, now: &BTreeMap<String, String>) -> bool {
        *self == Self::new(now, self.salt)
    }
}

fn digest(salt: u64, name: &str, value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (salt, name, value).hash(&mut hasher);
    hasher.finish()
}

/// What to tell a connector that starts with `now` after `last`.
pub(super) fn step(last: Option<&Active>, now: &BTreeMap<String, String>) -> Step {
    match last {
        None => Step::Created,
        Some(last) if last.is_same(now) => Step::Same,
        Some(last) => Step::Updated {
            before: last.before(now),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_change_is_told_without_a_secret_that_is_gone() {
        let first = config(&[("table", "a"), ("password", "hunter22"), ("token", "t")]);
        let kept = Active::new(&first, 7);
        assert!(!serde_json::to_string(&kept).unwrap().contains("hunter22"));
        assert_eq!(step(None, &first), Step::Created);
        assert_eq!(step(Some(&kept), &first), Step::Same);
        let second = config(&[("table", "b"), ("password", "hunter22"), ("token", "new")]);
        let before = config(&[("table", "a"), ("password", "hunter22")]);
        assert_eq!(step(Some(&kept), &second), Step::Updated { before });
        let other_secret = config(&[("table", "a"), ("password", "x"), ("token", "t")]);
        assert!(matches!(
            step(Some(&kept), &other_secret),
            Step::Updated { .. }
        ));
    }
}
