//! A tracker on this machine: seven issues and three users.

use crossdock_testkit::http::{Asked, Reply, Server};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "let-me-in";

/// Issues on a page, and users.
const PAGE: usize = 2;

/// Lets the server be a tracker.
pub(crate) fn serve(server: &Server) {
    server.answer(|asked| Some(answer(asked)));
}

fn answer(asked: &Asked) -> Reply {
    if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return Reply::json(&json!({"message": "who are you?"})).with_status(401);
    }
    match asked.path.as_str() {
        "/issues" => issues(asked),
        "/users" => users(asked),
        _ => Reply::status(404),
    }
}

fn number(asked: &Asked, name: &str) -> Option<usize> {
    asked.parameter(name)?.parse().ok()
}

fn issues(asked: &Asked) -> Reply {
    // The fourth and the fifth are of the same moment.
    let all = [1, 2, 3, 4, 4, 6, 7].iter().zip(1..);
    let all = all.map(|(day, id)| {
        json!({
            "id": id,
            "title": format!("The {id}. «issue»"),
            "labels": ["bug", "ui"],
            "updated_at": format!("2026-11-{day:02}T10:00:00Z"),
            "votes": id,
        })
    });
    let since = asked
        .parameter("updated_since")
        .map(|since| since.replace("%3A", ":"));
    let changed: Vec<Value> = all
        .filter(|issue| issue["updated_at"].as_str() >= since.as_deref())
        .collect();
    let start = number(asked, "cursor").unwrap_or_default();
    let page: Vec<_> = changed.iter().skip(start).take(PAGE).collect();
    let next = start + page.len();
    let next = (next < changed.len()).then_some(next.to_string());
    Reply::json(&json!({"issues": page, "next_cursor": next}))
}

fn users(asked: &Asked) -> Reply {
    let all = [
        json!({"id": 1, "name": "Ada", "email": "ada@example.com"}),
        json!({"id": 2, "name": "Grace", "email": null}),
        json!({"id": 3, "name": "Zoë"}),
    ];
    let start = (number(asked, "page").unwrap_or(1) - 1) * PAGE;
    let page: Vec<_> = all.into_iter().skip(start).take(PAGE).collect();
    Reply::json(&json!(page))
}
