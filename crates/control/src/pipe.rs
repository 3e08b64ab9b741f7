//! Airbyte messages to and from pipes: `crossdock read` and `crossdock write`. Runs like any other,
//! with a store that keeps nothing: who pipes keeps the states.

mod echo;
mod forgetful;

use std::sync::Arc;

use crossdock_airbyte::pipe::{read_messages, write_messages};
use crossdock_config::{ConnectorConfig, ConnectorRef, Plan, StreamSelection};
use crossdock_core::batch::BodyShape;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::{Catalog, ConfiguredCatalog, ConfiguredStream};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::destination::{Acknowledge, DestinationOpening, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use crossdock_core::store::Lease;
use crossdock_engine::life::Life;
use crossdock_engine::{Cancel, Job};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::command::{self, Ask};
use crate::connector::{self, FoundDestination};
use crate::prepare::{self, Ready, masked};
use crate::run::{Summary, engine_settings, interruptible};
use crate::select;
use crate::ui::{ProgressRelay, Role};

/// The name of such a run.
const PIPELINE: &str = "pipe";

/// Reads a source and writes Airbyte messages (RECORD, STATE, a COMPLETE status for each stream at
/// the end) to `out`. `state` is what to resume from, in Airbyte's array form.
pub async fn read(
    reference: &ConnectorRef,
    config: ConnectorConfig,
    streams: Vec<StreamSelection>,
    state: Option<String>,
    out: impl AsyncWrite + Send + Unpin + 'static,
    ask: &Ask,
    cancel: watch::Receiver<Option<Cancel>>,
) -> Result<Summary> {
    let prepare = async {
        let (found, ready) = command::source(reference, config, ask).await?;
        let offered = found.source.discover(ready.config(), &ready.session).await;
        let offered = offered.map_err(|e| masked(e, &ready.masker).with("connector", reference))?;
        Ok((found, ready, offered))
    };
    let (found, ready, offered) = interruptible(&cancel, prepare).await?;
    let name = |error: Error| masked(error, &ready.masker).with("connector", reference);
    let pipeline = pipeline(reference, streams, ask);
    let catalog = select::configure(&pipeline, offered, &[DestinationCapabilities::default()])?;
    let state = match state {
        Some(text) => crossdock_core::state_array::import(&text)?,
        None => Vec::new(),
    };
    let drains = ready.spec.source.drains;
    let mut run = PipeRun::new(ask, cancel, &catalog);
    let opening = SourceOpening {
        bounded: true,
        connector: String::new(),
        pipeline: PIPELINE.to_owned(),
        shape: BodyShape::Rows,
        verbatim: None,
        values: true,
        catalog: catalog.clone(),
        state,
        session: run.source(&ready.session),
    };
    let open = found.source.open(ready.config(), opening);
    let source = interruptible(&run.cancel, open).await.map_err(name)?;
    let session = run.destination(&Session::default());
    let writer = write_messages(out, &catalog, run.acks(), &session);
    run.execute(&pipeline, source, drains, writer, name).await
}

/// Writes the Airbyte messages that `input` brings to a destination. STATE messages are echoed to
/// `out` once they are committed. `catalog` is a configured catalog, or a discovered one: then each
/// stream is appended.
pub async fn write(
    reference: &ConnectorRef,
    config: ConnectorConfig,
    catalog: &str,
    input: impl AsyncRead + Send + Unpin + 'static,
    out: impl AsyncWrite + Send + Unpin + 'static,
    ask: &Ask,
    cancel: watch::Receiver<Option<Cancel>>,
) -> Result<Summary> {
    let catalog = parse_catalog(catalog)?;
    let prepare = command::destination(reference, config, ask);
    let (found, ready) = interruptible(&cancel, prepare).await?;
    let name = |error: Error| masked(error, &ready.masker).with("connector", reference);
    let pipeline = pipeline(reference, Vec::new(), ask);
    let mut run = PipeRun::new(ask, cancel, &catalog);
    let writer = run.open(&found, &ready, &catalog).await.map_err(name)?;
    let session = run.source(&Session {
        limits: ask.settings.limits(),
        ..Session::default()
    });
    let source = read_messages(input, &catalog, &session);
    let writer = echo::echoing(writer, out);
    run.execute(&pipeline, source, true, writer, name).await
}

/// Writes what `reader` brings, streams of `catalog`, to a destination.
pub(crate) async fn feed(
    connector: &crossdock_config::Connector,
    catalog: ConfiguredCatalog,
    reader: Box<dyn SourceReader>,
    ask: &Ask,
    cancel: watch::Receiver<Option<Cancel>>,
) -> Result<Summary> {
    let first = prepare::first_session(connector, Role::Destination, &ask.ui, &ask.settings);
    let connector = &connector::resolved(connector, &first).await?;
    let reference = &connector.reference;
    let prepare = command::configured(connector, ask);
    let (found, ready) = interruptible(&cancel, prepare).await?;
    let name = |error: Error| masked(error, &ready.masker).with("connector", reference);
    let pipeline = pipeline(reference, Vec::new(), ask);
    let mut run = PipeRun::new(ask, cancel, &catalog);
    let writer = run.open(&found, &ready, &catalog).await.map_err(name)?;
    run.execute(&pipeline, reader, true, writer, name).await
}

fn pipeline(
    reference: &ConnectorRef,
    streams: Vec<StreamSelection>,
    ask: &Ask,
) -> crossdock_config::Pipeline {
    let none = ConnectorConfig::default();
    let plan = Plan::adhoc(
        reference.clone(),
        none.clone(),
        reference.clone(),
        none,
        streams,
        ask.settings.clone(),
    );
    let mut pipelines = plan.pipelines;
    let mut pipeline = pipelines.remove(0);
    pipeline.id = PIPELINE.to_owned();
    pipeline
}

fn parse_catalog(text: &str) -> Result<ConfiguredCatalog> {
    let invalid = |cause: serde_json::Error| {
        Error::new(&code::CONFIG_SYNTAX, "the catalog is not one of Airbyte's")
            .hint("pass a configured catalog, or what `crossdock discover --raw` prints")
            .caused_by(cause)
    };
    let value: Value = serde_json::from_str(text).map_err(invalid)?;
    let configured = value
        .get("streams")
        .and_then(Value::as_array)
        .is_some_and(|streams| streams.iter().any(|s| s.get("stream").is_some()));
    if configured {
        return serde_json::from_value(value).map_err(invalid);
    }
    let catalog: Catalog = serde_json::from_value(value).map_err(invalid)?;
    let streams = catalog
        .streams
        .into_iter()
        .map(ConfiguredStream::new)
        .collect();
    Ok(ConfiguredCatalog {
        streams,
        ..ConfiguredCatalog::default()
    })
}

struct PipeRun<'a> {
    ask: &'a Ask,
    cancel: watch::Receiver<Option<Cancel>>,
    streams: Vec<crossdock_core::StreamId>,
    clock: Arc<dyn Clock>,
    wiring: crossdock_engine::pump::Wiring,
    acks: Arc<dyn Acknowledge>,
    source_life: Option<Arc<Life>>,
    destination_life: Option<Arc<Life>>,
    lease: Lease,
}

