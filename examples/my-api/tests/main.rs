//! The source against a shop on this machine.

#[path = "api/mod.rs"]
mod api;

use std::sync::Arc;

use crossdock_sdk::ErrorKind;
use crossdock_sdk::core::erased::ErasedSource;
use crossdock_testkit::http::{Reply, Server};
use crossdock_testkit::{read, read_from, resumes_from_every_checkpoint, spec_text};
use serde_json::{Value, json};

fn source() -> Arc<dyn ErasedSource> {
    my_api::connector().source_half().expect("a source")
}

async fn shop() -> (Server, Value) {
    let server = Server::start().await;
    let config = json!({"url": server.url(), "key": api::KEY});
    (server, config)
}

#[tokio::test]
async fn everything_is_read_and_then_only_what_changed() {
    let (server, config) = shop().await;
    api::serve(&server);
    let first = read(&*source(), &config).await;
    assert!(
        first.error.is_none() && first.failed.is_empty(),
        "{first:?}"
    );
    assert_eq!(first.of("products").len(), 5);
    let second = read_from(&*source(), &config, first.states()).await;
    let ids: Vec<_> = second.of("products").iter().map(|row| &row["id"]).collect();
    assert_eq!(json!(ids), json!([3]), "the newest comes again");
}

#[tokio::test]
async fn it_goes_on_from_every_state() {
    let (server, config) = shop().await;
    api::serve(&server);
    resumes_from_every_checkpoint(&*source(), &config).await;
}

#[tokio::test]
async fn it_waits_for_a_shop_that_is_busy() {
    let (server, config) = shop().await;
    server.in_turn("/products", [Reply::status(503).header("retry-after", "0")]);
    api::serve(&server);
    assert_eq!(read(&*source(), &config).await.of("products").len(), 5);
}

#[tokio::test]
async fn a_wrong_key_is_told() {
    let (server, mut config) = shop().await;
    api::serve(&server);
    config["key"] = "wrong".into();
    let read = read(&*source(), &config).await;
    assert_eq!(read.failed["products"].kind(), ErrorKind::Auth);
}

/// A change to the settings is seen here: `UPDATE=1 cargo test` writes the file anew.
#[tokio::test]
async fn the_settings_are_those_of_the_snapshot() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec.json");
    let text = spec_text(&*source()).await;
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).expect("a file");
    }
    assert_eq!(std::fs::read_to_string(path).expect("a file"), text);
}
