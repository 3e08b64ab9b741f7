//! Records of OpenCDC: where their parts stand in the message that carries them, and how they are
//! written (§2.2–§2.4, §4.1).
//!
//! In both versions the message of a source's `Run` and that of a destination's hold records, and
//! nothing else, as field 1; so what was read from one can be written to the other as it stands.

use std::ops::Range;

use crossdock_core::batch::Operation;

use super::field::{self, Fields, Value};
use super::structured::{self, Lossy};
use crossdock_core::fault::Fault;

/// Where a record comes from, e.g. a table.
pub const COLLECTION: &str = "opencdc.collection";
/// When the connector read it: nanoseconds since 1970, as decimal text.
pub const READ_AT: &str = "opencdc.readAt";
/// Which connector of which pipeline it came from: the platform's mark.
pub const CONNECTOR_ID: &str = "conduit.source.connector.id";
/// The registry's name and version of the payload's schema.
pub const PAYLOAD_SCHEMA: SchemaKeys = SchemaKeys {
    subject: "opencdc.payload.schema.subject",
    version: "opencdc.payload.schema.version",
};
/// The same of the key's.
pub const KEY_SCHEMA: SchemaKeys = SchemaKeys {
    subject: "opencdc.key.schema.subject",
    version: "opencdc.key.schema.version",
};

/// The metadata that refer to a schema.
#[derive(Clone, Copy, Debug)]
pub struct SchemaKeys {
    /// The key of its subject.
    pub subject: &'static str,
    /// The key of its version within the subject.
    pub version: &'static str,
}

/// A key or an image of an entity, by where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Data {
    /// There is none.
    #[default]
    Absent,
    /// Bytes.
    Raw(Range<usize>),
    /// A `google.protobuf.Struct`.
    Structured(Range<usize>),
}

/// A record, by where its parts stand in the buffer it was read from. Made once and filled again and
/// again.
#[derive(Clone, Debug, Default)]
pub struct RecordView {
    /// The source's position.
    pub position: Range<usize>,
    /// The operation's number; see [`operation`].
    pub operation: u64,
    /// Names and values.
    pub metadata: Vec<(Range<usize>, Range<usize>)>,
    /// What identifies the entity.
    pub key: Data,
    /// The entity before the change.
    pub before: Data,
    /// The entity after it.
    pub after: Data,
}

/// Where a record stands in the message that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// With its tag and length, as a field of the message.
    pub line: Range<usize>,
    /// Without.
    pub record: Range<usize>,
}

/// The records of a message of `Run`.
pub struct Records<'a> {
    fields: Fields<'a>,
}

impl<'a> Records<'a> {
    /// Of this message.
    #[must_use]
    pub fn new(message: &'a [u8]) -> Self {
        Self {
            fields: Fields::new(message, 0..message.len()),
        }
    }

    /// Where the next one stands.
    ///
    /// # Errors
    /// If the message is broken.
    #[expect(
        clippy::should_implement_trait,
        reason = "a fallible step, used in loops with `?`"
    )]
    pub fn next(&mut self) -> Result<Option<Place>, Fault> {
        loop {
            let start = self.fields.at();
            match self.fields.next()? {
                None => return Ok(None),
                Some((1, Value::Bytes(record))) => {
                    return Ok(Some(Place {
                        line: start..record.end,
                        record,
                    }));
                }
                // Fields that later versions may add.
                Some(_) => {}
            }
        }
    }
}

/// The position of the record at `range`, without a look at the rest.
pub(crate) fn position(buffer: &[u8], range: Range<usize>) -> Result<Range<usize>, Fault> {
    let mut fields = Fields::new(buffer, range);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(position)) = field {
            return Ok(position);
        }
    }
    Ok(0..0)
}

