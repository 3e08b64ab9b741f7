//! Strings out of JSON and into it.

use std::borrow::Cow;

use crate::json::scan::stop_in;

/// Copies the text of the string whose opening quote is before `at` to `out`, if it has no escapes
/// and is valid UTF-8. Returns the offset of its closing quote; on `None`, `out` may hold a part
/// that the caller cuts off. Searched and copied in the same steps, since most strings of records
/// are short.
#[inline(always)]
pub(super) fn copy_plain(text: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let start = out.len();
    let mut from = at;
    let mut seen = 0;
    while let Some(chunk) = text.get(from..).and_then(<[u8]>::first_chunk::<16>) {
        out.extend_from_slice(chunk);
        let word = u128::from_le_bytes(*chunk);
        seen |= word as u64 | (word >> 64) as u64;
        if let Some(stop) = stop_in(*chunk) {
            let stop = from + stop;
            out.truncate(start + (stop - at));
            if seen & NOT_ASCII != 0 {
                std::str::from_utf8(&text[at..stop]).ok()?;
            }
            return (text[stop] == b'"').then_some(stop);
        }
        from += 16;
        if from - at == 64 {
            break;
        }
    }
    copy_plain_far(text, at, from, out)
}

/// The bits that no ASCII byte has.
const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

#[inline(never)]
fn copy_plain_far(text: &[u8], at: usize, from: usize, out: &mut Vec<u8>) -> Option<usize> {
    let rest = text.get(from..)?;
    let stop = memchr::memchr2(b'"', b'\\', rest)?;
    out.extend_from_slice(&rest[..stop]);
    std::str::from_utf8(&text[at..from + stop]).ok()?;
    (rest[stop] == b'"').then_some(from + stop)
}

/// A backslash sequence that JSON does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape;

/// Appends the text of a JSON string, given without its quotes. `true` if a lone surrogate had to
/// become U+FFFD. On an error `out` holds a part: the caller cuts it off.
pub fn unescape_into(inner: &[u8], out: &mut Vec<u8>) -> Result<bool, BadEscape> {
    let mut garbled = false;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &inner[at..]) {
        out.extend_from_slice(&inner[at..at + found]);
        at += found + 2;
        let plain = match inner.get(at - 1).ok_or(BadEscape)? {
            byte @ (b'"' | b'\\' | b'/') => *byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, end) = escaped_unit(inner, at).ok_or(BadEscape)?;
                garbled |= character.is_none();
                at = end;
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return Err(BadEscape),
        };
        out.push(plain);
    }
    out.extend_from_slice(&inner[at..]);
    Ok(garbled)
}

/// The character of the `\u` escape, or of the pair of them, whose first digits stand at `at`, and
/// the offset after it. The character is `None` for half a surrogate pair.
pub(super) fn escaped_unit(text: &[u8], at: usize) -> Option<(Option<char>, usize)> {
    let first = four_hex(text, at)?;
    if (0xd800..0xdc00).contains(&first)
        && text.get(at + 4..at + 6) == Some(b"\\u")
        && let Some(low @ 0xdc00..0xe000) = four_hex(text, at + 6)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        return Some((char::from_u32(code), at + 10));
    }
    Some((char::from_u32(first), at + 4))
}

fn four_hex(text: &[u8], at: usize) -> Option<u32> {
    let mut value = 0;
    for byte in text.get(at..at + 4)? {
        value = value * 16 + char::from(*byte).to_digit(16)?;
    }
    Some(value)
}

/// The text of a JSON string, given without its quotes, and whether it was garbled.
pub(super) fn unescape(inner: &[u8]) -> Result<(Cow<'_, [u8]>, bool), BadEscape> {
    if memchr::memchr(b'\\', inner).is_none() {
        return Ok((Cow::Borrowed(inner), false));
    }
    let mut out = Vec::with_capacity(inner.len());
    let garbled = unescape_into(inner, &mut out)?;
    Ok((Cow::Owned(out), garbled))
}

/// Appends `text` as a JSON string, quotes included.
pub fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    while !rest.is_empty() {
        let start = out.len();
        let length = rest.len().min(16);
        let chunk = match rest.first_chunk::<16>() {
            Some(chunk) => *chunk,
            None => {
                let mut padded = [b' '; 16];
                padded[..length].copy_from_slice(rest);
                padded
            }
        };
        out.extend_from_slice(&chunk);
        let special = special_in(chunk);
        let plain = special.unwrap_or(length);
        out.truncate(start + plain);
        rest = &rest[plain..];
        if let (Some(_), Some((byte, after))) = (special, rest.split_first()) {
            write_escape(out, *byte);
            rest = after;
        }
    }
    out.push(b'"');
}

