//! The requests of the store's API.

use crossdock_sdk::http::{HttpClient, Method, Request, segment};
use crossdock_sdk::{DestinationSyncMode, Refused, Result, Row, Table};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

/// A row as the store takes it. Numbers keep their digits, since the text is passed on as it is.
#[derive(Serialize)]
struct Put<'a> {
    row: &'a RawValue,
    deleted: bool,
}

/// What the store says of rows.
#[derive(Deserialize)]
struct Answer {
    refused: Vec<RefusedRow>,
}

#[derive(Deserialize)]
struct RefusedRow {
    index: usize,
    reason: String,
}

/// A `PUT` is sent again after a failure that passes: then rows without a key may come twice, as after a crash.
fn request(client: &HttpClient, table: &Table, what: &str) -> Request {
    let name = match &table.namespace {
        Some(namespace) => format!("{namespace}.{}", table.name),
        None => table.name.clone(),
    };
    let path = format!("/tables/{}{what}", segment(&name));
    client
        .request(Method::PUT, path)
        .query("generation", table.generation)
}

/// Makes a table, if it is not there.
pub(crate) async fn make(client: &HttpClient, table: &Table) -> Result<()> {
    let body = json!({"schema": table.schema});
    request(client, table, "")
        .json(&body)
        .send()
        .await
        .map(drop)
}

/// Puts rows into a table. They are safe when the store has answered.
pub(crate) async fn put(client: &HttpClient, table: &Table, rows: &[Row]) -> Result<Vec<Refused>> {
    let mut puts = Vec::new();
    for row in rows {
        puts.push(Put {
            row: row.raw()?,
            deleted: row.is_deleted(),
        });
    }
    let key: &[_] = match table.mode {
        DestinationSyncMode::AppendDedup => &table.key,
        _ => &[],
    };
    let body = json!({"key": key, "rows": puts});
    let response = request(client, table, "/rows").json(&body).send().await?;
    let answer: Answer = response.json()?;
    let refused = answer.refused.into_iter().map(|row| Refused {
        index: row.index,
        reason: row.reason,
    });
    Ok(refused.collect())
}

/// Lets rows of earlier generations go, if they are to.
pub(crate) async fn complete(client: &HttpClient, table: &Table) -> Result<()> {
    let request = request(client, table, "/complete");
    let request = request.query("minimum_generation", table.minimum_generation);
    request.send().await.map(drop)
}
