//! The contract without its types: what the engine calls. Implemented once, for every typed
//! source and destination.

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::code;
use crate::destination::{Destination, DestinationOpening, DestinationWriter, Stored};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::source::{Source, SourceOpening, SourceReader};
use crate::spec::{Checked, Spec};

fn typed<C: DeserializeOwned>(config: Value) -> Result<C> {
    serde_json::from_value(config).map_err(|e| {
        Error::new(
            &code::CONFIG_INVALID,
            format!("the connector's configuration is wrong: {e}"),
        )
        .during("configuration")
    })
}

/// [`Source`] with its configuration as JSON.
#[async_trait]
pub trait ErasedSource: Send + Sync {
    /// See [`Source::spec`].
    async fn spec(&self, session: &Session) -> Result<Spec>;
    /// See [`Source::check`].
    async fn check(&self, config: Value, session: &Session) -> Result<Checked>;
    /// See [`Source::discover`].
    async fn discover(&self, config: Value, session: &Session) -> Result<Catalog>;
    /// See [`Source::deleted`].
    async fn deleted(
        &self,
        config: Value,
        pipeline: &str,
        connector: &str,
        session: &Session,
    ) -> Result<()>;
    /// See [`Source::open`].
    async fn open(&self, config: Value, opening: SourceOpening) -> Result<Box<dyn SourceReader>>;
}

#[async_trait]
impl<S: Source> ErasedSource for S {
    async fn spec(&self, session: &Session) -> Result<Spec> {
        Source::spec(self, session).await
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        Source::check(self, typed(config)?, session).await
    }

    async fn discover(&self, config: Value, session: &Session) -> Result<Catalog> {
        Source::discover(self, typed(config)?, session).await
    }

    async fn deleted(
        &self,
        config: Value,
        pipeline: &str,
        connector: &str,
        session: &Session,
    ) -> Result<()> {
        Source::deleted(self, typed(config)?, pipeline, connector, session).await
    }

    async fn open(&self, config: Value, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        Source::open(self, typed(config)?, opening).await
    }
}

/// [`Destination`] with its configuration as JSON.
#[async_trait]
pub trait ErasedDestination: Send + Sync {
    /// See [`Destination::spec`].
    async fn spec(&self, session: &Session) -> Result<Spec>;
    /// See [`Destination::check`].
    async fn check(&self, config: Value, session: &Session) -> Result<Checked>;
    /// See [`Destination::stored`].
    async fn stored(&self, config: Value, pipeline: &str, session: &Session)
    -> Result<Vec<Stored>>;
    /// See [`Destination::deleted`].
    async fn deleted(
        &self,
        config: Value,
        pipeline: &str,
        connector: &str,
        session: &Session,
    ) -> Result<()>;
    /// See [`Destination::open`].
    async fn open(
        &self,
        config: Value,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>>;
}

#[async_trait]
impl<D: Destination> ErasedDestination for D {
    async fn spec(&self, session: &Session) -> Result<Spec> {
        Destination::spec(self, session).await
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        Destination::check(self, typed(config)?, session).await
    }

    async fn stored(
        &self,
        config: Value,
        pipeline: &str,
        session: &Session,
    ) -> Result<Vec<Stored>> {
        Destination::stored(self, typed(config)?, pipeline, session).await
    }

    async fn deleted(
        &self,
        config: Value,
        pipeline: &str,
        connector: &str,
        session: &Session,
    ) -> Result<()> {
        Destination::deleted(self, typed(config)?, pipeline, connector, session).await
    }

    async fn open(
        &self,
        config: Value,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        Destination::open(self, typed(config)?, opening).await
    }
}
