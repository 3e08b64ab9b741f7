//! A store on this machine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crossdock_testkit::http::{Asked, Reply, Server};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "may-write";

/// Rows with their generations.
type Rows = Vec<(i64, Value)>;

/// The rows of each table.
#[derive(Clone, Default)]
pub(crate) struct Tables(Arc<Mutex<BTreeMap<String, Rows>>>);

impl Tables {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Rows>> {
        self.0.lock().expect("a lock")
    }

    /// The rows of a table.
    pub(crate) fn of(&self, table: &str) -> Vec<Value> {
        let rows = self.lock().get(table).cloned().unwrap_or_default();
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn put(&self, table: &str, generation: i64, body: &Value) -> Reply {
        let mut tables = self.lock();
        let Some(rows) = tables.get_mut(table) else {
            return Reply::status(404);
        };
        let key: Vec<String> = body["key"]
            .as_array()
            .into_iter()
            .flatten()
            .map(pointer)
            .collect();
        let same =
            |one: &Value, other: &Value| key.iter().all(|at| one.pointer(at) == other.pointer(at));
        let mut refused = Vec::new();
        for (index, put) in body["rows"].as_array().into_iter().flatten().enumerate() {
            let row = &put["row"];
            if row["name"] == "nobody" {
                refused.push(json!({"index": index, "reason": "nobody is not allowed"}));
                continue;
            }
            if !key.is_empty() {
                rows.retain(|(_, old)| !same(old, row));
            }
            if put["deleted"] == false {
                rows.push((generation, row.clone()));
            }
        }
        Reply::json(&json!({"refused": refused}))
    }
}

fn pointer(path: &Value) -> String {
    let parts = path
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    parts.map(|part| format!("/{part}")).collect()
}

/// Lets the server be a store.
pub(crate) fn serve(server: &Server) -> Tables {
    let tables = Tables::default();
    let own = tables.clone();
    server.answer(move |asked| Some(answer(&own, asked)));
    tables
}

fn answer(tables: &Tables, asked: &Asked) -> Reply {
    if asked.header("x-api-key") != Some(KEY) {
        return Reply::status(403);
    }
    if asked.path == "/health" {
        return Reply::json(&json!({}));
    }
    let number = |name| asked.parameter(name).and_then(|text| text.parse().ok());
    let generation = number("generation").unwrap_or_default();
    let parts: Vec<&str> = asked.path.split('/').skip(1).collect();
    match parts[..] {
        ["tables", table] => {
            tables.lock().entry(table.to_owned()).or_default();
            Reply::json(&json!({}))
        }
        ["tables", table, "rows"] => {
            let body = serde_json::from_slice(&asked.body).unwrap_or_default();
            tables.put(table, generation, &body)
        }
        ["tables", table, "complete"] => {
            let least = number("minimum_generation").unwrap_or_default();
            if let Some(rows) = tables.lock().get_mut(table) {
                rows.retain(|(generation, _)| *generation >= least);
            }
            Reply::json(&json!({}))
        }
        _ => Reply::status(404),
    }
}
