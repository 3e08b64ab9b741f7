//! A system in memory, to which doubles of destinations write.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use crossdock_conformance::{Places, Reach, Store};
use crossdock_core::Result;
use serde_json::Value;

/// A row, with the table in which it stands.
pub(crate) type Row = (String, Value);

/// The system; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<Row>>>);

impl Memory {
    /// Looks at all rows, or changes them.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Vec<Row>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A battery that reads it back, and interrupts at each place.
    pub(crate) fn reach(&self) -> Reach {
        Reach {
            places: Places::Every,
            store: Some(Box::new(self.clone())),
        }
    }
}

#[async_trait]
impl Store for Memory {
    async fn rows(&self) -> Result<Vec<Value>> {
        Ok(self.with(|rows| rows.iter().map(|(_, row)| row.clone()).collect()))
    }
}

/// What a system makes of a text that knows only ASCII.
pub(crate) fn in_ascii(row: &mut Value) {
    if let Some(name) = row["name"].as_str() {
        row["name"] = name.replace(|letter: char| !letter.is_ascii(), "?").into();
    }
}
