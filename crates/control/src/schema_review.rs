//! What becomes of changes of the source's catalog (Airbyte §3.12): which flow, which are left out, and which need a
//! person first. Pure.
//!
//! The catalog that was agreed on is that of the last run, or the one that somebody accepted since.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crossdock_config::{Pipeline, SchemaChanges, Selections, StreamSelection};
use crossdock_core::catalog::{
    ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, FieldPath, SyncMode,
};
use crossdock_core::code;
use crossdock_core::error::Error;
use crossdock_core::stream::StreamId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema_change::{SchemaChange, changes};

/// How a stream differs from what was agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamChange {
    /// The stream.
    pub stream: StreamId,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Its fields that differ.
    pub fields: Vec<SchemaChange>,
    /// The key that the source defines, before and now, if it is another.
    pub key: Option<(Vec<FieldPath>, Vec<FieldPath>)>,
    /// Why the stream cannot go on as it is configured. Empty: it can.
    pub breaks: Vec<Breach>,
    /// What becomes of the change.
    pub effect: Effect,
}

/// What happened to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The source did not have it before.
    Added,
    /// The source has it no more.
    Removed,
    /// It has other fields or another key.
    Updated,
}

/// Why a stream cannot go on as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "breach", rename_all = "snake_case")]
pub enum Breach {
    /// The field that tells what is new is gone.
    Cursor {
        /// The field.
        field: String,
    },
    /// A field of the key by which rows are replaced is gone.
    KeyField {
        /// The field.
        field: String,
    },
    /// The source defines another key than the one by which rows are replaced.
    Key,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cursor { field } => write!(f, "! its cursor `{field}` is gone"),
            Self::KeyField { field } => write!(f, "! `{field}` of its key is gone"),
            Self::Key => f.write_str("! the source defines another key"),
        }
    }
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It reaches the destination.
    Flows,
    /// The stream goes on as it was, or is not moved.
    LeftOut,
    /// Nothing is moved until somebody has accepted it.
    Pauses,
}

impl StreamChange {
    /// The change in lines for people: the stream's own first, then one for each field.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let stream = &self.stream;
        let mut lines = match self.kind {
            ChangeKind::Added => vec![format!("+ stream {stream}")],
            ChangeKind::Removed => vec![format!("- stream {stream}")],
            ChangeKind::Updated => Vec::new(),
        };
        for field in &self.fields {
            let mut line = format!("{stream}: {field}");
            if let SchemaChange::Removed { field, .. } = field {
                for breach in &self.breaks {
                    match breach {
                        Breach::Cursor { field: gone } if covers(field, gone) => {
                            line += ", its cursor";
                        }
                        Breach::KeyField { field: gone } if covers(field, gone) => {
                            line += ", part of its key";
                        }
                        _ => {}
                    }
                }
            }
            lines.push(line);
        }
        if let Some((before, now)) = &self.key {
            let shown = |key: &[FieldPath]| match key {
                [] => "none".to_owned(),
                key => key
                    .iter()
                    .map(|path| path.join("."))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            lines.push(format!(
                "{stream}: ~ key: {} → {}",
                shown(before),
                shown(now)
            ));
        }
        lines
    }

    /// What somebody who accepts the change still has to do about it.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let stream = &self.stream;
        let advice = match self.breaks.first()? {
            Breach::Cursor { .. } => format!(
                "choose another `cursor_field` for {stream} in the pipeline file, or `sync_mode: full_refresh`"
            ),
            Breach::KeyField { .. } => format!(
                "choose another `primary_key` for {stream} in the pipeline file, or `destination_sync_mode: append`"
            ),
            Breach::Key => format!(
                "{stream} has rows under the old key: `crossdock refresh` with `--stream {}` and `--mode truncate` writes all of them under the new one",
                stream.name
            ),
        };
        Some(advice)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Every change, in the order of the source's catalog, then what is gone.
    pub changes: Vec<StreamChange>,
    /// The streams that are read anew, since they have new columns.
    pub backfill: Vec<StreamId>,
    /// The streams that go on with the schema that was agreed on.
    kept: HashMap<StreamId, Value>,
}

