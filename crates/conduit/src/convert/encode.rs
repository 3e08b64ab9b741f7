//! From batches to a destination's messages. Pure.
//!
//! Rows that kept their lines go out as they came. Others become records: the stream is the
//! collection, the key is the record's own or made of the primary key, values are structured. A number
//! that no double equals travels as text and is counted (see `wire::structured`).

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Rows};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::Seq;
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::scan::{self, Members};
use crossdock_core::raw::{self, RAW_PARTS, RawParts};
use crossdock_core::stream::StreamId;

use super::positions::Positions;
use crate::wire::FORM;
use crate::wire::record::{
    COLLECTION, KEY_SCHEMA, NewRecord, PAYLOAD_SCHEMA, READ_AT, Written, position, write_metadata,
};
use crate::wire::structured::Lossy;
use crate::wire::version::Version;
use crossdock_core::fault::Fault;

/// A message is not longer than this, unless a single record is: what any Go connector takes (§1.7).
const LONGEST: usize = (4 << 20) - 1024;

/// What to send for a batch.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) messages: Vec<Bytes>,
    pub(crate) positions: Positions,
}

/// Encodes batches for one destination.
#[derive(Debug)]
pub(crate) struct Encoder {
    version: Version,
    epoch: i64,
    streams: Vec<(StreamId, Stream)>,
    /// Numbers that went as text.
    pub(crate) lossy: Lossy,
}

#[derive(Debug)]
struct Stream {
    collection: Collection,
    /// The names of the primary key's fields, if they are all at the top.
    key: Vec<String>,
}

/// What a stream is called at the destination.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) name: String,
    /// The pipeline gives it another name than the source.
    is_renamed: bool,
}

impl Collection {
    pub(crate) fn of(stream: &ConfiguredStream) -> Self {
        Self {
            name: stream.target_id().to_string(),
            is_renamed: stream.target_id() != stream.id(),
        }
    }
}

impl Stream {
    fn new(stream: &ConfiguredStream) -> Self {
        let paths = stream.primary_key.iter().flatten();
        let key: Option<Vec<String>> = paths
            .map(|path| match path.as_slice() {
                [name] => Some(name.clone()),
                _ => None,
            })
            .collect();
        Self {
            collection: Collection::of(stream),
            key: key.unwrap_or_default(),
        }
    }
}

impl Encoder {
    pub(crate) fn new(version: Version, epoch: i64, catalog: &ConfiguredCatalog) -> Self {
        let streams = catalog.streams.iter().map(|s| (s.id(), Stream::new(s)));
        Self {
            version,
            epoch,
            streams: streams.collect(),
            lossy: Lossy::default(),
        }
    }

    /// The messages of a batch.
    pub(crate) fn encode(&mut self, seq: Seq, batch: &Batch) -> Result<Encoded> {
        let encoded = match &batch.body {
            Body::Rows(rows) if rows.form() == Some(FORM) => self.relay(rows),
            Body::Rows(rows) => self.rows(seq, &batch.stream, rows),
            Body::Columns(columns) => {
                let rows = columns_to_rows(columns, None)?;
                self.rows(seq, &batch.stream, &rows)
            }
        };
        encoded.map_err(|fault| {
            Error::new(
                &code::DATA_INVALID,
                format!("a record cannot be sent: {fault}"),
            )
            .with("stream", &batch.stream)
        })
    }

    /// The lines as they came: neighbours are one piece of the buffer.
    fn relay(&self, rows: &Rows) -> Result<Encoded, Fault> {
        let mut encoded = Encoded::default();
        let mut run: Option<std::ops::Range<usize>> = None;
        for at in 0..rows.len() {
            let span = rows.line_span(at);
            let (start, end) = (span.start as usize, span.end as usize);
            let line = &rows.buffer()[start..end];
            let mut fields = crate::wire::record::Records::new(line);
            let place = fields
                .next()?
                .ok_or_else(|| Fault::new("a kept line is no record"))?;
            encoded.positions.push(&line[position(line, place.record)?]);
            match &mut run {
                Some(run)
                    if self.version == Version::V2
                        && run.end == start
                        && end - run.start <= LONGEST =>
                {
                    run.end = end;
                }
                _ => {
                    let full = run.replace(start..end);
                    encoded
                        .messages
                        .extend(full.map(|run| rows.buffer().slice(run)));
                }
            }
        }
        encoded
            .messages
            .extend(run.map(|run| rows.buffer().slice(run)));
        Ok(encoded)
    }