impl<'a> PipeRun<'a> {
    fn new(
        ask: &'a Ask,
        cancel: watch::Receiver<Option<Cancel>>,
        catalog: &ConfiguredCatalog,
    ) -> Self {
        let (wiring, mut acks) = crossdock_engine::wire(1);
        Self {
            ask,
            cancel,
            streams: catalog.streams.iter().map(ConfiguredStream::id).collect(),
            clock: Arc::new(SystemClock),
            wiring,
            acks: acks.remove(0),
            source_life: None,
            destination_life: None,
            lease: forgetful::lease(PIPELINE),
        }
    }

    async fn open(
        &mut self,
        found: &FoundDestination,
        ready: &Ready,
        catalog: &ConfiguredCatalog,
    ) -> Result<Box<dyn DestinationWriter>> {
        let opening = DestinationOpening {
            whole_states: false,
            keeps_refused: false,
            connector: String::new(),
            catalog: catalog.clone(),
            pipeline: PIPELINE.to_owned(),
            epoch: self.lease.epoch,
            marks: Vec::new(),
            marks_decide: false,
            keeps_marks: false,
            acks: self.acks(),
            session: self.destination(&ready.session),
        };
        let open = found.destination.open(ready.config(), opening);
        interruptible(&self.cancel, open).await
    }

    fn acks(&self) -> Arc<dyn Acknowledge> {
        self.acks.clone()
    }

    fn alive(&self, session: &Session) -> (Arc<Life>, Session) {
        let life = Life::new(session.observer.clone(), self.clock.clone());
        (life.clone(), session.observed_by(life))
    }

    fn source(&mut self, session: &Session) -> Session {
        let (life, session) = self.alive(session);
        self.source_life = Some(life);
        session
    }

    fn destination(&mut self, session: &Session) -> Session {
        let (life, session) = self.alive(session);
        self.destination_life = Some(life);
        session
    }

    async fn execute(
        self,
        pipeline: &crossdock_config::Pipeline,
        source: Box<dyn SourceReader>,
        source_drains: bool,
        writer: Box<dyn DestinationWriter>,
        mask: impl Fn(Error) -> Error,
    ) -> Result<Summary> {
        let unwatched = || Life::new(Session::default().observer, self.clock.clone());
        let run = self.lease.run;
        let job = Job {
            source,
            source_drains,
            destinations: vec![writer],
            refusing: vec![false],
            dead_letters: None,
            streams: self.streams,
            store: Arc::new(forgetful::Forgetful),
            lease: self.lease,
            completes: Vec::new(),
            source_life: self.source_life.unwrap_or_else(unwatched),
            destination_lives: vec![self.destination_life.unwrap_or_else(unwatched)],
            watcher: Arc::new(ProgressRelay {
                pipeline: pipeline.id.clone(),
                ui: self.ask.ui.clone(),
            }),
            cancel: self.cancel,
            clock: self.clock.clone(),
            settings: engine_settings(&self.ask.settings),
        };
        let report = crossdock_engine::execute(self.wiring, job).await;
        Ok(Summary::new(pipeline, run, report, mask))
    }
}
