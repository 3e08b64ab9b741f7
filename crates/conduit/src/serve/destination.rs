//! A destination of the contract as a destination of Conduit.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossdock_core::code;
use crossdock_core::erased::ErasedDestination;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::Checked;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::config::Configured;
use super::status::status;
use super::writing::{Command, Writing};
use crate::grpc::server::Answers;
use crate::wire::version::Version;

/// How long `Stop` waits for the last record that the platform says it has sent.
const LAST_RECORD: Duration = Duration::from_secs(60);

/// A destination that is open. Its writer is opened with the first records, which tell of the streams.
pub(super) struct DestinationRun {
    writing: Option<Writing>,
    commands: mpsc::UnboundedSender<Command>,
    task: Option<JoinHandle<()>>,
    grace: Duration,
}

impl DestinationRun {
    pub(super) async fn open(
        destination: Arc<dyn ErasedDestination>,
        configured: Configured,
        version: Version,
        session: Session,
        name: String,
    ) -> Result<Self> {
        let checked = destination
            .check(configured.config.clone(), &session)
            .await?;
        if let Checked::Failed(why) = checked {
            return Err(Error::new(&code::CONFIG_INVALID, why));
        }
        let spec = destination.spec(&session).await?;
        let (commands, orders) = mpsc::unbounded_channel();
        let grace = session.limits.grace;
        Ok(Self {
            writing: Some(Writing::new(
                destination,
                configured,
                &spec,
                version,
                session,
                name,
                orders,
            )),
            commands,
            task: None,
            grace,
        })
    }

    /// Begins to write what `requests` bring.
    pub(super) fn run(&mut self, requests: Streaming<Bytes>) -> Result<Answers> {
        let again = || Error::new(&code::USAGE, "Run came twice");
        let writing = self.writing.take().ok_or_else(again)?;
        let (answers, stream) = mpsc::channel(64);
        self.task = Some(tokio::spawn(async move {
            let mut writing = writing;
            if let Err(error) = writing.run(requests, &answers).await {
                let _ = answers.send(Err(status(&error))).await;
            }
            writing.close().await;
        }));
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    /// Waits for the record of this position, and until everything is durable and acknowledged.
    pub(super) fn stop(&mut self, last: Bytes) -> impl Future<Output = Result<()>> + use<> {
        let (reply, answer) = oneshot::channel();
        let is_sent =
            self.task.is_some() && self.commands.send(Command::Stop { last, reply }).is_ok();
        async move {
            if !is_sent {
                return Ok(()); // Nothing was written.
            }
            match timeout(LAST_RECORD, answer).await {
                Ok(Ok(stopped)) => stopped,
                // The task is over, and its stream says why.
                Ok(Err(_)) => Ok(()),
                Err(_) => Err(Error::new(
                    &code::CONNECTOR_TIMEOUT,
                    "the record that the platform sent last did not come, or did not become durable",
                )),
            }
        }
    }

    /// Ends everything. What came is made durable first, for some platforms send no `Stop` (§3.5).
    pub(super) async fn tear_down(mut self) -> Result<()> {
        let Some(mut task) = self.task.take() else {
            return Ok(());
        };
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::TearDown { reply }).is_ok() {
            let _ = timeout(LAST_RECORD, answer).await;
        }
        if timeout(self.grace, &mut task).await.is_err() {
            task.abort();
        }
        Ok(())
    }
}
