//! A source that follows the changes of a database: first all rows as they are, then what happens to them.
//!
//! One log tells of all tables, so there is one state for all streams: the number of the last change. That is why this
//! source keeps the contract by itself instead of being a list of streams.

mod config;
mod database;
mod follow;

use async_trait::async_trait;
use crossdock_sdk::core::capability::SourceCapabilities;
use crossdock_sdk::core::catalog::Catalog;
use crossdock_sdk::core::session::Session;
use crossdock_sdk::core::source::{Source, SourceOpening, SourceReader};
use crossdock_sdk::core::spec::{Checked, Spec};
use crossdock_sdk::{Connector, Result, push};

pub use config::Config;
use database::Database;

/// The connector, for the program and for tests.
#[must_use]
pub fn connector() -> Connector {
    Connector::new("source-db", env!("CARGO_PKG_VERSION"))
        .summary("rows of a database, and what happens to them")
        .source(Changes)
}

struct Changes;

#[async_trait]
impl Source for Changes {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_source::<Config>(SourceCapabilities {
            incremental: true,
            // It goes on for ever, but ends when there is nothing more if that is wished.
            bounded: false,
            bounded_on_wish: true,
            drains: true,
            whole_states: true,
            deletes: true,
            ..SourceCapabilities::default()
        }))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        let opened = Database::open(&config).await;
        Ok(Checked::of(match opened {
            Ok(database) => database.streams().await,
            Err(error) => Err(error),
        }))
    }

    async fn discover(&self, config: Config, _: &Session) -> Result<Catalog> {
        Ok(Catalog {
            streams: Database::open(&config).await?.streams().await?,
            ..Catalog::default()
        })
    }

    async fn open(&self, config: Config, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let database = Database::open(&config).await?;
        let follow = follow::Follow::new(&config, database, &opening)?;
        Ok(push(&opening, |output| follow.run(output)))
    }
}
