//! What a message's metadata say of the record, and what they are told of it (§2).
//!
//! | member | meaning |
//! |---|---|
//! | `table`, else `topic` | the stream |
//! | `schema` | its namespace |
//! | `operation`: `insert`, `update`, `delete`, `snapshot` | what the record does |
//! | `id` | the record's key, if it is a single value |
//! | everything else | goes along |

use std::borrow::Cow;
use std::ops::Range;

use crossdock_core::batch::Operation;
use crossdock_core::convert::write_string;
use crossdock_core::fault::Fault;
use crossdock_core::raw::RAW_PARTS;
use crossdock_core::stream::StreamId;

use crate::wire::{ENCODING, each_member};

/// What the metadata of one message say.
#[derive(Debug, Default)]
pub(crate) struct Said<'m> {
    pub(crate) table: Option<Cow<'m, str>>,
    pub(crate) topic: Option<Cow<'m, str>>,
    pub(crate) schema: Option<Cow<'m, str>>,
    pub(crate) operation: Option<Cow<'m, str>>,
}

impl<'m> Said<'m> {
    /// Reads metadata: an object.
    pub(crate) fn read(metadata: &'m [u8]) -> Result<Self, Fault> {
        let mut said = Self::default();
        each_member(metadata, 0..metadata.len(), |name, value| {
            let place = match name {
                "table" => &mut said.table,
                "topic" => &mut said.topic,
                "schema" => &mut said.schema,
                "operation" => &mut said.operation,
                _ => return Ok(()),
            };
            let text = crossdock_core::json::scan::unquote(&metadata[value]);
            *place = text.filter(|text| !text.is_empty());
            Ok(())
        })?;
        Ok(said)
    }

    /// The stream, if they name one.
    pub(crate) fn stream(&self) -> Option<StreamId> {
        let name = self.table.as_ref().or(self.topic.as_ref())?;
        Some(match &self.schema {
            Some(schema) => StreamId::with_namespace(schema.as_ref(), name.as_ref()),
            None => StreamId::new(name.as_ref()),
        })
    }

    /// What the record does.
    pub(crate) fn operation(&self) -> Operation {
        match self.operation.as_deref() {
            Some("update") => Operation::Update,
            Some("delete") => Operation::Delete,
            Some("snapshot") => Operation::Snapshot,
            _ => Operation::Create,
        }
    }
}

/// The word for an operation.
pub(crate) fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Snapshot => "snapshot",
    }
}

/// Appends members to an object one by one.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    separator: u8,
}

impl<'o> Object<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        let separator = b'{';
        Self { out, separator }
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.push(std::mem::replace(&mut self.separator, b','));
        write_string(self.out, name.as_bytes());
        self.out.push(b':');
        self.out
    }

    fn text(&mut self, name: &str, text: &str) {
        write_string(self.name(name), text.as_bytes());
    }

    fn end(self) {
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

fn members(metadata: &[u8], mut each: impl FnMut(&str, Range<usize>)) -> Result<(), Fault> {
    if metadata.is_empty() {
        return Ok(());
    }
    each_member(metadata, 0..metadata.len(), |name, value| {
        each(name, value);
        Ok(())
    })
}

/// Appends what a record keeps of its message's metadata: all but the mark of the encoding, and a mark if
/// its payload has no structure. Nothing if there is nothing.
pub(crate) fn write_of_record(
    metadata: &[u8],
    raw: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let has_mark = memchr::memmem::find(metadata, ENCODING.as_bytes()).is_some();
    if raw.is_none() && !has_mark {
        if metadata.trim_ascii() != b"{}" {
            out.extend_from_slice(metadata);
        }
        return Ok(());
    }
    let start = out.len();
    let mut object = Object::new(out);
    members(metadata, |name, value| {
        if name != ENCODING && name != RAW_PARTS {
            object.name(name).extend_from_slice(&metadata[value]);
        }
    })?;
    if let Some(raw) = raw {
        object.text(RAW_PARTS, raw);
    }
    object.end();
    if &out[start..] == b"{}" {
        out.truncate(start);
    }
    Ok(())
}

/// What a message is to say of its record's stream and operation.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// The stream at the sink.
    pub(crate) target: &'a StreamId,
    /// The record came under another name.
    pub(crate) is_renamed: bool,
    pub(crate) operation: Operation,
    /// Its key, where it is a single value: JSON.
    pub(crate) id: Option<&'a [u8]>,
}

/// Appends the metadata of a message: the record's own, and its stream and operation where they do not say
/// them.
pub(crate) fn write_of_message(
    metadata: &[u8],
    told: &Told<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut object = Object::new(out);
    let (mut has_stream, mut has_schema, mut has_operation) = (false, false, false);
    let mut has_id = false;
    members(metadata, |name, value| {
        match name {
            RAW_PARTS | ENCODING => return,
            "table" if told.is_renamed => return,
            "schema" if told.is_renamed => return,
            "table" | "topic" => has_stream |= !told.is_renamed,
            "schema" => has_schema = true,
            "operation" => has_operation = true,
            "id" => has_id = true,
            _ => {}
        }
        object.name(name).extend_from_slice(&metadata[value]);
    })?;
    if !has_stream {
        if let Some(namespace) = told.target.namespace.as_deref().filter(|_| !has_schema) {
            object.text("schema", namespace);
        }
        object.text("table", &told.target.name);
    }
    if !has_operation {
        object.text("operation", operation_name(told.operation));
    }
    if let Some(id) = told.id.filter(|_| !has_id) {
        object.name("id").extend_from_slice(id);
    }
    object.end();
    Ok(())
}
