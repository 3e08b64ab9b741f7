//! Data without a structure, in rows whose values are objects: a key or payload that is just bytes stands
//! as an object of one member, and the record's metadata name the parts of which that is true. So whoever
//! can carry bytes gets back what there was, and whoever cannot has a column.
//!
//! | bytes | in a row |
//! |---|---|
//! | UTF-8 | `{"raw": "text"}` |
//! | others | `{"raw_base64": "…"}` |

use std::borrow::Cow;

use crate::convert::{decode_base64, write_base64, write_string};
use crate::json::scan::{self, Members};

/// The member of a record's metadata that names its raw parts: some of `key`, `before` and `after`,
/// separated by commas.
pub const RAW_PARTS: &str = "crossdock.raw";

/// Which parts of a record are raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawParts {
    /// The key.
    pub key: bool,
    /// The value before the change.
    pub before: bool,
    /// The value after the change.
    pub after: bool,
}

impl RawParts {
    /// Reads the member [`RAW_PARTS`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = Self::default();
        for part in text.split(',') {
            match part {
                "key" => parts.key = true,
                "before" => parts.before = true,
                "after" => parts.after = true,
                _ => {}
            }
        }
        parts
    }

    /// What a record's metadata, a JSON object, say.
    #[must_use]
    pub fn of_metadata(metadata: &[u8]) -> Self {
        // Most records have none.
        if memchr::memmem::find(metadata, RAW_PARTS.as_bytes()).is_none() {
            return Self::default();
        }
        let Ok(mut members) = Members::new(metadata, 0) else {
            return Self::default();
        };
        while let Ok(Some(member)) = members.next() {
            if member.raw_key(metadata) == RAW_PARTS.as_bytes() {
                let text = scan::unquote(member.value(metadata));
                return text.map_or_else(Self::default, |text| Self::parse(&text));
            }
        }
        Self::default()
    }

    /// The value of the member [`RAW_PARTS`]; `None` if no part is raw.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        Some(match (self.key, self.before, self.after) {
            (false, false, false) => return None,
            (true, false, false) => "key",
            (false, true, false) => "before",
            (false, false, true) => "after",
            (true, true, false) => "key,before",
            (true, false, true) => "key,after",
            (false, true, true) => "before,after",
            (true, true, true) => "key,before,after",
        })
    }
}

/// The name of the member that holds these bytes.
#[must_use]
pub fn member_name(bytes: &[u8]) -> &'static str {
    if std::str::from_utf8(bytes).is_ok() {
        "raw"
    } else {
        "raw_base64"
    }
}

/// Appends the object that stands for raw bytes.
pub fn wrap(bytes: &[u8], out: &mut Vec<u8>) {
    let name = member_name(bytes);
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    if name == "raw" {
        write_string(out, bytes);
    } else {
        out.push(b'"');
        write_base64(out, bytes);
        out.push(b'"');
    }
    out.push(b'}');
}

/// The bytes that an object stands for; `None` if it is none of [`wrap`].
#[must_use]
pub fn unwrap(object: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut members = Members::new(object, 0).ok()?;
    let member = members.next().ok()??;
    if members.next().ok()?.is_some() {
        return None;
    }
    let text = scan::unquote(member.value(object))?;
    match member.raw_key(object) {
        b"raw" => Some(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }),
        b"raw_base64" => {
            let mut bytes = Vec::new();
            decode_base64(text.as_bytes(), &mut bytes).then_some(Cow::Owned(bytes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let long = [0, 159, 146, 150].repeat(3);
        for bytes in [&b""[..], b"text", b"\"{}\n", &long] {
            let mut object = Vec::new();
            wrap(bytes, &mut object);
            assert_eq!(unwrap(&object).as_deref(), Some(bytes));
        }
        for other in [
            "{}",
            "[]",
            r#"{"a":"x"}"#,
            r#"{"raw":1}"#,
            r#"{"raw":"x","b":1}"#,
        ] {
            assert_eq!(unwrap(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn parts_are_named_in_the_metadata() {
        for bits in 0..8 {
            let parts = RawParts {
                key: bits & 1 > 0,
                before: bits & 2 > 0,
                after: bits & 4 > 0,
            };
            let text = parts.text().unwrap_or_default();
            let metadata = format!(r#"{{"a":"b","{RAW_PARTS}":"{text}"}}"#);
            assert_eq!(RawParts::of_metadata(metadata.as_bytes()), parts);
        }
        assert_eq!(RawParts::of_metadata(b""), RawParts::default());
    }
}
