//! For each check of what is stored a loss that it finds.

use crossdock_conformance::airbyte::{Invocation, Until};
use serde_json::json;

use super::double::Loss;
use crate::memory::{Row, in_ascii};

/// The loss that a check finds.
pub(super) fn of(check: &str) -> Loss {
    let found = LOSSES.iter().find(|(of, _)| *of == check);
    found
        .unwrap_or_else(|| panic!("{check} has no loss in the table"))
        .1
}

fn input(i: &Invocation) -> String {
    String::from_utf8_lossy(i.input.as_deref().unwrap_or_default()).into_owned()
}

/// What was there stays, beside what came.
fn stays(before: &[Row], after: &mut Vec<Row>) {
    let gone = before.iter().filter(|row| !after.contains(row)).cloned();
    let gone: Vec<Row> = gone.collect();
    after.extend(gone);
}

const LOSSES: &[(&str, Loss)] = &[
    ("stored/all", |_, _, after| drop(after.pop())),
    // It echoes at once, and writes at its end.
    ("stored/echoed", |i, before, after| {
        if matches!(i.until, Until::KilledAtState(_)) {
            *after = before.to_vec();
        }
    }),
    // It writes what it has when a stream is complete.
    ("stored/cut-anywhere", |i, before, after| {
        if !input(i).contains("COMPLETE") {
            *after = before.to_vec();
        }
    }),
    // It writes what it has when a state comes.
    ("stored/no-state", |i, before, after| {
        if !input(i).contains("\"STATE\"") {
            *after = before.to_vec();
        }
    }),
    ("stored/append", |_, before, after| {
        drop(after.drain(..before.len()))
    }),
    ("stored/overwrite", |_, before, after| stays(before, after)),
    ("stored/refresh", |_, before, after| stays(before, after)),
    ("stored/dedup", |i, _, after| {
        if let Some(first) = input(i).lines().next() {
            let first: serde_json::Value = serde_json::from_str(first).unwrap_or_default();
            after.push(("raw".to_owned(), first["record"]["data"].clone()));
        }
    }),
    // One buffer for all: only the rows of the last stream are left.
    ("stored/two-streams", |_, _, after| {
        if let Some((last, _)) = after.last().cloned() {
            after.retain(|(table, _)| *table == last);
        }
    }),
    ("stored/text", |_, _, after| {
        after.iter_mut().for_each(|(_, row)| in_ascii(row))
    }),
    ("stored/integer", |_, _, after| {
        for (_, row) in after {
            if let Some(id) = row["id"].as_u64().filter(|id| *id > 1 << 53) {
                row["id"] = json!(id as f64);
            }
        }
    }),
];
