//! From the catalog to folders and tables: which streams come, where they go, and what is refused.

use std::collections::HashMap;

use crossdock_core::catalog::{
    ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, FieldPath,
};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::StreamSchema;
use crossdock_core::stream::StreamId;

use super::metadata;
use super::name;
use super::partition::Partition;

/// What a destination can keep, and how it names things: the questions on which native
/// destinations differ.
#[derive(Clone, Debug)]
pub(crate) struct Manner<'a> {
    /// What it writes, for errors: "Parquet files".
    pub(crate) what: &'a str,
    /// The modes that it keeps.
    pub(crate) sync_modes: &'a [DestinationSyncMode],
    /// The columns that it adds.
    pub(crate) reserved: &'a [&'a str],
    /// Whether it has structs and lists; otherwise they are JSON text.
    pub(crate) nested: bool,
    /// Where a stream of this name goes.
    pub(crate) place: fn(&StreamId) -> String,
}

/// The modes that files keep: they only grow.
pub(crate) const GROWING: [DestinationSyncMode; 2] =
    [DestinationSyncMode::Append, DestinationSyncMode::Overwrite];

/// The modes that tables with keys keep.
pub(crate) const KEYED: [DestinationSyncMode; 3] = [
    DestinationSyncMode::Append,
    DestinationSyncMode::Overwrite,
    DestinationSyncMode::AppendDedup,
];

/// The folder of a stream, relative to the destination's: `namespace/name` or `name`, each made
/// safe.
pub(crate) fn folder(id: &StreamId) -> String {
    match id.namespace.as_deref() {
        Some(namespace) => format!("{}/{}", name::safe(namespace), name::safe(&id.name)),
        None => name::safe(&id.name),
    }
}

/// The table of a stream, for databases without schemas: `namespace_name` or `name`, cleaned.
pub(crate) fn table(id: &StreamId) -> String {
    match id.namespace.as_deref() {
        Some(namespace) => name::identifier(&format!("{namespace}_{}", id.name)),
        None => name::identifier(&id.name),
    }
}

/// What this run is going to write into the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    /// The generation.
    pub(crate) generation: i64,
    /// Whether it replaces the earlier ones.
    pub(crate) truncates: bool,
}

/// How rows of one key are told apart (`append_dedup`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dedup {
    /// The key's fields.
    pub(crate) key: Vec<String>,
    /// The greater value of this field wins; among equals, and without one, the later record.
    pub(crate) cursor: Option<String>,
}

/// A stream and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The stream by the source's name.
    pub(crate) stream: StreamId,
    /// Its folder or table.
    pub(crate) place: String,
    /// Its columns.
    pub(crate) schema: StreamSchema,
    /// What goes into `_airbyte_generation_id`.
    pub(crate) generation_id: i64,
    /// What goes into `_airbyte_meta`.
    pub(crate) sync_id: i64,
    /// The generation that the data is kept under, and whether it replaces earlier ones.
    pub(crate) current: Current,
    /// Set if a key has one row only.
    pub(crate) dedup: Option<Dedup>,
    /// What its folders are named after, the outermost first; empty if it has none.
    pub(crate) partitions: Vec<Partition>,
}

impl Target {
    /// Whether a field's value is in the name of the folder.
    pub(crate) fn is_in_path(&self, field: &str) -> bool {
        let mut partitions = self.partitions.iter();
        partitions.any(|partition| partition.field_in_path() == Some(field))
    }
}

/// The targets of a catalog, or why it cannot be written.
pub(crate) fn targets(
    catalog: &ConfiguredCatalog,
    epoch: i64,
    manner: &Manner<'_>,
) -> Result<Vec<Target>> {
    let targets: Vec<_> = catalog
        .streams
        .iter()
        .map(|stream| target(stream, epoch, manner))
        .collect::<Result<_>>()?;
    collisions(&targets)?;
    Ok(targets)
}

