//! Lines to messages. Records of one stream within one run of lines become one [`Rows`] that
//! shares the run's memory; everything else is parsed. Foreign bytes never panic (P11).

mod run;

use bytes::Bytes;
use crossdock_core::batch::Rows;
use crossdock_core::catalog::{Catalog, DestinationSyncMode};
use crossdock_core::json::scan::{ScanError, unquote};
use crossdock_core::spec::Spec;
use crossdock_core::stream::StreamId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::envelope::{Kind, Place, RecordScan, at, integer, looks_like, scan, scan_record};
use super::message::{ConnectionStatus, Control, DestinationCatalog, Log, Trace};
use super::record::{Edit, rewrite};
use super::state::StateMessage;
use super::template::Template;
use super::token::{TokenFinder, null_fields};
use run::Runs;

/// How many layouts are remembered: streams that interleave each have their own.
const TEMPLATES: usize = 8;

/// Texts that are no messages are cut to this length: they only go to the log.
const TEXT_LIMIT: usize = 16 << 10;

/// What a line, or a run of record lines, says.
#[derive(Debug)]
pub enum Message {
    /// Records of one stream, with their lines in the form [`super::FORM`].
    Records {
        /// The stream.
        stream: StreamId,
        /// The records.
        rows: Rows,
    },
    /// A checkpoint.
    State(StateMessage),
    /// A log line.
    Log(Log),
    /// A status, an estimate, an error.
    Trace(Box<Trace>),
    /// A new configuration.
    Control(Control),
    /// The answer to `spec`.
    Spec(Box<Spec>),
    /// The answer to `check`.
    ConnectionStatus(ConnectionStatus),
    /// The answer to `discover`.
    Catalog(Catalog),
    /// The answer of a destination to `discover`.
    DestinationCatalog(DestinationCatalog),
    /// A line that was meant to be data and cannot be read.
    Unreadable {
        /// What it was meant to be.
        suspect: Suspect,
        /// Its beginning.
        excerpt: String,
        /// Why it cannot be read, as a phrase.
        reason: String,
    },
    /// A line that is no message: plain text or foreign JSON (§6, 1 and 2).
    Text(String),
}

/// What an unreadable line was meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// A RECORD.
    Record,
    /// A STATE.
    State,
}

/// Decodes lines. Keeps what it learned of their layout from one run to the next.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The most recently used is the first.
    templates: Vec<Template>,
    tokens: TokenFinder,
    runs: Runs,
}

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes `lines`, which ends with a line end, and appends the messages to `out`. Order is
    /// kept between records of a stream, and between records and everything else; records of
    /// different streams between two other messages are sorted by stream. `now` (milliseconds
    /// since the epoch) is the time of records that have none.
    pub fn decode(&mut self, lines: &Bytes, now: i64, out: &mut Vec<Message>) {
        let mut suspicion = self.tokens.start(lines);
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', lines) {
            let line = &lines[start..end];
            let suspect = suspicion.next() < end;
            match if suspect { None } else { self.recognise(line) } {
                Some((data, emitted_at)) => {
                    let stream = &self.templates[0].stream;
                    let data = (start + data.0, start + data.1);
                    self.runs
                        .share(lines, stream, data, emitted_at, None, (start, end + 1), out);
                }
                None => self.read(lines, (start, end), suspect, now, out),
            }
            if suspect {
                self.tokens.advance(&mut suspicion, lines, end);
            }
            start = end + 1;
        }
        self.runs.flush(lines, out);
    }

    /// The short way: see [`Template`].
    #[inline]
    fn recognise(&mut self, line: &[u8]) -> Option<(Place, i64)> {
        for index in 0..self.templates.len() {
            if let Some(found) = self.templates[index].find(line) {
                self.templates[..=index].rotate_right(1);
                return Some((found.data, found.emitted_at));
            }
        }
        None
    }

    /// The long way. Out of the hot loop on purpose.
    #[cold]
    #[inline(never)]
    fn read(
        &mut self,
        lines: &Bytes,
        (start, end): Place,
        suspect: bool,
        now: i64,
        out: &mut Vec<Message>,
    ) {
        let line = &lines[start..end];
        if line.trim_ascii().is_empty() {
            return;
        }
        let envelope = match scan(line) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.runs.flush(lines, out);
                out.push(not_a_message(line, &error));
                return;
            }
        };
        match (envelope.kind, envelope.payload) {
            (Some(Kind::Record), Some(payload)) => {
                if let Err(reason) = self.record(lines, (start, end), payload, suspect, now, out) {
                    self.runs.flush(lines, out);
                    out.push(unreadable(Suspect::Record, line, reason));
                }
            }
            (Some(kind @ (Kind::Record | Kind::State)), None) => {
                self.runs.flush(lines, out);
                let suspect = if kind == Kind::State {
                    Suspect::State
                } else {
                    Suspect::Record
                };
                out.push(unreadable(suspect, line, "its payload is missing".into()));
            }
            (Some(kind), Some(payload)) => {
                self.runs.flush(lines, out);
                let whole = lines.slice(start..=end);
                out.push(rare(kind, &whole, line, payload));
            }
            (None, _) | (Some(_), None) => out.push(text(line)),
        }
    }

    fn record(
        &mut self,
        lines: &Bytes,
        (start, end): Place,
        payload: Place,
        suspect: bool,
        now: i64,
        out: &mut Vec<Message>,
    ) -> Result<(), String> {
        let line = &lines[start..end];
        let broken = |e: ScanError| e.to_string();
        let scan = scan_record(line, payload).map_err(broken)?;
        let name = |place: Option<Place>| place.map(|place| unquote(at(line, place)));
        let stream = StreamId {
            name: name(scan.stream)
                .flatten()
                .ok_or("`stream` is not a string")?
                .into(),
            namespace: match name(scan.namespace) {
                Some(text) => Some(text.ok_or("`namespace` is not a string")?.into()),
                None => None,
            },
        };
        let data = scan.data.ok_or("`data` is not an object")?;
        let time = scan.emitted_at.map(|place| at(line, place));
        let exact = time.and_then(integer);
        let nulled = if suspect {
            null_fields(at(line, data)).map_err(broken)?
        } else {
            None
        };
        if let (Some(emitted_at), None) = (exact, &nulled) {
            let shift = |place: Place| (start + place.0, start + place.1);
            let meta = scan.meta.map(shift);
            self.runs.share(
                lines,
                &stream,
                shift(data),
                emitted_at,
                meta,
                (start, end + 1),
                out,
            );
            self.remember(line, &scan, &stream);
            return Ok(());
        }
        // The line cannot be forwarded as it is: Python destinations want an integer time, and no
        // destination takes a bare NaN.
        let emitted_at = exact.or_else(|| whole_number(time?)).unwrap_or(now);
        let (data, nulled) = nulled.unzip();
        let edit = Edit {
            data: data.as_deref(),
            emitted_at: Some(emitted_at),
            nulled: nulled.as_deref().unwrap_or_default(),
            stream: None,
        };
        let mut own = Vec::with_capacity(line.len() + 64);
        rewrite(line, &edit, &mut own).map_err(broken)?;
        let payload = self::scan(&own)
            .map_err(broken)?
            .payload
            .unwrap_or_default();
        let scan = scan_record(&own, payload).map_err(broken)?;
        let data = scan.data.ok_or("`data` is not an object")?;
        self.runs
            .own(lines, &stream, &own, data, emitted_at, scan.meta, out);
        Ok(())
    }

    fn remember(&mut self, line: &[u8], scan: &RecordScan, stream: &StreamId) {
        if let Some(template) = Template::of(line, scan, stream) {
            // One layout per stream: an older one of this stream is outdated.
            self.templates.retain(|t| t.stream != template.stream);
            self.templates.truncate(TEMPLATES - 1);
            self.templates.insert(0, template);
        }
    }
}

