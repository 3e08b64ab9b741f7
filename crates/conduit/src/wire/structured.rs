//! `google.protobuf.Struct` to JSON text and back (§4.1).
//!
//! All its numbers are doubles. A whole one within ±2^53, where every whole number has a double of its
//! own, is written as a whole number; others as the shortest text that reads as the same double. In
//! the other direction a number that no double equals is not rounded: the record carries its digits
//! as a string, and [`Lossy`] counts it.

use std::ops::Range;

use crossdock_core::convert::write_string;
use crossdock_core::inference::{Members, Seen, ValueKind};
use crossdock_core::json::scan::{self, Members as Scanned};

use crossdock_avro::number::{is_exact, is_whole, write_number};

use super::field::{self, Fields, Value};
use crossdock_core::fault::Fault;

/// Values deeper than this are refused: nobody means them (P11).
const DEEPEST: usize = 128;

/// Appends the Struct at `range` as a JSON object. `seen` learns what was in it; `true` if it was
/// something new.
///
/// # Errors
/// If it is no Struct.
pub fn write_json(
    buffer: &[u8],
    range: Range<usize>,
    out: &mut Vec<u8>,
    seen: Option<&mut Members>,
) -> Result<bool, Fault> {
    object(buffer, range, out, seen, 0)
}

fn object(
    buffer: &[u8],
    range: Range<usize>,
    out: &mut Vec<u8>,
    mut seen: Option<&mut Members>,
    depth: usize,
) -> Result<bool, Fault> {
    if depth > DEEPEST {
        return Err(Fault::new("a structured value is nested too deeply"));
    }
    let mut grown = false;
    let mut separator = b'{';
    let mut fields = Fields::new(buffer, range);
    while let Some((number, entry)) = fields.next()? {
        let (1, Value::Bytes(entry)) = (number, entry) else {
            continue;
        };
        let (mut name, mut value) = (0..0, None);
        let mut parts = Fields::new(buffer, entry);
        while let Some(part) = parts.next()? {
            match part {
                (1, Value::Bytes(range)) => name = range,
                (2, Value::Bytes(range)) => value = Some(range),
                _ => {}
            }
        }
        out.push(separator);
        separator = b',';
        let name = &buffer[name];
        let text =
            std::str::from_utf8(name).map_err(|_| Fault::new("a field's name is not UTF-8"))?;
        write_string(out, name);
        out.push(b':');
        let value = value.unwrap_or(0..0);
        let decoded = decode(buffer, value)?;
        let place = match (&mut seen, &decoded) {
            (None, _) | (_, Decoded::Null) => None,
            (Some(members), _) => {
                let (seen, is_new) = members.member(text);
                grown |= is_new;
                Some(seen)
            }
        };
        grown |= any(buffer, decoded, out, place, depth)?;
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(grown)
}

enum Decoded {
    Null,
    Number(f64),
    Text(Range<usize>),
    Boolean(bool),
    Object(Range<usize>),
    List(Range<usize>),
}

fn decode(buffer: &[u8], range: Range<usize>) -> Result<Decoded, Fault> {
    let mut decoded = Decoded::Null;
    let mut fields = Fields::new(buffer, range);
    while let Some(field) = fields.next()? {
        decoded = match field {
            (1, Value::Varint(_)) => Decoded::Null,
            (2, Value::Fixed64(bits)) => Decoded::Number(f64::from_bits(bits)),
            (3, Value::Bytes(range)) => Decoded::Text(range),
            (4, Value::Varint(value)) => Decoded::Boolean(value != 0),
            (5, Value::Bytes(range)) => Decoded::Object(range),
            (6, Value::Bytes(range)) => Decoded::List(range),
            _ => continue,
        };
    }
    Ok(decoded)
}

fn any(
    buffer: &[u8],
    value: Decoded,
    out: &mut Vec<u8>,
    seen: Option<&mut Seen>,
    depth: usize,
) -> Result<bool, Fault> {
    let kind = match &value {
        Decoded::Null => None,
        Decoded::Number(number) if is_whole(*number) => Some(ValueKind::Integer),
        Decoded::Number(number) => number.is_finite().then_some(ValueKind::Number),
        Decoded::Text(_) => Some(ValueKind::String),
        Decoded::Boolean(_) => Some(ValueKind::Boolean),
        Decoded::Object(_) => Some(ValueKind::Object),
        Decoded::List(_) => Some(ValueKind::Array),
    };
    let mut seen = seen;
    let mut grown = match (&mut seen, kind) {
        (Some(seen), Some(kind)) => seen.mark(kind),
        _ => false,
    };
    match value {
        Decoded::Null => out.extend_from_slice(b"null"),
        Decoded::Number(number) => write_number(out, number),
        Decoded::Text(range) => {
            let text = &buffer[range];
            std::str::from_utf8(text).map_err(|_| Fault::new("a text is not UTF-8"))?;
            write_string(out, text);
        }
        Decoded::Boolean(value) => {
            out.extend_from_slice(if value { b"true" } else { b"false" });
        }
        Decoded::Object(range) => {
            let members = seen.and_then(Seen::members);
            grown |= object(buffer, range, out, members, depth + 1)?;
        }
        Decoded::List(range) => {
            grown |= list(buffer, range, out, seen.map(Seen::elements), depth + 1)?;
        }
    }
    Ok(grown)
}

fn list(
    buffer: &[u8],
    range: Range<usize>,
    out: &mut Vec<u8>,
    mut seen: Option<&mut Seen>,
    depth: usize,
) -> Result<bool, Fault> {
    if depth > DEEPEST {
        return Err(Fault::new("a structured value is nested too deeply"));
    }
    let mut grown = false;
    let mut first = true;
    out.push(b'[');
    let mut fields = Fields::new(buffer, range);
    while let Some((number, element)) = fields.next()? {
        let (1, Value::Bytes(element)) = (number, element) else {
            continue;
        };
        if !std::mem::replace(&mut first, false) {
            out.push(b',');
        }
        let decoded = decode(buffer, element)?;
        grown |= any(buffer, decoded, out, seen.as_deref_mut(), depth)?;
    }
    out.push(b']');
    Ok(grown)
}

/// How many numbers had to travel as text, since no double is equal to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lossy(pub u64);

/// Appends the content of a Struct: the members of the JSON object `text`.
///
/// # Errors
/// If `text` is no JSON object.
pub fn write_struct(text: &[u8], out: &mut Vec<u8>, lossy: &mut Lossy) -> Result<(), Fault> {
    write_members(text, 0, out, lossy, 0)
}

fn write_members(
    text: &[u8],
    at: usize,
    out: &mut Vec<u8>,
    lossy: &mut Lossy,
    depth: usize,
) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::new("a value is nested too deeply"));
    }
    let mut members = Scanned::new(text, at).map_err(broken)?;
    while let Some(member) = members.next().map_err(broken)? {
        field::write_nested(out, 1, |out| {
            write_text(out, 1, &text[member.key_start - 1..=member.key_end])?;
            field::write_nested(out, 2, |out| {
                write_value(
                    text,
                    member.value_start,
                    member.value_end,
                    out,
                    lossy,
                    depth,
                )
            })
        })?;
    }
    Ok(())
}

