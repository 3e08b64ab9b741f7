//! The calls of a connector's server, and the life between them (§3.3).

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use prost::Message;
use tokio::sync::{Mutex, watch};
use tonic::metadata::MetadataMap;
use tonic::{Status, Streaming};

use super::Served;
use super::config::{Configured, read};
use super::destination::DestinationRun;
use super::middleware::{self, Middleware};
use super::parameter::{Place, places};
use super::source::SourceRun;
use super::status::status;
use crate::grpc::server::{Answers, Calls, Shape};
use crate::wire::description::Described;
use crate::wire::handshake::{MAX_RECEIVE, MAX_RECEIVE_DEFAULT};
use crate::wire::proto::connector::{
    ConfigRequest, Empty, PositionMessage, Specification, SpecifyResponse, SpecifyResponseV1,
};
use crate::wire::proto::plugin::{HealthCheckRequest, HealthCheckResponse, health_check_response};
use crate::wire::side::Side;
use crate::wire::version::Version;

/// What go-plugin's tools look for.
const HEALTHY: [&str; 2] = ["", "plugin"];

enum Life {
    New,
    Configured(Configured),
    Source(Box<SourceRun>),
    Destination(Box<DestinationRun>),
    Over,
}

/// One connector in one process.
pub(super) struct Plugin {
    served: Served,
    version: Version,
    session: Session,
    life: Mutex<Life>,
    end: watch::Sender<bool>,
}

impl Plugin {
    pub(super) fn new(served: Served, version: Version, session: Session) -> Self {
        Self {
            served,
            version,
            session,
            life: Mutex::new(Life::New),
            end: watch::Sender::new(false),
        }
    }

    /// Waits until the platform says that it is over.
    pub(super) async fn told_to_end(&self) {
        let mut end = self.end.subscribe();
        let _ = end.wait_for(|over| *over).await;
    }

    /// Ends whatever still runs.
    pub(super) async fn close(&self) {
        let _ = self.tear_down().await;
    }

    async fn tear_down(&self) -> Result<()> {
        match std::mem::replace(&mut *self.life.lock().await, Life::Over) {
            Life::Source(run) => run.tear_down().await,
            Life::Destination(run) => run.tear_down().await,
            Life::New | Life::Configured(_) | Life::Over => Ok(()),
        }
    }

    /// The parameters of a side; `None` if there is no such side.
    async fn places(
        &self,
        side: Side,
    ) -> Result<Option<std::collections::BTreeMap<String, Place>>> {
        let spec = match side {
            Side::Source => match &self.served.source {
                Some(source) => source.spec(&self.session).await?,
                None => return Ok(None),
            },
            Side::Destination => match &self.served.destination {
                Some(destination) => destination.spec(&self.session).await?,
                None => return Ok(None),
            },
        };
        Ok(Some(places(&spec.connection_specification)))
    }

    async fn described(&self) -> Result<Described> {
        let mut described = Described {
            name: self.served.name.clone(),
            summary: self.served.summary.clone(),
            description: self.served.summary.clone(),
            version: self.served.version.clone(),
            author: self.served.author.clone(),
            ..Described::default()
        };
        for side in Side::ALL {
            let Some(places) = self.places(side).await? else {
                continue;
            };
            let mut params = middleware::params(side);
            if side == Side::Source {
                params.extend(super::source::params());
            }
            params.extend(places.into_iter().map(|(name, place)| (name, place.param)));
            match side {
                Side::Source => described.source = params,
                Side::Destination => described.destination = params,
            }
        }
        Ok(described)
    }

    async fn specify(&self) -> Result<Vec<u8>> {
        let described = self.described().await?;
        Ok(match self.version {
            Version::V1 => SpecifyResponseV1::from(described).encode_to_vec(),
            Version::V2 => SpecifyResponse {
                specification: Some(Specification::from(described)),
            }
            .encode_to_vec(),
        })
    }

    async fn configure(&self, side: Side, request: ConfigRequest) -> Result<()> {
        let places = self.places(side).await?.ok_or_else(|| no_side(side))?;
        let mut texts = request.config;
        let middleware = Middleware::take(&mut texts)?;
        let mut all = places;
        if side == Side::Source {
            all.extend(super::source::places());
        }
        if side == Side::Destination {
            middleware::drop_record_format(&all, &mut texts);
        }
        let config = read(&all, texts)?;
        let mut life = self.life.lock().await;
        match &*life {
            Life::New | Life::Configured(_) => {
                *life = Life::Configured(Configured { config, middleware });
                Ok(())
            }
            _ => Err(out_of_order("Configure")),
        }
    }

    async fn open(&self, side: Side, position: &[u8]) -> Result<()> {
        let mut life = self.life.lock().await;
        let configured = match &*life {
            Life::Configured(configured) => configured.clone(),
            _ => return Err(out_of_order("Open")),
        };
        *life = match side {
            Side::Source => {
                let source = self.served.source.clone().ok_or_else(|| no_side(side))?;
                let session = self.session.clone();
                let run = SourceRun::open(source, configured, position, self.version, session);
                Life::Source(Box::new(run.await?))
            }
            Side::Destination => {
                let destination = self
                    .served
                    .destination
                    .clone()
                    .ok_or_else(|| no_side(side))?;
                let session = self.session.clone();
                let name = self.served.name.clone();
                let run =
                    DestinationRun::open(destination, configured, self.version, session, name);
                Life::Destination(Box::new(run.await?))
            }
        };
        Ok(())
    }

