//! Every way in which pages are told.

use crossdock_sdk::http::Paging;
use crossdock_testkit::http::{Asked, Reply, Server};
use serde_json::{Value, json};

use crate::http::client;

/// Reads all pages; the records, and the parameters of each request.
async fn all(server: &Server, paging: Paging, at: &str) -> (Vec<u64>, Vec<String>) {
    let mut pages = client(server).get("items").query("kind", "a").pages(paging);
    let mut records = Vec::new();
    while let Some(page) = pages.next(at).await.expect("a page") {
        records.extend(page.records::<u64>(at).expect("records"));
    }
    let asked = server.asked().into_iter().map(|asked| asked.query);
    (records, asked.collect())
}

async fn check(
    answer: impl Fn(&Asked) -> Reply + Send + 'static,
    paging: Paging,
    at: &str,
    expected: &[&str],
) {
    let server = Server::start().await;
    server.answer(move |asked| Some(answer(asked)));
    let (records, asked) = all(&server, paging, at).await;
    assert_eq!(records, [1, 2, 3, 4, 5]);
    assert_eq!(asked, expected);
}

/// Two on a page.
fn slice(start: usize) -> Value {
    json!((1..=5).skip(start).take(2).collect::<Vec<u64>>())
}

fn number(asked: &Asked, name: &str) -> usize {
    asked
        .parameter(name)
        .expect("a parameter")
        .parse()
        .expect("a number")
}

#[tokio::test]
async fn pages_with_numbers() {
    let answer = |asked: &Asked| Reply::json(&slice((number(asked, "page") - 1) * 2));
    let paging = |size| Paging::Number {
        parameter: "page".into(),
        first: 1,
        size,
    };
    let three = ["kind=a&page=1", "kind=a&page=2", "kind=a&page=3"];
    check(answer, paging(Some(2)), "", &three).await;
    let four = [&three[..], &["kind=a&page=4"]].concat();
    check(answer, paging(None), "", &four).await;
}

#[tokio::test]
async fn pages_with_offsets() {
    let answer = |asked: &Asked| {
        assert_eq!(asked.parameter("limit"), Some("2"));
        Reply::json(&json!({"data": slice(number(asked, "offset"))}))
    };
    let paging = Paging::Offset {
        parameter: "offset".into(),
        limit_parameter: "limit".into(),
        limit: 2,
    };
    let expected = [
        "kind=a&offset=0&limit=2",
        "kind=a&limit=2&offset=2",
        "kind=a&limit=2&offset=4",
    ];
    check(answer, paging, "/data", &expected).await;
}

#[tokio::test]
async fn pages_with_cursors() {
    let answer = |asked: &Asked| {
        let start = asked
            .parameter("after")
            .map_or(0, |_| number(asked, "after"));
        let next = if start < 4 {
            json!(start + 2)
        } else {
            Value::Null
        };
        Reply::json(&json!({"data": slice(start), "meta": {"next": next}}))
    };
    let paging = Paging::Cursor {
        parameter: "after".into(),
        from: "/meta/next".into(),
    };
    check(
        answer,
        paging,
        "/data",
        &["kind=a", "kind=a&after=2", "kind=a&after=4"],
    )
    .await;
}

#[tokio::test]
async fn pages_with_addresses() {
    let start = |asked: &Asked| asked.parameter("at").map_or(0, |_| number(asked, "at"));
    let body = move |asked: &Asked| {
        let next = (start(asked) < 4).then(|| format!("/v1/items?at={}", start(asked) + 2));
        Reply::json(&json!({"data": slice(start(asked)), "next": next}))
    };
    let paging = Paging::Address {
        from: "/next".into(),
    };
    check(body, paging, "/data", &["kind=a", "at=2", "at=4"]).await;
    let header = move |asked: &Asked| {
        let reply = Reply::json(&slice(start(asked)));
        if start(asked) < 4 {
            let link = format!(r#"<?at={}>; rel="next""#, start(asked) + 2);
            return reply.header("link", link);
        }
        reply
    };
    check(header, Paging::Link, "", &["kind=a", "at=2", "at=4"]).await;
}

#[tokio::test]
async fn a_circle_is_not_followed_for_ever() {
    let server = Server::start().await;
    server.get(
        "/v1/items",
        Reply::json(&json!({"data": [1], "next": "same"})),
    );
    let paging = Paging::Cursor {
        parameter: "after".into(),
        from: "/next".into(),
    };
    let mut pages = client(&server).get("items").pages(paging);
    pages.next("/data").await.expect("a page");
    let error = pages.next("/data").await.expect_err("a circle");
    assert!(error.message().contains("circle"), "{error:?}");
}

#[tokio::test]
async fn pages_do_not_lead_elsewhere() {
    let server = Server::start().await;
    let other = Server::start().await;
    let next = format!("{}/v1/items", other.url());
    server.get(
        "/v1/items",
        Reply::json(&json!({"data": [1], "next": next})),
    );
    let mut pages = client(&server).get("items").pages(Paging::Address {
        from: "/next".into(),
    });
    pages.next("/data").await.expect("a page");
    let error = pages.next("/data").await.expect_err("elsewhere");
    assert!(error.message().contains("another server"), "{error:?}");
    assert_eq!(other.asked(), []);
}
