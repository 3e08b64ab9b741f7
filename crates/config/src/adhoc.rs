//! A plan without a file, for `crossdock sync`.

use crate::plan::{Connector, ConnectorConfig, NamespaceRule, Pipeline, Plan, StreamSelection};
use crate::reference::{ConnectorRef, Launcher};
use crate::setting::Settings;

impl Plan {
    /// A plan of one pipeline. Its id depends on the two references alone, without a
    /// package's or an image's version, so that the next call with them, and an upgrade, goes on from the same
    /// state. Callers who move one source to two places by the same destination connector must
    /// set an id of their own.
    #[must_use]
    pub fn adhoc(
        source_ref: ConnectorRef,
        source_config: impl Into<ConnectorConfig>,
        destination_ref: ConnectorRef,
        destination_config: impl Into<ConnectorConfig>,
        streams: Vec<StreamSelection>,
        settings: Settings,
    ) -> Self {
        let pipeline = Pipeline {
            id: id(&source_ref, &destination_ref),
            sources: vec![Connector::new(source_ref, source_config)],
            processors: Vec::new(),
            destinations: vec![Connector::new(destination_ref, destination_config)],
            streams,
            namespace: NamespaceRule::default(),
            prefix: String::new(),
            dead_letters: None,
            settings: settings.clone(),
            is_stopped: false,
            schedule: None,
            notifications: Vec::new(),
        };
        Self {
            settings,
            pipelines: vec![pipeline],
            at_once: false,
            warnings: Vec::new(),
        }
    }
}

/// Readable first, and unique by the hash of the whole references.
fn id(source: &ConnectorRef, destination: &ConnectorRef) -> String {
    let whole = format!("{}\n{}", unversioned(source), unversioned(destination));
    let hash = fnv1a(whole.as_bytes());
    format!(
        "{}-to-{}-{hash:08x}",
        source.short_name(),
        destination.short_name()
    )
}

fn unversioned(reference: &ConnectorRef) -> String {
    let what = match reference.launcher {
        Some(Launcher::Python) => reference.package().0,
        Some(Launcher::Docker) => reference.image(),
        _ => &reference.what,
    };
    ConnectorRef {
        what: what.to_owned(),
        ..reference.clone()
    }
    .to_string()
}

impl ConnectorRef {
    /// The last part of what the reference names, in the characters of an id.
    #[must_use]
    pub fn short_name(&self) -> String {
        const LONGEST: usize = 48;
        let command = self.command();
        let what = match self.launcher {
            Some(Launcher::Python) => self.package().0,
            Some(Launcher::Docker) => self.image(),
            _ => command.first().map_or("", String::as_str),
        };
        let last = what.rsplit('/').next().unwrap_or_default();
        let plain: String = last
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(LONGEST)
            .collect();
        match plain.trim_matches('-') {
            "" => "connector".to_owned(),
            plain => plain.to_owned(),
        }
    }
}

/// FNV-1a, 32 bits: must never change, since states are kept under ids made of it (P12).
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn ids_are_stable_readable_and_distinct() {
        let check = |source: &str, destination: &str, expected: &str| {
            let id = id(&source.parse().unwrap(), &destination.parse().unwrap());
            assert_eq!(id, expected);
        };
        check(
            "airbyte:python:airbyte-source-faker",
            "native:parquet",
            "airbyte-source-faker-to-parquet-f4d1d01a",
        );
        check(
            "airbyte:python:airbyte-source-faker==6.2.1",
            "native:parquet",
            "airbyte-source-faker-to-parquet-f4d1d01a",
        );
        check(
            "airbyte:docker:airbyte/source-faker:6",
            "native:parquet",
            "source-faker-to-parquet-5c427b9e",
        );
        check(
            "airbyte:docker:localhost:5000/x/source-faker@sha256:ab",
            "native:parquet",
            "source-faker-to-parquet-1e67ba91",
        );
        check(
            "airbyte:exec:'./my src/run.sh' --fast",
            "native:jsonl",
            "run-sh-to-jsonl-fee6887d",
        );
        check(
            "airbyte:exec:./other/run.sh --fast",
            "native:jsonl",
            "run-sh-to-jsonl-ede4ef89",
        );
        check(
            "airbyte:exec:./...",
            "native:jsonl",
            "connector-to-jsonl-1abccd1a",
        );
    }
}