fn write_value(
    text: &[u8],
    start: usize,
    end: usize,
    out: &mut Vec<u8>,
    lossy: &mut Lossy,
    depth: usize,
) -> Result<(), Fault> {
    let token = &text[start..end];
    match token {
        b"null" => field::write_number(out, 1, 0),
        b"true" => field::write_number(out, 4, 1),
        b"false" => field::write_number(out, 4, 0),
        [b'"', ..] => write_text(out, 3, token)?,
        [b'{', ..] => {
            field::write_nested(out, 5, |out| {
                write_members(text, start, out, lossy, depth + 1)
            })?;
        }
        [b'[', ..] => field::write_nested(out, 6, |out| {
            write_elements(text, start, out, lossy, depth + 1)
        })?,
        number => write_double(out, number, lossy)?,
    }
    Ok(())
}

fn write_elements(
    text: &[u8],
    start: usize,
    out: &mut Vec<u8>,
    lossy: &mut Lossy,
    depth: usize,
) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::new("a value is nested too deeply"));
    }
    let mut at = scan::skip_space(text, start + 1);
    while text.get(at) != Some(&b']') {
        let end = scan::skip_value(text, at).map_err(broken)?;
        field::write_nested(out, 1, |out| write_value(text, at, end, out, lossy, depth))?;
        at = scan::skip_space(text, end);
        match text.get(at) {
            Some(b',') => at = scan::skip_space(text, at + 1),
            Some(b']') => {}
            _ => return Err(Fault::new("an array is not well formed")),
        }
    }
    Ok(())
}

fn write_text(out: &mut Vec<u8>, number: u32, quoted: &[u8]) -> Result<(), Fault> {
    let text = scan::unquote(quoted).ok_or_else(|| Fault::new("a text is not well formed"))?;
    field::write_bytes(out, number, text.as_bytes());
    Ok(())
}