    fn rows(&mut self, seq: Seq, id: &StreamId, rows: &Rows) -> Result<Encoded, Fault> {
        let Self {
            streams,
            lossy,
            epoch,
            version,
        } = self;
        let known = streams.iter().find(|(stream, _)| stream == id);
        let unknown = || Fault::new("the stream is not in the catalog");
        let (_, stream) = known.ok_or_else(unknown)?;
        let mut encoded = Encoded::default();
        let mut message = Vec::new();
        let (mut key, mut place) = (Vec::new(), String::new());
        let (mut raw_key, mut raw_before, mut raw_after) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..rows.len() {
            let start = message.len();
            place.clear();
            std::fmt::Write::write_fmt(&mut place, format_args!("{epoch}/{seq}/{at}"))
                .map_err(|_| Fault::new("a position cannot be written"))?;
            let after = rows.after(at);
            key.clear();
            let own = rows.key(at);
            let parts = RawParts::of_metadata(rows.metadata(at).unwrap_or_default());
            if own.is_none() {
                write_key(&stream.key, after, &mut key)?;
            }
            let record = NewRecord {
                position: place.as_bytes(),
                operation: rows.operation(at),
                key: data(
                    own.or((!key.is_empty()).then_some(key.as_slice())),
                    parts.key,
                    &mut raw_key,
                ),
                before: data(rows.before(at), parts.before, &mut raw_before),
                after: data(
                    (!after.is_empty()).then_some(after),
                    parts.after,
                    &mut raw_after,
                ),
            };
            record.write(&mut message, lossy, |out| {
                metadata(
                    rows.metadata(at),
                    &stream.collection,
                    rows.emitted_at(at),
                    out,
                )
            })?;
            encoded.positions.push(place.as_bytes());
            if *version == Version::V1 {
                encoded.messages.push(std::mem::take(&mut message).into());
            } else if message.len() > LONGEST && start > 0 {
                let rest = message.split_off(start);
                let full = std::mem::replace(&mut message, rest);
                encoded.messages.push(full.into());
            }
        }
        if !message.is_empty() {
            encoded.messages.push(message.into());
        }
        Ok(encoded)
    }
}

pub(crate) fn json(text: Option<&[u8]>) -> Written<'_> {
    text.map_or(Written::Absent, Written::Json)
}

/// A part of a record: bytes again if it stands for bytes. `bytes` takes them.
fn data<'a>(text: Option<&'a [u8]>, is_raw: bool, bytes: &'a mut Vec<u8>) -> Written<'a> {
    match text.and_then(raw::unwrap).filter(|_| is_raw) {
        Some(found) => {
            bytes.clear();
            bytes.extend_from_slice(&found);
            Written::Raw(bytes)
        }
        None => json(text),
    }
}

/// Appends the object of the primary key's fields; nothing if one of them is not there.
pub(crate) fn write_key(names: &[String], after: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    if names.is_empty() || after.is_empty() {
        return Ok(());
    }
    let broken = |error: scan::ScanError| Fault::new(format!("a record is broken: {error}"));
    let mut found: Vec<Option<(usize, usize, usize, usize)>> = vec![None; names.len()];
    let mut members = Members::new(after, 0).map_err(broken)?;
    while let Some(member) = members.next().map_err(broken)? {
        let quoted = &after[member.key_start - 1..=member.key_end];
        let Some(name) = scan::unquote(quoted) else {
            continue;
        };
        if let Some(at) = names.iter().position(|known| *known == *name) {
            let key = (member.key_start - 1, member.key_end + 1);
            found[at] = Some((key.0, key.1, member.value_start, member.value_end));
        }
    }
    if found.contains(&None) {
        return Ok(());
    }
    let mut separator = b'{';
    for (key_start, key_end, start, end) in found.into_iter().flatten() {
        out.push(separator);
        separator = b',';
        out.extend_from_slice(&after[key_start..key_end]);
        out.push(b':');
        out.extend_from_slice(&after[start..end]);
    }
    out.push(b'}');
    Ok(())
}

/// Appends the metadata: the record's own, then what every record has. A value that is no text, such
/// as Airbyte's `changes`, goes as its JSON.
pub(crate) fn metadata(
    own: Option<&[u8]>,
    stream: &Collection,
    emitted_at: i64,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    // What refers to an encoding that the data no longer have.
    let dropped = [
        PAYLOAD_SCHEMA.subject,
        PAYLOAD_SCHEMA.version,
        KEY_SCHEMA.subject,
        KEY_SCHEMA.version,
        RAW_PARTS,
    ];
    let mut has_read_at = false;
    // Conduit's own records may be of no collection; that stays so.
    let (mut is_opencdc, mut has_collection) = (false, false);
    if let Some(text) = own {
        let broken = |error: scan::ScanError| Fault::new(format!("metadata are broken: {error}"));
        let mut members = Members::new(text, 0).map_err(broken)?;
        while let Some(member) = members.next().map_err(broken)? {
            let name = scan::unquote(&text[member.key_start - 1..=member.key_end]);
            if let Some(name) = &name {
                is_opencdc |= name.starts_with("opencdc.");
                has_collection |= *name == COLLECTION;
            }
            let Some(name) = name.filter(|name| !dropped.contains(&&**name) && *name != COLLECTION)
            else {
                continue;
            };
            has_read_at |= name == READ_AT;
            let value = member.value(text);
            match scan::unquote(value) {
                Some(value) => write_metadata(out, &name, &value),
                None => write_metadata(out, &name, &String::from_utf8_lossy(value)),
            }
        }
    }
    if has_collection || !is_opencdc || stream.is_renamed {
        write_metadata(out, COLLECTION, &stream.name);
    }
    if !has_read_at {
        write_metadata(
            out,
            READ_AT,
            itoa::Buffer::new().format(i128::from(emitted_at) * 1_000_000),
        );
    }
    Ok(())
}
