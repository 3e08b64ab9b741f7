//! Whom to tell how a run went.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Location;

/// A webhook, and what it wants to hear of.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Where to.
    pub webhook: Webhook,
    /// What of; at least one.
    pub on: Vec<Occasion>,
    /// How long one try may take.
    pub timeout: Duration,
    /// How often it is tried in all; at least once.
    pub attempts: u32,
    /// The wait after the first try; each further one is twice as long.
    pub backoff: Duration,
    /// Where it stands in the file.
    pub at: Location,
}

/// The URL of a webhook. Whoever knows it may use it, so it is shown to nobody (P10).
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook(String);

impl Webhook {
    /// `None`: the text is no URL that can be sent to.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let plain = url.strip_prefix("http://");
        let rest = plain.or_else(|| url.strip_prefix("https://"))?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
        (!host.is_empty() && !host.contains('@') && is_plain).then(|| Self(url.to_owned()))
    }

    /// The URL, for sending alone.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(…)")
    }
}

/// What there is to tell, by the names of Airbyte's platform (§3.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A run went well.
    SyncSuccess,
    /// A run failed. One that somebody ended did not.
    SyncFailure,
    /// The source's schema has changed, and the run went on with it.
    ConnectionUpdate,
    /// The source's schema has changed, and nothing is moved until somebody has accepted it.
    ConnectionUpdateActionRequired,
}

impl Occasion {
    /// The name in pipeline files and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SyncSuccess => "sync_success",
            Self::SyncFailure => "sync_failure",
            Self::ConnectionUpdate => "connection_update",
            Self::ConnectionUpdateActionRequired => "connection_update_action_required",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_a_url_that_is_shown_to_nobody() {
        let check = |url: &str, is_one: bool| {
            let found = Webhook::new(url);
            assert_eq!(found.is_some(), is_one, "{url}");
            assert!(!format!("{found:?}").contains("host"));
        };
        check("http://host", true);
        check("http://host:8080/a/b?token=x", true);
        check("http://[::1]:8080/host", true);
        check("https://host/services/T0/B0/x", true);
        for wrong in [
            "",
            "host",
            "http://",
            "http:///a",
            "https://",
            "ftp://host",
            "http://ho st",
            "http://u:p@host",
            "http://host/ü",
        ] {
            check(wrong, false);
        }
    }
}
