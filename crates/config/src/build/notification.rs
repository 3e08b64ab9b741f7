//! Notifications: references to secrets, and which URLs can be sent to.

use std::time::Duration;

use crossdock_core::code;

use super::Builder;
use crate::node::Place;
use crate::notification::{Notification, Occasion, Webhook};
use crate::{secret, wire};

impl Builder<'_> {
    pub(super) fn notifications(
        &mut self,
        given: Option<Vec<wire::Notification>>,
        place: &Place<'_>,
    ) -> Vec<Notification> {
        let all = given.into_iter().flatten().zip(place.items());
        all.filter_map(|(one, place)| self.notification(one, &place))
            .collect()
    }

    fn notification(
        &mut self,
        given: wire::Notification,
        place: &Place<'_>,
    ) -> Option<Notification> {
        let webhook = place.key("webhook");
        let resolved = secret::resolve(&webhook, self.environment, self.base, &mut self.wrong);
        let url = Webhook::new(resolved.value.as_str().unwrap_or_default());
        // What could not be resolved leaves nothing behind, and is told already.
        let is_told = resolved.value == "" && !resolved.references.is_empty();
        if url.is_none() && !is_told {
            // P10: the value is not told.
            self.wrong.push(webhook.fault(
                &code::CONFIG_INVALID,
                "the webhook is not a URL of the form `https://HOST/PATH` or `http://HOST/PATH`",
            ));
        }
        let mut timeout = Duration::from_secs(10);
        let mut backoff = Duration::from_secs(1);
        for (target, text, key) in [
            (&mut timeout, &given.timeout, "timeout"),
            (&mut backoff, &given.backoff, "backoff"),
        ] {
            if let Some(text) = text {
                self.positive(target, text, &place.key(key));
            }
        }
        let failures = || {
            vec![
                Occasion::SyncFailure,
                Occasion::ConnectionUpdateActionRequired,
            ]
        };
        Some(Notification {
            webhook: url?,
            on: given.on.unwrap_or_else(failures),
            timeout,
            attempts: given.attempts.unwrap_or(5),
            backoff,
            at: place.location(),
        })
    }
}
