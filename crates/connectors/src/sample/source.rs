//! The sample source.

use async_trait::async_trait;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::{Catalog, Stream, SyncMode};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use serde_json::Map;

use super::config::Config;
use super::reader::SampleReader;
use super::record::Columns;

/// Makes up records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample;

#[async_trait]
impl Source for Sample {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_source::<Config>(SourceCapabilities {
            incremental: true,
            bounded: true,
            bounded_on_wish: false,
            drains: true,
            learns_streams: false,
            whole_states: false,
            deletes: false,
        }))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        Ok(match config.names() {
            Ok(_) => Checked::Succeeded,
            Err(error) => Checked::Failed(error.message().to_owned()),
        })
    }

    async fn discover(&self, config: Config, _: &Session) -> Result<Catalog> {
        let schema = Columns::new(config.columns).schema();
        let streams = config.names()?.into_iter().map(|name| Stream {
            supported_sync_modes: vec![SyncMode::FullRefresh, SyncMode::Incremental],
            source_defined_cursor: Some(true),
            default_cursor_field: Some(vec!["id".to_owned()]),
            source_defined_primary_key: Some(vec![vec!["id".to_owned()]]),
            is_resumable: Some(true),
            ..Stream::new(name, schema.clone())
        });
        Ok(Catalog {
            streams: streams.collect(),
            extra: Map::new(),
        })
    }

    async fn open(&self, config: Config, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let names = config.names()?;
        for stream in &opening.catalog.streams {
            if stream.stream.namespace.is_some() || !names.contains(&stream.stream.name) {
                return Err(Error::new(
                    &code::STREAM_UNKNOWN,
                    "the sample source has no such stream",
                )
                .with("stream", stream.id()));
            }
        }
        Ok(Box::new(SampleReader::new(config, &opening)?))
    }
}