fn write_double(out: &mut Vec<u8>, token: &[u8], lossy: &mut Lossy) -> Result<(), Fault> {
    let text = std::str::from_utf8(token).map_err(|_| Fault::new("a number is not well formed"))?;
    let number = match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        number => number
            .parse::<f64>()
            .map_err(|_| Fault::new(format!("`{number:.40}` is no JSON value")))?,
    };
    if !is_exact(text, number) {
        lossy.0 += 1;
        field::write_bytes(out, 3, token);
        return Ok(());
    }
    out.push(2 << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

fn broken(error: scan::ScanError) -> Fault {
    Fault::new(format!("a value is not well formed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn round(text: &str) -> (String, u64) {
        let (mut wire, mut lossy) = (Vec::new(), Lossy::default());
        write_struct(text.as_bytes(), &mut wire, &mut lossy).unwrap();
        let mut json = Vec::new();
        write_json(&wire, 0..wire.len(), &mut json, None).unwrap();
        (String::from_utf8(json).unwrap(), lossy.0)
    }

    #[test]
    fn values_go_there_and_back() {
        let check = |text: &str, expected: &str, lossy| {
            assert_eq!(round(text), (expected.to_owned(), lossy));
        };
        let same = r#"{"a":1,"b":-2.5,"c":"ä\"\n","d":true,"e":null,"f":{"g":[1,[],{}]},"":false}"#;
        check(same, same, 0);
        check("{}", "{}", 0);
        check(r#" { "a" : [ 1 , 2 ] } "#, r#"{"a":[1,2]}"#, 0);
        check(r#"{"a":1e3,"b":1.50}"#, r#"{"a":1000,"b":1.5}"#, 0);
        check(r#"{"a":9007199254740992}"#, r#"{"a":9007199254740992}"#, 0);
        check(
            r#"{"a":NaN,"b":-Infinity}"#,
            r#"{"a":NaN,"b":-Infinity}"#,
            0,
        );
        check(r#"{"a\u00e4":"\ud83d\ude00"}"#, "{\"aä\":\"😀\"}", 0);
    }

    #[test]
    fn a_number_that_is_no_double_keeps_its_digits() {
        let check = |number: &str, expected: &str| {
            let (text, lossy) = round(&format!(r#"{{"n":{number}}}"#));
            assert_eq!(text, format!(r#"{{"n":{expected}}}"#));
            assert_eq!(lossy, u64::from(expected.starts_with('"')), "{number}");
        };
        check("9007199254740993", r#""9007199254740993""#);
        check("-9223372036854775807", r#""-9223372036854775807""#);
        check("9223372036854775808", "9.223372036854776e+18");
        check(
            "123456789012345678901234567890123456789012",
            r#""123456789012345678901234567890123456789012""#,
        );
        check("1e400", r#""1e400""#);
        check("0.1", "0.1");
        check("0.12345678901234567890", r#""0.12345678901234567890""#);
    }

    #[test]
    fn what_was_in_it_is_learnt() {
        let mut seen = Members::default();
        let mut check = |text: &str, grown: bool| {
            let mut wire = Vec::new();
            write_struct(text.as_bytes(), &mut wire, &mut Lossy::default()).unwrap();
            let mut out = Vec::new();
            let got = write_json(&wire, 0..wire.len(), &mut out, Some(&mut seen)).unwrap();
            assert_eq!(got, grown, "{text}");
        };
        check(r#"{"id":1,"name":"a","none":null}"#, true);
        check(r#"{"id":2,"name":"b"}"#, false);
        check(r#"{"id":2,"tags":[]}"#, true);
        check(r#"{"id":2,"tags":["x"]}"#, true);
        check(r#"{"id":null,"tags":["y",null]}"#, false);
        check(r#"{"id":1.5}"#, true);
        check(r#"{"id":7}"#, false);
        check(r#"{"at":{"x":1}}"#, true);
        check(r#"{"at":{"y":1}}"#, true);
        check(r#"{"at":{"x":3,"y":1}}"#, false);
        let properties = Json::from(seen.properties());
        let expected = json!({
            "id": {"type": ["null", "number"]},
            "name": {"type": ["null", "string"]},
            "tags": {"type": ["null", "array"], "items": {"type": ["null", "string"]}},
            "at": {"type": ["null", "object"], "properties": {
                "x": {"type": ["null", "integer"]},
                "y": {"type": ["null", "integer"]},
            }},
        });
        assert_eq!(properties, expected);
    }

    #[test]
    fn broken_values_are_faults() {
        for text in [
            "",
            "[]",
            "{\"a\":}",
            "{\"a\":x}",
            "{\"a\":[1",
            "{\"a\":[1 2]}",
            "{\"a\":\"\\x\"}",
        ] {
            let written = write_struct(text.as_bytes(), &mut Vec::new(), &mut Lossy::default());
            assert!(written.is_err(), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        assert!(write_struct(deep.as_bytes(), &mut Vec::new(), &mut Lossy::default()).is_err());
        let mut wire = Vec::new();
        for _ in 0..500 {
            let inner = std::mem::take(&mut wire);
            let mut value = Vec::new();
            field::write_bytes(&mut value, 5, &inner);
            let mut entry = Vec::new();
            field::write_bytes(&mut entry, 2, &value);
            field::write_bytes(&mut wire, 1, &entry);
        }
        assert!(write_json(&wire, 0..wire.len(), &mut Vec::new(), None).is_err());
    }
}
