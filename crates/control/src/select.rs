//! What a pipeline moves, decided from what it asks for, what the source offers and what the
//! destination keeps. Pure. Every illegal combination is an error that names the stream and the
//! place in the file; all are found at once.

use std::collections::{HashMap, HashSet};

use crossdock_config::{NamespaceRule, Pipeline, Selections, StreamSelection};
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::{
    Catalog, ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, FieldPath, Lookback, Stream,
    SyncMode,
};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, data_type};
use crossdock_core::stream::StreamId;
use serde_json::Value;

/// Builds the configured catalog. `destinations` are the capabilities of every destination: a mode
/// must be kept by all of them. The first error is returned, the others ride along in its context.
pub fn configure(
    pipeline: &Pipeline,
    catalog: Catalog,
    destinations: &[DestinationCapabilities],
) -> Result<ConfiguredCatalog> {
    configure_beside(pipeline, catalog, destinations, &[])
}

/// As [`configure`]. A cursor or a key that a stream had in `known` and has no more is not an error here, but a change
/// of the source's that is reviewed (§3.12).
pub(crate) fn configure_beside(
    pipeline: &Pipeline,
    catalog: Catalog,
    destinations: &[DestinationCapabilities],
    known: &[Stream],
) -> Result<ConfiguredCatalog> {
    let known: HashMap<StreamId, &Stream> = known.iter().map(|s| (s.id(), s)).collect();
    let mut errors = Vec::new();
    let mut streams = Vec::new();
    let selections = Selections::new(&pipeline.streams);
    let offered: Vec<StreamId> = catalog.streams.iter().map(Stream::id).collect();
    for (stream, id) in catalog.streams.into_iter().zip(&offered) {
        let Some(selection) = selections.of(id) else {
            continue;
        };
        match configure_stream(stream, &selection, destinations, known.get(id).copied()) {
            Ok(mut configured) => {
                configured.target = target(pipeline, &configured.id());
                streams.push(configured);
            }
            Err(error) => errors.push(located(error, id, &selection)),
        }
    }
    errors.extend(unmatched(pipeline, &offered, &selections));
    errors.extend(collisions(&streams, destinations));
    if streams.is_empty() && errors.is_empty() {
        errors.push(
            Error::new(&code::STREAM_UNKNOWN, "the source offers no stream")
                .hint("check the source's configuration with `crossdock discover`"),
        );
    }
    let mut errors = errors.into_iter();
    match errors.next() {
        None => Ok(ConfiguredCatalog {
            streams,
            ..ConfiguredCatalog::default()
        }),
        Some(first) => Err(errors.fold(first, |first, other| first.with("also", other.message()))),
    }
}

fn located(error: Error, stream: &StreamId, selection: &StreamSelection) -> Error {
    selection.at.locate(error.with("stream", stream))
}

fn configure_stream(
    stream: Stream,
    selection: &StreamSelection,
    destinations: &[DestinationCapabilities],
    known: Option<&Stream>,
) -> Result<ConfiguredStream> {
    let sync_mode = sync_mode(&stream, selection)?;
    let cursor_field = cursor(&stream, selection, sync_mode)?;
    let primary_key = selection
        .primary_key
        .clone()
        .or_else(|| stream.source_defined_primary_key.clone())
        .filter(|key| !key.is_empty());
    let destination_sync_mode = destination_mode(
        &stream,
        selection,
        sync_mode,
        primary_key.is_some(),
        destinations,
    )?;
    let mut configured = ConfiguredStream::new(stream);
    if let Some(fields) = &selection.fields {
        let needed = cursor_field.iter().chain(primary_key.iter().flatten());
        select_fields(&mut configured.stream, fields, needed)?;
        configured.selected_fields = Some(fields.clone());
    }
    for path in cursor_field.iter().chain(primary_key.iter().flatten()) {
        let was_there = known.is_some_and(|known| has_field(known, path));
        field_exists(&configured.stream, path).or_else(|gone| match was_there {
            true => Ok(()),
            false => Err(gone),
        })?;
    }
    configured.sync_mode = sync_mode;
    configured.cursor_field = cursor_field;
    configured.primary_key = primary_key;
    configured.destination_sync_mode = destination_sync_mode;
    configured.lookback = selection.lookback;
    window_fits(&configured)?;
    Ok(configured)
}

