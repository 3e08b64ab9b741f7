//! A source of streams with a state each: the contract kept for the author.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::Catalog;
use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind, Result};
use crossdock_core::event::{Event, StreamStatus};
use crossdock_core::json::Json;
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::{Context, Given};
use crate::output::Output;
use crate::push::push;
use crate::source_stream::{ErasedStream, SourceStream};

/// A source of streams, each with a state of its own: what most APIs and databases are.
#[async_trait]
pub trait StreamSource: Send + Sync + 'static {
    /// The configuration. Its schema, its descriptions and its secrets are what every platform is told. Unknown keys
    /// should be refused (`deny_unknown_fields`).
    type Config: DeserializeOwned + JsonSchema + Send + 'static;
    /// What reading needs, made of the configuration: an HTTP client, a connection.
    type Client: Send + Sync + 'static;

    /// Makes the client.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    async fn connect(&self, config: Self::Config, context: &Context) -> Result<Self::Client>;

    /// Finds out whether the client can do its work: asks for as little as shows that address and credentials are
    /// right.
    ///
    /// # Errors
    /// Why it cannot.
    async fn check(&self, client: &Self::Client) -> Result<()>;

    /// The streams, in the order in which they are begun. May ask the client.
    ///
    /// # Errors
    /// Why they cannot be listed.
    async fn streams(&self, client: &Self::Client) -> Result<Streams<Self::Client>>;

    /// How many streams are read at the same time; one after another if nothing is said. Each waits for its own answers
    /// meanwhile, and all of them share the client with its rate limit.
    fn concurrency(&self) -> usize {
        1
    }

    /// Whether its streams tell of rows that are no more ([`StreamOutput::deleted`](crate::StreamOutput::deleted)).
    fn deletes(&self) -> bool {
        false
    }

    /// Where the documentation is.
    fn documentation_url(&self) -> Option<String> {
        None
    }
}

/// The streams of a source.
pub struct Streams<Client>(Vec<Arc<dyn ErasedStream<Client>>>);

impl<Client: Send + Sync> Streams<Client> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, stream: impl SourceStream<Client>) -> Self {
        self.0.push(Arc::new(stream));
        self
    }
}

impl<Client: Send + Sync> Default for Streams<Client> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Client: Send + Sync> fmt::Debug for Streams<Client> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|s| s.id()))
            .finish()
    }
}

/// A [`StreamSource`] as a source of the contract.
pub(crate) struct Streaming<S>(Arc<S>);

impl<S> Streaming<S> {
    pub(crate) fn new(source: S) -> Self {
        Self(Arc::new(source))
    }
}

impl<S: StreamSource> Streaming<S> {
    async fn connected(&self, given: Given<S::Config>, session: &Session) -> Result<S::Client> {
        let context = Context::new(session.clone(), given.raw);
        self.0.connect(given.config, &context).await
    }
}

#[async_trait]
impl<S: StreamSource> Source for Streaming<S> {
    type Config = Given<S::Config>;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        let spec = Spec::of_source::<S::Config>(SourceCapabilities {
            incremental: true,
            bounded: true,
            drains: true,
            deletes: self.0.deletes(),
            ..SourceCapabilities::default()
        });
        Ok(Spec {
            documentation_url: self.0.documentation_url(),
            ..spec
        })
    }

    async fn check(&self, given: Self::Config, session: &Session) -> Result<Checked> {
        let asked = async {
            let client = self.connected(given, session).await?;
            self.0.check(&client).await
        };
        Ok(Checked::of(asked.await))
    }

    async fn discover(&self, given: Self::Config, session: &Session) -> Result<Catalog> {
        let client = self.connected(given, session).await?;
        let streams = self.0.streams(&client).await?;
        Ok(Catalog {
            streams: streams.0.iter().map(|stream| stream.stream()).collect(),
            ..Catalog::default()
        })
    }

    async fn open(
        &self,
        given: Self::Config,
        opening: SourceOpening,
    ) -> Result<Box<dyn SourceReader>> {
        let client = self.connected(given, &opening.session).await?;
        let streams = self.0.streams(&client).await?;
        let mut chosen = Vec::new();
        for configured in &opening.catalog.streams {
            let id = configured.id();
            let Some(stream) = streams.0.iter().find(|stream| stream.id() == id) else {
                let message = "the source has no such stream";
                return Err(Error::new(&code::STREAM_UNKNOWN, message).with("stream", id));
            };
            let state = resumed(&opening.state, &id);
            chosen.push((id, stream.clone(), state));
        }
        let concurrency = self.0.concurrency().max(1);
        Ok(push(&opening, move |output| async move {
            let mut reads = Vec::new();
            for chosen in chosen {
                reads.push(read(&client, chosen, output.beside()).boxed());
            }
            // Only those that are read say that nothing more comes.
            drop(output);
            let mut reads = stream::iter(reads).buffer_unordered(concurrency);
            while reads.try_next().await?.is_some() {}
            Ok(())
        }))
    }
}

/// The state of a stream.
fn resumed(states: &[LaneState], stream: &StreamId) -> Json {
    let lane = Lane::Stream(stream.clone());
    let state = states.iter().find(|state| state.lane == lane);
    state.map_or_else(Json::null, |state| state.state.clone())
}

type Chosen<Client> = (StreamId, Arc<dyn ErasedStream<Client>>, Json);

/// Reads a stream, and says how it is. Only the end of all is an error.
async fn read<Client: Send + Sync>(
    client: &Client,
    (id, stream, state): Chosen<Client>,
    mut output: Output,
) -> Result<()> {
    output.status(&id, StreamStatus::Started).await?;
    output.status(&id, StreamStatus::Running).await?;
    match stream.read(client, state, &mut output).await {
        Ok(()) => output.status(&id, StreamStatus::Complete).await,
        Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
        // The others may still be read (Airbyte §2.2).
        Err(error) => {
            output.status(&id, StreamStatus::Incomplete).await?;
            let stream = id;
            output.send(Event::StreamFailed { stream, error }).await
        }
    }
}
