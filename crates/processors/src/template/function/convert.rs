//! From one form to another: texts and numbers, JSON, base64, digests.

use std::fmt::Write as _;

use crossdock_core::convert::{decode_base64, write_base64};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Entry, float, integer, string, text_of};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("toString", 1, 1, |a| Ok(string(text_of(a, 0)))),
    ("int", 1, 1, |a| Ok(Value::integer(integer(a, 0)?))),
    ("int64", 1, 1, |a| Ok(Value::integer(integer(a, 0)?))),
    ("atoi", 1, 1, |a| {
        Ok(Value::integer(integer(a, 0).unwrap_or(0)))
    }),
    ("float64", 1, 1, |a| Ok(Value::float(float(a, 0)?))),
    ("toDecimal", 1, 1, |a| {
        let octal = i64::from_str_radix(text_of(a, 0).trim(), 8);
        Ok(Value::integer(octal.unwrap_or(0)))
    }),
    ("toJson", 1, 1, |a| Ok(string(a[0].to_go_json(true)))),
    ("toRawJson", 1, 1, |a| Ok(string(a[0].to_go_json(false)))),
    ("toPrettyJson", 1, 1, |a| {
        let value: serde_json::Value =
            serde_json::from_str(&a[0].to_go_json(false)).map_err(|error| error.to_string())?;
        Ok(string(
            serde_json::to_string_pretty(&value).unwrap_or_default(),
        ))
    }),
    ("fromJson", 1, 1, |a| Value::parse(text_of(a, 0).as_bytes())),
    ("b64enc", 1, 1, |a| {
        let mut out = Vec::new();
        write_base64(&mut out, &bytes_of(&a[0]));
        Ok(string(String::from_utf8_lossy(&out)))
    }),
    ("b64dec", 1, 1, |a| {
        let mut out = Vec::new();
        if !decode_base64(text_of(a, 0).as_bytes(), &mut out) {
            return Err("the text is no base64".to_owned());
        }
        Ok(match String::from_utf8(out) {
            Ok(text) => string(text),
            Err(error) => Value::Bytes(error.into_bytes()),
        })
    }),
    ("sha1sum", 1, 1, |a| {
        Ok(string(hex(&Sha1::digest(bytes_of(&a[0])))))
    }),
    ("sha256sum", 1, 1, |a| {
        Ok(string(hex(&Sha256::digest(bytes_of(&a[0])))))
    }),
    ("sha512sum", 1, 1, |a| {
        Ok(string(hex(&Sha512::digest(bytes_of(&a[0])))))
    }),
    ("uuidv4", 0, 0, |_| {
        let mut bytes: [u8; 16] = fastrand::u128(..).to_be_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = hex(&bytes);
        let parts = [
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..],
        ];
        Ok(string(parts.join("-")))
    }),
    ("urlquery", 1, 1, |a| {
        let mut out = String::new();
        for byte in text_of(a, 0).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    out.push(char::from(byte));
                }
                b' ' => out.push('+'),
                other => drop(write!(out, "%{other:02X}")),
            }
        }
        Ok(string(out))
    }),
    ("html", 1, 1, |a| {
        let text = text_of(a, 0)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        Ok(string(text.replace('"', "&#34;").replace('\'', "&#39;")))
    }),
];

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.clone(),
        other => other.to_text().into_bytes(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
