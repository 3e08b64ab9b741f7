//! From a connector reference to something that can be run. A new protocol is one line here.

use std::sync::Arc;

use crossdock_airbyte::{
    AirbyteDestination, AirbyteSource, ChannelWish, DirectChannel, Format, Layout,
};
use crossdock_conduit::{ConduitDestination, ConduitSource, Standalone};
use crossdock_config::{
    ChannelFormat, ChannelVersion, Connector, ConnectorRef, DataChannel, Docker, Launcher,
    Protocol, Transport, nearest,
};
use crossdock_core::batch::WireForm;
use crossdock_core::code;
use crossdock_core::destination::{DestinationOpening, DestinationWriter};
use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::error::{Error, Result};
use crossdock_core::registry::{Entry, Registry};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use crossdock_core::spec::Spec;
use crossdock_dataflow::{DataFlowDestination, DataFlowSource, Found, type_of};
use crossdock_launch::{DockerOptions, Volume};
use futures::future::BoxFuture;
use serde_json::Value;

/// A source, ready to be asked.
pub struct FoundSource {
    /// The connector.
    pub source: Arc<dyn ErasedSource>,
    launched: Option<Launched<AirbyteSource, ConduitSource>>,
}

/// A connector of another process, by its protocol.
enum Launched<A, C> {
    Airbyte(Arc<A>),
    Conduit(Arc<C>),
}

impl FoundSource {
    /// Its spec, from the cache where starting the connector is slow (§6, 27).
    pub async fn spec(&self, session: &Session) -> Result<Spec> {
        match &self.launched {
            Some(Launched::Airbyte(airbyte)) => airbyte.cached_spec(session).await,
            Some(Launched::Conduit(conduit)) => conduit.cached_spec(session).await,
            None => self.source.spec(session).await,
        }
    }
}

impl FoundSource {
    /// The sockets that it gets for its records, and how many are wished; `None`: it gets none.
    pub(crate) fn sockets(&self, spec: &Spec) -> Option<Sockets> {
        match &self.launched {
            Some(Launched::Airbyte(airbyte)) => airbyte.sockets(spec),
            _ => None,
        }
    }

    /// Opens it; with `direct` for a destination that it sends its records by itself.
    pub(crate) fn open<'a>(
        &'a self,
        config: Value,
        opening: SourceOpening,
        direct: Option<&'a DirectChannel>,
    ) -> BoxFuture<'a, Result<Box<dyn SourceReader>>> {
        match (&self.launched, direct) {
            (Some(Launched::Airbyte(airbyte)), Some(channel)) => {
                Box::pin(airbyte.open_beside(config, opening, channel))
            }
            _ => self.source.open(config, opening),
        }
    }
}

/// How records are written on sockets, and how many sockets are wished. `None`: as many as is usual.
pub(crate) type Sockets = (Format, Option<usize>);

/// A destination, ready to be asked.
pub struct FoundDestination {
    /// The connector.
    pub destination: Arc<dyn ErasedDestination>,
    launched: Option<Launched<AirbyteDestination, ConduitDestination>>,
}

impl FoundDestination {
    /// Whether it removes fields that were not selected by itself.
    #[must_use]
    pub fn selects_fields(&self) -> bool {
        matches!(self.launched, Some(Launched::Airbyte(_)))
    }

    /// Its spec, from the cache where starting the connector is slow (§6, 27).
    pub async fn spec(&self, session: &Session) -> Result<Spec> {
        match &self.launched {
            Some(Launched::Airbyte(airbyte)) => airbyte.cached_spec(session).await,
            Some(Launched::Conduit(conduit)) => conduit.cached_spec(session).await,
            None => self.destination.spec(session).await,
        }
    }
}

impl FoundDestination {
    /// As [`FoundSource::sockets`].
    pub(crate) fn sockets(&self, spec: &Spec) -> Option<Sockets> {
        match &self.launched {
            Some(Launched::Airbyte(airbyte)) => airbyte.sockets(spec),
            _ => None,
        }
    }

    /// Opens it; with `direct` for a source that sends its records by itself.
    pub(crate) fn open<'a>(
        &'a self,
        config: Value,
        opening: DestinationOpening,
        direct: Option<&'a DirectChannel>,
    ) -> BoxFuture<'a, Result<Box<dyn DestinationWriter>>> {
        match (&self.launched, direct) {
            (Some(Launched::Airbyte(airbyte)), Some(channel)) => {
                Box::pin(airbyte.open_beside(config, opening, channel))
            }
            _ => self.destination.open(config, opening),
        }
    }
}

