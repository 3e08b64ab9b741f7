//! The platform's schema service, as a connector calls it (§2.5).

use bytes::Bytes;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use prost::Message;

use crate::grpc::client::Link;
use crate::wire::handshake::{Address, TOKEN, UTILITIES, dialled};
use crate::wire::proto::connutils::v1::schema::Type;
use crate::wire::proto::connutils::v1::{
    CreateSchemaRequest, CreateSchemaResponse, GetSchemaRequest, GetSchemaResponse,
};

/// The connection, made when it is needed first.
#[derive(Debug, Default)]
pub(super) struct SchemaClient {
    link: Option<Link>,
}

impl SchemaClient {
    async fn ask<M: Message + Default>(
        &mut self,
        method: &str,
        request: &impl Message,
    ) -> Result<M> {
        let failed = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(
                &code::CONNECTOR_FAILED,
                "the platform's schema service does not answer",
            )
            .hint("`sdk.schema.extract.payload.enabled: false` does without it")
            .caused_by(cause)
        };
        let link = match &self.link {
            Some(link) => link.clone(),
            None => {
                let target = std::env::var(UTILITIES).unwrap_or_default();
                let link = Link::dial(&Address::Tcp(dialled(&target)))
                    .await
                    .map_err(failed)?;
                self.link.insert(link).clone()
            }
        };
        let token = std::env::var(TOKEN).unwrap_or_default();
        let path = format!("/connutils.v1.SchemaService/{method}");
        let request = Bytes::from(request.encode_to_vec());
        let answer = link
            .unary_with(&path, request, 64 << 20, Some(&token))
            .await;
        let answer = answer.map_err(|status| failed(status.message().to_owned().into()))?;
        M::decode(answer).map_err(|cause| failed(Box::new(cause)))
    }

    /// Keeps a schema under a subject, and gives its version.
    pub(super) async fn create(&mut self, subject: &str, text: &str) -> Result<i32> {
        let request = CreateSchemaRequest {
            subject: subject.to_owned(),
            r#type: Type::Avro as i32,
            bytes: text.to_owned().into(),
        };
        let answer: CreateSchemaResponse = self.ask("CreateSchema", &request).await?;
        Ok(answer.schema.map_or(0, |schema| schema.version))
    }

    /// The text of a schema.
    pub(super) async fn get(&mut self, subject: &str, version: i32) -> Result<Bytes> {
        let request = GetSchemaRequest {
            subject: subject.to_owned(),
            version,
        };
        let answer: GetSchemaResponse = self.ask("GetSchema", &request).await?;
        Ok(answer.schema.unwrap_or_default().bytes)
    }
}
