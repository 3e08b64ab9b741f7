//! Bad lines as records of a stream of their own (`bad_lines: dead_letters`): for each stream
//! there is another one, `NAME_dead_letters`, with the place, the reason and the text of each line
//! that is not a record.

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, RowsBuilder, Span};
use crossdock_core::catalog::{Stream, SyncMode};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::convert::write_string;
use crossdock_core::schema::{DataType, json_schema};
use crossdock_core::stream::StreamId;
use serde_json::json;

use super::list::Found;

/// What such a stream's name ends with.
const SUFFIX: &str = "_dead_letters";
/// A line's text is cut after so many bytes.
const LONGEST: usize = 64 << 10;

/// The identity of the stream that takes the bad lines of `of`.
pub(crate) fn id(of: &StreamId) -> StreamId {
    StreamId {
        name: format!("{}{SUFFIX}", of.name).into(),
        namespace: of.namespace.clone(),
    }
}

/// The stream that takes the bad lines of `of`.
pub(crate) fn stream(of: &str) -> Stream {
    let text = || json_schema(DataType::String);
    let schema = json!({"type": "object", "properties": {
        "file": text(), "line": json_schema(DataType::Integer), "reason": text(), "text": text(),
    }});
    Stream {
        supported_sync_modes: vec![SyncMode::FullRefresh, SyncMode::Incremental],
        source_defined_cursor: Some(true),
        is_resumable: Some(true),
        ..Stream::new(format!("{of}{SUFFIX}"), schema)
    }
}

/// Bad lines that were not sent yet.
#[derive(Default)]
pub(crate) struct Letters {
    buffer: Vec<u8>,
    rows: RowsBuilder,
}

impl Letters {
    /// Adds a bad line.
    pub(crate) fn push(&mut self, found: &Found, line: u64, reason: &str, text: &[u8]) {
        let start = self.buffer.len();
        let text = &text[..text.len().min(LONGEST)];
        let out = &mut self.buffer;
        out.extend_from_slice(b"{\"file\":");
        write_string(out, found.name.as_bytes());
        out.extend_from_slice(format!(",\"line\":{line},\"reason\":").as_bytes());
        write_string(out, reason.as_bytes());
        out.extend_from_slice(b",\"text\":");
        write_string(out, String::from_utf8_lossy(text).as_bytes());
        out.push(b'}');
        // Far from 4 GiB: they are sent by the thousand.
        if let Some(span) = Span::new(start, out.len()) {
            self.rows.push_line(span, SystemClock.now_ms(), Span::NONE);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// All of them, for the stream `to`.
    pub(crate) fn take(&mut self, to: StreamId) -> Option<Batch> {
        if self.rows.is_empty() {
            return None;
        }
        let buffer = Bytes::from(std::mem::take(&mut self.buffer));
        Some(Batch {
            stream: to,
            body: Body::Rows(self.rows.finish(buffer, None)),
        })
    }
}