/// The connector with the reference that counts: its own, or the other one if Conduit's folder has no
/// program of that name.
pub(crate) async fn resolved(connector: &Connector, session: &Session) -> Result<Connector> {
    let mut connector = connector.clone();
    if let Some(otherwise) = connector.otherwise.take()
        && !Standalone::new(&connector.reference.what)
            .is_there(session)
            .await
    {
        connector.reference = otherwise;
    }
    Ok(connector)
}

/// The channel that a user chose for a connector of Airbyte.
fn channel(chosen: &DataChannel) -> ChannelWish {
    let layout = match chosen.version {
        ChannelVersion::First => Layout::V1,
        ChannelVersion::Present => Layout::V2,
    };
    match chosen.transport {
        None => ChannelWish::AsAnnounced,
        Some(Transport::Stdio) => ChannelWish::Stdio,
        Some(Transport::Sockets) => ChannelWish::Sockets {
            format: match chosen.format {
                ChannelFormat::Protobuf => Format::Protobuf(layout),
                ChannelFormat::Jsonl => Format::Jsonl,
            },
            count: chosen.sockets,
        },
    }
}

/// Whether records of this form have their fields in the order of their stream's schema, without names.
pub(crate) fn is_positional(form: WireForm) -> bool {
    [Layout::V1, Layout::V2].map(Layout::form).contains(&form)
}

/// Finds the source that a pipeline names.
pub(crate) fn source_of(connector: &Connector, registry: &Registry) -> Result<FoundSource> {
    let wish = channel(&connector.data_channel);
    source_in(&connector.reference, (&connector.docker, wish), registry)
        .map_err(|error| advised(error, connector))
}

/// Finds the destination that a pipeline names.
pub(crate) fn destination_of(
    connector: &Connector,
    registry: &Registry,
) -> Result<FoundDestination> {
    let wish = channel(&connector.data_channel);
    destination_in(&connector.reference, (&connector.docker, wish), registry)
        .map_err(|error| advised(error, connector))
}

/// Says where the connector is asked for, and what else helps if there is none.
fn advised(error: Error, connector: &Connector) -> Error {
    let error = match connector.at.path.as_str() {
        // It came from a command line, and what is known of is the place of its configuration.
        "" => error,
        _ => connector.at.locate(error),
    };
    match &connector.hint {
        Some(hint) if *error.code() == code::CONNECTOR_UNKNOWN => {
            let own = error.remedy().to_owned();
            let or = if own.ends_with('?') { " Or" } else { "; or" };
            error.hint(format!("{own}{or} {hint}"))
        }
        _ => error,
    }
}

/// Finds the source that `reference` names. The container of one that is an image is run as Docker does
/// it by itself.
pub fn source(reference: &ConnectorRef, registry: &Registry) -> Result<FoundSource> {
    source_in(
        reference,
        (&Docker::default(), ChannelWish::default()),
        registry,
    )
}

fn source_in(
    reference: &ConnectorRef,
    (docker, wish): (&Docker, ChannelWish),
    registry: &Registry,
) -> Result<FoundSource> {
    match reference.protocol {
        Protocol::Native => {
            let source = native(reference, registry)?.source.clone();
            let source = source.ok_or_else(|| wrong_role(reference, "source"))?;
            Ok(FoundSource {
                source,
                launched: None,
            })
        }
        Protocol::Airbyte => {
            let airbyte = AirbyteSource::new(launcher(reference, docker)?);
            let airbyte = Arc::new(airbyte.on_channel(wish));
            Ok(FoundSource {
                source: airbyte.clone(),
                launched: Some(Launched::Airbyte(airbyte)),
            })
        }
        Protocol::Conduit => {
            let conduit = Arc::new(ConduitSource::new(launcher(reference, docker)?));
            Ok(FoundSource {
                source: conduit.clone(),
                launched: Some(Launched::Conduit(conduit)),
            })
        }
        Protocol::DataFlow => Ok(FoundSource {
            source: match dataflow(reference, docker, registry)? {
                DataFlow::Launched(launcher, kind) => Arc::new(DataFlowSource::new(launcher, kind)),
                DataFlow::Native(entry) => {
                    let source = entry.source.clone();
                    source.ok_or_else(|| wrong_role(reference, "source"))?
                }
            },
            launched: None,
        }),
    }
}

/// Finds the destination that `reference` names, as [`source`] does a source.
pub fn destination(reference: &ConnectorRef, registry: &Registry) -> Result<FoundDestination> {
    let plain = Docker::default();
    destination_in(reference, (&plain, ChannelWish::default()), registry)
}

