//! The plan: what a pipeline file, of whatever kind, or a command line comes down to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crossdock_core::catalog::{FieldPath, Lookback};
use crossdock_core::pattern::{self, Scope};
use crossdock_core::store::RefreshMode;
use crossdock_core::{DestinationSyncMode, StreamId, SyncMode};
use serde_json::Value;

use crate::data_channel::DataChannel;
use crate::diagnostic::{Diagnostic, Location};
use crate::docker::Docker;
use crate::node::Position;
use crate::notification::Notification;
use crate::reference::ConnectorRef;
use crate::setting::{SchemaChanges, Settings};

/// What to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The settings of the file: for what concerns all pipelines, such as the store.
    pub settings: Settings,
    /// The pipelines, in the file's order; at least one; no id twice.
    pub pipelines: Vec<Pipeline>,
    /// The pipelines are to run at the same time, not one after another.
    pub at_once: bool,
    /// What has no effect, or not the expected one, and is no fault.
    pub warnings: Vec<Diagnostic>,
}

/// One source, its streams, and where they go.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// The name under which its state is kept.
    pub id: String,
    /// Where the records come from; at least one. The records of several are merged.
    pub sources: Vec<Connector>,
    /// What every record goes through before it goes to the destinations.
    pub processors: Vec<Processor>,
    /// Where they go; at least one.
    pub destinations: Vec<Connector>,
    /// The selected streams; empty: all.
    pub streams: Vec<StreamSelection>,
    /// Which namespace the streams have at the destination (§3.10).
    pub namespace: NamespaceRule,
    /// Put before each stream's name at the destination; mostly empty.
    pub prefix: String,
    /// What becomes of records that a destination refuses. `None`: the first one ends the run.
    pub dead_letters: Option<DeadLetters>,
    /// The settings of the file, overridden by the pipeline's own.
    pub settings: Settings,
    /// It runs only when it is asked for by its id.
    pub is_stopped: bool,
    /// When it is to run: five or six fields of cron. `None`: when it is asked for.
    pub schedule: Option<String>,
    /// Whom to tell how its runs went.
    pub notifications: Vec<Notification>,
}

/// Whether a text can be a pipeline's id, which becomes a key of the store and part of file names.
pub(crate) fn is_id(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 128
        && text.chars().all(fits)
}

/// What an id has to be, for hints.
pub(crate) const ID_FORM: &str =
    "an id has up to 128 letters, digits, `.`, `_` and `-`, and begins with a letter or digit";

/// A processor of records.
#[derive(Clone, Default, PartialEq)]
pub struct Processor {
    /// What it is called in messages.
    pub id: String,
    /// Which processor, e.g. `field.set`.
    pub plugin: String,
    /// A template; records for which it is false pass by the processor. Blank: none.
    pub condition: String,
    /// A condition of DataFlow in its place. Blank: none.
    pub when: String,
    /// The streams whose records go through it; others pass by.
    pub scope: Scope,
    /// Its settings, with the types that they have in the file; those of Airbyte's mappers with their references
    /// to secrets resolved.
    pub settings: BTreeMap<String, Value>,
    /// The texts that references brought in, to be masked wherever they turn up (P10).
    pub secrets: Vec<String>,
    /// Where it stands in the file.
    pub at: Location,
}

/// Values of settings are left out, since any of them may be a secret (P10).
impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor")
            .field("id", &self.id)
            .field("plugin", &self.plugin)
            .field("scope", &self.scope)
            .field("settings", &self.settings.keys())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What becomes of records that a destination refuses (Conduit §3.9).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeadLetters {
    /// The file that keeps them. `None`: one beside the store.
    pub path: Option<PathBuf>,
    /// The connector that keeps them instead of a file.
    pub connector: Option<Connector>,
    /// The last so many records of a destination are looked at; 0: any number of refusals is put up
    /// with.
    pub window_size: u64,
    /// So many of them may be refused; one more ends the run. Less than `window_size`, unless that
    /// is 0.
    pub window_nack_threshold: u64,
    /// What a record is that a connector keeps.
    pub form: LetterForm,
}

/// What a dead letter is, as a record of the connector that keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LetterForm {
    /// The refused record with all its parts, and the reason in the metadata, as Conduit has it.
    #[default]
    OpenCdc,
    /// The reason beside the refused payload, as DataFlow has it.
    DataFlow,
}

/// A connector and its configuration.
#[derive(Clone, PartialEq)]
pub struct Connector {
    /// Its name within the pipeline; empty where it has none.
    pub id: String,
    /// Which connector.
    pub reference: ConnectorRef,
    /// Which one to take if `reference`, a name in Conduit's folder, is of no program there.
    pub otherwise: Option<ConnectorRef>,
    /// What else helps if there is no such connector.
    pub hint: Option<String>,
    /// Its configuration is flat, texts by dotted names, as Conduit has it: for one of another protocol it
    /// is made an object of objects.
    pub has_flat_config: bool,
    /// How its container is run, for one that comes as an image.
    pub docker: Docker,
    /// How its records pass, for one of Airbyte.
    pub data_channel: DataChannel,
    /// What the records of a source go through before they are merged with others, and those to a
    /// destination at last.
    pub processors: Vec<Processor>,
    /// Its configuration, references to secrets resolved. Every resolved value is still text: see
    /// [`crate::coerce`].
    pub config: Value,
    /// JSON pointers to the values that were nothing but one reference.
    pub references: Vec<String>,
    /// The texts that references brought in, to be masked wherever they turn up (P10).
    pub secrets: Vec<String>,
    /// Where it stands in the file.
    pub at: Location,
    /// Where the configuration's values stand in the file, by JSON pointer.
    pub(crate) positions: BTreeMap<String, (String, Position)>,
}

