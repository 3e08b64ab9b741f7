//! A source that reads the products of a shop, over its HTTP API.

mod config;
mod products;

use async_trait::async_trait;
use crossdock_sdk::http::{Auth, HttpClient};
use crossdock_sdk::{Connector, Context, Result, StreamSource, Streams};

pub use config::Config;
use products::Products;

/// The connector, for the program and for tests.
#[must_use]
pub fn connector() -> Connector {
    Connector::new("my-api", env!("CARGO_PKG_VERSION"))
        .summary("products of a shop")
        .streams(Shop)
}

struct Shop;

#[async_trait]
impl StreamSource for Shop {
    type Config = Config;
    type Client = HttpClient;

    async fn connect(&self, config: Config, context: &Context) -> Result<HttpClient> {
        HttpClient::builder(config.url)
            .auth(Auth::Header {
                name: "X-Api-Key".into(),
                value: config.key,
            })
            .build(context.session())
    }

    // The cheapest request that needs the key.
    async fn check(&self, client: &HttpClient) -> Result<()> {
        client
            .get("/products")
            .query("page", 1)
            .send()
            .await
            .map(drop)
    }

    async fn streams(&self, _: &HttpClient) -> Result<Streams<HttpClient>> {
        Ok(Streams::new().with(Products))
    }
}
