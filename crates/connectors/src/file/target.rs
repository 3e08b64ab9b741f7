//! From the catalog to the folders: which streams come, where they go, and what is refused.

use std::collections::HashMap;

use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::StreamSchema;
use crossdock_core::stream::StreamId;

use super::metadata;
use super::name;
use super::plan::Current;

/// The modes that files keep.
pub(crate) const SYNC_MODES: [DestinationSyncMode; 2] =
    [DestinationSyncMode::Append, DestinationSyncMode::Overwrite];

/// A stream and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The stream by the source's name.
    pub(crate) stream: StreamId,
    /// Its folder, relative to the destination's: `namespace/name` or `name`, each made safe.
    pub(crate) folder: String,
    /// Its columns.
    pub(crate) schema: StreamSchema,
    /// What goes into `_airbyte_generation_id`.
    pub(crate) generation_id: i64,
    /// What goes into `_airbyte_meta`.
    pub(crate) sync_id: i64,
    /// The generation that files are named by, and whether it replaces earlier ones.
    pub(crate) current: Current,
}

/// The targets of a catalog, or why it cannot be written. `format` names the destination in
/// errors; `reserved` are the columns that it adds.
pub(crate) fn targets(
    catalog: &ConfiguredCatalog,
    epoch: i64,
    format: &str,
    reserved: &[&str],
) -> Result<Vec<Target>> {
    let targets: Vec<_> = catalog
        .streams
        .iter()
        .map(|stream| target(stream, epoch, format, reserved))
        .collect::<Result<_>>()?;
    collisions(&targets)?;
    Ok(targets)
}

fn target(
    stream: &ConfiguredStream,
    epoch: i64,
    format: &str,
    reserved: &[&str],
) -> Result<Target> {
    let id = stream.id();
    let mode = stream.destination_sync_mode;
    if !SYNC_MODES.contains(&mode) {
        return Err(Error::new(
            &code::SYNC_MODE,
            format!("{format} files cannot keep the mode `{}`", mode.as_str()),
        )
        .with("stream", &id)
        .hint("files only grow: use `append` or `overwrite`"));
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
    let schema = StreamSchema::from_json_schema(&stream.stream.json_schema);
    if let Some(field) = schema
        .fields
        .iter()
        .find(|f| reserved.contains(&f.name.as_str()))
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
    let to = stream.target_id();
    let folder = match to.namespace.as_deref() {
        Some(namespace) => format!("{}/{}", name::safe(namespace), name::safe(&to.name)),
        None => name::safe(&to.name),
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
        folder,
        schema,
        generation_id: generation,
        sync_id,
        current,
    })
}

/// Two streams in one folder, or one inside the other's, also where the file system does not tell
/// upper from lower case.
fn collisions(targets: &[Target]) -> Result<()> {
    let mut taken: HashMap<String, &Target> = HashMap::new();
    for target in targets {
        if let Some(other) = taken.insert(target.folder.to_lowercase(), target) {
            return Err(collision(other, target));
        }
    }
    for target in targets {
        let folder = target.folder.to_lowercase();
        if let Some((parent, _)) = folder.split_once('/')
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
            "`{}` and `{}` would share a folder",
            one.stream, other.stream
        ),
    )
    .with("folder", &one.folder)
    .with("folder", &other.folder)
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

    fn fails(streams: Vec<ConfiguredStream>, code: &str, says: &str) {
        let catalog = ConfiguredCatalog {
            streams,
            ..ConfiguredCatalog::default()
        };
        let error = targets(&catalog, 1, "parquet", &["_own"]).unwrap_err();
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
                "would share a folder",
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
        let folders: Vec<_> = targets(&catalog, 1, "parquet", &[])
            .unwrap()
            .into_iter()
            .map(|t| t.folder)
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
            assert_eq!(target(&stream, 9, "x", &[]).unwrap().current, expected);
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
