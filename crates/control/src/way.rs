//! The processors of a pipeline, and the reader of a run: a source as it is, or several with processors on
//! the way.

use crossdock_config::{Pipeline, Processor};
use crossdock_core::error::Result;
use crossdock_processors::{Chain, Wanted};

/// The processors of a list.
pub(crate) fn chain(processors: &[Processor]) -> Result<Chain> {
    let mut wanted = Vec::new();
    for processor in processors {
        let one = Wanted {
            id: processor.id.clone(),
            plugin: processor.plugin.clone(),
            condition: processor.condition.clone(),
            settings: processor.settings.clone(),
        };
        // Each alone first, since only here is known where it stands.
        Chain::new(std::slice::from_ref(&one)).map_err(|error| processor.at.locate(error))?;
        wanted.push(one);
    }
    Chain::new(&wanted)
}

/// The processors of the pipeline; those of its connectors are looked at, too.
pub(crate) fn chains(pipeline: &Pipeline) -> Result<Chain> {
    for connector in pipeline.sources.iter().chain(&pipeline.destinations) {
        chain(&connector.processors)?;
    }
    chain(&pipeline.processors)
}

/// Whether records of the pipeline meet a processor before the destinations, or those of several sources.
pub(crate) fn has_way(pipeline: &Pipeline) -> bool {
    pipeline.sources.len() > 1
        || !pipeline.processors.is_empty()
        || pipeline
            .sources
            .iter()
            .any(|source| !source.processors.is_empty())
}
