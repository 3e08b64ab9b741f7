//! The source against a tracker on this machine.

#[path = "api/mod.rs"]
mod api;

use std::sync::Arc;

use crossdock_sdk::ErrorKind;
use crossdock_sdk::core::erased::ErasedSource;
use crossdock_sdk::core::session::Session;
use crossdock_sdk::core::spec::Checked;
use crossdock_testkit::http::{Reply, Server};
use crossdock_testkit::{read, resumes_from_every_checkpoint, spec_text};
use serde_json::{Value, json};

fn source() -> Arc<dyn ErasedSource> {
    source_http::connector().source_half().expect("a source")
}

async fn tracker() -> (Server, Value) {
    let server = Server::start().await;
    let config = json!({"url": server.url(), "token": api::TOKEN});
    (server, config)
}

#[tokio::test]
async fn everything_is_read() {
    let (server, config) = tracker().await;
    api::serve(&server);
    let read = read(&*source(), &config).await;
    assert!(read.error.is_none() && read.failed.is_empty(), "{read:?}");
    let ids: Vec<_> = read.of("issues").iter().map(|issue| &issue["id"]).collect();
    assert_eq!(json!(ids), json!([1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(read.of("issues")[0]["title"], "The 1. «issue»");
    assert_eq!(
        read.of("users")[2],
        json!({"id": 3, "name": "Zoë", "email": null})
    );
}

#[tokio::test]
async fn it_goes_on_from_every_state() {
    let (server, config) = tracker().await;
    api::serve(&server);
    resumes_from_every_checkpoint(&*source(), &config).await;
}

#[tokio::test]
async fn it_waits_for_a_tracker_that_is_busy() {
    let (server, config) = tracker().await;
    server.in_turn("/issues", [Reply::status(429).header("retry-after", "0")]);
    api::serve(&server);
    let read = read(&*source(), &config).await;
    assert_eq!(read.of("issues").len(), 7);
}

#[tokio::test]
async fn a_wrong_token_is_told() {
    let (server, mut config) = tracker().await;
    api::serve(&server);
    config["token"] = "wrong".into();
    let checked = source().check(config.clone(), &Session::default()).await;
    let Ok(Checked::Failed(says)) = checked else {
        panic!("{checked:?}");
    };
    assert!(
        says.contains("401") && says.contains("who are you?"),
        "{says}"
    );
    let read = read(&*source(), &config).await;
    assert_eq!(read.failed["issues"].kind(), ErrorKind::Auth);
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