impl Review {
    /// Sets what the source offers now beside what was agreed on.
    #[must_use]
    pub fn new(pipeline: &Pipeline, agreed: &ConfiguredCatalog, now: &ConfiguredCatalog) -> Self {
        let rules = Rules::new(pipeline);
        let before: HashMap<StreamId, &ConfiguredStream> =
            agreed.streams.iter().map(|s| (s.id(), s)).collect();
        let mut review = Self::default();
        for stream in &now.streams {
            match before.get(&stream.id()) {
                None => review.added(&rules, stream),
                Some(before) => review.updated(&rules, before, stream),
            }
        }
        let now: HashSet<StreamId> = now.streams.iter().map(ConfiguredStream::id).collect();
        for id in agreed.streams.iter().map(ConfiguredStream::id) {
            // A stream that the file does not select any more is not the source's affair.
            if let Some(rule) = rules.of(&id).filter(|_| !now.contains(&id)) {
                let pauses = rule.policy == SchemaChanges::Pause;
                review.changes.push(StreamChange {
                    stream: id,
                    kind: ChangeKind::Removed,
                    fields: Vec::new(),
                    key: None,
                    breaks: Vec::new(),
                    effect: if pauses {
                        Effect::Pauses
                    } else {
                        Effect::Flows
                    },
                });
            }
        }
        review
    }

    fn added(&mut self, rules: &Rules<'_>, stream: &ConfiguredStream) {
        let id = stream.id();
        let Some(rule) = rules.of(&id) else { return };
        // Whoever names a stream wants it.
        if rule.is_named {
            return;
        }
        self.changes.push(StreamChange {
            stream: id,
            kind: ChangeKind::Added,
            fields: Vec::new(),
            key: None,
            breaks: Vec::new(),
            effect: match rule.policy {
                SchemaChanges::PropagateFully => Effect::Flows,
                SchemaChanges::Pause => Effect::Pauses,
                SchemaChanges::Ignore | SchemaChanges::PropagateColumns => Effect::LeftOut,
            },
        });
    }

    fn updated(&mut self, rules: &Rules<'_>, before: &ConfiguredStream, now: &ConfiguredStream) {
        let id = now.id();
        let Some(rule) = rules.of(&id) else { return };
        let mut fields = match before.stream.json_schema == now.stream.json_schema {
            true => Vec::new(),
            false => changes(&before.stream.json_schema, &now.stream.json_schema),
        };
        let breaks = breaches(before, now, &fields, &rule.selection);
        if let Some(selected) = &rule.selection.fields {
            // Which fields come and go is the file's word.
            fields.retain(|change| match change {
                SchemaChange::Added { .. } => false,
                SchemaChange::Removed { field, .. } => selected.contains(field),
                SchemaChange::Changed { .. } => true,
            });
        }
        let key = |one: &ConfiguredStream| {
            one.stream
                .source_defined_primary_key
                .clone()
                .unwrap_or_default()
        };
        let key = (key(before) != key(now)).then(|| (key(before), key(now)));
        if fields.is_empty() && key.is_none() && breaks.is_empty() {
            return;
        }
        let effect = match rule.policy {
            _ if !breaks.is_empty() => Effect::Pauses,
            SchemaChanges::Pause => Effect::Pauses,
            SchemaChanges::Ignore => Effect::LeftOut,
            SchemaChanges::PropagateColumns | SchemaChanges::PropagateFully => Effect::Flows,
        };
        let has_new = fields
            .iter()
            .any(|change| matches!(change, SchemaChange::Added { .. }));
        match effect {
            Effect::Flows if rule.backfill && has_new => self.backfill.push(id.clone()),
            Effect::LeftOut => {
                self.kept
                    .insert(id.clone(), before.stream.json_schema.clone());
            }
            _ => {}
        }
        self.changes.push(StreamChange {
            stream: id,
            kind: ChangeKind::Updated,
            fields,
            key,
            breaks,
            effect,
        });
    }

