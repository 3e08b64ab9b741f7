//! The form in which destinations of Conduit's kind write a record: the settings below `sdk.record`
//! (Conduit §2.4), and what writes it.

use crossdock_core::batch::{Body, Rows};
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::LogLevel;
use crossdock_core::session::Session;
use crossdock_core::stream::StreamId;
use crossdock_processors::RecordFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::opencdc_json::write_record;

/// Settings of the layer that all of Conduit's connectors share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sdk {
    /// Settings of records.
    #[serde(default)]
    pub record: RecordSettings,
}

/// How records are written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordSettings {
    /// The form.
    #[serde(default)]
    pub format: Form,
    /// What the form needs to know: a Go template, or `name=value` separated by commas.
    #[serde(default, rename = "format.options")]
    pub options: String,
}

/// The form of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Form {
    /// The whole record as JSON.
    #[default]
    #[serde(rename = "opencdc/json")]
    OpenCdcJson,
    /// A change as Debezium writes it, with a schema.
    #[serde(rename = "debezium/json")]
    DebeziumJson,
    /// What a Go template makes of it.
    #[serde(rename = "template")]
    Template,
}

/// Writes records in a form.
pub(crate) struct RecordWriter {
    /// `None`: the whole record.
    format: Option<RecordFormat>,
    /// Records that could not be written so.
    unfit: u64,
    session: Session,
}

impl RecordWriter {
    /// The error is one of the settings.
    pub(crate) fn new(settings: &RecordSettings, session: &Session) -> Result<Self> {
        let format = match settings.format {
            Form::OpenCdcJson => Ok(None),
            Form::DebeziumJson => RecordFormat::debezium_json(&settings.options).map(Some),
            Form::Template => RecordFormat::template(&settings.options).map(Some),
        };
        let format = format.map_err(|why| {
            let message = format!("`sdk.record.format.options`: {why}");
            Error::new(&code::CONFIG_INVALID, message)
        })?;
        Ok(Self {
            format,
            unfit: 0,
            session: session.clone(),
        })
    }

    /// Appends the records of a batch; `ended` is called after each. `position` is what each position
    /// begins with. A record that does not have the form is written whole, as Conduit's connectors do;
    /// that is told and counted.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        body: &Body,
        target: &StreamId,
        position: &str,
        mut ended: impl FnMut(&mut Vec<u8>),
    ) -> Result<()> {
        let converted;
        let rows = match body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => {
                converted = columns_to_rows(columns, None)?;
                &converted
            }
        };
        for at in 0..rows.len() {
            let position = format!("{position}/{at}");
            if !self.write_formed(out, (rows, at), target, &position) {
                write_record(out, (rows, at), target, &position);
            }
            ended(out);
        }
        Ok(())
    }

    fn write_formed(
        &mut self,
        out: &mut Vec<u8>,
        record: (&Rows, usize),
        target: &StreamId,
        position: &str,
    ) -> bool {
        let Some(format) = &self.format else {
            return false;
        };
        let written = format.write(out, record, target, position);
        if let Err(why) = &written {
            self.unfit += 1;
            if self.unfit == 1 {
                self.warn(format!(
                    "a record does not have the form of `sdk.record.format` and is written whole, as more may be: {why}"
                ));
            }
        }
        written.is_ok()
    }

    /// To be called at the end.
    pub(crate) fn finish(&mut self) {
        if self.unfit > 0 {
            let unfit = std::mem::take(&mut self.unfit);
            self.warn(format!(
                "{unfit} records did not have the form of `sdk.record.format` and were written whole"
            ));
        }
    }

    fn warn(&self, message: String) {
        self.session.log(LogLevel::Warn, message);
    }
}
