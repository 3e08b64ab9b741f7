//! The Parquet destination.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;
use async_trait::async_trait;
use crossdock_core::batch::BodyShape;
use crossdock_core::code;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use parquet::file::properties::WriterPropertiesBuilder;

use super::config::{Config, NestedValues};
use super::property::properties;
use crate::describe;
use crate::file::column_file::{ColumnFile, EXTENSION};
use crate::file::format::{Encode, Format};
use crate::file::{self, Wishes};
use crate::semantics::column_shape::{ADDITIONAL, ColumnShape};
use crate::semantics::shape::Shape;
use crate::semantics::target::{Target, reserved};

/// Writes Parquet files to a local folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parquet;

#[async_trait]
impl Destination for Parquet {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(describe::files::<Config>(BodyShape::Columns))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        if let Err(error) = config.codec() {
            return Ok(Checked::Failed(error.message().to_owned()));
        }
        describe::checked_folder(config.path).await
    }

    async fn open(
        &self,
        config: Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let layout = config.layout();
        let reserved = reserved(layout.metadata_columns, &[ADDITIONAL]);
        let nested = config.nested == NestedValues::Typed;
        let targets = file::targets(
            &opening,
            &Wishes {
                what: "Parquet files",
                reserved: &reserved,
                nested,
                partition_by: &config.partition_by,
            },
        )?;
        let properties = properties(&config)?;
        let format = ParquetFormat {
            properties,
            metadata_columns: config.metadata_columns,
        };
        Ok(Box::new(
            file::open(format, layout, targets, opening).await?,
        ))
    }
}

struct ParquetFormat {
    properties: WriterPropertiesBuilder,
    metadata_columns: bool,
}

impl Format for ParquetFormat {
    type Shaped = RecordBatch;

    fn extension(&self) -> String {
        EXTENSION.to_owned()
    }

    fn shape(&self, target: &Target) -> Result<Box<dyn Shape<RecordBatch>>> {
        Ok(Box::new(ColumnShape::new(target, self.metadata_columns)))
    }

    fn gather(&self, batches: &[RecordBatch], rows: &[(usize, usize)]) -> Result<RecordBatch> {
        let batches: Vec<_> = batches.iter().collect();
        interleave_record_batch(&batches, rows).map_err(|cause| {
            Error::new(&code::INTERNAL, "could not gather the rows of a file").caused_by(cause)
        })
    }

    fn encode(&self, path: &Path, first: &RecordBatch) -> Result<Box<dyn Encode<RecordBatch>>> {
        Ok(Box::new(ColumnFile::begin(
            path,
            self.properties.clone(),
            first,
        )?))
    }
}