impl RecordView {
    /// Reads the record at `range`. Of a part that stands twice, which nobody writes, the last counts.
    ///
    /// # Errors
    /// If it is no record.
    pub fn read(&mut self, buffer: &[u8], range: Range<usize>) -> Result<(), Fault> {
        self.position = 0..0;
        self.operation = 0;
        self.metadata.clear();
        self.key = Data::Absent;
        self.before = Data::Absent;
        self.after = Data::Absent;
        let mut fields = Fields::new(buffer, range);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(range)) => self.position = range,
                (2, Value::Varint(number)) => self.operation = number,
                (3, Value::Bytes(range)) => self.metadata.push(entry(buffer, range)?),
                (4, Value::Bytes(range)) => self.key = data(buffer, range)?,
                (5, Value::Bytes(range)) => {
                    let mut parts = Fields::new(buffer, range);
                    while let Some(part) = parts.next()? {
                        match part {
                            (1, Value::Bytes(range)) => self.before = data(buffer, range)?,
                            (2, Value::Bytes(range)) => self.after = data(buffer, range)?,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of this metadata.
    #[must_use]
    pub fn metadata<'a>(&self, buffer: &'a [u8], name: &str) -> Option<&'a str> {
        let mut entries = self.metadata.iter();
        let found = entries.find(|(key, _)| &buffer[key.clone()] == name.as_bytes());
        found.and_then(|(_, value)| std::str::from_utf8(&buffer[value.clone()]).ok())
    }
}

fn entry(buffer: &[u8], range: Range<usize>) -> Result<(Range<usize>, Range<usize>), Fault> {
    let (mut name, mut value) = (0..0, 0..0);
    let mut parts = Fields::new(buffer, range);
    while let Some(part) = parts.next()? {
        match part {
            (1, Value::Bytes(range)) => name = range,
            (2, Value::Bytes(range)) => value = range,
            _ => {}
        }
    }
    for text in [&name, &value] {
        std::str::from_utf8(&buffer[text.clone()])
            .map_err(|_| Fault::new("metadata are not UTF-8"))?;
    }
    Ok((name, value))
}

fn data(buffer: &[u8], range: Range<usize>) -> Result<Data, Fault> {
    let mut found = Data::Absent;
    let mut fields = Fields::new(buffer, range);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(range)) => found = Data::Raw(range),
            (2, Value::Bytes(range)) => found = Data::Structured(range),
            _ => {}
        }
    }
    Ok(found)
}

/// The operation of this number; `None` if it is unspecified or unknown.
#[must_use]
pub fn operation(number: u64) -> Option<Operation> {
    Some(match number {
        1 => Operation::Create,
        2 => Operation::Update,
        3 => Operation::Delete,
        4 => Operation::Snapshot,
        _ => return None,
    })
}

fn operation_number(operation: Operation) -> u64 {
    match operation {
        Operation::Create => 1,
        Operation::Update => 2,
        Operation::Delete => 3,
        Operation::Snapshot => 4,
    }
}

/// Data to write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Written<'a> {
    /// None.
    #[default]
    Absent,
    /// Bytes.
    Raw(&'a [u8]),
    /// A JSON object, as a Struct.
    Json(&'a [u8]),
}

/// A record to write.
#[derive(Clone, Debug)]
pub(crate) struct NewRecord<'a> {
    pub(crate) position: &'a [u8],
    pub(crate) operation: Operation,
    /// Appends the metadata by [`write_metadata`].
    pub(crate) key: Written<'a>,
    pub(crate) before: Written<'a>,
    pub(crate) after: Written<'a>,
}

impl NewRecord<'_> {
    /// Appends the record as a field of its message. `metadata` appends what [`write_metadata`] writes.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        lossy: &mut Lossy,
        metadata: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        field::write_nested(out, 1, |out| {
            field::write_bytes(out, 1, self.position);
            field::write_number(out, 2, operation_number(self.operation));
            metadata(out)?;
            write_data(out, 4, self.key, lossy)?;
            field::write_nested(out, 5, |out| {
                write_data(out, 1, self.before, lossy)?;
                write_data(out, 2, self.after, lossy)
            })
        })
    }
}

/// Appends a record that came as `record`, as a field of its message, with one more entry of metadata: of
/// a key that stands twice the last counts.
pub(crate) fn append_metadata(record: &[u8], name: &str, value: &str, out: &mut Vec<u8>) {
    let mut entry = Vec::with_capacity(name.len() + value.len() + 8);
    write_metadata(&mut entry, name, value);
    let appended = field::write_nested(out, 1, |out| {
        out.extend_from_slice(record);
        out.extend_from_slice(&entry);
        Ok::<_, std::convert::Infallible>(())
    });
    match appended {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

/// Appends one entry of a record's metadata.
pub(crate) fn write_metadata(out: &mut Vec<u8>, name: &str, value: &str) {
    let appended = field::write_nested(out, 3, |out| {
        field::write_bytes(out, 1, name.as_bytes());
        field::write_bytes(out, 2, value.as_bytes());
        Ok::<_, std::convert::Infallible>(())
    });
    match appended {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

fn write_data(
    out: &mut Vec<u8>,
    number: u32,
    data: Written<'_>,
    lossy: &mut Lossy,
) -> Result<(), Fault> {
    match data {
        Written::Absent => Ok(()),
        Written::Raw(bytes) => field::write_nested(out, number, |out| {
            field::write_bytes(out, 1, bytes);
            Ok(())
        }),
        Written::Json(text) => field::write_nested(out, number, |out| {
            field::write_nested(out, 2, |out| structured::write_struct(text, out, lossy))
        }),
    }
}
