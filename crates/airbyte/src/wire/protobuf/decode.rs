//! Frames to messages and batches.

mod run;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::batch::Body;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::error::Result;
use crossdock_core::stream::StreamId;

use super::fault::FrameFault;
use super::field::{Fault, Field, Fields, cut_off};
use super::head::{Head, Heads};
use super::{Layout, varint};
use crate::wire::{Decoder, Message, Suspect};
use run::{Place, Runs};

/// What is to be made of records' values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: rows have their frames as lines, to be written again as they are, and no values. Only
    /// the head of a record is looked at then.
    #[default]
    Nothing,
    /// Rows with values as JSON text and no lines.
    Rows,
    /// Rows with values, and their frames as lines.
    RowsAndFrames,
    /// Arrow columns, straight from the wire.
    Columns,
}

/// What a frame, or several of records, says.
#[derive(Debug)]
pub enum Framed {
    /// Consecutive records of one stream and one partition.
    Records {
        /// The stream.
        stream: StreamId,
        /// The partition that the records belong to (§4.6); empty where they do not say.
        partition: Arc<str>,
        /// The records. Those of a stream that is not in the catalog are rows without values, since the names
        /// of its fields are not known.
        body: Body,
    },
    /// Anything else that was said: as the decoder of lines has it. A frame that cannot be read is
    /// [`Message::Unreadable`].
    Message(Message),
    /// A sign of life.
    Probe,
}

/// Decodes frames. Keeps what it learned of their heads from one run to the next.
#[derive(Debug)]
pub struct FrameDecoder {
    layout: Layout,
    /// The streams of the catalog, and what is collected of them.
    runs: Runs,
    numbers: HashMap<StreamId, usize>,
    heads: Heads,
    lines: Decoder,
    messages: Vec<Message>,
    /// Bytes decoded before.
    passed: u64,
}

impl FrameDecoder {
    /// A decoder for the records of `catalog`, which is the one that the writer has, too.
    #[must_use]
    pub fn new(layout: Layout, catalog: &ConfiguredCatalog, wanted: Wanted) -> Self {
        let ids = catalog.streams.iter().map(|stream| stream.stream.id());
        Self {
            layout,
            numbers: ids.enumerate().map(|(number, id)| (id, number)).collect(),
            runs: Runs::new(layout, catalog, wanted),
            heads: Heads::default(),
            lines: Decoder::new(),
            messages: Vec::new(),
            passed: 0,
        }
    }

    /// Decodes `frames`, which are whole, and appends what they say to `out`, in their order. `now`
    /// (milliseconds since the epoch) is the time of records that have none. A frame that cannot be read is
    /// told in its place; an error means that frames cannot be told apart, or that a batch cannot be built.
    pub fn decode(&mut self, frames: &Bytes, now: i64, out: &mut Vec<Framed>) -> Result<()> {
        let mut at = 0;
        while at < frames.len() {
            let position = self.passed + at as u64;
            let (length, start) =
                varint::read(frames, at).ok_or(FrameFault::Length { position })?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let end = start.checked_add(length).filter(|end| *end <= frames.len());
            let end = end.ok_or(FrameFault::Truncated {
                position: self.passed + frames.len() as u64,
                missing: None,
            })?;
            let place = Place { at, start, end };
            match record_of(frames, start, end) {
                Some(record) => self.record(frames, place, record, now, out)?,
                None => self.other(frames, place, now, out)?,
            }
            at = end;
        }
        self.runs.close(frames, out)?;
        self.passed += frames.len() as u64;
        Ok(())
    }

    /// A record that stands at `record..place.end`.
    #[inline]
    fn record(
        &mut self,
        frames: &Bytes,
        place: Place,
        record: usize,
        now: i64,
        out: &mut Vec<Framed>,
    ) -> Result<()> {
        let end = place.end;
        if let Some((time, body)) = self.heads.find(frames, record, end)
            && let Some(head) = self.heads.found()
        {
            self.runs.open(frames, head.stream, &head.partition, out)?;
            let time = emitted_at(time, now);
            if self
                .runs
                .push(frames, place, (body, end), time, false)?
                .is_ok()
            {
                return Ok(());
            }
        }
        self.record_in_full(frames, place, (record, end), now, out)
    }