    /// Whether nothing may be moved until somebody has accepted the changes.
    #[must_use]
    pub fn pauses(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.effect == Effect::Pauses)
    }

    /// Whether the source has something that is left out.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.effect == Effect::LeftOut)
    }

    /// Takes out of a catalog what is left out. `processes`: processors change schemas between it and what was agreed
    /// on, so the streams that stay keep theirs.
    pub fn narrow(&self, catalog: &mut ConfiguredCatalog, processes: bool) {
        let left_out: HashSet<&StreamId> = self
            .changes
            .iter()
            .filter(|one| one.effect == Effect::LeftOut && one.kind == ChangeKind::Added)
            .map(|one| &one.stream)
            .collect();
        if left_out.is_empty() && self.kept.is_empty() {
            return;
        }
        catalog
            .streams
            .retain(|stream| !left_out.contains(&stream.id()));
        for stream in catalog.streams.iter_mut().filter(|_| !processes) {
            let Some(schema) = self.kept.get(&stream.id()) else {
                continue;
            };
            stream.stream.json_schema = schema.clone();
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                // New fields that the source sends all the same are taken out on the way (§3.3).
                let agreed = properties.keys().cloned().collect();
                stream.selected_fields.get_or_insert(agreed);
            }
        }
    }

    /// Why the run does not begin, if it does not.
    #[must_use]
    pub fn error(&self, pipeline: &str) -> Option<Error> {
        if !self.pauses() {
            return None;
        }
        let is_broken = self.changes.iter().any(|change| !change.breaks.is_empty());
        let message = match is_broken {
            true => "the source's schema has changed so that the pipeline cannot go on as it is",
            false => "the source's schema has changed, and the pipeline is to pause then",
        };
        let mut error = Error::new(&code::SCHEMA_CHANGED, message);
        let mut advice = Vec::new();
        for change in self
            .changes
            .iter()
            .filter(|one| one.effect == Effect::Pauses)
        {
            for line in change.lines() {
                error = error.with("change", line);
            }
            advice.extend(change.advice());
        }
        let mut hint = format!("`crossdock accept {pipeline}` takes the changes");
        for advice in advice {
            hint += "; ";
            hint += &advice;
        }
        Some(error.hint(hint))
    }
}

/// Why a stream cannot go on.
fn breaches(
    before: &ConfiguredStream,
    now: &ConfiguredStream,
    fields: &[SchemaChange],
    selection: &StreamSelection,
) -> Vec<Breach> {
    let gone: Vec<&str> = fields
        .iter()
        .filter_map(|change| match change {
            SchemaChange::Removed { field, .. } => Some(field.as_str()),
            _ => None,
        })
        .collect();
    let is_gone = |path: &str| gone.iter().any(|field| covers(field, path));
    let mut breaks = Vec::new();
    if now.sync_mode == SyncMode::Incremental {
        // The source may name another cursor by itself; the state is of the one before.
        let chosen = selection
            .cursor_field
            .is_none()
            .then_some(&before.cursor_field);
        let cursors = chosen.into_iter().chain([&now.cursor_field]).flatten();
        let cursor = cursors
            .map(|path| path.join("."))
            .find(|path| is_gone(path));
        breaks.extend(cursor.map(|field| Breach::Cursor { field }));
    }
    if now.destination_sync_mode == DestinationSyncMode::AppendDedup {
        let defines = |stream: &ConfiguredStream| stream.stream.source_defined_primary_key.clone();
        let chosen = selection
            .primary_key
            .is_none()
            .then_some(&before.primary_key);
        let keys = chosen
            .into_iter()
            .chain([&now.primary_key])
            .flatten()
            .flatten();
        let field = keys.map(|path| path.join(".")).find(|path| is_gone(path));
        breaks.extend(field.map(|field| Breach::KeyField { field }));
        if selection.primary_key.is_none() && defines(before) != defines(now) {
            breaks.push(Breach::Key);
        }
    }
    breaks
}

/// Whether a field is `path` or what `path` is in.
fn covers(field: &str, path: &str) -> bool {
    path.strip_prefix(field)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What a pipeline says of its streams.
struct Rules<'a> {
    pipeline: &'a Pipeline,
    selections: Selections<'a>,
}

struct Rule {
    policy: SchemaChanges,
    backfill: bool,
    /// The file names the stream, and not only a pattern that it fits.
    is_named: bool,
    selection: StreamSelection,
}

impl<'a> Rules<'a> {
    fn new(pipeline: &'a Pipeline) -> Self {
        let selections = Selections::new(&pipeline.streams);
        Self {
            pipeline,
            selections,
        }
    }

    /// `None`: the stream is not selected.
    fn of(&self, stream: &StreamId) -> Option<Rule> {
        let settings = &self.pipeline.settings;
        let selection = self.selections.of(stream)?;
        Some(Rule {
            policy: selection.schema_changes.unwrap_or(settings.schema_changes),
            backfill: selection.backfill.unwrap_or(settings.backfill),
            is_named: self
                .selections
                .matching(stream)
                .any(|entry| !entry.is_pattern()),
            selection,
        })
    }
}

#[cfg(test)]
mod tests;
