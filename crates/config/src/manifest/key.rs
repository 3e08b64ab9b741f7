//! The keys of a spec: which there are, and what those come to that have no effect here.

use crossdock_core::code;

use super::{Kind, Reader};
use crate::diagnostic::quoted;
use crate::node::Place;
use crate::suggestion;

/// Keys that are acted on, or whose wish is what happens in any case.
const TAKEN: [&str; 9] = [
    "source",
    "sink",
    "transformations",
    "errors",
    "checkpointPersistence",
    "checkpointSaveInterval",
    "checkpointSyncOnAck",
    "checkpointReset",
    "replicas",
];

/// The same of a `DataFlowCron` alone.
const TAKEN_OF_CRON: [&str; 3] = ["schedule", "suspend", "triggers"];

/// Keys for a cluster, or for the inside of DataFlow's own engine.
const IDLE: [&str; 13] = [
    "affinity",
    "ackGranularity",
    "channelBufferSize",
    "collapseBatchOnMessageAck",
    "imagePullSecrets",
    "maintenance",
    "nodeSelector",
    "processorImage",
    "processorVersion",
    "resources",
    "strictIdempotency",
    "tolerations",
    "transformWorkers",
];

/// The same of a `DataFlowCron` alone.
const IDLE_OF_CRON: [&str; 4] = [
    "concurrencyPolicy",
    "failedJobsHistoryLimit",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
];

impl Reader<'_> {
    /// Refuses unknown keys of a spec, and tells at once which of the known ones have no effect.
    pub(super) fn spec_keys(&mut self, spec: &Place<'_>, kind: Kind) {
        let of_cron = TAKEN_OF_CRON.into_iter().chain(IDLE_OF_CRON);
        let mut known: Vec<&str> = TAKEN.into_iter().chain(IDLE).collect();
        if kind == Kind::Cron {
            known.extend(of_cron);
        } else {
            for key in of_cron {
                if let Some(place) = self.given(spec, key) {
                    let message = format!("`{key}` is a key of `kind: DataFlowCron`");
                    self.invalid(&place, message, "remove it, or write that kind");
                    // It is told, and so is known.
                    known.push(key);
                }
            }
        }
        self.known(spec, &known);
        let mut idle: Vec<String> = Vec::new();
        for entry in spec.node.entries() {
            let key = entry.key.as_str();
            if IDLE.contains(&key) || kind == Kind::Cron && IDLE_OF_CRON.contains(&key) {
                idle.push(format!("`{key}`"));
            }
        }
        if !idle.is_empty() {
            let verb = if idle.len() == 1 { "has" } else { "have" };
            self.warn(
                spec,
                format!("{} {verb} no effect here", idle.join(", ")),
                "such keys are for a cluster, or for the inside of DataFlow's own engine; they may stay",
            );
        }
    }

    /// Refuses keys that are not known.
    pub(super) fn known(&mut self, place: &Place<'_>, keys: &[&str]) {
        for entry in place.node.entries() {
            if keys.contains(&entry.key.as_str()) {
                continue;
            }
            let here = place.to(&entry.value, &entry.key);
            let message = format!("unknown key {}", quoted(&entry.key));
            let mut fault = here.fault(&code::CONFIG_UNKNOWN_KEY, message);
            fault.at = here.located(entry.at);
            let hint = suggestion::hint(&entry.key, keys, "known keys");
            self.wrong.push(fault.hint(hint));
        }
    }
}
