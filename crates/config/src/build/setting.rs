//! Settings: units, and which values make sense.

use std::path::PathBuf;
use std::time::Duration;

use crossdock_core::code;
use serde_json::Value;

use super::Builder;
use crate::node::Place;
use crate::quantity;
use crate::setting::Settings;
use crate::wire;

/// Whether a quantity may be nothing.
#[derive(Clone, Copy, PartialEq)]
enum Least {
    Zero,
    Positive,
}

impl Builder<'_> {
    /// Overrides `settings` by what is given, key by key.
    pub(super) fn settings(
        &mut self,
        settings: &mut Settings,
        given: wire::Settings,
        place: &Place<'_>,
    ) {
        use Least::{Positive, Zero};
        let sizes = [
            (
                &mut settings.memory_budget,
                given.memory_budget,
                "memory_budget",
            ),
            (
                &mut settings.max_line_bytes,
                given.max_line_bytes,
                "max_line_bytes",
            ),
        ];
        for (target, value, key) in sizes {
            if let Some(value) = value {
                self.size(target, &value, &place.key(key));
            }
        }
        let durations = [
            (&mut settings.grace, given.grace, "grace", Zero),
            (
                &mut settings.command_timeout,
                given.command_timeout,
                "command_timeout",
                Positive,
            ),
            (
                &mut settings.source_silence,
                given.source_silence,
                "source_silence",
                Positive,
            ),
            (
                &mut settings.destination_silence,
                given.destination_silence,
                "destination_silence",
                Positive,
            ),
            (
                &mut settings.checkpoint_silence,
                given.checkpoint_silence,
                "checkpoint_silence",
                Positive,
            ),
            (
                &mut settings.finish_timeout,
                given.finish_timeout,
                "finish_timeout",
                Positive,
            ),
            (
                &mut settings.commit_interval,
                given.commit_interval,
                "commit_interval",
                Zero,
            ),
        ];
        for (target, value, key, least) in durations {
            if let Some(value) = value {
                self.duration(target, &value, least, &place.key(key));
            }
        }
        if let Some(text) = given.until_idle {
            let mut idle = Duration::ZERO;
            self.duration(&mut idle, &text, Positive, &place.key("until_idle"));
            settings.until_idle = Some(idle);
        }
        if given.max_records == Some(0) {
            let place = place.key("max_records");
            self.wrong
                .push(place.fault(&code::CONFIG_INVALID, "the number is zero"));
        }
        settings.max_records = given.max_records.or(settings.max_records);
        set(&mut settings.mode, given.mode);
        set(&mut settings.resume, given.resume);
        if let Some(answers) = given.answers {
            self.answers(&mut settings.answers, answers, &place.key("answers"));
        }
        set(&mut settings.unreadable_records, given.unreadable_records);
        set(&mut settings.count_mismatch, given.count_mismatch);
        set(&mut settings.rejected_records, given.rejected_records);
        settings.route = given.route.or(settings.route);
        set(&mut settings.schema_check, given.schema_check);
        set(&mut settings.schema_changes, given.schema_changes);
        set(&mut settings.backfill, given.backfill);
        set(&mut settings.refresh, given.refresh);
        if let Some(store) = given.store {
            if store.trim().is_empty() {
                let place = place.key("store");
                self.wrong
                    .push(place.fault(&code::CONFIG_INVALID, "the path is empty"));
            }
            settings.store = Some(PathBuf::from(store));
        }
        if let Some(retries) = given.retries {
            self.retries(&mut settings.retries, retries, &place.key("retries"));
        }
    }

    fn answers(
        &mut self,
        target: &mut crossdock_core::session::AnswerTimes,
        given: wire::Answers,
        place: &Place<'_>,
    ) {
        let durations = [
            (&mut target.init, given.init, "init"),
            (&mut target.connect, given.connect, "connect"),
            (&mut target.read, given.read, "read"),
            (&mut target.write, given.write, "write"),
            (&mut target.close, given.close, "close"),
            (&mut target.ping, given.ping, "ping"),
        ];
        for (target, value, key) in durations {
            if let Some(value) = value {
                self.duration(target, &value, Least::Positive, &place.key(key));
            }
        }
    }

    fn retries(
        &mut self,
        target: &mut crate::setting::Retries,
        given: wire::Retries,
        place: &Place<'_>,
    ) {
        let counts = [
            given.complete_failures,
            given.complete_failures_total,
            given.partial_failures,
            given.partial_failures_total,
        ];
        target.is_counted |= counts.iter().any(Option::is_some);
        set(&mut target.complete_failures, given.complete_failures);
        set(
            &mut target.complete_failures_total,
            given.complete_failures_total,
        );
        set(&mut target.partial_failures, given.partial_failures);
        set(
            &mut target.partial_failures_total,
            given.partial_failures_total,
        );
        set(&mut target.backoff_factor, given.backoff_factor);
        if let Some(value) = given.backoff {
            let place = place.key("backoff");
            self.duration(&mut target.backoff, &value, Least::Zero, &place);
        }
        if let Some(value) = given.window {
            let place = place.key("window");
            self.duration(&mut target.window, &value, Least::Zero, &place);
        }
        if let Some(value) = given.backoff_max {
            let place = place.key("backoff_max");
            self.duration(&mut target.backoff_max, &value, Least::Zero, &place);
        }
    }

    /// A duration that is not nothing.
    pub(super) fn positive(&mut self, target: &mut Duration, text: &str, place: &Place<'_>) {
        self.duration(target, text, Least::Positive, place);
    }

    fn duration(&mut self, target: &mut Duration, text: &str, least: Least, place: &Place<'_>) {
        match quantity::duration(text) {
            Ok(Duration::ZERO) if least == Least::Positive => {
                let fault = place.fault(&code::CONFIG_INVALID, "the duration is zero");
                self.wrong
                    .push(fault.hint("for no limit in practice, write `3650d`"));
            }
            Ok(duration) => *target = duration,
            Err(why) => {
                let fault = place.fault(&code::CONFIG_INVALID, "the duration cannot be read");
                self.wrong.push(fault.hint(why));
            }
        }
    }

    pub(super) fn size(&mut self, target: &mut usize, value: &Value, place: &Place<'_>) {
        let read = match value {
            Value::String(text) => quantity::size(text),
            other => other
                .as_u64()
                .and_then(|bytes| usize::try_from(bytes).ok())
                .ok_or_else(|| "a size is a whole number of bytes".into()),
        };
        match read {
            Ok(0) => self
                .wrong
                .push(place.fault(&code::CONFIG_INVALID, "the size is zero")),
            Ok(bytes) => *target = bytes,
            Err(why) => {
                let fault = place.fault(&code::CONFIG_INVALID, "the size cannot be read");
                self.wrong.push(fault.hint(why));
            }
        }
    }
}

fn set<T>(target: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *target = given;
    }
}
