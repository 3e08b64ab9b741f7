//! A shop on this machine: five products, two on a page, in no order.

use crossdock_testkit::http::{Asked, Reply, Server};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "let-me-in";

const PAGE: usize = 2;

/// Lets the server be a shop.
pub(crate) fn serve(server: &Server) {
    server.answer(|asked| Some(answer(asked)));
}

fn answer(asked: &Asked) -> Reply {
    if asked.header("x-api-key") != Some(KEY) {
        return Reply::json(&json!({"message": "who are you?"})).with_status(401);
    }
    match asked.path.as_str() {
        "/products" => products(asked),
        _ => Reply::status(404),
    }
}

fn products(asked: &Asked) -> Reply {
    let all = [
        (1, "tea", 2.5, 4),
        (2, "bread, rye", 3.0, 1),
        (3, "milk", 1.2, 5),
        (4, "salt", 0.9, 2),
        (5, "honey", 6.4, 3),
    ];
    let all = all.map(|(id, name, price, day)| {
        json!({"id": id, "name": name, "price": price, "changed_at": format!("2026-11-0{day}T10:00:00Z")})
    });
    let since = asked.parameter("changed_since").unwrap_or_default();
    let since = since.replace("%3A", ":");
    let page = asked.parameter("page").and_then(|page| page.parse().ok());
    let page: Vec<Value> = all
        .into_iter()
        .filter(|product| product["changed_at"].as_str() >= Some(&since))
        .skip((page.unwrap_or(1_usize) - 1) * PAGE)
        .take(PAGE)
        .collect();
    Reply::json(&json!({"products": page}))
}
