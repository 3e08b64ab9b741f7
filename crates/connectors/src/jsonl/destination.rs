//! The JSON Lines destination.

use std::path::Path;

use async_trait::async_trait;
use crossdock_core::batch::BodyShape;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter};
use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};

use super::config::{Config, LineFormat};
use super::line::LineShape;
use crate::describe;
use crate::file::format::{Encode, Format};
use crate::file::line_file::LineFile;
use crate::file::row_texts::RowTexts;
use crate::file::{self, Wishes};
use crate::semantics::shape::Shape;
use crate::semantics::target::{Target, reserved};

/// Writes JSON Lines files to a local folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jsonl;

#[async_trait]
impl Destination for Jsonl {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(describe::files::<Config>(BodyShape::Rows))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        describe::checked_folder(config.path).await
    }

    async fn open(
        &self,
        config: Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let layout = config.layout();
        // In an envelope the record's fields cannot collide with ours.
        let flat = config.format == LineFormat::Flat;
        let reserved = reserved(layout.metadata_columns && flat, &[]);
        let targets = file::targets(
            &opening,
            &Wishes {
                what: "JSON Lines files",
                reserved: &reserved,
                nested: false,
                partition_by: &config.partition_by,
            },
        )?;
        Ok(Box::new(
            file::open(JsonlFormat(config), layout, targets, opening).await?,
        ))
    }
}

struct JsonlFormat(Config);

impl Format for JsonlFormat {
    type Shaped = RowTexts;

    fn extension(&self) -> String {
        crate::file::line_file::Lines::Json.extension(self.0.compression)
    }

    fn shape(&self, target: &Target) -> Result<Box<dyn Shape<RowTexts>>> {
        Ok(Box::new(LineShape::new(
            target,
            self.0.format,
            self.0.metadata_columns,
        )))
    }

    fn gather(&self, batches: &[RowTexts], rows: &[(usize, usize)]) -> Result<RowTexts> {
        Ok(RowTexts::gather(|batch| &batches[batch], rows))
    }

    fn encode(&self, path: &Path, _: &RowTexts) -> Result<Box<dyn Encode<RowTexts>>> {
        Ok(Box::new(LineFile::create(path, self.0.compression)?))
    }
}
