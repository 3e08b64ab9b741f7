//! JSON values that are kept as text: checked, so that what is written out again is JSON, and on
//! one line.

use super::change::Change;
use super::text::{escaped_unit, write_escape};
use crate::json::scan::{skip_space, string_stop};

/// A JSON value that was found well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// The offset after it.
    pub(super) end: usize,
    /// It holds `NaN` or `Infinity`, which become `null`.
    pub(super) non_finite: bool,
    /// It holds control characters: white space between tokens is dropped, the rest is escaped.
    pub(super) control: bool,
    /// It holds half a surrogate pair, which JSON's grammar lets pass but most readers do not:
    /// U+FFFD stands instead.
    pub(super) garbled: bool,
}

impl Checked {
    /// Whether the text is kept as it is.
    pub(super) fn is_clean(self) -> bool {
        !(self.non_finite || self.control || self.garbled)
    }

    /// What has to be noted of it.
    pub(super) fn change(self) -> Option<Change> {
        match self {
            Self {
                non_finite: true, ..
            } => Some(Change::NoValue),
            Self { garbled: true, .. } => Some(Change::Garbled),
            _ => None,
        }
    }
}

/// What a bracket is open for, innermost last: one bit for each, so that depth costs next to
/// nothing and no recursion is needed (P11).
#[derive(Default)]
struct Depth {
    bits: u64,
    count: usize,
    outer: Vec<u64>,
}

