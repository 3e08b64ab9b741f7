//! The schema service that connectors call (§2.5): one for each connector that runs, on a port of
//! loopback alone, for the token of that connector alone.

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status, Streaming};

use super::registry::{Kept, Registry};
use crate::grpc::TOKEN;
use crate::grpc::server::{Answers, Calls, Shape, serve};
use crate::wire::proto::connutils::v1::schema::Type;
use crate::wire::proto::connutils::v1::{
    CreateSchemaRequest, CreateSchemaResponse, GetSchemaRequest, GetSchemaResponse, Schema,
};
use crossdock_avro::Schema as Avro;

const CREATE: &str = "/connutils.v1.SchemaService/CreateSchema";
const GET: &str = "/connutils.v1.SchemaService/GetSchema";
/// The longest schema.
const LONGEST: usize = 16 << 20;

/// A running service. It ends with this.
#[derive(Debug)]
pub(super) struct SchemaService {
    address: String,
    token: String,
    task: JoinHandle<()>,
}

impl Drop for SchemaService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SchemaService {
    /// Starts it.
    pub(super) async fn start(registry: Registry) -> Result<Self> {
        let failed = |cause| {
            Error::new(&code::IO, "the schema service cannot listen on loopback").caused_by(cause)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let token = uuid::Uuid::now_v7().to_string();
        let calls = Arc::new(Schemas {
            registry,
            token: token.clone(),
        });
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, calls.clone()));
            }
        });
        Ok(Self {
            address,
            token,
            task,
        })
    }

    /// Where it is, as a connector is told.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// What a connector must name.
    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

struct Schemas {
    registry: Registry,
    token: String,
}

#[async_trait]
impl Calls for Schemas {
    fn shape(&self, path: &str) -> Option<Shape> {
        [CREATE, GET].contains(&path).then_some(Shape::Unary)
    }

    fn longest(&self) -> usize {
        LONGEST
    }

    async fn unary(
        &self,
        path: &str,
        metadata: &MetadataMap,
        request: Bytes,
    ) -> Result<Bytes, Status> {
        let token = metadata.get(TOKEN).and_then(|token| token.to_str().ok());
        if token != Some(&self.token) {
            let token = token.unwrap_or_default();
            return Err(Status::unknown(format!("{token:?}: invalid token")));
        }
        if path == CREATE {
            self.create(request).await
        } else {
            self.get(request).await
        }
    }

    async fn streaming(&self, _: &str, _: Streaming<Bytes>) -> Result<Answers, Status> {
        Err(Status::unimplemented("the schema service has no streams"))
    }
}

impl Schemas {
    async fn create(&self, request: Bytes) -> Result<Bytes, Status> {
        let request = CreateSchemaRequest::decode(request).map_err(unreadable)?;
        // Go clients know this text (§2.5).
        let invalid = |_| Status::new(Code::Unknown, "invalid schema");
        let text = std::str::from_utf8(&request.bytes).map_err(|_| invalid(()))?;
        if request.r#type != Type::Avro as i32 {
            return Err(Status::unknown("unsupported schema type"));
        }
        Avro::parse(text.as_bytes()).map_err(|_| invalid(()))?;
        let kept = self
            .registry
            .create(&request.subject, text)
            .await
            .map_err(failed)?;
        let response = CreateSchemaResponse {
            schema: Some(message(request.subject, kept)),
        };
        Ok(response.encode_to_vec().into())
    }

    async fn get(&self, request: Bytes) -> Result<Bytes, Status> {
        let request = GetSchemaRequest::decode(request).map_err(unreadable)?;
        let kept = self
            .registry
            .get(&request.subject, request.version)
            .await
            .map_err(failed)?;
        let kept = kept.ok_or_else(|| Status::unknown("schema subject not found"))?;
        let response = GetSchemaResponse {
            schema: Some(message(request.subject, kept)),
        };
        Ok(response.encode_to_vec().into())
    }
}

fn message(subject: String, kept: Kept) -> Schema {
    Schema {
        subject,
        version: kept.version,
        id: kept.id,
        r#type: Type::Avro as i32,
        bytes: kept.text.into(),
    }
}

fn unreadable(cause: prost::DecodeError) -> Status {
    Status::invalid_argument(format!("the request cannot be read: {cause}"))
}

fn failed(error: Error) -> Status {
    Status::unknown(error.message().to_owned())
}
