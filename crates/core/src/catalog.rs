//! Catalogs: what a source offers, and what of it a pipeline moves. As in Airbyte (§1.7 of its
//! protocol), which is also their serialised form. Properties that we do not know are kept.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::stream::StreamId;

/// A path into a record, outermost key first.
pub type FieldPath = Vec<String>;

/// How a source reads a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Everything, every time.
    FullRefresh,
    /// What is new since the last state.
    Incremental,
}

impl SyncMode {
    /// The name on the wire and in pipeline files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullRefresh => "full_refresh",
            Self::Incremental => "incremental",
        }
    }
}

/// How a destination writes a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationSyncMode {
    /// Add every record.
    Append,
    /// Replace the earlier data of the stream by this run's.
    Overwrite,
    /// Upsert by primary key; the latest by cursor wins.
    AppendDedup,
    /// Data activation: update existing objects.
    Update,
    /// Data activation: mark matched objects deleted.
    SoftDelete,
}

impl DestinationSyncMode {
    /// The name on the wire and in pipeline files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Overwrite => "overwrite",
            Self::AppendDedup => "append_dedup",
            Self::Update => "update",
            Self::SoftDelete => "soft_delete",
        }
    }
}

/// A `null` from a careless tool reads as the default (§6, 8).
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// What a source offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The streams, in the source's order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub streams: Vec<Stream>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A stream that a source offers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// The name.
    pub name: String,
    /// The namespace, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// JSON Schema (draft-07) of a record's data.
    pub json_schema: Value,
    /// The modes it can be read in; absent in hand-written catalogs, then full refresh (§6, 28).
    pub supported_sync_modes: Vec<SyncMode>,
    /// The source picks the cursor; the user cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_defined_cursor: Option<bool>,
    /// The cursor that the source suggests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_cursor_field: Option<FieldPath>,
    /// The key, where the source knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_defined_primary_key: Option<Vec<FieldPath>>,
    /// A full refresh can be resumed half-way from a state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_resumable: Option<bool>,
    /// The stream may carry files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_file_based: Option<bool>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn empty_schema() -> Value {
    Value::Object(Map::new())
}

fn full_refresh_only() -> Vec<SyncMode> {
    vec![SyncMode::FullRefresh]
}

/// By hand, since a derived reader of a struct with unknown properties would build every schema
/// twice, and catalogs of tens of thousands of streams are common.
impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StreamVisitor)
    }
}

struct StreamVisitor;

impl<'de> Visitor<'de> for StreamVisitor {
    type Value = Stream;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream of a catalog")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stream, A::Error> {
        let mut stream = Stream::new("", empty_schema());
        let mut is_named = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => {
                    stream.name = map.next_value()?;
                    is_named = true;
                }
                "namespace" => stream.namespace = map.next_value()?,
                // A `null` from a careless tool reads as absent (§6, 8).
                "json_schema" => {
                    let schema: Option<Value> = map.next_value()?;
                    stream.json_schema = schema.unwrap_or_else(empty_schema);
                }
                "supported_sync_modes" => {
                    let modes: Option<Vec<SyncMode>> = map.next_value()?;
                    // Absent in hand-written catalogs (§6, 28).
                    stream.supported_sync_modes = modes
                        .filter(|modes| !modes.is_empty())
                        .unwrap_or_else(full_refresh_only);
                }
                "source_defined_cursor" => stream.source_defined_cursor = map.next_value()?,
                "default_cursor_field" => stream.default_cursor_field = map.next_value()?,
                "source_defined_primary_key" => {
                    stream.source_defined_primary_key = map.next_value()?;
                }
                "is_resumable" => stream.is_resumable = map.next_value()?,
                "is_file_based" => stream.is_file_based = map.next_value()?,
                _ => {
                    stream.extra.insert(key, map.next_value()?);
                }
            }
        }
        if is_named {
            Ok(stream)
        } else {
            Err(serde::de::Error::missing_field("name"))
        }
    }
}

