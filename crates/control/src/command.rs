//! Questions to a single connector.

use std::sync::Arc;

use crossdock_config::{Connector, ConnectorConfig, ConnectorRef, Pipeline, Protocol, Settings};
use crossdock_core::catalog::Catalog;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::registry::Registry;
use crossdock_core::spec::{Checked, Spec};

use crate::connector::{self, FoundDestination, FoundSource};
use crate::prepare::{self, Ready, first_session, masked};
use crate::ui::{Role, Ui};
use crate::way;

/// What a question needs.
#[derive(Clone)]
pub struct Ask {
    /// The native connectors.
    pub registry: Registry,
    /// Whom to tell.
    pub ui: Arc<dyn Ui>,
    /// The limits to keep.
    pub settings: Settings,
}

/// A native connector, for the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// How to refer to it.
    pub reference: String,
    /// What it is for.
    pub summary: &'static str,
    /// It can be a source.
    pub source: bool,
    /// It can be a destination.
    pub destination: bool,
}

/// The native connectors.
#[must_use]
pub fn connectors(registry: &Registry) -> Vec<Listed> {
    registry
        .iter()
        .map(|(name, entry)| Listed {
            reference: format!("{}:{name}", Protocol::Native),
            summary: entry.summary,
            source: entry.source.is_some(),
            destination: entry.destination.is_some(),
        })
        .collect()
}

fn role_of(reference: &ConnectorRef, role: Option<Role>, ask: &Ask) -> Role {
    role.unwrap_or_else(|| {
        if connector::is_destination_only(reference, &ask.registry) {
            Role::Destination
        } else {
            Role::Source
        }
    })
}

fn named(reference: &ConnectorRef) -> impl Fn(Error) -> Error {
    move |error| error.with("connector", reference)
}

/// What the connector says of itself, in the `role` asked for if it has both; otherwise as a source
/// where it can be one. The connector itself is asked, never the cache.
pub async fn spec(reference: &ConnectorRef, role: Option<Role>, ask: &Ask) -> Result<Spec> {
    let connector = Connector::new(reference.clone(), ConnectorConfig::default());
    spec_of(&connector, role, ask).await
}

/// The same of a connector whose configuration, which is not looked at, says how its container is run.
pub async fn spec_of(connector: &Connector, role: Option<Role>, ask: &Ask) -> Result<Spec> {
    let reference = &connector.reference;
    if role_of(reference, role, ask) == Role::Destination {
        let found = connector::destination_of(connector, &ask.registry)?;
        let session = first_session(connector, Role::Destination, &ask.ui, &ask.settings);
        return found
            .destination
            .spec(&session)
            .await
            .map_err(named(reference));
    }
    let found = connector::source_of(connector, &ask.registry)?;
    let session = first_session(connector, Role::Source, &ask.ui, &ask.settings);
    match found.source.spec(&session).await {
        // Of some it can only be told once they run which side they have.
        Err(error) if role.is_none() && *error.code() == code::CONNECTOR_ROLE => {
            Box::pin(spec_of(connector, Some(Role::Destination), ask)).await
        }
        spec => spec.map_err(named(reference)),
    }
}

pub(crate) async fn source(
    reference: &ConnectorRef,
    config: ConnectorConfig,
    ask: &Ask,
) -> Result<(FoundSource, Ready)> {
    let connector = Connector::new(reference.clone(), config);
    let found = connector::source_of(&connector, &ask.registry)?;
    let session = first_session(&connector, Role::Source, &ask.ui, &ask.settings);
    let spec = found.spec(&session).await.map_err(named(reference))?;
    let ready =
        prepare::ready(&connector, spec, Role::Source, &ask.ui, &ask.settings, None).await?;
    Ok((found, ready))
}

pub(crate) async fn destination(
    reference: &ConnectorRef,
    config: ConnectorConfig,
    ask: &Ask,
) -> Result<(FoundDestination, Ready)> {
    configured(&Connector::new(reference.clone(), config), ask).await
}

/// A destination of a pipeline file.
pub(crate) async fn configured(
    connector: &Connector,
    ask: &Ask,
) -> Result<(FoundDestination, Ready)> {
    let reference = &connector.reference;
    let found = connector::destination_of(connector, &ask.registry)?;
    let session = first_session(connector, Role::Destination, &ask.ui, &ask.settings);
    let spec = found.spec(&session).await.map_err(named(reference))?;
    let ready = prepare::ready(
        connector,
        spec,
        Role::Destination,
        &ask.ui,
        &ask.settings,
        None,
    )
    .await?;
    Ok((found, ready))
}

/// What can be said of a configuration without starting anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is what the connector's spec wants.
    Valid,
    /// The spec is not known without starting the connector.
    Unknown,
}

/// Compares a connector's configuration with its spec, without starting a process or using the
/// network. An error is what is wrong with the reference or the configuration.
pub async fn validate(connector: &Connector, role: Role, ask: &Ask) -> Result<Validity> {
    let reference = &connector.reference;
    let session = first_session(connector, role, &ask.ui, &ask.settings);
    if connector.otherwise.is_some() {
        return Ok(Validity::Unknown);
    }
    let spec = match role {
        Role::Source => {
            let found = connector::source_of(connector, &ask.registry)?;
            if reference.protocol != Protocol::Native {
                return Ok(Validity::Unknown);
            }
            found.spec(&session).await
        }
        Role::Destination => {
            let found = connector::destination_of(connector, &ask.registry)?;
            if reference.protocol != Protocol::Native {
                return Ok(Validity::Unknown);
            }
            found.spec(&session).await
        }
    };
    let spec = spec.map_err(named(reference))?;
    prepare::ready(connector, spec, role, &ask.ui, &ask.settings, None).await?;
    Ok(Validity::Valid)
}

/// Whether the processors of a pipeline can be made.
pub fn validate_processors(pipeline: &Pipeline) -> Result<()> {
    way::chains(pipeline).map(|_| ())
}

/// Asks whether the configuration works. A configuration that the spec already refuses is a
/// [`Checked::Failed`], too. `role` is as for [`spec`].
pub async fn check(
    reference: &ConnectorRef,
    role: Option<Role>,
    config: ConnectorConfig,
    ask: &Ask,
) -> Result<Checked> {
    if role_of(reference, role, ask) == Role::Destination {
        let (found, ready) = destination(reference, config, ask).await?;
        let checked = found
            .destination
            .check(ready.config(), &ready.session)
            .await;
        return answer(checked, &ready.masker, reference);
    }
    let (found, ready) = source(reference, config, ask).await?;
    let checked = found.source.check(ready.config(), &ready.session).await;
    answer(checked, &ready.masker, reference)
}

fn answer(
    checked: Result<Checked>,
    masker: &crossdock_core::secret::Masker,
    reference: &ConnectorRef,
) -> Result<Checked> {
    match checked {
        Ok(Checked::Failed(reason)) => Ok(Checked::Failed(masker.mask(&reason).into_owned())),
        Ok(Checked::Succeeded) => Ok(Checked::Succeeded),
        Err(error) => Err(masked(error, masker).with("connector", reference)),
    }
}

/// What the source offers.
pub async fn discover(
    reference: &ConnectorRef,
    config: ConnectorConfig,
    ask: &Ask,
) -> Result<Catalog> {
    let (found, ready) = source(reference, config, ask).await?;
    found
        .source
        .discover(ready.config(), &ready.session)
        .await
        .map_err(|error| masked(error, &ready.masker).with("connector", reference))
}
