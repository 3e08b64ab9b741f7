//! The first rows of a stream, for a look before anything is moved.

use std::time::Duration;

use crossdock_config::{ConnectorConfig, ConnectorRef, nearest};
use crossdock_core::batch::{Body, BodyShape};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream, SyncMode};
use crossdock_core::code;
use crossdock_core::convert;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::json::Json;
use crossdock_core::schema::StreamSchema;
use crossdock_core::source::SourceOpening;
use crossdock_core::stream::StreamId;

use tokio::time::timeout;

use crate::command::{self, Ask};
use crate::prepare::masked;

/// How long a record after the first is waited for.
const NEXT: Duration = Duration::from_secs(5);

/// The first rows of a stream.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The stream.
    pub stream: StreamId,
    /// The fields of its schema, in order.
    pub schema: StreamSchema,
    /// The records, to the digit.
    pub records: Vec<Json>,
    /// Whether the stream ended with the last of them.
    pub is_all: bool,
}

/// Reads at most `limit` records of a stream: the one named, or the first of the catalog.
pub async fn preview(
    reference: &ConnectorRef,
    config: ConnectorConfig,
    stream: Option<&str>,
    limit: usize,
    ask: &Ask,
) -> Result<Preview> {
    let (found, ready) = command::source(reference, config, ask).await?;
    let wrap = |error| masked(error, &ready.masker).with("connector", reference);
    let catalog = found
        .source
        .discover(ready.config(), &ready.session)
        .await
        .map_err(wrap)?;
    let stream = choose(catalog.streams, stream).map_err(wrap)?;
    let (id, schema) = (
        stream.id(),
        StreamSchema::from_json_schema(&stream.json_schema),
    );
    let mode = if stream.supports(SyncMode::FullRefresh) {
        SyncMode::FullRefresh
    } else {
        SyncMode::Incremental
    };
    let cursor_field = stream.default_cursor_field.clone();
    let configured = ConfiguredStream {
        sync_mode: mode,
        cursor_field: cursor_field.filter(|_| mode == SyncMode::Incremental),
        ..ConfiguredStream::new(stream)
    };
    let opening = SourceOpening {
        bounded: true,
        pipeline: "preview".to_owned(),
        connector: String::new(),
        catalog: ConfiguredCatalog {
            streams: vec![configured],
            ..ConfiguredCatalog::default()
        },
        state: Vec::new(),
        shape: BodyShape::Rows,
        verbatim: None,
        values: true,
        session: ready.session.clone(),
    };
    let mut reader = found
        .source
        .open(ready.config(), opening)
        .await
        .map_err(wrap)?;
    let mut preview = Preview {
        stream: id,
        schema,
        records: Vec::new(),
        is_all: true,
    };
    let first = ready.session.limits.command_timeout;
    let read = async {
        loop {
            let patience = if preview.records.is_empty() {
                first
            } else {
                NEXT
            };
            let event = match timeout(patience, reader.next()).await {
                Ok(event) => event?,
                // It has no end, or is slow: what came is shown.
                Err(_) if !preview.records.is_empty() => {
                    preview.is_all = false;
                    return Ok(());
                }
                Err(_) => return Err(silent(patience)),
            };
            match event {
                Event::Batch(batch) => {
                    let rows = match batch.body {
                        Body::Rows(rows) => rows,
                        Body::Columns(columns) => convert::columns_to_rows(&columns, None)?,
                    };
                    for at in 0..rows.len() {
                        if preview.records.len() == limit {
                            preview.is_all = false;
                            return Ok(());
                        }
                        preview
                            .records
                            .push(Json::parse_text(rows.after(at).to_vec())?);
                    }
                }
                Event::StreamFailed { error, .. } => return Err(error),
                // Nothing is committed here, so nothing follows.
                Event::Checkpoint(checkpoint) if checkpoint.awaited => {
                    preview.is_all = false;
                    return Ok(());
                }
                Event::End => return Ok(()),
                _ => {}
            }
        }
    };
    let read = read.await;
    // Whatever is still under way ends with it (P8).
    let closed = reader.close().await;
    read.map_err(wrap)?;
    if let Err(error) = closed {
        tracing::debug!(%error, "the source did not close tidily");
    }
    Ok(preview)
}

fn silent(patience: Duration) -> Error {
    let message = format!("no record came within {} s", patience.as_secs());
    Error::new(&code::CONNECTOR_TIMEOUT, message)
}

fn choose(streams: Vec<Stream>, wanted: Option<&str>) -> Result<Stream> {
    let names: Vec<String> = streams.iter().map(|s| s.id().to_string()).collect();
    let found = match wanted {
        None => streams.into_iter().next(),
        Some(wanted) => streams
            .into_iter()
            .find(|s| s.name == wanted || s.id().to_string() == wanted),
    };
    found.ok_or_else(|| match wanted {
        None => Error::new(&code::STREAM_UNKNOWN, "the source offers no stream"),
        Some(wanted) => {
            let near = nearest(wanted, names.iter().map(String::as_str));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the source offers `{}`", names.join("`, `")),
            };
            Error::new(
                &code::STREAM_UNKNOWN,
                format!("the source has no stream `{wanted}`"),
            )
            .hint(hint)
        }
    })
}