impl Stream {
    /// A stream of this name and schema that is read in full.
    #[must_use]
    pub fn new(name: impl Into<String>, json_schema: Value) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            json_schema,
            supported_sync_modes: full_refresh_only(),
            source_defined_cursor: None,
            default_cursor_field: None,
            source_defined_primary_key: None,
            is_resumable: None,
            is_file_based: None,
            extra: Map::new(),
        }
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> StreamId {
        StreamId {
            name: self.name.as_str().into(),
            namespace: self.namespace.as_deref().map(Into::into),
        }
    }

    /// Whether it can be read in `mode`.
    #[must_use]
    pub fn supports(&self, mode: SyncMode) -> bool {
        self.supported_sync_modes.contains(&mode)
    }
}

/// What a pipeline moves, and how. This is Airbyte's `--catalog` file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfiguredCatalog {
    /// The selected streams.
    #[serde(default, deserialize_with = "null_as_default")]
    pub streams: Vec<ConfiguredStream>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ConfiguredCatalog {
    /// The configured stream of this identity (by the source's name).
    #[must_use]
    pub fn get(&self, id: &StreamId) -> Option<&ConfiguredStream> {
        self.streams.iter().find(|s| {
            *s.stream.name == *id.name && s.stream.namespace.as_deref() == id.namespace.as_deref()
        })
    }

    /// Where a stream of the source goes at the destination; one that is not configured keeps its name.
    #[must_use]
    pub fn target_of(&self, id: &StreamId) -> StreamId {
        self.get(id)
            .map_or_else(|| id.clone(), ConfiguredStream::target_id)
    }
}

/// A window in which records may come late, in the unit of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookback {
    /// The cursor is a date or a time.
    Time(std::time::Duration),
    /// It is a number.
    Number(u64),
}

/// A selected stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfiguredStream {
    /// The stream; its schema has only the selected fields.
    pub stream: Stream,
    /// How the source reads it.
    pub sync_mode: SyncMode,
    /// The cursor, where the user chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_field: Option<FieldPath>,
    /// How the destination writes it.
    pub destination_sync_mode: DestinationSyncMode,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Vec<FieldPath>>,
    /// Number of the current generation of this stream's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<i64>,
    /// Rows of smaller generations are dropped when the stream is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_generation_id: Option<i64>,
    /// Number of the run that the data belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_id: Option<i64>,
    /// Target object, for data activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_object_name: Option<String>,
    /// Move files, not only their metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_files: Option<bool>,
    /// The stream's name at the destination, where it differs from the source's (§3.10). Never on
    /// the wire: a protocol's destination side renames.
    #[serde(skip)]
    pub target: Option<StreamId>,
    /// Top-level fields to keep, where the user selected some. The source may send others: they
    /// are removed on the way (§3.3). Never on the wire.
    #[serde(skip)]
    pub selected_fields: Option<Vec<String>>,
    /// How far before its state a source begins, where the user wants that. Never on the wire: the state is
    /// moved before the source gets it.
    #[serde(skip)]
    pub lookback: Option<Lookback>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ConfiguredStream {
    /// A stream read in full and appended.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            sync_mode: SyncMode::FullRefresh,
            cursor_field: None,
            destination_sync_mode: DestinationSyncMode::Append,
            primary_key: None,
            generation_id: None,
            minimum_generation_id: None,
            sync_id: None,
            destination_object_name: None,
            include_files: None,
            target: None,
            selected_fields: None,
            lookback: None,
            extra: Map::new(),
        }
    }

    /// Its identity at the source.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.stream.id()
    }

    /// Its identity at the destination.
    #[must_use]
    pub fn target_id(&self) -> StreamId {
        self.target.clone().unwrap_or_else(|| self.stream.id())
    }

    /// Whether older generations must go when this one is complete.
    #[must_use]
    pub fn truncates(&self) -> bool {
        self.minimum_generation_id.unwrap_or(0) > 0
            || self.destination_sync_mode == DestinationSyncMode::Overwrite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_read_as_absent_and_unknown_properties_stay() {
        let text = r#"{"streams":[{"name":"a","namespace":null,"json_schema":null,
            "supported_sync_modes":null,"is_resumable":null,"new_thing":{"x":1}}],"v":2}"#;
        let catalog: Catalog = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::to_string(&catalog).unwrap(),
            r#"{"streams":[{"name":"a","json_schema":{},"supported_sync_modes":["full_refresh"],"new_thing":{"x":1}}],"v":2}"#
        );
    }
}