impl Connector {
    /// A connector that did not come from a pipeline file.
    #[must_use]
    pub fn new(reference: ConnectorRef, config: impl Into<ConnectorConfig>) -> Self {
        let config = config.into();
        Self {
            id: String::new(),
            reference,
            otherwise: None,
            hint: None,
            has_flat_config: false,
            docker: config.docker,
            data_channel: DataChannel::default(),
            processors: Vec::new(),
            config: config.value,
            references: config.references,
            secrets: config.secrets,
            at: config.at,
            positions: config.positions,
        }
    }

    /// Where the value at a JSON pointer into `config` stands in the file; where there is none,
    /// the nearest value around it.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Location {
        let mut pointer = pointer;
        loop {
            if let Some((path, at)) = self.positions.get(pointer) {
                return Location {
                    file: self.at.file.clone(),
                    path: path.clone(),
                    line: at.line,
                    column: at.column,
                };
            }
            match pointer.rfind('/') {
                Some(parent) => pointer = &pointer[..parent],
                None => return self.at.clone(),
            }
        }
    }
}

/// Values are left out, since any of them may be a secret (P10).
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("reference", &self.reference.to_string())
            .field("config", &Keys(&self.config))
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// A connector's configuration, from a file of its own or made by hand.
#[derive(Clone, Default, PartialEq)]
pub struct ConnectorConfig {
    /// As [`Connector::config`].
    pub value: Value,
    /// As [`Connector::references`].
    pub references: Vec<String>,
    /// As [`Connector::secrets`].
    pub secrets: Vec<String>,
    /// As [`Connector::docker`].
    pub docker: Docker,
    /// Where it stands.
    pub at: Location,
    pub(crate) positions: BTreeMap<String, (String, Position)>,
}

/// A configuration without references, taken as it is.
impl From<Value> for ConnectorConfig {
    fn from(value: Value) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

/// As [`Connector`]'s: keys only.
impl fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorConfig")
            .field("value", &Keys(&self.value))
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// The top-level keys of a configuration.
struct Keys<'a>(&'a Value);

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.as_object().into_iter().flat_map(|map| map.keys());
        f.debug_set().entries(keys).finish()
    }
}

/// Which streams are moved, and how. What is `None` is left to the source and the destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamSelection {
    /// The stream's name, in which `*` stands for any text.
    pub name: String,
    /// The namespace at the source. `None`: any.
    pub namespace: Option<String>,
    /// How the source reads it.
    pub sync_mode: Option<SyncMode>,
    /// How the destination writes it.
    pub destination_sync_mode: Option<DestinationSyncMode>,
    /// The key.
    pub primary_key: Option<Vec<FieldPath>>,
    /// The cursor.
    pub cursor_field: Option<FieldPath>,
    /// How far before the end of the last run the next one begins.
    pub lookback: Option<Lookback>,
    /// The top-level fields to keep. `None`: all.
    pub fields: Option<Vec<String>>,
    /// How it is refreshed. `None`: as the settings say.
    pub refresh: Option<RefreshMode>,
    /// What becomes of changes of its schema. `None`: as the settings say.
    pub schema_changes: Option<SchemaChanges>,
    /// Whether it is read anew when it gets new fields. `None`: as the settings say.
    pub backfill: Option<bool>,
    /// Where it stands in the file, for errors that show later.
    pub at: Location,
}

impl StreamSelection {
    /// The streams whose name is, or fits, `name`.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Whether this entry speaks of `stream`.
    #[must_use]
    pub fn matches(&self, stream: &StreamId) -> bool {
        pattern::fits(&self.name, self.namespace.as_deref(), stream)
    }

    /// Whether `name` stands for more than one stream.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.name.contains('*')
    }

    pub(crate) fn override_by(&mut self, later: &Self) {
        fn take<T: Clone>(mine: &mut Option<T>, later: &Option<T>) {
            if later.is_some() {
                mine.clone_from(later);
            }
        }
        take(&mut self.sync_mode, &later.sync_mode);
        take(
            &mut self.destination_sync_mode,
            &later.destination_sync_mode,
        );
        take(&mut self.primary_key, &later.primary_key);
        take(&mut self.cursor_field, &later.cursor_field);
        take(&mut self.lookback, &later.lookback);
        take(&mut self.fields, &later.fields);
        take(&mut self.refresh, &later.refresh);
        take(&mut self.schema_changes, &later.schema_changes);
        take(&mut self.backfill, &later.backfill);
        self.at = later.at.clone();
    }
}

/// Which namespace the streams have at the destination (§3.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NamespaceRule {
    /// As at the source.
    #[default]
    Source,
    /// None: the destination uses the one it is configured with.
    Destination,
    /// This text, in which `${SOURCE_NAMESPACE}` stands for the source's; a blank result is none.
    Custom(String),
}

#[cfg(test)]
mod tests;
