//! From batches to messages.

use std::collections::HashMap;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Operation, Rows, Span};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::fault::Fault;
use crossdock_core::json::scan::Members;
use crossdock_core::raw::{self, RawParts};
use crossdock_core::stream::StreamId;

use super::metadata::{Told, write_of_message};
use crate::wire::{FORM, Written, write_message};

/// The messages of a batch, ready to be put into commands: spans of members, with the brace at their end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Messages {
    pub(crate) buffer: Bytes,
    pub(crate) spans: Vec<Span>,
}

impl Messages {
    /// The members of a message.
    pub(crate) fn get(&self, at: usize) -> &[u8] {
        let span = self.spans.get(at).copied().unwrap_or(Span::NONE);
        &self.buffer[span.start as usize..span.end as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.spans.iter().map(|span| span.len()).sum()
    }
}

/// The value of a key of one field.
fn only_value(key: &[u8]) -> Option<&[u8]> {
    let mut members = Members::new(key, 0).ok()?;
    let member = members.next().ok()??;
    let is_only = members.next().ok()?.is_none();
    is_only.then(|| member.value(key))
}

/// Writes the records of the configured streams as messages.
#[derive(Debug)]
pub(crate) struct Writing {
    /// The names at the sink, by the source's names.
    targets: HashMap<StreamId, StreamId>,
    metadata: Vec<u8>,
}

impl Writing {
    pub(crate) fn new(catalog: &ConfiguredCatalog) -> Self {
        let streams = catalog.streams.iter();
        Self {
            targets: streams.map(|s| (s.id(), s.target_id())).collect(),
            metadata: Vec::new(),
        }
    }

    /// The messages of a batch.
    pub(crate) fn messages(&mut self, batch: &Batch) -> Result<Messages> {
        let target = self.targets.get(&batch.stream).unwrap_or(&batch.stream);
        let target = target.clone();
        let is_renamed = target != batch.stream;
        let rows = match &batch.body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => &columns_to_rows(columns, None)?,
        };
        let keeps_lines = rows.form() == Some(FORM) && !is_renamed;
        let has_line = |at| !rows.line_span(at).is_empty();
        if keeps_lines && (0..rows.len()).all(has_line) {
            return Ok(Messages {
                buffer: rows.buffer().clone(),
                spans: (0..rows.len()).map(|at| rows.line_span(at)).collect(),
            });
        }
        let mut buffer = Vec::with_capacity(rows.bytes() + rows.bytes() / 4);
        let mut spans = Vec::with_capacity(rows.len());
        for at in 0..rows.len() {
            let start = buffer.len();
            let told = Told {
                target: &target,
                is_renamed,
                operation: rows.operation(at),
                id: rows.key(at).and_then(only_value),
            };
            let line = rows.line(at).filter(|_| keeps_lines);
            let written = match line {
                Some(line) => {
                    buffer.extend_from_slice(line);
                    Ok(())
                }
                None => self.message(rows, at, &told, &mut buffer),
            };
            written.map_err(|fault| {
                Error::new(
                    &code::DATA_INVALID,
                    "a record cannot be written as a message",
                )
                .with("stream", &batch.stream)
                .caused_by(fault)
            })?;
            let span = Span::new(start, buffer.len());
            spans.push(span.ok_or_else(|| {
                Error::new(&code::RECORD_TOO_LARGE, "a batch exceeds 4 GiB as messages")
            })?);
        }
        Ok(Messages {
            buffer: buffer.into(),
            spans,
        })
    }

    fn message(
        &mut self,
        rows: &Rows,
        at: usize,
        told: &Told<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let metadata = rows.metadata(at).unwrap_or_default();
        let parts = RawParts::of_metadata(metadata);
        let (value, is_raw) = match rows.after(at) {
            // A deletion shows what was deleted, or at least of which key.
            b"" => match (rows.before(at), rows.key(at)) {
                (Some(before), _) => (before, parts.before),
                (None, Some(key)) => (key, parts.key),
                (None, None) => (&b"{}"[..], false),
            },
            after if told.operation == Operation::Delete => match rows.before(at) {
                Some(before) => (before, parts.before),
                None => (after, parts.after),
            },
            after => (after, parts.after),
        };
        let bytes = is_raw.then(|| raw::unwrap(value)).flatten();
        let data = bytes.as_deref().unwrap_or(value);
        self.metadata.clear();
        write_of_message(metadata, told, &mut self.metadata)?;
        let message = Written {
            data,
            metadata: &self.metadata,
            timestamp: rows.emitted_at(at),
        };
        write_message(out, &message);
        out.push(b'}');
        Ok(())
    }
}
