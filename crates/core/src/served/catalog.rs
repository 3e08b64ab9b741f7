//! Catalogs that nobody configures: platforms without one leave the choice to the connector. Pure.

use serde_json::Value;

use crate::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, Stream, SyncMode};
use crate::code;
use crate::error::{Error, Result};

/// All streams that were chosen, or all that are offered, each read incrementally where it can be. `chosen`:
/// a list of names.
///
/// # Errors
/// `catalog.unknown_stream` for a chosen one that is not offered.
pub fn to_read(streams: Vec<Stream>, chosen: Option<&Value>) -> Result<ConfiguredCatalog> {
    let chosen: Vec<&str> = chosen
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let names: Vec<String> = streams.iter().map(|s| s.id().to_string()).collect();
    if let Some(unknown) = chosen
        .iter()
        .find(|name| !names.iter().any(|known| known == *name))
    {
        let error = Error::new(
            &code::STREAM_UNKNOWN,
            format!("there is no stream `{unknown}`"),
        );
        return Err(error.hint(format!("the source offers `{}`", names.join("`, `"))));
    }
    let wanted = streams
        .into_iter()
        .filter(|stream| chosen.is_empty() || chosen.contains(&stream.id().to_string().as_str()));
    let configured = wanted.map(|stream| {
        let has_cursor = stream.source_defined_cursor == Some(true)
            || stream
                .default_cursor_field
                .as_ref()
                .is_some_and(|cursor| !cursor.is_empty());
        let only_mode = !stream.supports(SyncMode::FullRefresh);
        let incremental = stream.supports(SyncMode::Incremental) && (has_cursor || only_mode);
        let mut configured = ConfiguredStream::new(stream);
        if incremental {
            configured.sync_mode = SyncMode::Incremental;
            configured.cursor_field = configured.stream.default_cursor_field.clone();
        }
        configured.primary_key = configured.stream.source_defined_primary_key.clone();
        configured.generation_id = Some(0);
        configured.minimum_generation_id = Some(0);
        configured
    });
    Ok(ConfiguredCatalog {
        streams: configured.collect(),
        ..ConfiguredCatalog::default()
    })
}

/// A stream that records told of, to be appended, or written by its key if the destination can do that.
#[must_use]
pub fn to_write(stream: Stream, dedups: bool) -> ConfiguredStream {
    let mut configured = ConfiguredStream::new(stream);
    configured.sync_mode = SyncMode::Incremental;
    configured.primary_key = configured.stream.source_defined_primary_key.clone();
    if dedups && configured.primary_key.is_some() {
        configured.destination_sync_mode = DestinationSyncMode::AppendDedup;
    }
    configured.generation_id = Some(0);
    configured.minimum_generation_id = Some(0);
    configured.sync_id = Some(0);
    configured
}
