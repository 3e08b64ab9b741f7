//! The CSV destination.

use std::fs::File;
use std::path::Path;

use async_trait::async_trait;
use crossdock_core::batch::BodyShape;
use crossdock_core::code;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};

use super::config::Config;
use super::dialect::character;
use super::line::{CsvLines, CsvShape, Manner};
use crate::describe;
use crate::file::format::{Encode, Format};
use crate::file::line_file::{LineFile, Lines};
use crate::file::row_texts::RowTexts;
use crate::file::{self, Wishes};
use crate::semantics::column_shape::ADDITIONAL;
use crate::semantics::shape::Shape;
use crate::semantics::target::{Target, reserved};

/// Writes CSV files to a local folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Csv;

#[async_trait]
impl Destination for Csv {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(describe::files::<Config>(BodyShape::Columns))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        if let Err(error) = manner(&config) {
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
        let targets = file::targets(
            &opening,
            &Wishes {
                what: "CSV files",
                reserved: &reserved,
                nested: false,
                partition_by: &config.partition_by,
            },
        )?;
        let format = CsvFormat {
            manner: manner(&config)?,
            config,
        };
        Ok(Box::new(
            file::open(format, layout, targets, opening).await?,
        ))
    }
}

fn manner(config: &Config) -> Result<Manner> {
    let delimiter = character("delimiter", &config.delimiter)?.filter(|c| *c != b'"');
    let delimiter = delimiter.ok_or_else(|| {
        Error::new(&code::CONFIG_INVALID, "`delimiter` cannot be this")
            .hint("use one character, such as `,`, `;` or `\\t`")
    })?;
    let null = config.null_value.as_bytes();
    if null.iter().any(|byte| matches!(byte, b'"' | b'\n' | b'\r')) || null.contains(&delimiter) {
        return Err(Error::new(
            &code::CONFIG_INVALID,
            "`null_value` holds a character that separates fields",
        )
        .hint("use a text such as `NULL` or `\\N`, or leave it empty"));
    }
    Ok(Manner {
        delimiter,
        null: null.into(),
    })
}

struct CsvFormat {
    config: Config,
    manner: Manner,
}

impl Format for CsvFormat {
    type Shaped = CsvLines;

    fn extension(&self) -> String {
        Lines::Csv.extension(self.config.compression)
    }

    fn shape(&self, target: &Target) -> Result<Box<dyn Shape<CsvLines>>> {
        Ok(Box::new(CsvShape::new(
            target,
            self.config.metadata_columns,
            self.manner.clone(),
        )))
    }

    fn gather(&self, batches: &[CsvLines], rows: &[(usize, usize)]) -> Result<CsvLines> {
        let header = batches.first().map(|lines| lines.header.clone());
        Ok(CsvLines {
            header: header.unwrap_or_default(),
            rows: RowTexts::gather(|batch| &batches[batch].rows, rows),
        })
    }

    fn encode(&self, path: &Path, first: &CsvLines) -> Result<Box<dyn Encode<CsvLines>>> {
        let mut file = LineFile::create(path, self.config.compression)?;
        file.write_bytes(&first.header)?;
        Ok(Box::new(CsvFile(Box::new(file))))
    }
}

/// A CSV file that is being written.
struct CsvFile(Box<LineFile>);

impl Encode<CsvLines> for CsvFile {
    fn takes(&self, _: &CsvLines) -> bool {
        // A run has one schema for each stream, so one header.
        true
    }

    fn write(&mut self, lines: &CsvLines) -> Result<()> {
        self.0.write_bytes(&lines.rows.text)
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    fn memory(&self) -> u64 {
        self.0.memory()
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }

    fn finish(self: Box<Self>) -> Result<File> {
        self.0.finish()
    }
}
