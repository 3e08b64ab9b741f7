//! Field selection for native destinations (§3.3): a source may send fields that were not selected,
//! and they must not arrive. A wrapper around the writer, so that no connector has to think of it.
//! Airbyte destinations get it from their host side, which rewrites lines as they are. Where processors stand
//! between, fields are selected before them: they are named as the source has them.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_airbyte::wire::keep_fields;
use crossdock_core::batch::{Batch, Body, Columns, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::Seq;
use crossdock_core::code;
use crossdock_core::destination::DestinationWriter;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

use crate::changing::{Change, changing};

/// Wraps `writer` if any stream of the catalog has selected fields.
pub(crate) fn selecting(
    writer: Box<dyn DestinationWriter>,
    catalog: &ConfiguredCatalog,
) -> Box<dyn DestinationWriter> {
    let selection = Selection::of(catalog);
    if selection.0.is_empty() {
        return writer;
    }
    changing(writer, selection)
}

/// A catalog without its selections: what selects stands before it.
pub(crate) fn selected(mut catalog: ConfiguredCatalog) -> ConfiguredCatalog {
    for stream in &mut catalog.streams {
        stream.selected_fields = None;
    }
    catalog
}

/// The selected fields by stream, where some were selected.
#[derive(Default)]
pub(crate) struct Selection(HashMap<StreamId, HashSet<String>>);

impl Selection {
    pub(crate) fn of(catalog: &ConfiguredCatalog) -> Self {
        let streams = catalog.streams.iter();
        let selected = streams.filter_map(|s| {
            let fields = s.selected_fields.as_ref()?;
            Some((s.id(), fields.iter().cloned().collect()))
        });
        Self(selected.collect())
    }

    /// The batch with the selected fields alone.
    pub(crate) fn apply(&self, mut batch: Batch) -> Result<Batch> {
        if let Some(fields) = self.0.get(&batch.stream) {
            batch.body = select(batch.body, fields).map_err(|e| e.with("stream", &batch.stream))?;
        }
        Ok(batch)
    }
}

fn select(body: Body, fields: &HashSet<String>) -> Result<Body> {
    Ok(match body {
        Body::Rows(rows) => Body::Rows(select_rows(&rows, fields)?),
        Body::Columns(columns) => Body::Columns(select_columns(columns, fields)?),
    })
}

fn select_rows(rows: &Rows, fields: &HashSet<String>) -> Result<Rows> {
    let mut text = Vec::with_capacity(rows.value_bytes());
    let mut kept = RowsBuilder::default();
    for index in 0..rows.len() {
        let mut part = |value: Option<&[u8]>, select: bool| -> Result<Span> {
            let Some(value) = value.filter(|v| !v.is_empty()) else {
                return Ok(Span::NONE);
            };
            let start = text.len();
            if select {
                keep_fields(value, fields, &mut text).map_err(|cause| {
                    Error::new(&code::DATA_INVALID, "a record's value is not a JSON object")
                        .caused_by(cause)
                })?;
            } else {
                text.extend_from_slice(value);
            }
            Span::new(start, text.len())
                .ok_or_else(|| Error::new(&code::RECORD_TOO_LARGE, "a batch is larger than 4 GiB"))
        };
        let row = RowSpans {
            after: part(Some(rows.after(index)), true)?,
            before: part(rows.before(index), true)?,
            key: part(rows.key(index), false)?,
            metadata: part(rows.metadata(index), false)?,
            emitted_at: rows.emitted_at(index),
            operation: rows.operation(index),
            line: Span::NONE,
        };
        kept.push(row);
    }
    Ok(kept.finish(Bytes::from(text), None))
}

fn select_columns(columns: Columns, fields: &HashSet<String>) -> Result<Columns> {
    let schema = columns.values.schema();
    let wanted: Vec<usize> = (0..schema.fields().len())
        .filter(|at| fields.contains(schema.field(*at).name()))
        .collect();
    let values = columns.values.project(&wanted).map_err(|cause| {
        Error::new(&code::INTERNAL, "the selected columns cannot be taken").caused_by(cause)
    })?;
    Ok(Columns { values, ..columns })
}

#[async_trait]
impl Change for Selection {
    async fn change(&mut self, _: Seq, batch: Batch) -> Result<Option<Batch>> {
        self.apply(batch).map(Some)
    }
}

/// Whether every stream of `read` has in `written` the very fields that it has itself. What is not known yet
/// has not.
pub(crate) fn are_same(read: &ConfiguredCatalog, written: Option<&ConfiguredCatalog>) -> bool {
    let of = |stream: &ConfiguredStream| stream.stream.json_schema.get("properties").cloned();
    written.is_some_and(|written| {
        read.streams.iter().all(|stream| {
            let mut others = written.streams.iter();
            let other = others.find(|other| other.id() == stream.id());
            other.is_some_and(|other| of(other) == of(stream))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_selected_fields_remain() {
        let text = r#"{"a":1,"b":{"x":[1]},"c":"é"}"#;
        let mut rows = RowsBuilder::default();
        let after = Span::new(0, text.len()).unwrap();
        rows.push(RowSpans {
            after,
            emitted_at: 7,
            ..RowSpans::default()
        });
        let rows = rows.finish(Bytes::from(text), None);
        let fields = ["c".to_owned(), "b".to_owned()].into_iter().collect();
        let kept = select_rows(&rows, &fields).unwrap();
        assert_eq!(kept.after(0), r#"{"b":{"x":[1]},"c":"é"}"#.as_bytes());
        assert_eq!(kept.emitted_at(0), 7);
    }

    #[test]
    fn fields_are_the_same_by_name_and_type() {
        let catalog = |streams: &[(&str, serde_json::Value)]| ConfiguredCatalog {
            streams: streams
                .iter()
                .map(|(name, fields)| {
                    let schema = serde_json::json!({"type": "object", "properties": fields});
                    ConfiguredStream::new(crossdock_core::catalog::Stream::new(*name, schema))
                })
                .collect(),
            ..ConfiguredCatalog::default()
        };
        let (a, b) = (
            serde_json::json!({"x": {}}),
            serde_json::json!({"x": {}, "y": {}}),
        );
        let read = catalog(&[("a", a.clone())]);
        assert!(are_same(
            &read,
            Some(&catalog(&[("b", b.clone()), ("a", a)]))
        ));
        assert!(!are_same(&read, Some(&catalog(&[("a", b.clone())]))));
        assert!(!are_same(&read, Some(&catalog(&[("b", b)]))));
        assert!(!are_same(&read, None));
    }
}