    /// The long way. Out of the hot loop on purpose.
    #[cold]
    #[inline(never)]
    fn record_in_full(
        &mut self,
        frames: &Bytes,
        place: Place,
        (record, end): (usize, usize),
        now: i64,
        out: &mut Vec<Framed>,
    ) -> Result<()> {
        let read = Head::read(frames, record, end).and_then(|head| {
            let text = |part| {
                std::str::from_utf8(part).map_err(|_| Fault {
                    at: record,
                    what: "a name is not UTF-8",
                })
            };
            let stream = StreamId {
                name: text(head.name)?.into(),
                namespace: head.namespace.map(text).transpose()?.map(Into::into),
            };
            let partition: Arc<str> = text(head.partition)?.into();
            Ok((head, stream, partition))
        });
        let pushed = match read {
            Err(fault) => Err(fault),
            Ok((_, stream, _)) if stream.name.is_empty() => Err(Fault {
                at: record,
                what: "the record names no stream",
            }),
            Ok((head, stream, partition)) => {
                let time = emitted_at(head.emitted_at, now);
                match self.numbers.get(&stream) {
                    Some(&number) => {
                        self.heads
                            .remember(frames, record, &head, number, &partition);
                        self.runs.open(frames, number, &partition, out)?;
                        self.runs.push(frames, place, (record, end), time, true)?
                    }
                    None => {
                        self.runs.close(frames, out)?;
                        let body = run::without_values(self.layout, frames, place, time)?;
                        out.push(Framed::Records {
                            stream,
                            partition,
                            body,
                        });
                        Ok(())
                    }
                }
            }
        };
        if let Err(fault) = pushed {
            self.runs.close(frames, out)?;
            out.push(self.unreadable(frames, place, fault));
        }
        Ok(())
    }

    /// A frame that is not, at first sight, one record.
    #[cold]
    #[inline(never)]
    fn other(
        &mut self,
        frames: &Bytes,
        place: Place,
        now: i64,
        out: &mut Vec<Framed>,
    ) -> Result<()> {
        let mut fields = Fields::new(frames, place.start, place.end);
        let mut found = None;
        let read = loop {
            match fields.next() {
                Ok(None) => break Ok(()),
                Ok(Some((number @ 1..=3, Field::Bytes(from, to)))) => {
                    if found.replace((number, from, to)).is_some() {
                        break Err(Fault {
                            at: from,
                            what: "a frame holds two messages",
                        });
                    }
                }
                Ok(Some((1..=3, _))) => break Err(cut_off(place.start)),
                // What a later version may add.
                Ok(Some(_)) => {}
                Err(fault) => break Err(fault),
            }
        };
        match (read, found) {
            (Err(fault), _) => {
                self.runs.close(frames, out)?;
                out.push(self.unreadable(frames, place, fault));
            }
            (Ok(()), Some((1, from, to))) => {
                return self.record_in_full(frames, place, (from, to), now, out);
            }
            (Ok(()), Some((2, from, to))) => {
                self.runs.close(frames, out)?;
                self.message(&frames[from..to], now, out);
            }
            (Ok(()), _) => {
                self.runs.close(frames, out)?;
                out.push(Framed::Probe);
            }
        }
        Ok(())
    }

    /// A message in JSON text. A line end within it is white space there.
    fn message(&mut self, text: &[u8], now: i64, out: &mut Vec<Framed>) {
        let mut line: Vec<u8> = text
            .iter()
            .map(|b| if *b == b'\n' { b' ' } else { *b })
            .collect();
        line.push(b'\n');
        self.lines
            .decode(&Bytes::from(line), now, &mut self.messages);
        out.extend(self.messages.drain(..).map(Framed::Message));
    }

    fn unreadable(&self, frames: &[u8], place: Place, fault: Fault) -> Framed {
        let start = frames.get(place.at..place.end).unwrap_or_default();
        let shown = &start[..start.len().min(100)];
        let more = if shown.len() < start.len() { "…" } else { "" };
        Framed::Message(Message::Unreadable {
            suspect: Suspect::Record,
            excerpt: format!("{}{more}", shown.escape_ascii()),
            reason: format!(
                "{}, at byte {} of the data channel, in the frame at byte {}",
                fault.what,
                self.passed + fault.at as u64,
                self.passed + place.at as u64,
            ),
        })
    }
}

/// Where the record begins that fills the frame at `start..end`.
#[inline(always)]
fn record_of(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    if start == end || bytes.get(start) != Some(&0x0a) {
        return None;
    }
    let (length, record) = varint::read(bytes, start + 1)?;
    (end.checked_sub(record)? as u64 == length).then_some(record)
}

/// The time of a record; one that is none is as good as absent.
#[inline(always)]
fn emitted_at(time: u64, now: i64) -> i64 {
    match i64::try_from(time) {
        Ok(time @ 1..) => time,
        _ => now,
    }
}
