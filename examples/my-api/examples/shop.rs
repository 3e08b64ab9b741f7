//! The shop of the tests, to try the connector by hand: `cargo run --example shop`.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

#[path = "../tests/api/mod.rs"]
mod api;

use crossdock_testkit::http::Server;

#[tokio::main]
async fn main() {
    let server = Server::start_on(8099).await;
    api::serve(&server);
    eprintln!("the shop is at {}, its key is {}", server.url(), api::KEY);
    std::future::pending().await
}