/// Records of a window are read again: only where a key has one row do they not double.
fn window_fits(stream: &ConfiguredStream) -> Result<()> {
    let Some(window) = stream.lookback else {
        return Ok(());
    };
    let refused = |why: &str| Err(Error::new(&code::LOOKBACK, why));
    if stream.sync_mode != SyncMode::Incremental {
        return refused(
            "`lookback` is for streams that are read incrementally; this one is read in full",
        );
    }
    if stream.destination_sync_mode != DestinationSyncMode::AppendDedup {
        return refused(
            "`lookback` needs `append_dedup`: in other modes the records that are read again would be there twice",
        );
    }
    let cursor = stream.cursor_field.as_ref().filter(|path| !path.is_empty());
    let Some(cursor) = cursor else {
        return refused(
            "`lookback` needs a cursor, and neither the source nor the pipeline names one",
        );
    };
    let of_cursor = match cursor.as_slice() {
        [name] => properties(&stream.stream).and_then(|properties| properties.get(name)),
        _ => None,
    };
    match (of_cursor.map(data_type), window) {
        (Some(DataType::Integer | DataType::Number), Lookback::Time(_)) => {
            refused("the cursor is a number: write `lookback` as a number, in its unit")
        }
        (
            Some(
                DataType::Date
                | DataType::TimestampWithTimezone
                | DataType::TimestampWithoutTimezone,
            ),
            Lookback::Number(_),
        ) => refused("the cursor is a time: write `lookback` as a duration, e.g. `1d`"),
        _ => Ok(()),
    }
}

/// As asked for, else incremental where the stream can be read so without a choice of the user.
fn sync_mode(stream: &Stream, selection: &StreamSelection) -> Result<SyncMode> {
    let has_cursor = stream.source_defined_cursor == Some(true)
        || selection.cursor_field.is_some()
        || stream
            .default_cursor_field
            .as_ref()
            .is_some_and(|c| !c.is_empty());
    let wanted = selection.sync_mode.unwrap_or_else(|| {
        let only_mode = !stream.supports(SyncMode::FullRefresh);
        if stream.supports(SyncMode::Incremental) && (has_cursor || only_mode) {
            SyncMode::Incremental
        } else {
            SyncMode::FullRefresh
        }
    });
    if stream.supports(wanted) {
        return Ok(wanted);
    }
    let offered: Vec<_> = stream
        .supported_sync_modes
        .iter()
        .map(|m| m.as_str())
        .collect();
    Err(Error::new(
        &code::SYNC_MODE,
        format!("the stream cannot be read in mode {}", wanted.as_str()),
    )
    .hint(format!(
        "use `sync_mode: {}`",
        offered.join("` or `sync_mode: ")
    )))
}

fn cursor(
    stream: &Stream,
    selection: &StreamSelection,
    sync_mode: SyncMode,
) -> Result<Option<FieldPath>> {
    let default = stream
        .default_cursor_field
        .clone()
        .filter(|c| !c.is_empty());
    if sync_mode == SyncMode::FullRefresh {
        return Ok(selection.cursor_field.clone().or(default));
    }
    if stream.source_defined_cursor == Some(true) {
        return match &selection.cursor_field {
            Some(chosen) if default.as_ref() != Some(chosen) => Err(Error::new(
                &code::CURSOR_FORBIDDEN,
                format!(
                    "the source defines this stream's cursor, so `{}` cannot be chosen",
                    chosen.join(".")
                ),
            )),
            _ => Ok(default),
        };
    }
    match selection.cursor_field.clone().or(default) {
        Some(cursor) => Ok(Some(cursor)),
        None => Err(Error::new(
            &code::CURSOR_MISSING,
            "an incremental stream needs a cursor field, and neither the source nor the pipeline names one",
        )),
    }
}

fn destination_mode(
    stream: &Stream,
    selection: &StreamSelection,
    sync_mode: SyncMode,
    has_key: bool,
    destinations: &[DestinationCapabilities],
) -> Result<DestinationSyncMode> {
    use DestinationSyncMode::{Append, AppendDedup, Overwrite};
    let keeps = |mode| {
        destinations
            .iter()
            .all(|d| d.sync_modes.is_empty() || d.sync_modes.contains(&mode))
    };
    // Deduplication is only chosen by itself where a destination says that it can.
    let declares = |mode| destinations.iter().all(|d| d.sync_modes.contains(&mode));
    let mode = selection.destination_sync_mode.unwrap_or(match sync_mode {
        SyncMode::Incremental if has_key && declares(AppendDedup) => AppendDedup,
        SyncMode::FullRefresh if keeps(Overwrite) => Overwrite,
        _ => Append,
    });
    if !keeps(mode) {
        let modes = destinations.iter().flat_map(|d| &d.sync_modes);
        let mut offered: Vec<_> = modes.filter(|m| keeps(**m)).map(|m| m.as_str()).collect();
        offered.dedup();
        let mut hint = format!(
            "use `destination_sync_mode: {}`",
            offered.join("` or `destination_sync_mode: ")
        );
        if mode == AppendDedup {
            hint.push_str(", or `native:sqlite`, which keeps one row for each key");
        }
        return Err(Error::new(
            &code::SYNC_MODE,
            format!("the destination does not keep mode {}", mode.as_str()),
        )
        .hint(hint));
    }
    if mode == AppendDedup && !has_key {
        return Err(Error::new(
            &code::PRIMARY_KEY_MISSING,
            "append_dedup needs a primary key, and neither the source nor the pipeline names one",
        ));
    }
    if mode == Overwrite && sync_mode == SyncMode::Incremental {
        // What earlier runs wrote would go, and an incremental read does not bring it back.
        return Err(Error::new(
            &code::SYNC_MODE,
            "overwrite keeps only the records of this run, and an incremental read brings only what is new",
        )
        .hint("use `sync_mode: full_refresh`, or `destination_sync_mode: append`")
        .with("source mode", stream.supported_sync_modes.iter().map(|m| m.as_str()).collect::<Vec<_>>().join(", ")));
    }
    Ok(mode)
}