/// `1795289451713.0`, or with a fraction, which is cut off (§6, 6).
fn whole_number(text: &[u8]) -> Option<i64> {
    let number = serde_json::from_slice::<serde_json::Number>(text).ok()?;
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cut off on purpose, and checked to be in range"
    )]
    number
        .as_i64()
        .or_else(|| (float.abs() < 9.0e18).then_some(float as i64))
}

fn lossy(line: &[u8], limit: usize) -> String {
    let cut = &line[..line.len().min(limit)];
    let mut text = String::from_utf8_lossy(cut.trim_ascii()).into_owned();
    if cut.len() < line.len() {
        text.push('…');
    }
    text
}

fn text(line: &[u8]) -> Message {
    Message::Text(lossy(line, TEXT_LIMIT))
}

fn unreadable(suspect: Suspect, line: &[u8], reason: String) -> Message {
    Message::Unreadable {
        suspect,
        excerpt: lossy(line, 200),
        reason,
    }
}

fn not_a_message(line: &[u8], error: &ScanError) -> Message {
    for (kind, suspect) in [
        (Kind::Record, Suspect::Record),
        (Kind::State, Suspect::State),
    ] {
        if looks_like(line, kind) {
            return unreadable(suspect, line, error.to_string());
        }
    }
    text(line)
}

fn rare(kind: Kind, whole: &Bytes, line: &[u8], payload: Place) -> Message {
    let body = at(line, payload);
    match kind {
        Kind::Log => typed(line, body, Message::Log),
        Kind::Trace => typed(line, body, |t| Message::Trace(Box::new(t))),
        Kind::Control => typed(line, body, Message::Control),
        Kind::Spec => spec(body).map_or_else(|| text(line), |s| Message::Spec(Box::new(s))),
        Kind::ConnectionStatus => typed(line, body, Message::ConnectionStatus),
        Kind::Catalog => typed(line, body, Message::Catalog),
        Kind::DestinationCatalog => typed(line, body, Message::DestinationCatalog),
        Kind::State | Kind::Record => {
            let body = &whole[payload.0..payload.1];
            match StateMessage::parse(whole, body) {
                Ok(state) => Message::State(state),
                Err(reason) => unreadable(Suspect::State, line, reason),
            }
        }
    }
}

/// A specification. Destination modes that are not on the wire's list do not spoil the rest.
fn spec(body: &[u8]) -> Option<Spec> {
    let mut spec: serde_json::Value = serde_json::from_slice(body).ok()?;
    if let Some(serde_json::Value::Array(modes)) = spec.get_mut("supported_destination_sync_modes")
    {
        modes.retain(|mode| DestinationSyncMode::deserialize(mode).is_ok());
    }
    serde_json::from_value(spec).ok()
}

fn typed<T: DeserializeOwned>(line: &[u8], body: &[u8], message: fn(T) -> Message) -> Message {
    serde_json::from_slice(body).map_or_else(|_| text(line), message)
}

#[cfg(test)]
mod tests;