impl Depth {
    fn push(&mut self, object: bool) {
        if self.count > 0 && self.count.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.count += 1;
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.count -= 1;
        if self.count > 0 && self.count.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

/// Checks the value that starts at `at`. `None` if it is not JSON (but for `NaN` and `Infinity`).
pub(super) fn check(text: &[u8], at: usize) -> Option<Checked> {
    let mut checker = Checker {
        text,
        at,
        non_finite: false,
        control: false,
        garbled: false,
    };
    checker.value()?;
    Some(Checked {
        end: checker.at,
        non_finite: checker.non_finite,
        control: checker.control,
        garbled: checker.garbled,
    })
}

struct Checker<'a> {
    text: &'a [u8],
    at: usize,
    non_finite: bool,
    control: bool,
    garbled: bool,
}

impl Checker<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        if self.peek().is_some_and(|b| b <= b' ') {
            let end = skip_space(self.text, self.at);
            self.control |= self.text[self.at..end].iter().any(|b| *b != b' ');
            self.at = end;
        }
    }

    fn value(&mut self) -> Option<()> {
        let mut depth = Depth::default();
        loop {
            // A value is due. An opened bracket leaves another one due, unless it closes at once.
            let opened = match self.peek()? {
                b'"' => {
                    self.string()?;
                    false
                }
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    self.space();
                    let object = open == b'{';
                    if self.peek()? == if object { b'}' } else { b']' } {
                        self.at += 1;
                        false
                    } else {
                        depth.push(object);
                        if object {
                            self.key()?;
                        }
                        true
                    }
                }
                _ => {
                    self.scalar()?;
                    false
                }
            };
            if opened {
                continue;
            }
            loop {
                if depth.count == 0 {
                    return Some(());
                }
                self.space();
                let byte = self.peek()?;
                self.at += 1;
                match byte {
                    b',' => {
                        self.space();
                        if depth.in_object() {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if depth.in_object() => depth.pop(),
                    b']' if !depth.in_object() => depth.pop(),
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        self.space();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        let mut at = self.at + 1;
        loop {
            let stop = string_stop(self.text, at)?;
            self.control |= has_control(&self.text[at..stop]);
            at = stop + 1;
            if self.text[stop] == b'"' {
                self.at = at;
                return Some(());
            }
            match self.text.get(at)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 1,
                b'u' => {
                    let (character, end) = escaped_unit(self.text, at + 1)?;
                    self.garbled |= character.is_none();
                    at = end;
                }
                _ => return None,
            }
        }
    }

    fn scalar(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        for literal in [&b"true"[..], b"false", b"null"] {
            if rest.starts_with(literal) {
                self.at += literal.len();
                return Some(());
            }
        }
        if let Some((_, end)) = super::number::scan(self.text, self.at) {
            self.at = end;
            return Some(());
        }
        let token = non_finite(rest)?;
        self.non_finite = true;
        self.at += token;
        Some(())
    }
}

/// The length of the token at the start of `text` that stands for no finite number.
pub(super) fn non_finite(text: &[u8]) -> Option<usize> {
    [&b"NaN"[..], b"Infinity", b"-Infinity"]
        .iter()
        .find(|token| text.starts_with(token))
        .map(|token| token.len())
}

fn has_control(text: &[u8]) -> bool {
    // Without an early end, so that the compiler makes wide steps of it.
    text.iter()
        .fold(false, |found, byte| found | (*byte < 0x20))
}

/// Appends a checked value to `out`.
pub(super) fn copy(text: &[u8], checked: Checked, out: &mut Vec<u8>) {
    if checked.is_clean() {
        out.extend_from_slice(text);
        return;
    }
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = copy_string(text, at, out),
            b'N' | b'I' | b'-' if let Some(token) = non_finite(&text[at..]) => {
                out.extend_from_slice(b"null");
                at += token;
            }
            0..0x20 => at += 1,
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
}

fn copy_string(text: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    out.push(b'"');
    let mut at = at + 1;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            0..0x20 => write_escape(out, *byte),
            b'\\' => {
                let escape = match text.get(at) {
                    Some(b'u') => escaped_unit(text, at + 1),
                    _ => None,
                };
                let (kept, end): (&[u8], _) = match escape {
                    Some((None, end)) => (b"\\ufffd", end),
                    Some((Some(_), end)) => (&text[at - 1..end], end),
                    None => (text.get(at - 1..=at).unwrap_or_default(), at + 1),
                };
                out.extend_from_slice(kept);
                at = end;
            }
            b'"' => {
                out.push(b'"');
                break;
            }
            _ => out.push(*byte),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_values_are_kept_or_cleaned() {
        let check = |text: &str, expected: &str| {
            let tail = format!("{text},tail");
            let checked = super::check(tail.as_bytes(), 0).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(checked.end, text.len(), "{text}");
            let mut out = Vec::new();
            copy(text.as_bytes(), checked, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        for text in [
            "1",
            "-1.5e3",
            "\"a\\u00e9\\n\"",
            "null",
            "true",
            "{}",
            "[]",
            "[[],{}]",
            r#"{"a":[1,{"b":"}"}],"c":null}"#,
            r#"{ "a" : [ 1 , 2 ] }"#,
            r#""\ud83d\ude00""#,
        ] {
            check(text, text);
        }
        check("NaN", "null");
        check(
            r#"["\ud800\n\ud83d\ude00\udc00\"", 1]"#,
            r#"["\ufffd\n\ud83d\ude00\ufffd\"", 1]"#,
        );
        check(
            r#"{"NaN":[NaN,-Infinity,-1,Infinity],"x":"NaN"}"#,
            r#"{"NaN":[null,null,-1,null],"x":"NaN"}"#,
        );
        check("{\n\t\"a\\\"\tb\": [\r\n1, 2]}", r#"{"a\"\tb": [1, 2]}"#);
    }

    #[test]
    fn bad_values_are_refused() {
        for text in [
            "",
            "x",
            "[",
            "{",
            "[1",
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "[}",
            "{]",
            "[1 2]",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "01",
            "1.",
            "nul",
            "-",
            "Inf",
        ] {
            let closed = format!("{text} ");
            let end = super::check(closed.as_bytes(), 0).map(|c| c.end);
            assert!(end.is_none() || end < Some(text.len()), "{text}: {end:?}");
        }
    }

    #[test]
    fn depth_is_bounded_by_nothing_but_the_text() {
        for depth in [1, 63, 64, 65, 128, 129, 1000, 100_000] {
            let text = "[{\"a\":".repeat(depth) + "1" + &"}]".repeat(depth);
            assert_eq!(
                super::check(text.as_bytes(), 0).map(|c| c.end),
                Some(text.len()),
                "{depth}"
            );
            assert_eq!(super::check(&text.as_bytes()[..text.len() - 1], 0), None);
        }
    }
}
