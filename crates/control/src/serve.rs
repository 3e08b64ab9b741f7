//! Our connectors as connectors of other platforms.

use std::ffi::OsString;
use std::sync::Arc;

use crossdock_airbyte::serve as airbyte_serve;
use crossdock_conduit::serve as conduit_serve;
use crossdock_config::{ConnectorRef, Protocol};
use crossdock_core::code;
use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::error::{Error, Result};
use crossdock_core::registry::Registry;
use crossdock_dataflow::serve as dataflow_serve;

use crate::command::{self, Ask};
use crate::connector;
use crate::ui::Role;

/// The name under which another platform knows the connector.
#[must_use]
pub fn name(reference: &ConnectorRef) -> String {
    let last = reference.what.rsplit('/').next().unwrap_or_default();
    let word = last.split([' ', '=', ':']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    word.chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect()
}

/// Looks whether the connector is there and says what it wants, in one role at least.
pub async fn look(reference: &ConnectorRef, ask: &Ask) -> Result<()> {
    match command::spec(reference, None, ask).await {
        Ok(_) => Ok(()),
        Err(error) if *error.code() == code::CONNECTOR_ROLE => {
            command::spec(reference, Some(Role::Destination), ask)
                .await
                .map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Is a connector of Airbyte for one command, or until `stop`. `role`: leaves the other half out. Returns the exit
/// code.
pub async fn airbyte(
    reference: &ConnectorRef,
    role: Option<Role>,
    words: &[OsString],
    registry: &Registry,
    stop: impl Future<Output = ()>,
) -> Result<u8> {
    let mut found = found(reference, registry)?;
    match role {
        Some(Role::Source) => found.destination = None,
        Some(Role::Destination) => found.source = None,
        None => {}
    }
    if found.source.is_none() && found.destination.is_none() {
        return Err(no_half(reference));
    }
    let served = airbyte_serve::Served {
        name: name(reference),
        source: found.source,
        destination: found.destination,
    };
    Ok(airbyte_serve::serve(served, words, stop).await)
}

fn no_half(reference: &ConnectorRef) -> Error {
    let message = format!("`{reference}` is not one");
    Error::new(&code::CONNECTOR_ROLE, message).hint("leave `--as` out, or name the other one")
}

/// Is a connector of Conduit until Conduit has enough of it.
pub async fn conduit(reference: &ConnectorRef, registry: &Registry) -> Result<()> {
    let found = found(reference, registry)?;
    conduit_serve::serve(conduit_serve::Served {
        name: name(reference),
        summary: found.summary,
        author: "Crossdock".to_owned(),
        version: format!("v{}", env!("CARGO_PKG_VERSION")),
        source: found.source,
        destination: found.destination,
    })
    .await
}

/// Is a connector of DataFlow until its processor, or `stop`, has enough of it.
pub async fn dataflow(
    reference: &ConnectorRef,
    registry: &Registry,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let found = found(reference, registry)?;
    let served = dataflow_serve::Served {
        kind: name(reference),
        source: found.source,
        destination: found.destination,
    };
    dataflow_serve::serve(served, stop).await
}

/// The halves of a connector.
struct Found {
    summary: String,
    source: Option<Arc<dyn ErasedSource>>,
    destination: Option<Arc<dyn ErasedDestination>>,
}

fn found(reference: &ConnectorRef, registry: &Registry) -> Result<Found> {
    let mut summary = format!("Crossdock's connector {reference}");
    let (source, destination) = match reference.protocol {
        Protocol::Native => {
            let entry = connector::native(reference, registry)?;
            summary = entry.summary.to_owned();
            (entry.source.clone(), entry.destination.clone())
        }
        // Which side a program has shows only in its name.
        _ if connector::is_destination_only(reference, registry) => (
            None,
            Some(connector::destination(reference, registry)?.destination),
        ),
        _ => (Some(connector::source(reference, registry)?.source), None),
    };
    if source.is_none() && destination.is_none() {
        return Err(Error::new(
            &code::CONNECTOR_ROLE,
            format!("`{reference}` is neither a source nor a destination"),
        ));
    }
    Ok(Found {
        summary,
        source,
        destination,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_programs() {
        let check = |text: &str, expected| {
            assert_eq!(name(&text.parse().unwrap()), expected, "{text}");
        };
        check("native:sample", "sample");
        check(
            "airbyte:python:airbyte-source-faker==7.2.1",
            "airbyte-source-faker",
        );
        check("airbyte:exec:/opt/my source.py --x", "my");
        check("conduit:exec:./connectors/file", "file");
    }
}
