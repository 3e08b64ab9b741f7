//! A source of the contract as a source of Conduit.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossdock_core::batch::BodyShape;
use crossdock_core::code;
use crossdock_core::erased::ErasedSource;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel};
use crossdock_core::served::to_read;
use crossdock_core::session::Session;
use crossdock_core::source::{SourceControl, SourceOpening, SourceReader};
use crossdock_core::spec::Checked;
use prost::Message as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::config::Configured;
use super::middleware::Middleware;
use super::outgoing::{Boundaries, Outgoing, Progress};
use super::parameter::{Place, Shape};
use super::position::Positions;
use super::record::Records;
use super::status::status;
use crate::grpc::server::Answers;
use crate::now::now;
use crate::wire::description::Param;
use crate::wire::handshake::CONNECTOR_ID;
use crate::wire::proto::config::v1::parameter::Type;
use crate::wire::proto::connector::{PositionMessage, SourceAcks};
use crate::wire::version::Version;

/// Which streams to read.
const STREAMS: &str = "crossdock.streams";
/// Our own parameters of every source.
pub(super) fn places() -> BTreeMap<String, Place> {
    let place = Place {
        path: vec![STREAMS.to_owned()],
        shape: Shape::List,
        param: Param {
            description: "The streams to read, comma-separated; empty: all.".to_owned(),
            kind: Type::String as i32,
            ..Param::default()
        },
    };
    BTreeMap::from([(STREAMS.to_owned(), place)])
}

/// The same for `Specify`.
pub(super) fn params() -> BTreeMap<String, Param> {
    places()
        .into_iter()
        .map(|(name, place)| (name, place.param))
        .collect()
}

/// A source that is open.
pub(super) struct SourceRun {
    opened: Option<Opened>,
    control: Arc<dyn SourceControl>,
    drains: bool,
    stop: watch::Sender<Stop>,
    progress: watch::Receiver<Progress>,
    tell: Option<watch::Sender<Progress>>,
    tasks: Vec<JoinHandle<()>>,
    grace: Duration,
}

/// What the platform wants of the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// To go on.
    No,
    /// What was read, and no more.
    Drain,
    /// Nothing.
    Now,
}

struct Opened {
    reader: Box<dyn SourceReader>,
    positions: Positions,
    records: Records,
    middleware: Middleware,
    version: Version,
    session: Session,
}

impl SourceRun {
    pub(super) async fn open(
        source: Arc<dyn ErasedSource>,
        configured: Configured,
        position: &[u8],
        version: Version,
        session: Session,
    ) -> Result<Self> {
        let Configured {
            mut config,
            middleware,
        } = configured;
        let chosen = config
            .as_object_mut()
            .and_then(|config| config.remove(STREAMS));
        let positions = Positions::read(position)
            .map_err(|fault| Error::new(&code::STATE_INVALID, fault.to_string()))?;
        if let Checked::Failed(why) = source.check(config.clone(), &session).await? {
            return Err(Error::new(&code::CONFIG_INVALID, why));
        }
        let spec = source.spec(&session).await?;
        let offered = source.discover(config.clone(), &session).await?;
        let catalog = to_read(offered.streams, chosen.as_ref())?;
        let opening = SourceOpening {
            bounded: false,
            connector: String::new(),
            pipeline: std::env::var(CONNECTOR_ID).unwrap_or_default(),
            catalog: catalog.clone(),
            state: positions.states(),
            shape: BodyShape::Rows,
            verbatim: None,
            values: true,
            session: session.clone(),
        };
        let reader = source.open(config, opening).await?;
        let (tell, progress) = watch::channel(Progress::default());
        Ok(Self {
            control: reader.control(),
            opened: Some(Opened {
                reader,
                positions,
                records: Records::new(&catalog, &middleware),
                middleware,
                version,
                session: session.clone(),
            }),
            drains: spec.source.drains,
            stop: watch::Sender::new(Stop::No),
            progress,
            tell: Some(tell),
            tasks: Vec::new(),
            grace: session.limits.grace,
        })
    }

    /// Begins to send.
    pub(super) fn run(&mut self, acks: Streaming<Bytes>) -> Result<Answers> {
        let again = || Error::new(&code::USAGE, "Run came twice");
        let opened = self.opened.take().ok_or_else(again)?;
        let tell = self.tell.take().ok_or_else(again)?;
        let (messages, answers) = mpsc::channel(4);
        let boundaries = Arc::new(Boundaries::default());
        let version = opened.version;
        let (hearing, heard) = oneshot::channel();
        let pump = Pump {
            reader: opened.reader,
            delay: opened.middleware.batch_delay,
            out: Outgoing {
                positions: opened.positions,
                records: opened.records,
                boundaries: boundaries.clone(),
                version,
                most: opened.middleware.batch_size.max(1),
                message: Vec::new(),
                count: 0,
                last: Vec::new(),
                held: None,
                messages,
                tell,
            },
            stop: self.stop.subscribe(),
            heard,
            session: opened.session,
        };
        self.tasks.push(tokio::spawn(pump.run()));
        let control = self.control.clone();
        self.tasks.push(tokio::spawn(hear(
            acks, version, boundaries, control, hearing,
        )));
        Ok(Box::pin(ReceiverStream::new(answers)))
    }

