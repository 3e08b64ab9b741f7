//! How a stream's records become the destination's lines: verbatim where nothing has to change,
//! else renamed and with the selected fields only (§3.3, §3.10).

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use crossdock_core::batch::{Body, Rows};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

use crate::wire::{Edit, FORM, RecordHead, keep_fields, rewrite};

/// Runs of lines shorter than this are gathered: a write per line costs more than the copy.
const GATHER: usize = 16 << 10;

/// The way of one stream.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its name at the destination.
    pub(crate) target: StreamId,
    renamed: bool,
    keep: Option<HashSet<String>>,
    head: RecordHead,
}

/// The ways of all configured streams, by the source's names.
#[derive(Debug)]
pub(crate) struct Routes(HashMap<StreamId, Route>);

impl Routes {
    pub(crate) fn new(catalog: &ConfiguredCatalog) -> Self {
        let route = |stream: &ConfiguredStream| (stream.id(), Route::new(stream));
        Self(catalog.streams.iter().map(route).collect())
    }

    pub(crate) fn get(&self, stream: &StreamId) -> Result<&Route> {
        self.0.get(stream).ok_or_else(|| {
            Error::new(
                &code::INTERNAL,
                "a batch of a stream that is not in the catalog",
            )
            .with("stream", stream)
        })
    }

    /// The stream's name at the destination, where it differs.
    pub(crate) fn renamed(&self, stream: &StreamId) -> Option<&StreamId> {
        self.0
            .get(stream)
            .filter(|route| route.renamed)
            .map(|route| &route.target)
    }
}

impl Route {
    fn new(stream: &ConfiguredStream) -> Self {
        let target = stream.target_id();
        Self {
            renamed: target != stream.id(),
            keep: stream
                .selected_fields
                .as_ref()
                .map(|fields| fields.iter().cloned().collect()),
            head: RecordHead::new(&target),
            target,
        }
    }

    /// The lines of `body`, as few slices as are useful, in order.
    pub(crate) fn lines(&self, body: &Body) -> Result<Vec<Bytes>> {
        match body {
            Body::Rows(rows) => self.rows(rows),
            Body::Columns(columns) => self.rows(&columns_to_rows(columns, None)?),
        }
    }

    fn rows(&self, rows: &Rows) -> Result<Vec<Bytes>> {
        let same_form = rows.form() == Some(FORM);
        if same_form && !self.renamed && self.keep.is_none() {
            return Ok(gather(rows.line_runs()));
        }
        let mut out = Vec::with_capacity(rows.bytes() + rows.bytes() / 4);
        let mut kept = Vec::new();
        for index in 0..rows.len() {
            let invalid = |cause| {
                Error::new(&code::DATA_INVALID, "a record's value is not a JSON object")
                    .with("stream", &self.target)
                    .caused_by(cause)
            };
            let data = match &self.keep {
                Some(fields) if !rows.after(index).is_empty() => {
                    kept.clear();
                    keep_fields(rows.after(index), fields, &mut kept).map_err(invalid)?;
                    Some(kept.as_slice())
                }
                _ => None,
            };
            match rows.line(index).filter(|_| same_form) {
                // What else the line holds must stay, so it is rewritten, not written anew.
                Some(line) => {
                    let edit = Edit {
                        stream: self.renamed.then_some(&self.target),
                        data,
                        ..Edit::default()
                    };
                    rewrite(line, &edit, &mut out).map_err(invalid)?;
                }
                None => self.head.write(rows, index, data, &mut out),
            }
        }
        Ok(vec![Bytes::from(out)])
    }
}

fn gather(runs: Vec<Bytes>) -> Vec<Bytes> {
    if runs.len() < 2 {
        return runs;
    }
    let mut gathered = Vec::new();
    let mut small = Vec::new();
    for run in runs {
        if run.len() < GATHER {
            small.extend_from_slice(&run);
            continue;
        }
        if !small.is_empty() {
            gathered.push(Bytes::from(std::mem::take(&mut small)));
        }
        gathered.push(run);
    }
    if !small.is_empty() {
        gathered.push(Bytes::from(small));
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Decoder, Message};
    use crossdock_core::catalog::Stream;
    use serde_json::json;

    fn check(configure: impl FnOnce(&mut ConfiguredStream), lines: &str, expected: &str) {
        let mut stream = ConfiguredStream::new(Stream::new("s", json!({})));
        configure(&mut stream);
        let route = Route::new(&stream);
        let mut messages = Vec::new();
        Decoder::new().decode(&Bytes::from(lines.to_owned()), 0, &mut messages);
        let mut written = Vec::new();
        for message in messages {
            if let Message::Records { rows, .. } = message {
                route
                    .lines(&Body::Rows(rows))
                    .unwrap()
                    .iter()
                    .for_each(|l| written.extend_from_slice(l));
            }
        }
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn lines_go_through_changed_only_where_asked() {
        let line = |stream: &str, data: &str| {
            format!(
                "{{\"type\":\"RECORD\",\"record\":{{\"stream\":{stream},\"data\":{data},\"emitted_at\":1,\"x\":[2]}}}}\n"
            )
        };
        let source = line("\"s\"", "{\"a\": 1,\"b\":2.50}").repeat(2);
        check(|_| {}, &source, &source);
        check(
            |s| s.target = Some(StreamId::with_namespace("n", "t")),
            &source,
            &line("\"t\",\"namespace\":\"n\"", "{\"a\": 1,\"b\":2.50}").repeat(2),
        );
        check(
            |s| s.selected_fields = Some(vec!["b".into(), "c".into()]),
            &source,
            &line("\"s\"", "{\"b\":2.50}").repeat(2),
        );
    }
}
