//! A destination that puts rows into the tables of a store, over its HTTP API.

mod config;
mod store;

use async_trait::async_trait;
use crossdock_sdk::http::{Auth, HttpClient};
use crossdock_sdk::{
    BatchLimits, Connector, Context, DestinationSyncMode, Refused, Result, Row, Table,
    TableDestination,
};

pub use config::Config;

/// The connector, for the program and for tests.
#[must_use]
pub fn connector() -> Connector {
    Connector::new("destination-http", env!("CARGO_PKG_VERSION"))
        .summary("tables of a store")
        .tables(Store)
}

struct Store;

#[async_trait]
impl TableDestination for Store {
    type Config = Config;
    type Client = HttpClient;

    fn modes(&self) -> Vec<DestinationSyncMode> {
        use DestinationSyncMode::{Append, AppendDedup, Overwrite};
        vec![Append, Overwrite, AppendDedup]
    }

    // What one request may have.
    fn limits(&self) -> BatchLimits {
        BatchLimits {
            rows: 500,
            ..BatchLimits::default()
        }
    }

    async fn connect(&self, config: Config, context: &Context) -> Result<HttpClient> {
        let auth = Auth::Header {
            name: "x-api-key".into(),
            value: config.key,
        };
        HttpClient::builder(config.url)
            .auth(auth)
            .build(context.session())
    }

    async fn check(&self, client: &HttpClient) -> Result<()> {
        client.get("/health").send().await.map(drop)
    }

    async fn begin(&self, client: &HttpClient, table: &Table) -> Result<()> {
        store::make(client, table).await
    }

    async fn write(
        &self,
        client: &HttpClient,
        table: &Table,
        rows: &[Row],
    ) -> Result<Vec<Refused>> {
        store::put(client, table, rows).await
    }

    async fn complete(&self, client: &HttpClient, table: &Table) -> Result<()> {
        store::complete(client, table).await
    }
}
