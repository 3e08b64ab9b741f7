//! The batch that is being collected: consecutive records of one stream and partition.

use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::batch::{Body, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::code;
use crossdock_core::convert::{Typed, TypedToColumns, TypedToRows};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

use super::super::field::{Fault, Field, Fields, cut_off};
use super::super::position::Positions;
use super::super::value::{self, Taker};
use super::super::{Layout, meta, varint};
use super::{Framed, Wanted};

/// A batch of so many bytes of frames is closed, so that its texts fit their offsets.
const LARGEST: usize = 64 << 20;

/// Where a frame stands: its length, its message, its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// One stream of the catalog.
#[derive(Debug)]
struct Stream {
    id: StreamId,
    sink: Sink,
}

/// What records become.
#[derive(Debug)]
enum Sink {
    Frames(RowsBuilder),
    Rows { rows: TypedToRows, lines: bool },
    Columns(TypedToColumns),
}

#[derive(Debug)]
pub(super) struct Runs {
    layout: Layout,
    streams: Vec<Stream>,
    /// The stream and partition that took the last record.
    current: Option<(usize, Arc<str>)>,
    /// Bytes of frames in the batch that is open.
    bytes: usize,
    /// The record's metadata, as JSON text.
    metadata: Vec<u8>,
}

impl Runs {
    pub(super) fn new(layout: Layout, catalog: &ConfiguredCatalog, wanted: Wanted) -> Self {
        let streams = catalog.streams.iter().map(|stream| {
            let positions = || Positions::of(&stream.stream.json_schema);
            let rows = || {
                let names = positions()
                    .fields()
                    .map(|(name, _)| name.to_owned())
                    .collect();
                TypedToRows::new(names)
            };
            let sink = match wanted {
                Wanted::Nothing => Sink::Frames(RowsBuilder::default()),
                Wanted::Rows => Sink::Rows {
                    rows: rows(),
                    lines: false,
                },
                Wanted::RowsAndFrames => Sink::Rows {
                    rows: rows(),
                    lines: true,
                },
                Wanted::Columns => {
                    let positions = positions();
                    Sink::Columns(TypedToColumns::new(&positions.schema, &positions.columns))
                }
            };
            Stream {
                id: stream.stream.id(),
                sink,
            }
        });
        Self {
            layout,
            streams: streams.collect(),
            current: None,
            bytes: 0,
            metadata: Vec::new(),
        }
    }

    /// Makes sure that the open batch is one of this stream and partition, and not too large.
    #[inline(always)]
    pub(super) fn open(
        &mut self,
        frames: &Bytes,
        stream: usize,
        partition: &Arc<str>,
        out: &mut Vec<Framed>,
    ) -> Result<()> {
        let is_open = self.current.as_ref().is_some_and(|(open, of)| {
            *open == stream && (Arc::ptr_eq(of, partition) || **of == **partition)
        });
        if is_open && self.bytes < LARGEST {
            return Ok(());
        }
        self.close(frames, out)?;
        self.current = Some((stream, Arc::clone(partition)));
        Ok(())
    }

    /// Closes the open batch.
    #[inline(never)]
    pub(super) fn close(&mut self, frames: &Bytes, out: &mut Vec<Framed>) -> Result<()> {
        self.bytes = 0;
        let Some((number, partition)) = self.current.take() else {
            return Ok(());
        };
        let Some(stream) = self.streams.get_mut(number) else {
            return Ok(());
        };
        let body = match &mut stream.sink {
            Sink::Frames(rows) => Body::Rows(rows.finish(frames.clone(), Some(self.layout.form()))),
            Sink::Rows { rows, lines } => {
                Body::Rows(rows.finish(lines.then(|| self.layout.form())))
            }
            Sink::Columns(columns) => Body::Columns(columns.finish()?),
        };
        if !body.is_empty() {
            out.push(Framed::Records {
                stream: stream.id.clone(),
                partition,
                body,
            });
        }
        Ok(())
    }

    /// Adds a record to the open batch; its values stand at `at..end`. Where parts of the head may stand
    /// among them, `passing` passes over those; else they are a fault, and so is what cannot be read.
    /// Nothing is added then.
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        frames: &Bytes,
        place: Place,
        (at, end): (usize, usize),
        emitted_at: i64,
        passing: bool,
    ) -> Result<Result<(), Fault>> {
        let Some((number, _)) = &self.current else {
            return Ok(Ok(()));
        };
        let Some(stream) = self.streams.get_mut(*number) else {
            return Ok(Ok(()));
        };
        self.bytes += place.end - place.at;
        let (bytes, layout) = (&frames[..], self.layout);
        let metadata = &mut self.metadata;
        match &mut stream.sink {
            Sink::Frames(rows) => {
                rows.push_line(Span::NONE, emitted_at, line(place)?);
                Ok(Ok(()))
            }
            Sink::Rows { rows, lines } => {
                if *lines {
                    rows.put_line(&bytes[place.at..place.end])?;
                }
                match values(bytes, (at, end), layout, passing, metadata, rows)? {
                    Ok(()) => rows.end_row(emitted_at, some(metadata)).map(Ok),
                    Err(fault) => {
                        rows.abandon_row();
                        Ok(Err(fault))
                    }
                }
            }
            Sink::Columns(columns) => {
                match values(bytes, (at, end), layout, passing, metadata, columns)? {
                    Ok(()) => columns.end_row(emitted_at, some(metadata)).map(Ok),
                    Err(fault) => {
                        columns.abandon_row();
                        Ok(Err(fault))
                    }
                }
            }
        }
    }
}

