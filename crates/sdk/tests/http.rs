//! The client against a server that misbehaves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock_sdk::core::session::{Note, Observer, Session};
use crossdock_sdk::http::{Auth, HttpClient, HttpClientBuilder, Retry};
use crossdock_sdk::{ErrorKind, Secret};
use crossdock_testkit::http::{Reply, Server};
use serde_json::{Value, json};

/// Pauses that a test can wait for.
pub(crate) fn quick() -> Retry {
    Retry {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
        ..Retry::default()
    }
}

pub(crate) fn builder(server: &Server) -> HttpClientBuilder {
    HttpClient::builder(format!("{}/v1", server.url())).retry(quick())
}

pub(crate) fn client(server: &Server) -> HttpClient {
    builder(server)
        .build(&Session::default())
        .expect("a client")
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn observe(&self, note: Note) {
        if let Note::Log(log) = note {
            self.0.lock().expect("a lock").push(log.message);
        }
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_told() {
    let server = Server::start().await;
    let busy = Reply::status(429).header("retry-after", "0");
    let broken = Reply::status(503).body("over capacity");
    server.in_turn("/v1/users", [broken, busy, Reply::json(&json!([1]))]);
    let notes = Arc::new(Notes::default());
    let client = builder(&server)
        .build(&Session::new(notes.clone()))
        .expect("a client");
    let response = client.get("/users").send().await.expect("an answer");
    assert_eq!(response.json::<Value>().expect("JSON"), json!([1]));
    let notes = notes.0.lock().expect("a lock");
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].contains("503") && notes[0].contains("over capacity"),
        "{notes:?}"
    );
    assert!(
        notes[1].contains("429") && notes[1].contains("0.0 s"),
        "{notes:?}"
    );
}

#[tokio::test]
async fn what_does_not_pass_is_told_at_once() {
    let check = async |status: u16, expected: ErrorKind, attempts: usize| {
        let server = Server::start().await;
        server.get("/v1/x", Reply::status(status).body(" no\n such\tthing "));
        let asked = client(&server)
            .get("x")
            .query("token", "hunter22")
            .send()
            .await;
        let error = asked.expect_err("a failure");
        assert_eq!(error.kind(), expected, "{status}");
        let says = error.in_one_line();
        assert!(
            says.contains(&status.to_string()) && says.contains("no such thing"),
            "{says}"
        );
        assert!(!says.contains("hunter22"), "{says}");
        assert_eq!(server.asked().len(), attempts, "{status}");
    };
    check(401, ErrorKind::Auth, 1).await;
    check(403, ErrorKind::Auth, 1).await;
    check(404, ErrorKind::Connector, 1).await;
    check(501, ErrorKind::Connector, 1).await;
    check(500, ErrorKind::Transient, 6).await;
    check(429, ErrorKind::RateLimited, 6).await;
}

#[tokio::test]
async fn a_request_that_changes_something_is_sent_once() {
    let server = Server::start().await;
    let rule = Reply::status(500);
    server.answer(move |_| Some(rule.clone()));
    let client = client(&server);
    let posted = client.post("orders").json(&json!({"a": 1}));
    posted.send().await.expect_err("a failure");
    assert_eq!(server.asked().len(), 1);
    assert_eq!(server.asked()[0].body, r#"{"a":1}"#);
    posted.repeatable().send().await.expect_err("a failure");
    assert_eq!(server.asked().len(), 7);
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_left_to_the_platform() {
    let server = Server::start().await;
    server.get("/v1/x", Reply::status(429).header("retry-after", "3600"));
    let error = client(&server)
        .get("x")
        .send()
        .await
        .expect_err("a failure");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_transient_failure() {
    let server = Server::start().await;
    let client = client(&server);
    drop(server);
    let error = client
        .get("x")
        .query("k", "hunter22")
        .send()
        .await
        .expect_err("a failure");
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(!error.in_one_line().contains("hunter22"), "{error:?}");
}

#[tokio::test]
async fn credentials_stand_where_they_belong() {
    let check = async |auth: Auth, name: &str, expected: &str| {
        let server = Server::start().await;
        server.get("/v1/x", Reply::json(&json!({})));
        let client = builder(&server).auth(auth).build(&Session::default());
        let client = client.expect("a client");
        client.get("x").send().await.expect("an answer");
        let asked = &server.asked()[0];
        let found = asked.header(name).or_else(|| asked.parameter(name));
        assert_eq!(found, Some(expected));
        assert!(!format!("{client:?}").contains("hunter22"), "{client:?}");
    };
    let secret = || Secret::new("hunter22");
    check(Auth::Bearer(secret()), "authorization", "Bearer hunter22").await;
    let basic = Auth::Basic {
        user: "ada".into(),
        password: secret(),
    };
    check(basic, "authorization", "Basic YWRhOmh1bnRlcjIy").await;
    let header = Auth::Header {
        name: "X-Key".into(),
        value: secret(),
    };
    check(header, "x-key", "hunter22").await;
    let query = Auth::Query {
        name: "key".into(),
        value: secret(),
    };
    check(query, "key", "hunter22").await;
}

#[tokio::test]
async fn credentials_do_not_go_elsewhere() {
    let server = Server::start().await;
    let other = Server::start().await;
    other.get("/x", Reply::json(&json!({})));
    let elsewhere = format!("{}/x", other.url());
    server.get("/v1/x", Reply::status(302).header("location", elsewhere));
    server.get("/v1/y", Reply::status(302).header("location", "/v1/z"));
    server.get("/v1/z", Reply::json(&json!({})));
    let auth = Auth::Header {
        name: "x-key".into(),
        value: Secret::new("hunter22"),
    };
    let client = builder(&server)
        .auth(auth)
        .build(&Session::default())
        .expect("a client");
    let error = client.get("x").send().await.expect_err("another server");
    assert!(error.in_one_line().contains("302"), "{error:?}");
    assert_eq!(other.asked(), []);
    client.get("y").send().await.expect("the same server");
    assert_eq!(
        server
            .asked()
            .last()
            .and_then(|asked| asked.header("x-key")),
        Some("hunter22")
    );
}

#[tokio::test]
async fn a_body_that_is_too_long_is_no_answer() {
    let server = Server::start().await;
    server.get("/v1/x", Reply::status(200).body(vec![b'x'; 2000]));
    let client = builder(&server)
        .longest_body(1000)
        .build(&Session::default());
    let error = client
        .expect("a client")
        .get("x")
        .send()
        .await
        .expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn an_address_that_is_none_is_told() {
    for (url, part) in [
        ("api.example.com", "whole"),
        ("ftp://x/", "neither"),
        ("", "whole"),
    ] {
        let built = HttpClient::builder(url).build(&Session::default());
        let error = built.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config);
        let says = format!("{} {}", error.in_one_line(), error.remedy());
        assert!(says.contains(part), "{says}");
    }
}
