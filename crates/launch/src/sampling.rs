//! Reading for a moment, to learn which streams a launched source has: for protocols that know no other
//! way.

use std::time::Duration;

use crossdock_core::catalog::{Catalog, Stream};
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::session::Session;
use crossdock_core::source::SourceReader;
use tokio::time::{Instant, timeout_at};

/// So many records tell enough.
const RECORDS: usize = 1_000;
/// How long to wait for the first record …
const FIRST: Duration = Duration::from_secs(10);
/// … and for each after it.
const NEXT: Duration = Duration::from_secs(1);
/// How long to go on in all.
const ALL: Duration = Duration::from_secs(20);

/// What a source sends in the first moment. Closes the reader.
pub async fn sample(reader: &mut dyn SourceReader, session: &Session) -> Result<Catalog> {
    let learnt = learn(reader, session).await;
    reader.close().await?;
    let streams = learnt?;
    Ok(Catalog {
        streams,
        ..Catalog::default()
    })
}

async fn learn(reader: &mut dyn SourceReader, session: &Session) -> Result<Vec<Stream>> {
    let began = Instant::now();
    let end = began + ALL.min(session.limits.command_timeout);
    let mut streams: Vec<Stream> = Vec::new();
    let mut records = 0;
    while records < RECORDS {
        let patience = if records == 0 { FIRST } else { NEXT };
        let deadline = end.min(Instant::now() + patience);
        let Ok(event) = timeout_at(deadline, reader.next()).await else {
            break;
        };
        match event? {
            Event::Schema(stream) => match streams.iter_mut().find(|s| s.id() == stream.id()) {
                Some(known) => *known = stream,
                None => streams.push(stream),
            },
            Event::Batch(batch) => records += batch.records(),
            // Nothing is committed here, so nothing follows.
            Event::Checkpoint(checkpoint) if checkpoint.awaited => break,
            Event::End => break,
            _ => {}
        }
    }
    Ok(streams)
}