fn destination_in(
    reference: &ConnectorRef,
    (docker, wish): (&Docker, ChannelWish),
    registry: &Registry,
) -> Result<FoundDestination> {
    match reference.protocol {
        Protocol::Native => {
            let destination = native(reference, registry)?.destination.clone();
            let destination = destination.ok_or_else(|| wrong_role(reference, "destination"))?;
            Ok(FoundDestination {
                destination,
                launched: None,
            })
        }
        Protocol::Airbyte => {
            let airbyte = AirbyteDestination::new(launcher(reference, docker)?);
            let airbyte = Arc::new(airbyte.on_channel(wish));
            Ok(FoundDestination {
                destination: airbyte.clone(),
                launched: Some(Launched::Airbyte(airbyte)),
            })
        }
        Protocol::Conduit => {
            let conduit = Arc::new(ConduitDestination::new(launcher(reference, docker)?));
            Ok(FoundDestination {
                destination: conduit.clone(),
                launched: Some(Launched::Conduit(conduit)),
            })
        }
        Protocol::DataFlow => Ok(FoundDestination {
            destination: match dataflow(reference, docker, registry)? {
                DataFlow::Launched(launcher, kind) => {
                    Arc::new(DataFlowDestination::new(launcher, kind))
                }
                DataFlow::Native(entry) => {
                    let destination = entry.destination.clone();
                    destination.ok_or_else(|| wrong_role(reference, "destination"))?
                }
            },
            launched: None,
        }),
    }
}

/// A connector of DataFlow: a program, or the native connector of the type if there is none.
enum DataFlow<'a> {
    Launched(Arc<dyn crossdock_launch::Launcher>, String),
    Native(&'a Entry),
}

fn dataflow<'a>(
    reference: &ConnectorRef,
    docker: &Docker,
    registry: &'a Registry,
) -> Result<DataFlow<'a>> {
    if reference.launcher.is_some() {
        let kind = type_of(&reference.command());
        return Ok(DataFlow::Launched(launcher(reference, docker)?, kind));
    }
    let kind = reference.what.clone();
    let found = Found::new(&kind);
    if found.is_there() {
        return Ok(DataFlow::Launched(Arc::new(found), kind));
    }
    let native = registry.get(&kind).map(DataFlow::Native);
    native.ok_or_else(|| {
        let error = found.absent();
        error.with(
            "native",
            format!("there is no native connector `{kind}` either"),
        )
    })
}

/// Whether the reference can only be a destination; what cannot be told is taken for a source.
#[must_use]
pub fn is_destination_only(reference: &ConnectorRef, registry: &Registry) -> bool {
    match reference.protocol {
        Protocol::Native => registry
            .get(&reference.what)
            .is_some_and(|e| e.source.is_none()),
        _ => reference.what.contains("destination"),
    }
}

pub(crate) fn native<'a>(reference: &ConnectorRef, registry: &'a Registry) -> Result<&'a Entry> {
    registry.get(&reference.what).ok_or_else(|| {
        let error = Error::new(
            &code::CONNECTOR_UNKNOWN,
            format!("there is no native connector `{}`", reference.what),
        );
        match nearest(&reference.what, registry.iter().map(|(name, _)| name)) {
            Some(near) => error.hint(format!("did you mean `native:{near}`?")),
            None => error,
        }
    })
}

fn wrong_role(reference: &ConnectorRef, role: &str) -> Error {
    Error::new(
        &code::CONNECTOR_ROLE,
        format!("`{reference}` is not a {role}"),
    )
}

/// What starts the connector that a reference with a launcher names.
pub(crate) fn launcher(
    reference: &ConnectorRef,
    docker: &Docker,
) -> Result<Arc<dyn crossdock_launch::Launcher>> {
    if (reference.protocol, reference.launcher) == (Protocol::Conduit, None) {
        return Ok(Arc::new(Standalone::new(&reference.what)));
    }
    let kind = reference.launcher.map_or("", Launcher::as_str);
    crossdock_launch::parse_launcher(kind, &reference.what, options(docker))
        .map_err(|e| e.with("connector", reference))
}

fn options(docker: &Docker) -> DockerOptions {
    let volumes = docker.volumes.iter().map(|volume| Volume {
        source: volume.source.clone(),
        target: volume.target.clone(),
        read_only: volume.read_only,
    });
    DockerOptions {
        network: docker.network.clone(),
        memory: docker.memory.map(|bytes| bytes as u64),
        cpus: docker.cpus.clone(),
        volumes: volumes.collect(),
        env: docker.env.clone().into_iter().collect(),
    }
}
