//! A connector that is a program.

use std::fmt;
use std::sync::Arc;

use crossdock_core::destination::Destination;
use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::source::Source;

use crate::stream_source::{StreamSource, Streaming};
use crate::table_destination::TableDestination;
use crate::table_writer::Tabling;

/// A connector: its name, and a source, a destination or both. [`main`](Self::main) makes a program of it that every
/// platform runs; the crate's first page shows a whole one.
#[derive(Clone)]
pub struct Connector {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) author: String,
    pub(crate) source: Option<Arc<dyn ErasedSource>>,
    pub(crate) destination: Option<Arc<dyn ErasedDestination>>,
}

impl Connector {
    /// A connector without any half yet. `name` is what pipelines and manifests call it: letters, digits, `-` and `_`.
    /// `version` is a version of three numbers, best the crate's own.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            summary: format!("the connector {name}"),
            name,
            version: version.into(),
            author: String::new(),
            source: None,
            destination: None,
        }
    }

    /// One line that says what it is for.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Who wrote it.
    #[must_use]
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = author.into();
        self
    }

    /// Gives it a source of streams that are read one after another.
    #[must_use]
    pub fn streams(self, source: impl StreamSource) -> Self {
        self.source(Streaming::new(source))
    }

    /// Gives it a source that keeps the whole contract by itself.
    #[must_use]
    pub fn source(mut self, source: impl Source) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Gives it a destination that takes rows in batches.
    #[must_use]
    pub fn tables(self, destination: impl TableDestination) -> Self {
        self.destination(Tabling::new(destination))
    }

    /// Gives it a destination that keeps the whole contract by itself.
    #[must_use]
    pub fn destination(mut self, destination: impl Destination) -> Self {
        self.destination = Some(Arc::new(destination));
        self
    }

    /// Its source, for tests.
    #[must_use]
    pub fn source_half(&self) -> Option<Arc<dyn ErasedSource>> {
        self.source.clone()
    }

    /// Its destination, for tests.
    #[must_use]
    pub fn destination_half(&self) -> Option<Arc<dyn ErasedDestination>> {
        self.destination.clone()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("source", &self.source.is_some())
            .field("destination", &self.destination.is_some())
            .finish_non_exhaustive()
    }
}
