//! Emptying what a pipeline filled: a run from a source without records, whose every stream is complete, so that the
//! destinations drop what earlier runs wrote (Airbyte §3.9). No source is started.

use std::collections::{HashSet, VecDeque};

use async_trait::async_trait;
use crossdock_config::Pipeline;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, StreamStatus};
use crossdock_core::secret::Masker;
use crossdock_core::source::SourceReader;
use crossdock_core::stream::StreamId;

use super::{Prepared, Summary, Surroundings, attempts, interruptible, preparing, within};
use crate::refresh::{Named, chosen};
use crate::ui::Phase;
use crate::{select, span, state};

/// What a run is to empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clearing {
    /// These are all the streams of the pipeline.
    pub(crate) is_whole: bool,
}

/// Empties the streams named, or all, at every destination of the pipeline, and forgets their states. An error means
/// that it could not even begin.
pub async fn clear(pipeline: &Pipeline, named: &[Named], around: &Surroundings) -> Result<Summary> {
    let cleared = async {
        around.ui.phase(&pipeline.id, &Phase::Preparing);
        let prepare = Box::pin(prepare(pipeline, named, around));
        let prepared = interruptible(&around.cancel, prepare).await?;
        attempts(pipeline, around, &prepared).await
    };
    within(span::pipeline(pipeline), cleared).await
}

async fn prepare(pipeline: &Pipeline, named: &[Named], around: &Surroundings) -> Result<Prepared> {
    let store = &around.store;
    state::known(&**store, &pipeline.id).await?;
    let mut catalog = store.catalog(&pipeline.id).await?.unwrap_or_default();
    let known: Vec<StreamId> = catalog.streams.iter().map(ConfiguredStream::id).collect();
    let streams = chosen(&known, named).map_err(|error| error.with("pipeline", &pipeline.id))?;
    let is_whole = streams.len() == known.len();
    let streams: HashSet<StreamId> = streams.into_iter().collect();
    catalog
        .streams
        .retain(|stream| streams.contains(&stream.id()));
    for stream in &mut catalog.streams {
        // It is not kept with the catalog.
        stream.target = select::target(pipeline, &stream.id());
    }
    Ok(Prepared {
        masker: Masker::default(),
        sources: Vec::new(),
        destinations: preparing::destinations(pipeline, around).await?,
        catalog,
        learns: false,
        has_processors: !pipeline.processors.is_empty(),
        clears: Some(Clearing { is_whole }),
    })
}

/// The catalog for a destination that does not say that it keeps generations apart: it replaces what was there
/// where it can (§3.9).
pub(super) fn replacing(
    catalog: &mut ConfiguredCatalog,
    destination: &DestinationCapabilities,
) -> Result<()> {
    if destination.generations {
        return Ok(());
    }
    let modes = &destination.sync_modes;
    for stream in &mut catalog.streams {
        if !modes.is_empty() && !modes.contains(&DestinationSyncMode::Overwrite) {
            let message = "the destination can neither replace a stream nor keep copies of it apart, so nothing can be cleared there";
            return Err(Error::new(&code::SYNC_MODE, message)
                .with("stream", stream.id())
                .hint("remove the data at the destination by hand, then `crossdock state reset` the pipeline"));
        }
        stream.destination_sync_mode = DestinationSyncMode::Overwrite;
    }
    Ok(())
}

/// Begins and completes each stream, and has no record of any. It sends no state either: what the pipeline had is
/// forgotten before, and a state of one stream would replace one of the whole source.
pub(super) struct Nothing(VecDeque<Event>);

impl Nothing {
    pub(super) fn of(catalog: &ConfiguredCatalog) -> Self {
        let told = catalog.streams.iter().flat_map(|stream| {
            [StreamStatus::Started, StreamStatus::Complete].map(|status| Event::Status {
                stream: stream.id(),
                status,
            })
        });
        Self(told.collect())
    }
}

#[async_trait]
impl SourceReader for Nothing {
    async fn next(&mut self) -> Result<Event> {
        Ok(self.0.pop_front().unwrap_or(Event::End))
    }
}

#[cfg(test)]
mod tests {
    use crossdock_core::catalog::Stream;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_destination_without_generations_replaces() {
        use DestinationSyncMode::{Append, AppendDedup, Overwrite};
        let check = |generations, modes: &[DestinationSyncMode], expected| {
            let mut stream = ConfiguredStream::new(Stream::new("a", json!({})));
            stream.destination_sync_mode = AppendDedup;
            let mut catalog = ConfiguredCatalog {
                streams: vec![stream],
                ..ConfiguredCatalog::default()
            };
            let destination = DestinationCapabilities {
                generations,
                sync_modes: modes.to_vec(),
                ..DestinationCapabilities::default()
            };
            let replaced = replacing(&mut catalog, &destination)
                .map(|()| catalog.streams[0].destination_sync_mode);
            assert_eq!(replaced.ok(), expected, "{modes:?}");
        };
        check(true, &[Append, AppendDedup], Some(AppendDedup));
        check(false, &[Append, Overwrite], Some(Overwrite));
        check(false, &[], Some(Overwrite));
        check(false, &[Append], None);
    }
}
