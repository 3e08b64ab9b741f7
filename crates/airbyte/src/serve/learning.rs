//! The catalog of a source that knows its streams only while it runs: it is run for a moment, nothing of what
//! it says is acknowledged, so nothing is lost by that.

use std::time::Duration;

use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::{Catalog, ConfiguredCatalog, Stream, SyncMode};
use crossdock_core::erased::ErasedSource;
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

/// How long a source may take to tell of its first stream.
const FIRST: Duration = Duration::from_secs(30);
/// After that, how long to listen for others.
const OTHERS: Duration = Duration::from_secs(2);

/// Listens for the streams.
pub(super) async fn catalog(
    source: &dyn ErasedSource,
    config: Value,
    session: &Session,
) -> Result<Catalog> {
    let opening = SourceOpening {
        catalog: ConfiguredCatalog::default(),
        pipeline: "airbyte".to_owned(),
        connector: String::new(),
        state: Vec::new(),
        shape: BodyShape::Rows,
        verbatim: None,
        values: true,
        bounded: true,
        session: session.clone(),
    };
    let mut reader = source.open(config, opening).await?;
    let streams = listen(&mut *reader).await;
    reader.close().await?;
    Ok(Catalog {
        streams: streams?,
        ..Catalog::default()
    })
}

async fn listen(reader: &mut dyn SourceReader) -> Result<Vec<Stream>> {
    let mut streams: Vec<Stream> = Vec::new();
    let mut deadline = Instant::now() + FIRST;
    // It belongs to a source that learns its streams, so `next` may be dropped.
    while let Ok(event) = timeout_at(deadline, reader.next()).await {
        match event? {
            Event::Schema(mut stream) => {
                if streams.is_empty() {
                    deadline = Instant::now() + OTHERS;
                }
                // What it is asked to go on from is its position, whichever stream it stands in.
                if !stream.supports(SyncMode::Incremental) {
                    stream.supported_sync_modes.push(SyncMode::Incremental);
                }
                stream.source_defined_cursor = Some(true);
                streams.retain(|known| known.id() != stream.id());
                streams.push(stream);
            }
            Event::End => break,
            _ => {}
        }
    }
    Ok(streams)
}
