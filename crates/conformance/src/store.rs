//! The system behind a destination, read back: only there it shows whether what was confirmed is kept.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use crossdock_core::Result;
use serde_json::Value;

use crate::{Line, Outcome, broken, skip};

/// The stream whose rows are read back; the names of others begin with it.
pub const STORED: &str = "crossdock_stored";

/// The system that a destination writes to, as somebody else sees it.
#[async_trait]
pub trait Store: Send + Sync {
    /// Every row, in whatever shape it has there, of the tables with names of [`STORED`]; where none has, of all.
    ///
    /// # Errors
    /// The system cannot be read.
    async fn rows(&self) -> Result<Vec<Value>>;
}

/// Finds rows again that a destination was given. Each has a mark of its own, a text that nobody else writes, so the
/// shape in which a destination stores rows does not matter.
pub(crate) struct ReadBack {
    store: Option<Box<dyn Store>>,
    run: u64,
    next: AtomicU64,
}

impl ReadBack {
    /// Of this system; `None`: what needs one is skipped.
    pub(crate) fn new(store: Option<Box<dyn Store>>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            store,
            // A system keeps what earlier batteries wrote.
            run: now.map_or(0, |now| now.as_micros() as u64),
            next: AtomicU64::new(0),
        }
    }

    /// Marks that nobody had before; none is a part of another.
    pub(crate) fn marks(&self, count: usize) -> Outcome<Vec<String>> {
        if self.store.is_none() {
            return skip("it needs a source of the same system (--verify)");
        }
        let first = self.next.fetch_add(count as u64, Ordering::Relaxed);
        let each = (first..).take(count);
        Ok(each
            .map(|at| format!("{MARK}{:x}-{at}{END}", self.run))
            .collect())
    }

    /// What stands in the system now, after what is shown.
    pub(crate) async fn stored(&self, shown: Vec<Line>) -> Outcome<Stored> {
        let Some(store) = &self.store else {
            return skip("it needs a source of the same system (--verify)");
        };
        let mut stored = Stored::default();
        match store.rows().await {
            Ok(rows) => rows.iter().for_each(|row| collect(row, &mut stored)),
            // A table that is not there yet is what a destination leaves that stores nothing.
            Err(error) => {
                let seen = format!("the system cannot be read back: {}", error.in_one_line());
                return broken(seen, shown);
            }
        }
        Ok(stored)
    }
}

/// What every mark begins with …
const MARK: &str = "crossdock-";
/// … and ends with, so that none is a part of another.
const END: char = '.';

/// All values of a system, as texts.
#[derive(Default)]
pub(crate) struct Stored {
    texts: HashSet<String>,
    marks: HashMap<String, usize>,
}

impl Stored {
    fn add(&mut self, text: String) {
        for (at, _) in text.match_indices(MARK) {
            if let Some((mark, _)) = text[at..].split_once(END) {
                *self.marks.entry(mark.to_owned()).or_default() += 1;
            }
        }
        self.texts.insert(text);
    }

    /// How often the mark stands there.
    pub(crate) fn count(&self, mark: &str) -> usize {
        let found = self.marks.get(mark.trim_end_matches(END));
        found.copied().unwrap_or_default()
    }

    /// The first of these marks that stands nowhere.
    pub(crate) fn missing<'a>(&self, marks: &'a [String]) -> Option<&'a str> {
        let mut each = marks.iter().map(String::as_str);
        each.find(|mark| self.count(mark) == 0)
    }

    /// Whether a value is that text and nothing more.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.texts.contains(text)
    }
}

/// A text that is easily damaged, with this mark.
pub(crate) fn fragile(mark: &str) -> String {
    format!("{mark} größe 名前 🚢 e\u{301} \"quoted\", 'too'; \\ \t\n2")
}

/// The values within a value. Many systems keep a row, or a part of it, as a text of JSON.
fn collect(value: &Value, stored: &mut Stored) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| collect(item, stored)),
        Value::Object(members) => members.values().for_each(|value| collect(value, stored)),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Array(_) | Value::Object(_))) => collect(&inner, stored),
            _ => stored.add(text.clone()),
        },
        other => stored.add(other.to_string()),
    }
}