fn target(stream: &ConfiguredStream, epoch: i64, manner: &Manner<'_>) -> Result<Target> {
    let id = stream.id();
    let mode = stream.destination_sync_mode;
    if !manner.sync_modes.contains(&mode) {
        return Err(unkept(manner, mode).with("stream", &id));
    }
    let generation = stream.generation_id.unwrap_or(0);
    let minimum = stream.minimum_generation_id.unwrap_or(0);
    // §3.9: no other values are legal; a cut between older generations cannot be kept.
    if generation < 0 || (minimum != 0 && minimum != generation) {
        return Err(Error::new(
            &code::CONFIG_INVALID,
            format!("`minimum_generation_id` is {minimum} and `generation_id` is {generation}"),
        )
        .with("stream", &id)
        .hint("the minimum must be 0 or equal to `generation_id`"));
    }
    let schema = if manner.nested {
        StreamSchema::nested_from_json_schema(&stream.stream.json_schema)
    } else {
        StreamSchema::from_json_schema(&stream.stream.json_schema)
    };
    if let Some(field) = schema
        .fields
        .iter()
        .find(|f| manner.reserved.contains(&f.name.as_str()))
    {
        return Err(Error::new(
            &code::CONFIG_INVALID,
            format!(
                "the stream has a field `{}`, which the destination adds itself",
                field.name
            ),
        )
        .with("stream", &id)
        .hint("leave the field out of the stream, or set `metadata_columns: false`"));
    }
    let dedup = match mode {
        DestinationSyncMode::AppendDedup => Some(dedup(stream, &schema)?),
        _ => None,
    };
    let current = Current {
        // Without generations, each run that overwrites is one.
        generation: match stream.generation_id {
            None if stream.truncates() => epoch,
            _ => generation,
        },
        truncates: stream.truncates(),
    };
    let sync_id = stream.sync_id.unwrap_or(0);
    Ok(Target {
        stream: id,
        place: (manner.place)(&stream.target_id()),
        schema,
        generation_id: generation,
        sync_id,
        current,
        dedup,
        partitions: Vec::new(),
    })
}

fn unkept(manner: &Manner<'_>, mode: DestinationSyncMode) -> Error {
    let modes: Vec<_> = manner
        .sync_modes
        .iter()
        .map(|m| format!("`{}`", m.as_str()))
        .collect();
    let mut hint = format!("use {}", modes.join(" or "));
    if mode == DestinationSyncMode::AppendDedup {
        hint.push_str(
            "; `native:sqlite` keeps one row for each key, and can be read by whatever reads SQL",
        );
    }
    let what = manner.what;
    Error::new(
        &code::SYNC_MODE,
        format!("{what} cannot keep the mode `{}`", mode.as_str()),
    )
    .hint(hint)
}

/// Key and cursor of a stream whose rows are told apart by key.
fn dedup(stream: &ConfiguredStream, schema: &StreamSchema) -> Result<Dedup> {
    let id = stream.id();
    let source_key = stream.stream.source_defined_primary_key.as_ref();
    let paths = stream.primary_key.as_ref().filter(|key| !key.is_empty());
    let paths = paths.or(source_key).filter(|key| !key.is_empty());
    let Some(paths) = paths else {
        return Err(Error::new(
            &code::PRIMARY_KEY_MISSING,
            "`append_dedup` needs to know which fields are the key",
        )
        .with("stream", &id));
    };
    let top_level = |what: &str, path: &FieldPath| match path.as_slice() {
        [field] if schema.fields.iter().any(|f| f.name == *field) => Ok(field.clone()),
        [field] => Err(Error::new(
            &code::FIELD_UNKNOWN,
            format!("the {what} `{field}` is not in the stream's schema"),
        )
        .with("stream", &id)),
        nested => Err(Error::new(
            &code::CONFIG_INVALID,
            format!("the {what} `{}` is not a column", nested.join(".")),
        )
        .with("stream", &id)
        .hint("nested fields have no columns: choose a field of the top level")),
    };
    let key = paths
        .iter()
        .map(|path| top_level("key", path))
        .collect::<Result<_>>()?;
    let cursor = stream
        .cursor_field
        .as_ref()
        .or(stream.stream.default_cursor_field.as_ref())
        .filter(|path| !path.is_empty())
        .map(|path| top_level("cursor", path))
        .transpose()?;
    Ok(Dedup { key, cursor })
}

/// Two streams in one folder, or one inside the other's, also where the file system does not tell
/// upper from lower case.
fn collisions(targets: &[Target]) -> Result<()> {
    let mut taken: HashMap<String, &Target> = HashMap::new();
    for target in targets {
        if let Some(other) = taken.insert(target.place.to_lowercase(), target) {
            return Err(collision(other, target));
        }
    }
    for target in targets {
        let place = target.place.to_lowercase();
        if let Some((parent, _)) = place.split_once('/')
            && let Some(other) = taken.get(parent)
        {
            return Err(collision(other, target));
        }
    }
    Ok(())
}

