//! The forms in which a destination can write a record besides the whole of it as JSON: what Conduit's
//! SDK takes for `sdk.record.format` and `sdk.record.format.options` (§2.4).

mod debezium;

use crossdock_core::batch::Rows;
use crossdock_core::stream::StreamId;

use crate::record::Record;
use crate::template::Template;
use debezium::Debezium;

/// A form in which records are written.
#[derive(Clone, Debug)]
pub struct RecordFormat(Form);

#[derive(Clone, Debug)]
enum Form {
    Template(Template),
    Debezium(Debezium),
}

impl RecordFormat {
    /// `template`: the text that a Go template makes of the record. A member that the record does not
    /// have is an error. The error here says what is wrong with the template.
    pub fn template(text: &str) -> Result<Self, String> {
        Ok(Self(Form::Template(Template::parse_strict(text)?)))
    }

    /// `debezium/json`: a change as Debezium writes it with its schema, for connectors of Kafka Connect.
    /// `options`: `name=value`, separated by commas.
    pub fn debezium_json(options: &str) -> Result<Self, String> {
        Ok(Self(Form::Debezium(Debezium::parse(options)?)))
    }

    /// Appends record `at` of a batch that goes to `target`. The error says why it has no such form;
    /// nothing is appended then.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        (rows, at): (&Rows, usize),
        target: &StreamId,
        position: &str,
    ) -> Result<(), String> {
        let mut record = Record::read(target, rows, at)?;
        record.introduce();
        record.position = Some(position.to_owned());
        match &self.0 {
            Form::Template(template) => {
                out.extend_from_slice(template.execute(&mut record)?.as_bytes());
            }
            Form::Debezium(form) => form.write(out, record)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