/// The index of the first byte that a JSON string must escape.
fn special_in(chunk: [u8; 16]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let control = |word: u64| word.wrapping_sub(LOW * 0x20) & !word & NOT_ASCII;
    let word = u128::from_le_bytes(chunk);
    let control = match (control(word as u64), control((word >> 64) as u64)) {
        (0, 0) => 16,
        (0, high) => 8 + high.trailing_zeros() as usize / 8,
        (low, _) => low.trailing_zeros() as usize / 8,
    };
    let special = stop_in(chunk).unwrap_or(16).min(control);
    (special < 16).then_some(special)
}

/// Appends the escape of a quote, a backslash or a control character.
pub(super) fn write_escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        other => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(other >> 4)]);
            out.push(HEX[usize::from(other & 15)]);
        }
    }
}

/// Appends `bytes` in base64 of the standard alphabet, padded.
pub fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|i| u32::from(group.get(i).copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        for place in 0..4 {
            out.push(if place <= group.len() {
                ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]
            } else {
                b'='
            });
        }
    }
}

/// The value of each character of base64, of both the standard and the URL alphabet.
const BASE64_VALUES: [u8; 256] = {
    let mut table = [0xff; 256];
    let standard = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        table[standard[i] as usize] = i as u8;
        i += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

/// Appends the bytes that `text` stands for in base64, padded or not. `false` if it is none; then
/// `out` may hold a part that the caller cuts off.
pub fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    let digits = &text[..text.len() - padding];
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) || digits.len() % 4 == 1 {
        return false;
    }
    out.reserve(digits.len() / 4 * 3 + 2);
    let mut bad = 0;
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for digit in group {
            let value = BASE64_VALUES[usize::from(*digit)];
            bad |= value & 0x80;
            bits = bits << 6 | u32::from(value & 63);
        }
        bits <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes[..group.len() - 1]);
    }
    bad == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let check = |inner: &str, expected: Result<(&str, bool), BadEscape>| {
            let found = unescape(inner.as_bytes());
            let expected =
                expected.map(|(text, garbled)| (Cow::Borrowed(text.as_bytes()), garbled));
            assert_eq!(found, expected, "{inner}");
        };
        check("", Ok(("", false)));
        check("plain ü", Ok(("plain ü", false)));
        check(r#"\"\\\/\b\f\n\r\t"#, Ok(("\"\\/\u{8}\u{c}\n\r\t", false)));
        check(r"a\u00e9b\u0000", Ok(("aéb\0", false)));
        check(r"\ud83d\ude00!", Ok(("😀!", false)));
        check(r"\ud83d!", Ok(("\u{fffd}!", true)));
        check(r"\ude00\ud83d\u0041", Ok(("\u{fffd}\u{fffd}A", true)));
        check(r"\x", Err(BadEscape));
        check(r"\", Err(BadEscape));
        check(r"\u12", Err(BadEscape));
        check(r"\u+123", Err(BadEscape));
    }

    #[test]
    fn strings_are_written_as_json_reads_them() {
        for text in ["", "plain", "a\"b\\c\nd\re\tf\u{1}g\u{1f}h\u{7f}ü😀"] {
            let mut out = Vec::new();
            write_string(&mut out, text.as_bytes());
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn base64_both_ways() {
        let check = |text: &str, expected: Option<&[u8]>| {
            let mut out = Vec::new();
            let found = decode_base64(text.as_bytes(), &mut out).then_some(out.as_slice());
            assert_eq!(found, expected, "{text}");
        };
        check("", Some(b""));
        check("Zg==", Some(b"f"));
        check("Zg", Some(b"f"));
        check("Zm8=", Some(b"fo"));
        check("Zm9v", Some(b"foo"));
        check("Zm9vYmE=", Some(b"fooba"));
        check("-_+/", Some(&[0xfb, 0xff, 0xbf]));
        for text in ["Z", "Zg=", "Z===", "=", "Zm9v=", "Zm 9", "Zm9v\n", "é"] {
            check(text, None);
        }
        for length in 0..20u8 {
            let bytes: Vec<u8> = (0..length).map(|i| i.wrapping_mul(77)).collect();
            let mut text = Vec::new();
            write_base64(&mut text, &bytes);
            let mut back = Vec::new();
            assert!(decode_base64(&text, &mut back));
            assert_eq!(back, bytes);
        }
    }
}
