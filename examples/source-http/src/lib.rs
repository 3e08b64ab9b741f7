//! A source that reads the issues and the users of a tracker, over its HTTP API.

mod config;
mod issues;
mod users;

use async_trait::async_trait;
use crossdock_sdk::http::{Auth, HttpClient};
use crossdock_sdk::{Connector, Context, Result, StreamSource, Streams};

pub use config::Config;
use issues::Issues;
use users::Users;

/// The connector, for the program and for tests.
#[must_use]
pub fn connector() -> Connector {
    Connector::new("source-http", env!("CARGO_PKG_VERSION"))
        .summary("issues and users of a tracker")
        .streams(Tracker)
}

struct Tracker;

#[async_trait]
impl StreamSource for Tracker {
    type Config = Config;
    type Client = HttpClient;

    async fn connect(&self, config: Config, context: &Context) -> Result<HttpClient> {
        let mut client = HttpClient::builder(config.url).auth(Auth::Bearer(config.token));
        if let Some(requests) = config.requests_per_second {
            client = client.rate_limit(requests, std::time::Duration::from_secs(1));
        }
        client.build(context.session())
    }

    // The cheapest request that needs the token.
    async fn check(&self, client: &HttpClient) -> Result<()> {
        client.get("/users").query("page", 1).send().await.map(drop)
    }

    async fn streams(&self, _: &HttpClient) -> Result<Streams<HttpClient>> {
        Ok(Streams::new().with(Issues).with(Users))
    }
}
