//! A spec becomes a pipeline.

use std::time::Duration;

use super::{Kind, Reader, cron};
use crate::diagnostic::quoted;
use crate::node::{Place, Tree};
use crate::plan::{Connector, DeadLetters, LetterForm, NamespaceRule, Pipeline};
use crate::quantity;
use crate::setting::{Mode, Settings};

/// The policies of an error sink under which a record that it has counts as done.
const POLICIES: [&str; 2] = ["afterWrite", "afterMainSinkSuccess"];

impl Reader<'_> {
    /// `None`: what is wrong is told.
    pub(super) fn pipeline(
        &mut self,
        name: String,
        spec: &Place<'_>,
        kind: Kind,
    ) -> Option<Pipeline> {
        self.spec_keys(spec, kind);
        let source = self.need(spec, "source", "it says where the messages come from");
        let source = source.and_then(|source| self.connector(&source, &[]));
        let sink = self.need(spec, "sink", "it says where the messages go");
        let sink = sink.and_then(|sink| self.connector(&sink, &[]));
        let course = self.transformations(spec);
        let dead_letters = self.errors(spec);
        let settings = self.settings(spec, kind, &name);
        let has_no_replica = self.replicas(spec, source.as_ref());
        let (schedule, is_suspended) = match kind {
            Kind::Flow => (None, false),
            Kind::Cron => self.cron(spec),
        };
        let mut destinations = vec![course.main(sink?)];
        destinations.extend(course.routes);
        Some(Pipeline {
            id: name,
            sources: vec![source?],
            processors: course.processors,
            destinations,
            streams: Vec::new(),
            namespace: NamespaceRule::default(),
            prefix: String::new(),
            dead_letters,
            settings,
            notifications: Vec::new(),
            is_stopped: is_suspended || has_no_replica,
            schedule,
        })
    }

    fn errors(&mut self, spec: &Place<'_>) -> Option<DeadLetters> {
        let place = self.given(spec, "errors")?;
        let connector = self.connector(&place, &["ackPolicy"]);
        let policy = self.text(&place, "ackPolicy");
        let policy = policy.filter(|policy| !POLICIES.contains(&policy.as_str()));
        if let Some(policy) = policy {
            let message = match policy.as_str() {
                "never" => "`ackPolicy: never` is not taken: a record that is in the error sink would come again with every run".to_owned(),
                other => format!("there is no `ackPolicy` {}", quoted(other)),
            };
            let hint = "write `afterWrite`, which is also the default: a record counts as done once the error sink has it";
            self.invalid(&place.key("ackPolicy"), message, hint);
        }
        Some(DeadLetters {
            path: None,
            connector: Some(connector?),
            window_size: 0,
            window_nack_threshold: 0,
            form: LetterForm::DataFlow,
        })
    }

    fn settings(&mut self, spec: &Place<'_>, kind: Kind, name: &str) -> Settings {
        let mut settings = Settings::default();
        if kind == Kind::Flow {
            settings.mode = Mode::Stream;
            settings.retries.is_endless = true;
            settings.retries.backoff = Duration::from_secs(30);
            settings.retries.backoff_factor = 2;
            settings.retries.backoff_max = Duration::from_secs(5 * 60);
        }
        if self.flag(spec, "checkpointPersistence") == Some(false) {
            settings.resume = false;
        }
        if let Some(interval) = self.given(spec, "checkpointSaveInterval") {
            let read = match &interval.node.tree {
                Tree::String(text) => quantity::duration(text),
                Tree::Number(seconds) => seconds
                    .as_u64()
                    .ok_or_else(|| "a number here is one of whole seconds".to_owned())
                    .and_then(|seconds| quantity::duration(&format!("{seconds}s"))),
                _ => Err("e.g. `checkpointSaveInterval: 30s`".to_owned()),
            };
            match read {
                Ok(interval) => settings.commit_interval = interval,
                Err(why) => self.invalid(&interval, "the duration cannot be read", why),
            }
        }
        // Every commit is on disk at once, so this asks for nothing.
        self.flag(spec, "checkpointSyncOnAck");
        if self.flag(spec, "checkpointReset") == Some(true) {
            self.warn_of_reset(&spec.key("checkpointReset"), name);
        }
        settings
    }

    /// A file says the same with every run, so it cannot ask for something once.
    pub(super) fn warn_of_reset(&mut self, place: &Place<'_>, name: &str) {
        self.warn(
            place,
            "the wish to begin anew once has no effect here",
            format!("`crossdock state reset {name}` does it"),
        );
    }

    /// Whether there is to be none at all.
    fn replicas(&mut self, spec: &Place<'_>, source: Option<&Connector>) -> bool {
        let Some(place) = self.given(spec, "replicas") else {
            return false;
        };
        let number = match &place.node.tree {
            Tree::Number(number) => number.as_u64(),
            _ => None,
        };
        match (number, source) {
            (None, _) => self.expected("a number of replicas", &place),
            (Some(0), _) => return true,
            (Some(1), _) | (_, None) => {}
            (Some(_), Some(source)) if source.reference.what == "kafka" => {
                let hint = "one process reads all partitions; others of the same consumer group may run beside it";
                self.warn(&place, "more than one replica has no effect here", hint);
            }
            (Some(_), Some(_)) => self.invalid(
                &place,
                "only a source `kafka` can have more than one replica: every other would be read several times",
                "write `replicas: 1`, or leave it out",
            ),
        }
        false
    }

    /// The schedule, and whether it is suspended.
    fn cron(&mut self, spec: &Place<'_>) -> (Option<String>, bool) {
        const HINT: &str = "e.g. `schedule: \"0 2 * * *\"`, every night at two";
        let schedule = self.text(spec, "schedule");
        match &schedule {
            Some(schedule) => {
                if let Err(why) = cron::check(schedule) {
                    let message = format!("{} is no schedule: {why}", quoted(schedule));
                    self.invalid(&spec.key("schedule"), message, HINT);
                }
            }
            None if self.given(spec, "schedule").is_none() => {
                self.invalid(spec, "`schedule` is missing", HINT);
            }
            // That it is no text has been told.
            None => {}
        }
        if !self.items(spec, "triggers").is_empty() {
            let hint =
                "start what they start after `crossdock run`, which ends with 0 if all went well";
            self.warn(&spec.key("triggers"), "triggers are not run", hint);
        }
        (schedule, self.flag(spec, "suspend") == Some(true))
    }
}
