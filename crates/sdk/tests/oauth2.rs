//! Tokens that end, and refresh tokens that change.

use std::sync::{Arc, Mutex};

use crossdock_sdk::core::session::{Note, Observer, Session};
use crossdock_sdk::http::{Auth, HttpClient, OAuth2};
use crossdock_sdk::{Context, ErrorKind, Secret};
use crossdock_testkit::http::{Reply, Server};
use serde_json::{Value, json};

use crate::http::builder;

fn oauth2(server: &Server) -> OAuth2 {
    let url = format!("{}/token", server.url());
    OAuth2::client_credentials(url, "me", Secret::new("hunter22"))
}

fn client(server: &Server, oauth2: OAuth2) -> HttpClient {
    let client = builder(server).auth(Auth::OAuth2(Arc::new(oauth2)));
    client.build(&Session::default()).expect("a client")
}

#[derive(Default)]
struct Kept(Mutex<Vec<Value>>);

impl Observer for Kept {
    fn observe(&self, note: Note) {
        if let Note::NewConfig(config) = note {
            self.0.lock().expect("a lock").push(config);
        }
    }
}

#[tokio::test]
async fn a_token_is_used_until_it_is_refused() {
    let server = Server::start().await;
    let token = |name: &str| Reply::json(&json!({"access_token": name, "expires_in": 3600}));
    server.in_turn("/token", [token("first"), token("second")]);
    server.answer(|asked| {
        let is_good = asked.header("authorization") == Some("Bearer second");
        let is_old = asked.path == "/v1/old";
        (asked.path != "/token").then(|| match is_good || is_old {
            true => Reply::json(&json!({})),
            false => Reply::status(401),
        })
    });
    let client = client(&server, oauth2(&server).scope("read").scope("list"));
    client.get("old").send().await.expect("the first token");
    client.get("old").send().await.expect("the same");
    client.get("new").send().await.expect("the second token");
    let asked = server.asked();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/token", "/v1/old", "/v1/old", "/v1/new", "/token", "/v1/new"
        ]
    );
    assert_eq!(
        asked[0].body,
        "client_id=me&client_secret=hunter22&grant_type=client_credentials&scope=read+list"
    );
}

#[tokio::test]
async fn a_server_of_tokens_that_is_busy_is_asked_again() {
    let server = Server::start().await;
    let token = Reply::json(&json!({"access_token": "a"}));
    server.in_turn("/token", [Reply::status(503), Reply::status(429), token]);
    server.get("/v1/x", Reply::json(&json!({})));
    let client = client(&server, oauth2(&server));
    client.get("x").send().await.expect("an answer");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_sent() {
    let server = Server::start().await;
    let token = Reply::json(&json!({"access_token": "a", "expires_in": 0}));
    server.answer(move |asked| (asked.path == "/token").then(|| token.clone()));
    server.get("/v1/x", Reply::json(&json!({})));
    let client = client(&server, oauth2(&server));
    client.get("x").send().await.expect("an answer");
    client.get("x").send().await.expect("an answer");
    assert_eq!(server.asked().len(), 4, "a token for each");
}

#[tokio::test]
async fn a_new_refresh_token_is_kept() {
    let server = Server::start().await;
    let given = json!({"access_token": "a", "expires_in": 0, "refresh_token": "r2"});
    let given = Reply::json(&given);
    server.answer(move |asked| (asked.path == "/token").then(|| given.clone()));
    server.get("/v1/x", Reply::json(&json!({})));
    let kept = Arc::new(Kept::default());
    let config = json!({"credentials": {"refresh_token": "r1", "id": 7}});
    let context = Context::new(Session::new(kept.clone()), config);
    let oauth2 = oauth2(&server).refresh_token(Secret::new("r1"));
    let oauth2 = oauth2.keep(move |token| {
        context.replace("/credentials/refresh_token", token.expose());
    });
    let client = client(&server, oauth2);
    client.get("x").send().await.expect("an answer");
    client.get("x").send().await.expect("an answer");
    let kept = kept.0.lock().expect("a lock");
    let expected = json!({"credentials": {"refresh_token": "r2", "id": 7}});
    assert_eq!(
        *kept,
        [expected],
        "once, since the second answer has the same"
    );
    let bodies: Vec<_> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path == "/token")
        .collect();
    assert!(bodies[0].body.ends_with(b"refresh_token=r1"), "{bodies:?}");
    assert!(bodies[1].body.ends_with(b"refresh_token=r2"), "{bodies:?}");
}

#[tokio::test]
async fn refused_credentials_are_told() {
    let check = async |reply: Reply, kind: ErrorKind, part: &str| {
        let server = Server::start().await;
        server.answer(move |asked| (asked.path == "/token").then(|| reply.clone()));
        let client = client(&server, oauth2(&server));
        let error = client.get("x").send().await.expect_err("no token");
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(
            error.in_one_line().contains(part),
            "{}",
            error.in_one_line()
        );
        assert!(!error.in_one_line().contains("hunter22"), "{error:?}");
    };
    let refused = json!({"error": "invalid_client", "error_description": "who is that"});
    let refused = Reply::json(&refused).with_status(401);
    check(refused, ErrorKind::Auth, "invalid_client: who is that").await;
    check(Reply::status(500), ErrorKind::Transient, "500").await;
    check(
        Reply::json(&json!({"token": 1})),
        ErrorKind::Data,
        "access_token",
    )
    .await;
}