fn properties(stream: &Stream) -> Option<&serde_json::Map<String, Value>> {
    stream
        .json_schema
        .get("properties")
        .and_then(Value::as_object)
}

fn field_exists(stream: &Stream, path: &FieldPath) -> Result<()> {
    // A schema without properties says nothing of the fields.
    let (Some(properties), Some(first)) = (properties(stream), path.first()) else {
        return Ok(());
    };
    if properties.is_empty() || properties.contains_key(first) {
        return Ok(());
    }
    Err(unknown_field(first, properties))
}

/// Whether a schema declares the field.
fn has_field(stream: &Stream, path: &FieldPath) -> bool {
    let declared = properties(stream).zip(path.first());
    declared.is_some_and(|(properties, first)| properties.contains_key(first))
}

fn unknown_field(name: &str, properties: &serde_json::Map<String, Value>) -> Error {
    let error = Error::new(
        &code::FIELD_UNKNOWN,
        format!("the stream has no field `{name}`"),
    );
    match crossdock_config::nearest(name, properties.keys().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// Leaves only the selected fields in the schema (§3.3).
fn select_fields<'a>(
    stream: &mut Stream,
    fields: &[String],
    needed: impl Iterator<Item = &'a FieldPath>,
) -> Result<()> {
    for path in needed {
        if let Some(first) = path.first()
            && !fields.contains(first)
        {
            return Err(Error::new(
                &code::FIELD_UNKNOWN,
                format!("`{first}` is the cursor or part of the key, and is not among the selected fields"),
            )
            .hint(format!("add `{first}` to `fields`")));
        }
    }
    if let Some(properties) = properties(stream)
        && let Some(unknown) = fields.iter().find(|f| !properties.contains_key(*f))
    {
        return Err(unknown_field(unknown, properties));
    }
    if let Some(properties) = stream
        .json_schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
    {
        properties.retain(|name, _| fields.contains(name));
    }
    Ok(())
}

/// The stream's name at the destination (§3.10), if it differs.
pub(crate) fn target(pipeline: &Pipeline, id: &StreamId) -> Option<StreamId> {
    let namespace = match &pipeline.namespace {
        NamespaceRule::Source => id.namespace.clone(),
        NamespaceRule::Destination => None,
        NamespaceRule::Custom(format) => {
            let source = id.namespace.as_deref().unwrap_or_default();
            let name = format.replace("${SOURCE_NAMESPACE}", source);
            let name = name.trim();
            (!name.is_empty()).then(|| name.into())
        }
    };
    let target = StreamId {
        name: format!("{}{}", pipeline.prefix, id.name).into(),
        namespace,
    };
    (target != *id).then_some(target)
}

/// How many unknown streams get a suggestion: each is compared with every stream of the source.
const SUGGESTIONS: usize = 20;

/// Entries of the pipeline that speak of no stream of the source.
fn unmatched(pipeline: &Pipeline, ids: &[StreamId], selections: &Selections<'_>) -> Vec<Error> {
    let matched: HashSet<_> = ids
        .iter()
        .flat_map(|id| selections.matching(id))
        .map(std::ptr::from_ref)
        .collect();
    pipeline
        .streams
        .iter()
        .filter(|entry| !matched.contains(&std::ptr::from_ref(*entry)))
        .enumerate()
        .map(|(at, entry)| {
            let error = Error::new(
                &code::STREAM_UNKNOWN,
                format!("the source has no stream `{}`", entry.name),
            );
            let error = entry.at.locate(error);
            let names = ids
                .iter()
                .map(|id| &*id.name)
                .take_while(|_| at < SUGGESTIONS);
            match crossdock_config::nearest(&entry.name, names) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
        .collect()
}

/// Streams that would be written to one place, by their names there. What else a destination makes of names
/// is its own affair, which it looks at when it is opened.
pub(crate) fn collisions(
    streams: &[ConfiguredStream],
    destinations: &[DestinationCapabilities],
) -> Vec<Error> {
    let ignores_case = destinations.iter().any(|one| one.ignores_case);
    let place = |target: StreamId| match ignores_case {
        true => StreamId {
            name: target.name.to_lowercase().into(),
            namespace: target.namespace.map(|space| space.to_lowercase().into()),
        },
        false => target,
    };
    let mut seen: HashMap<StreamId, StreamId> = HashMap::new();
    let mut errors = Vec::new();
    for stream in streams {
        if let Some(other) = seen.insert(place(stream.target_id()), stream.id()) {
            errors.push(
                Error::new(
                    &code::TARGET_COLLISION,
                    format!(
                        "streams {other} and {} would both be written to {}",
                        stream.id(),
                        stream.target_id()
                    ),
                )
                .with("stream", stream.id()),
            );
        }
    }
    errors
}

#[cfg(test)]
mod tests;