    async fn stop(&self, side: Side, request: Bytes) -> Result<Vec<u8>, Status> {
        match side {
            Side::Source => {
                let waiting = match &mut *self.life.lock().await {
                    Life::Source(run) => run.stop(),
                    _ => return Err(status(&out_of_order("Stop"))),
                };
                let position = waiting.await.into();
                Ok(PositionMessage { position }.encode_to_vec())
            }
            Side::Destination => {
                let request = PositionMessage::decode(request).map_err(unreadable)?;
                let waiting = match &mut *self.life.lock().await {
                    Life::Destination(run) => run.stop(request.position),
                    _ => return Err(status(&out_of_order("Stop"))),
                };
                waiting.await.map_err(|error| status(&error))?;
                Ok(Vec::new())
            }
        }
    }
}

fn no_side(side: Side) -> Error {
    Error::new(
        &code::CONNECTOR_ROLE,
        format!("this connector is not a {}", side.as_str()),
    )
}

fn out_of_order(call: &str) -> Error {
    Error::new(
        &code::USAGE,
        format!("{call} came when it was not its turn"),
    )
}

fn unreadable(cause: prost::DecodeError) -> Status {
    Status::invalid_argument(format!("the request cannot be read: {cause}"))
}

/// What a call is about.
enum Call {
    Specify,
    Of(Side, String),
    Shutdown,
    Health,
    /// Streams of go-plugin that stay open and silent (§1.5).
    Idle,
}

impl Plugin {
    fn call(&self, path: &str) -> Option<Call> {
        match path {
            "/plugin.GRPCController/Shutdown" => return Some(Call::Shutdown),
            "/plugin.GRPCStdio/StreamStdio" | "/plugin.GRPCBroker/StartStream" => {
                return Some(Call::Idle);
            }
            "/grpc.health.v1.Health/Check" => return Some(Call::Health),
            _ => {}
        }
        let rest = path
            .strip_prefix('/')?
            .strip_prefix(self.version.package())?;
        let (service, method) = rest.strip_prefix('.')?.split_once('/')?;
        if (service, method) == ("SpecifierPlugin", "Specify") {
            return Some(Call::Specify);
        }
        let side = Side::ALL
            .into_iter()
            .find(|side| side.service() == service)?;
        let known = [
            "Configure",
            self.version.open(),
            "Run",
            "Stop",
            "Teardown",
            "LifecycleOnCreated",
            "LifecycleOnUpdated",
            "LifecycleOnDeleted",
        ];
        known
            .contains(&method)
            .then(|| Call::Of(side, method.to_owned()))
    }
}

#[async_trait]
impl Calls for Plugin {
    fn shape(&self, path: &str) -> Option<Shape> {
        Some(match self.call(path)? {
            Call::Idle => Shape::Streaming,
            Call::Of(_, method) if method == "Run" => Shape::Streaming,
            _ => Shape::Unary,
        })
    }

    fn longest(&self) -> usize {
        let asked = std::env::var(MAX_RECEIVE)
            .ok()
            .and_then(|size| size.parse().ok());
        asked.unwrap_or(MAX_RECEIVE_DEFAULT)
    }

    async fn unary(&self, path: &str, _: &MetadataMap, request: Bytes) -> Result<Bytes, Status> {
        let told = |error: Error| status(&error);
        let answer = match self.call(path) {
            Some(Call::Specify) => self.specify().await.map_err(told)?,
            Some(Call::Shutdown) => {
                self.end.send_replace(true);
                Vec::new()
            }
            Some(Call::Health) => {
                let asked = HealthCheckRequest::decode(request).map_err(unreadable)?;
                if !HEALTHY.contains(&asked.service.as_str()) {
                    return Err(Status::not_found("unknown service"));
                }
                let status = health_check_response::ServingStatus::Serving as i32;
                HealthCheckResponse { status }.encode_to_vec()
            }
            Some(Call::Of(side, method)) => match method.as_str() {
                "Configure" => {
                    let request = ConfigRequest::decode(request).map_err(unreadable)?;
                    self.configure(side, request).await.map_err(told)?;
                    Vec::new()
                }
                "Open" | "Start" => {
                    // A destination's is empty, which reads as well.
                    let request = PositionMessage::decode(request).map_err(unreadable)?;
                    self.open(side, &request.position).await.map_err(told)?;
                    Vec::new()
                }
                "Stop" => self.stop(side, request).await?,
                "Teardown" => {
                    self.tear_down().await.map_err(told)?;
                    Vec::new()
                }
                // Nothing is made that would have to be changed or removed.
                _ => Empty {}.encode_to_vec(),
            },
            _ => return Err(Status::unimplemented(format!("there is no call {path}"))),
        };
        Ok(answer.into())
    }

    async fn streaming(&self, path: &str, requests: Streaming<Bytes>) -> Result<Answers, Status> {
        match self.call(path) {
            Some(Call::Idle) => {
                drop(requests);
                Ok(Box::pin(tokio_stream::pending()))
            }
            Some(Call::Of(Side::Source, _)) => match &mut *self.life.lock().await {
                Life::Source(run) => run.run(requests).map_err(|error| status(&error)),
                _ => Err(status(&out_of_order("Run"))),
            },
            Some(Call::Of(Side::Destination, _)) => match &mut *self.life.lock().await {
                Life::Destination(run) => run.run(requests).map_err(|error| status(&error)),
                _ => Err(status(&out_of_order("Run"))),
            },
            _ => Err(Status::unimplemented(format!("there is no call {path}"))),
        }
    }
}