    /// Asks for the end of the reading; what it waits for is the position of the last record.
    pub(super) fn stop(&mut self) -> impl Future<Output = Vec<u8>> + use<> {
        if self.drains {
            self.control.stop();
        }
        let how = if self.drains { Stop::Drain } else { Stop::Now };
        self.stop.send_modify(|stop| *stop = how.max(*stop));
        let mut progress = self.progress.clone();
        let has_run = self.tell.is_none();
        async move {
            if has_run {
                let _ = progress.wait_for(|progress| progress.is_over).await;
            }
            progress.borrow().last.clone()
        }
    }

    /// Ends everything, within the grace period.
    pub(super) async fn tear_down(mut self) -> Result<()> {
        self.stop.send_replace(Stop::Now);
        if let Some(mut opened) = self.opened.take() {
            return opened.reader.close().await;
        }
        for mut task in std::mem::take(&mut self.tasks).into_iter().rev() {
            // Acknowledgements end with the stream; the reading closes the source.
            if timeout(self.grace, &mut task).await.is_err() {
                task.abort();
            }
        }
        Ok(())
    }
}

/// Tells the source what the platform has acknowledged, and so keeps.
async fn hear(
    mut acks: Streaming<Bytes>,
    version: Version,
    boundaries: Arc<Boundaries>,
    control: Arc<dyn SourceControl>,
    _until: oneshot::Sender<()>,
) {
    // However the stream ends, the platform ends it (§10, 29).
    while let Ok(Some(message)) = acks.message().await {
        let positions = match version {
            Version::V1 => PositionMessage::decode(message).map(|one| vec![one.position]),
            Version::V2 => SourceAcks::decode(message).map(|many| many.ack_positions),
        };
        for position in positions.unwrap_or_default() {
            for checkpoint in boundaries.reached(&position) {
                // It hears again of what it missed at its next start.
                let _ = control.committed(&checkpoint).await;
            }
        }
    }
}

struct Pump {
    reader: Box<dyn SourceReader>,
    out: Outgoing,
    delay: Duration,
    stop: watch::Receiver<Stop>,
    /// Ends when no acknowledgement can come any more.
    heard: oneshot::Receiver<()>,
    session: Session,
}

impl Pump {
    async fn run(mut self) {
        let failed = self.read().await.err();
        if let Some(error) = &failed {
            let _ = self.out.messages.send(Err(status(error))).await;
        }
        self.out
            .tell
            .send_modify(|progress| progress.is_over = true);
        if failed.is_none() {
            // The end is for the platform to say (§3.6): the stream stays open until then.
            // It says so in Teardown, or by the end of its acknowledgements.
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop == Stop::Now) => {}
                _ = &mut self.heard => {}
            }
        }
        if let Err(error) = self.reader.close().await {
            self.session.log(
                LogLevel::Warn,
                format!("the source did not end well: {}", error.message()),
            );
        }
    }

    async fn read(&mut self) -> Result<()> {
        while let Some(event) = self.next().await? {
            match event {
                Event::Batch(batch) => self.out.batch(batch).await?,
                Event::Checkpoint(checkpoint) => self.out.checkpoint(checkpoint),
                Event::StreamFailed { stream, error } => {
                    self.out.release().await?;
                    return Err(error.with("stream", stream));
                }
                Event::End => break,
                _ => {}
            }
        }
        self.out.release().await
    }

    /// The next event; none if it is not wanted any more. If it is not there, what is ready is sent
    /// first, at the latest after the batch's delay.
    async fn next(&mut self) -> Result<Option<Event>> {
        let Self {
            reader,
            out,
            delay,
            stop,
            ..
        } = self;
        // The future must not be dropped, so what is ready is sent while it waits.
        let mut next = pin!(reader.next());
        if !out.is_empty() {
            let ready = if delay.is_zero() {
                now(next.as_mut()).await
            } else {
                timeout(*delay, &mut next).await.ok()
            };
            match ready {
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => {
                    out.release().await?;
                    return Err(error);
                }
                None => out.release().await?,
            }
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop == Stop::Now) => Ok(None),
            event = next => event.map(Some),
        }
    }
}