fn collision(one: &Target, other: &Target) -> Error {
    Error::new(
        &code::TARGET_COLLISION,
        format!(
            "`{}` and `{}` would share one place",
            one.stream, other.stream
        ),
    )
    .with("place", &one.place)
    .with("place", &other.place)
}

/// The columns that a destination with this setting adds.
pub(crate) fn reserved<'a>(metadata_columns: bool, own: &[&'a str]) -> Vec<&'a str> {
    let metadata = metadata::NAMES.iter().copied().filter(|_| metadata_columns);
    own.iter().copied().chain(metadata).collect()
}

#[cfg(test)]
mod tests {
    use crossdock_core::catalog::Stream;
    use serde_json::json;

    use super::*;

    fn stream(namespace: Option<&str>, name: &str) -> ConfiguredStream {
        let mut stream = ConfiguredStream::new(Stream::new(name, json!({})));
        stream.stream.namespace = namespace.map(str::to_owned);
        stream
    }

    fn manner<'a>(reserved: &'a [&'a str]) -> Manner<'a> {
        Manner {
            what: "files",
            sync_modes: &GROWING,
            reserved,
            nested: false,
            place: folder,
        }
    }

    fn fails(streams: Vec<ConfiguredStream>, code: &str, says: &str) {
        let catalog = ConfiguredCatalog {
            streams,
            ..ConfiguredCatalog::default()
        };
        let error = targets(&catalog, 1, &manner(&["_own"])).unwrap_err();
        assert_eq!(error.code().name, code);
        let text = format!("{error:?}");
        assert!(text.contains(says), "{text}");
    }

    #[test]
    fn collisions_are_refused() {
        let check = |a, b| {
            fails(
                vec![a, b],
                "catalog.target_collision",
                "would share one place",
            )
        };
        check(stream(None, "users"), stream(None, "Users"));
        check(stream(Some("A"), "users"), stream(Some("a"), "users"));
        check(stream(None, "users"), stream(Some("users"), "x"));
        check(stream(Some("USERS"), "x"), stream(None, "users"));
        let mut renamed = stream(None, "other");
        renamed.target = Some(StreamId::new("users"));
        check(stream(None, "users"), renamed);
        let streams = vec![
            stream(Some("a"), "users"),
            stream(Some("b"), "users"),
            stream(None, "c"),
        ];
        let catalog = ConfiguredCatalog {
            streams,
            ..ConfiguredCatalog::default()
        };
        let folders: Vec<_> = targets(&catalog, 1, &manner(&[]))
            .unwrap()
            .into_iter()
            .map(|t| t.place)
            .collect();
        assert_eq!(folders, ["a/users", "b/users", "c"]);
    }

    #[test]
    fn what_files_cannot_keep_is_refused() {
        for mode in [
            DestinationSyncMode::AppendDedup,
            DestinationSyncMode::Update,
            DestinationSyncMode::SoftDelete,
        ] {
            let mut dedup = stream(None, "users");
            dedup.destination_sync_mode = mode;
            fails(vec![dedup], "catalog.sync_mode", "users");
        }
        let mut between = stream(None, "users");
        (between.generation_id, between.minimum_generation_id) = (Some(4), Some(2));
        fails(vec![between], "config.invalid", "minimum_generation_id");
        let mut own = stream(None, "users");
        own.stream.json_schema = json!({"properties": {"_own": {"type": "string"}}});
        fails(vec![own], "config.invalid", "_own");
    }

    #[test]
    fn generations_name_files() {
        let check = |generation: Option<i64>, minimum: Option<i64>, mode, expected: Current| {
            let mut stream = stream(None, "users");
            stream.generation_id = generation;
            stream.minimum_generation_id = minimum;
            stream.destination_sync_mode = mode;
            assert_eq!(target(&stream, 9, &manner(&[])).unwrap().current, expected);
        };
        use DestinationSyncMode::{Append, Overwrite};
        let current = |generation, truncates| Current {
            generation,
            truncates,
        };
        check(None, None, Append, current(0, false));
        check(Some(3), Some(0), Append, current(3, false));
        check(Some(3), Some(3), Append, current(3, true));
        check(Some(3), None, Overwrite, current(3, true));
        check(None, None, Overwrite, current(9, true));
    }
}
