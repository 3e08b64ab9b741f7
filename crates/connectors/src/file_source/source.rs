//! The source of any file format: what a format's configuration adds is how its files are read.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::Catalog;
use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::hive::Hive;
use super::reader;
use super::record::SourceFormat;
use super::setting::{BadLines, Patterns};

/// The configuration of a source that reads files of one format.
pub(crate) trait FileSourceConfig:
    DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The files of each stream.
    fn patterns(&self) -> Result<Patterns>;

    /// What becomes of a line that is not a record.
    fn bad_lines(&self) -> BadLines;

    /// The field by which only new records of a changed file are read.
    fn cursor(&self) -> Option<String> {
        None
    }

    /// Whether the names of folders tell fields.
    fn hive_partitions(&self) -> bool;

    /// How the files are read. Refuses settings that make no sense together.
    fn format(self) -> Result<Arc<dyn SourceFormat>>;
}

/// How the files are read, and their folders.
fn format<C: FileSourceConfig>(config: C) -> Result<Arc<dyn SourceFormat>> {
    let with_folders = config.hive_partitions();
    let format = config.format()?;
    Ok(match with_folders {
        true => Arc::new(Hive(format)),
        false => format,
    })
}

/// Reads files as the configuration `C` says.
#[derive(Debug)]
pub struct FileSource<C>(PhantomData<fn() -> C>);

impl<C> Default for FileSource<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[async_trait]
impl<C: FileSourceConfig> Source for FileSource<C> {
    type Config = C;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_source::<C>(SourceCapabilities {
            incremental: true,
            bounded: true,
            bounded_on_wish: false,
            drains: true,
            learns_streams: false,
            whole_states: false,
            deletes: false,
        }))
    }

    async fn check(&self, config: C, session: &Session) -> Result<Checked> {
        Ok(Checked::of(self.discover(config, session).await))
    }

    async fn discover(&self, config: C, _: &Session) -> Result<Catalog> {
        let (patterns, bad_lines) = (config.patterns()?, config.bad_lines());
        reader::discover(format(config)?, patterns, bad_lines).await
    }

    async fn open(&self, config: C, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let (patterns, bad_lines) = (config.patterns()?, config.bad_lines());
        let cursor = config.cursor();
        let format = format(config)?;
        Ok(Box::new(reader::open(
            format, &patterns, bad_lines, cursor, opening,
        )?))
    }
}
