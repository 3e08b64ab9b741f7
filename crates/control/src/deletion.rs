//! A pipeline's connectors, told that they are deleted: each removes what it keeps elsewhere for the pipeline,
//! such as a replication slot.

use crossdock_config::{Connector, Pipeline};
use crossdock_core::error::Result;

use crate::connector;
use crate::prepare::{self, Keeping};
use crate::run::Surroundings;
use crate::ui::Role;

/// Tells every connector of a pipeline. The first that fails ends it; it can be done again.
pub async fn delete_connectors(pipeline: &Pipeline, around: &Surroundings) -> Result<()> {
    for (at, source) in pipeline.sources.iter().enumerate() {
        delete(pipeline, Role::Source, at + 1, source, around).await?;
    }
    for (at, destination) in pipeline.destinations.iter().enumerate() {
        delete(pipeline, Role::Destination, at + 1, destination, around).await?;
    }
    Ok(())
}

async fn delete(
    pipeline: &Pipeline,
    role: Role,
    at: usize,
    connector: &Connector,
    around: &Surroundings,
) -> Result<()> {
    let settings = &pipeline.settings;
    let first = prepare::first_session(connector, role, &around.ui, settings);
    let connector = connector::resolved(connector, &first).await?;
    let keeping = Keeping {
        store: around.store.clone(),
        pipeline: pipeline.id.clone(),
        connector: prepare::slot(role, at, &connector),
    };
    let ready = |spec| prepare::ready(&connector, spec, role, &around.ui, settings, Some(keeping));
    let name = &connector.id;
    let told = match role {
        Role::Source => {
            let found = connector::source_of(&connector, &around.registry)?;
            let ready = ready(found.spec(&first).await?).await?;
            let told = found
                .source
                .deleted(ready.config(), &pipeline.id, name, &ready.session);
            told.await
                .map_err(|error| prepare::masked(error, &ready.masker))
        }
        Role::Destination => {
            let found = connector::destination_of(&connector, &around.registry)?;
            let ready = ready(found.spec(&first).await?).await?;
            let told =
                found
                    .destination
                    .deleted(ready.config(), &pipeline.id, name, &ready.session);
            told.await
                .map_err(|error| prepare::masked(error, &ready.masker))
        }
    };
    told.map_err(|error| error.with(role.as_str(), &connector.reference))
}