fn some(metadata: &[u8]) -> Option<&[u8]> {
    (!metadata.is_empty()).then_some(metadata)
}

impl Taker for TypedToColumns {
    #[inline(always)]
    fn take(&mut self, place: usize, value: Typed<'_>) -> Result<()> {
        self.put(place, value)
    }
}

impl Taker for TypedToRows {
    #[inline]
    fn take(&mut self, _: usize, value: Typed<'_>) -> Result<()> {
        self.put(value);
        Ok(())
    }
}

/// Reads the values at `at..end`, each with its place, and the metadata.
#[inline(always)]
fn values(
    bytes: &[u8],
    (mut at, end): (usize, usize),
    layout: Layout,
    passing: bool,
    metadata: &mut Vec<u8>,
    taker: &mut impl Taker,
) -> Result<Result<(), Fault>> {
    let mut place = 0;
    metadata.clear();
    while at < end {
        if bytes.get(at) == Some(&0x2a)
            && let Some((length, start)) = varint::read(bytes, at + 1)
        {
            let after = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
            if after > end {
                return Ok(Err(cut_off(at)));
            }
            if let Err(fault) = value::read(bytes, (start, after), layout, place, taker)? {
                return Ok(Err(fault));
            }
            place += 1;
            at = after;
        } else {
            at = match other(bytes, at, end, passing, metadata) {
                Ok(after) => after,
                Err(fault) => return Ok(Err(fault)),
            };
        }
    }
    if !metadata.is_empty() {
        metadata.extend_from_slice(b"]}");
    }
    Ok(Ok(()))
}

/// A field that is no value.
#[inline(never)]
fn other(
    bytes: &[u8],
    at: usize,
    end: usize,
    passing: bool,
    metadata: &mut Vec<u8>,
) -> Result<usize, Fault> {
    const CHANGES: &[u8] = b"{\"changes\":[";
    let mut fields = Fields::new(bytes, at, end);
    match fields.next()? {
        Some((6, Field::Bytes(from, to))) => {
            if metadata.is_empty() {
                metadata.extend_from_slice(CHANGES);
            }
            meta::read(bytes, from, to, metadata)?;
            if metadata.len() == CHANGES.len() {
                metadata.clear();
            }
        }
        Some((5 | 6, _)) => {
            return Err(Fault {
                at,
                what: "a field of the record is of another type",
            });
        }
        Some((1..=4, _)) if !passing => {
            return Err(Fault {
                at,
                what: "a part of the head stands after the values",
            });
        }
        _ => {}
    }
    Ok(fields.at)
}

fn line(place: Place) -> Result<Span> {
    Span::new(place.at, place.end).ok_or_else(|| {
        Error::new(
            &code::DATA_INVALID,
            "the frames of one read would exceed 4 GiB",
        )
    })
}

/// A record of a stream that nobody asked for.
pub(super) fn without_values(
    layout: Layout,
    frames: &Bytes,
    place: Place,
    emitted_at: i64,
) -> Result<Body> {
    let mut rows = RowsBuilder::default();
    rows.push(RowSpans {
        line: line(place)?,
        emitted_at,
        ..RowSpans::default()
    });
    Ok(Body::Rows(rows.finish(frames.clone(), Some(layout.form()))))
}
