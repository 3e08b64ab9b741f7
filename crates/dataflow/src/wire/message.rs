//! A message on the wire: payload, metadata, time (§1.3).

use std::ops::Range;

use crossdock_core::convert::{decode_base64, unescape_into, write_base64, write_string};
use crossdock_core::fault::Fault;
use crossdock_core::json::scan;
use jiff::Timestamp;

use super::members::{each_member, is_null, string, valid};

/// The member of the metadata that says how bytes that are no text were put into the payload (the
/// profile's, §1.3): its only value is `base64`.
pub const ENCODING: &str = "dataflow.encoding";
const BASE64: &str = "base64";

/// Where the parts of a message stand in its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageView {
    /// The payload's value; `None`: there was none.
    data: Option<Range<usize>>,
    /// The metadata's object; `None`: none, or `null`.
    metadata: Option<Range<usize>>,
    timestamp: Option<Range<usize>>,
}

/// A payload that was taken out of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text.
    Text,
    /// Bytes that came as base64.
    Bytes,
}

impl MessageView {
    /// Finds the parts of the message that is the object `line[within]`. Other members are passed over.
    pub fn read(line: &[u8], within: Range<usize>) -> Result<Self, Fault> {
        let mut view = Self::default();
        each_member(line, within, |name, value| {
            view.member(name, value);
            Ok(())
        })?;
        view.check(line)?;
        Ok(view)
    }

    pub(super) fn member(&mut self, name: &str, value: Range<usize>) {
        match name {
            "data" => self.data = Some(value),
            "metadata" => self.metadata = Some(value),
            "timestamp" => self.timestamp = Some(value),
            _ => {}
        }
    }

    /// What is wrong with the parts, if anything is.
    pub(super) fn check(&mut self, line: &[u8]) -> Result<(), Fault> {
        if self.data.is_none() {
            return Err(Fault::new("a message has no `data`"));
        }
        self.metadata = self.metadata.take().filter(|value| !is_null(line, value));
        if let Some(metadata) = &self.metadata
            && valid(line, metadata, b'{').is_none()
        {
            return Err(Fault::new("the `metadata` of a message are no object"));
        }
        Ok(())
    }

    /// Whether it has all that the page has, in the page's form: as a sink that takes nothing else wants it.
    #[must_use]
    pub fn is_whole(&self, line: &[u8]) -> bool {
        let is_text = |value: &Option<Range<usize>>| {
            value
                .as_ref()
                .is_some_and(|value| line[value.start] == b'"')
        };
        is_text(&self.data) && self.metadata.is_some() && is_text(&self.timestamp)
    }

    /// The metadata's object.
    #[must_use]
    pub fn metadata<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        self.metadata.clone().map(|range| &line[range])
    }

    /// The time in ms since the epoch; `None` if there is none, or none of RFC 3339.
    #[must_use]
    pub fn timestamp(&self, line: &[u8]) -> Option<i64> {
        let text = string(line, self.timestamp.as_ref()?)?;
        let time: Timestamp = text.parse().ok()?;
        Some(time.as_millisecond())
    }

    /// Appends the payload. A value that is no text stands for its own JSON without space.
    pub fn payload(&self, line: &[u8], out: &mut Vec<u8>) -> Result<Payload, Fault> {
        let value = self.data.clone().unwrap_or_default();
        let value = &line[value];
        let Some(inner) = value.strip_prefix(b"\"") else {
            compact(value, out);
            return Ok(Payload::Text);
        };
        let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
        if self.encoding(line).as_deref() == Some(BASE64) {
            let text = scan::unquote(value);
            let is_decoded = text.is_some_and(|text| decode_base64(text.as_bytes(), out));
            return match is_decoded {
                true => Ok(Payload::Bytes),
                false => Err(Fault::new("the `data` of a message are no base64")),
            };
        }
        let start = out.len();
        match unescape_into(inner, out) {
            Ok(false) if std::str::from_utf8(&out[start..]).is_ok() => Ok(Payload::Text),
            // Half of a character cannot be kept.
            _ => Err(Fault::new("the `data` of a message are no valid text")),
        }
    }

    fn encoding(&self, line: &[u8]) -> Option<String> {
        let metadata = self.metadata.clone()?;
        // Most have none, and need not be looked through.
        memchr::memmem::find(&line[metadata.clone()], ENCODING.as_bytes())?;
        let mut encoding = None;
        let found = each_member(line, metadata, |name, value| {
            if name == ENCODING {
                encoding = string(line, &value).map(std::borrow::Cow::into_owned);
            }
            Ok(())
        });
        found.ok().and(encoding)
    }
}

/// Appends JSON without the space between its parts.
fn compact(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let end = match byte {
            b'"' => scan::skip_string(text, at).unwrap_or(text.len()),
            _ => at + 1,
        };
        if !byte.is_ascii_whitespace() {
            out.extend_from_slice(&text[at..end]);
        }
        at = end;
    }
}

/// Where in the line of a source's message its members stand, with the brace at their end; `None` if the line
/// does not begin as the page's do.
#[must_use]
pub fn members_of(line: &[u8]) -> Option<Range<usize>> {
    const HEAD: &[u8] = b"{\"type\":\"message\",";
    line.starts_with(HEAD).then(|| HEAD.len()..line.len())
}

/// A message that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The payload: text, or any bytes.
    pub data: &'a [u8],
    /// The metadata's object, JSON all through; empty: none.
    pub metadata: &'a [u8],
    /// Its time in ms since the epoch.
    pub timestamp: i64,
}

/// Appends the members of a message, in the order of the page. Bytes that are no text go as base64, which
/// the metadata then say.
pub fn write_message(out: &mut Vec<u8>, message: &Written<'_>) {
    let metadata = match message.metadata {
        [] => b"{}",
        metadata => metadata,
    };
    out.extend_from_slice(b"\"data\":");
    let is_text = std::str::from_utf8(message.data).is_ok();
    if is_text {
        write_string(out, message.data);
    } else {
        out.push(b'"');
        write_base64(out, message.data);
        out.push(b'"');
    }
    out.extend_from_slice(b",\"metadata\":");
    if is_text {
        out.extend_from_slice(metadata);
    } else {
        let inner = metadata.strip_suffix(b"}").unwrap_or(metadata).trim_ascii();
        out.extend_from_slice(inner);
        if inner != b"{" {
            out.push(b',');
        }
        out.extend_from_slice(b"\"dataflow.encoding\":\"base64\"}");
    }
    out.extend_from_slice(b",\"timestamp\":\"");
    let time = Timestamp::from_millisecond(message.timestamp).unwrap_or_default();
    out.extend_from_slice(time.to_string().as_bytes());
    out.push(b'"');
}
