//! The store of the tests, to try the connector by hand: `cargo run --example store`.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

#[path = "../tests/api/mod.rs"]
mod api;

use crossdock_testkit::http::Server;

#[tokio::main]
async fn main() {
    let server = Server::start_on(8098).await;
    let tables = api::serve(&server);
    eprintln!("the store is at {}, its key is {}", server.url(), api::KEY);
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        eprintln!("people: {} rows", tables.of("people").len());
    }
}
