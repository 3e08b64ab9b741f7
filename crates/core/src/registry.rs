//! The native connectors by name. Filled by an explicit `register()`; nothing runs before `main`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::erased::{ErasedDestination, ErasedSource};

/// A native connector: a source, a destination, or both.
#[derive(Clone)]
pub struct Entry {
    /// One line for `crossdock connector list`.
    pub summary: &'static str,
    /// Its source side.
    pub source: Option<Arc<dyn ErasedSource>>,
    /// Its destination side.
    pub destination: Option<Arc<dyn ErasedDestination>>,
}

/// Native connectors by name.
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<&'static str, Entry>,
}

impl Registry {
    /// Adds a connector. A name that is already there is replaced.
    pub fn add(&mut self, name: &'static str, entry: Entry) {
        self.entries.insert(name, entry);
    }

    /// The connector of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All connectors by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (*name, entry))
    }
}
