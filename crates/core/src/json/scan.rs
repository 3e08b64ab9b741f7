//! Scanning JSON text without building anything: where a value ends, what the members of an object
//! are. Never panics, never recurses: foreign bytes come through here (P11).

use std::fmt;

/// Why a text could not be scanned, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// Offset of the byte at which the scan stopped.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for ScanError {}

fn fail<T>(at: usize, expected: &'static str) -> Result<T, ScanError> {
    Err(ScanError { at, expected })
}

/// The offset of the first byte at or after `at` that is not JSON white space.
#[inline(always)]
#[must_use]
pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    // Mostly there is none: one comparison tells.
    while let Some(byte) = text.get(at)
        && *byte <= b' '
        && matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    {
        at += 1;
    }
    at
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The top bit of every lane of `word` that equals `byte`; lanes above the first such one may be
/// wrong, which does not matter to who wants the first.
#[inline(always)]
fn lanes_equal(word: u64, byte: u8) -> u64 {
    let zeroed = word ^ (LOW * byte as u64);
    zeroed.wrapping_sub(LOW) & !zeroed & HIGH
}

/// The index of the first quote or backslash among sixteen bytes.
#[inline(always)]
#[must_use]
pub fn stop_in(chunk: [u8; 16]) -> Option<usize> {
    let word = u128::from_le_bytes(chunk);
    let lanes = |word: u64| lanes_equal(word, b'"') | lanes_equal(word, b'\\');
    let (low, high) = (lanes(word as u64), lanes((word >> 64) as u64));
    if low | high == 0 {
        return None;
    }
    let bits = if low != 0 {
        low.trailing_zeros()
    } else {
        64 + high.trailing_zeros()
    };
    Some(bits as usize / 8)
}

/// The offset of the first quote or backslash at or after `at`. Most strings of records are
/// short: they are done in steps of eight bytes before the machinery for long ones is started.
#[inline(always)]
#[must_use]
pub fn string_stop(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    for _ in 0..4 {
        let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) else {
            break;
        };
        let word = u64::from_le_bytes(*chunk);
        let found = lanes_equal(word, b'"') | lanes_equal(word, b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    string_stop_far(text, at)
}

#[inline(never)]
fn string_stop_far(text: &[u8], at: usize) -> Option<usize> {
    memchr::memchr2(b'"', b'\\', text.get(at..)?).map(|found| at + found)
}

/// Given the offset of an opening quote, the offset after the closing one.
pub fn skip_string(text: &[u8], at: usize) -> Result<usize, ScanError> {
    if text.get(at) != Some(&b'"') {
        return fail(at, "a string");
    }
    let mut at = at + 1;
    loop {
        match string_stop(text, at) {
            Some(stop) if text[stop] == b'"' => return Ok(stop + 1),
            Some(stop) => at = stop + 2,
            None => return fail(text.len(), "the end of a string"),
        }
    }
}

/// The offset after the value that starts at `at` (white space before it is skipped). Brackets are
/// matched and strings honoured; what stands between is not validated further: that is up to who
/// parses the value. Bare tokens such as `NaN` pass.
pub fn skip_value(text: &[u8], at: usize) -> Result<usize, ScanError> {
    let at = skip_space(text, at);
    match text.get(at) {
        Some(b'"') => skip_string(text, at),
        Some(b'{' | b'[') => skip_nested(text, at),
        Some(b'}' | b']' | b',' | b':') | None => fail(at, "a value"),
        Some(_) => Ok(skip_token(text, at)),
    }
}

/// The offset after a number, `true`, `null`, `NaN` …
fn skip_token(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        if matches!(
            byte,
            b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b':'
        ) {
            break;
        }
        at += 1;
    }
    at
}

fn skip_nested(text: &[u8], mut at: usize) -> Result<usize, ScanError> {
    // One counter for both kinds of bracket: a mismatch such as `[}` is found by who parses.
    let mut depth = 0usize;
    loop {
        match text.get(at) {
            Some(b'"') => {
                at = skip_string(text, at)?;
                continue;
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            Some(_) => {}
            None => return fail(at, "a closing bracket"),
        }
        at += 1;
    }
}

/// One member of an object: where its key stands (quotes excluded) and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// First byte of the key, after the quote.
    pub key_start: usize,
    /// The byte after the key's last.
    pub key_end: usize,
    /// First byte of the value.
    pub value_start: usize,
    /// The byte after the value's last.
    pub value_end: usize,
}

impl Member {
    /// The key as it stands in the text, escapes included.
    #[must_use]
    pub fn raw_key<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.key_start..self.key_end]
    }

    /// The value's text.
    #[must_use]
    pub fn value<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.value_start..self.value_end]
    }
}

/// Iterates over the members of one object; see [`Members::next`].
#[derive(Debug)]
pub struct Members<'a> {
    text: &'a [u8],
    at: usize,
    first: bool,
}

impl<'a> Members<'a> {
    /// Starts at the object whose `{` is the first byte at or after `at` that is not white space.
    pub fn new(text: &'a [u8], at: usize) -> Result<Self, ScanError> {
        let at = skip_space(text, at);
        if text.get(at) != Some(&b'{') {
            return fail(at, "an object");
        }
        Ok(Self {
            text,
            at: at + 1,
            first: true,
        })
    }

    /// The next member, or `None` after the closing brace.
    #[expect(
        clippy::should_implement_trait,
        reason = "a fallible step, used in loops with `?`"
    )]
    pub fn next(&mut self) -> Result<Option<Member>, ScanError> {
        let mut at = skip_space(self.text, self.at);
        match self.text.get(at) {
            Some(b'}') => {
                self.at = at + 1;
                return Ok(None);
            }
            Some(b',') if !self.first => at = skip_space(self.text, at + 1),
            _ if self.first => {}
            _ => return fail(at, "`,` or `}`"),
        }
        self.first = false;
        let key_end = skip_string(self.text, at)?;
        let colon = skip_space(self.text, key_end);
        if self.text.get(colon) != Some(&b':') {
            return fail(colon, "`:`");
        }
        let value_start = skip_space(self.text, colon + 1);
        let value_end = skip_value(self.text, value_start)?;
        self.at = value_end;
        Ok(Some(Member {
            key_start: at + 1,
            key_end: key_end - 1,
            value_start,
            value_end,
        }))
    }

    /// After `next` returned `None`: the offset after the closing brace.
    #[must_use]
    pub fn end(&self) -> usize {
        self.at
    }
}

/// The text of a JSON string, given with its quotes; `None` if it is not a valid one. Strings
/// without escapes are checked for UTF-8 only.
#[must_use]
pub fn unquote(quoted: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let inner = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Into::into);
    }
    serde_json::from_slice::<String>(quoted)
        .ok()
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_an_object() {
        let text = br#" { "a" : [1,{"x":"}"}] ,"b\"c":"\\", "d":NaN } tail"#;
        let mut members = Members::new(text, 0).unwrap();
        let mut seen = Vec::new();
        while let Some(member) = members.next().unwrap() {
            seen.push((
                String::from_utf8_lossy(member.raw_key(text)).into_owned(),
                String::from_utf8_lossy(member.value(text)).into_owned(),
            ));
        }
        let expected = [
            ("a", r#"[1,{"x":"}"}]"#),
            (r#"b\"c"#, r#""\\""#),
            ("d", "NaN"),
        ];
        assert_eq!(seen.len(), expected.len());
        for (seen, expected) in seen.iter().zip(expected) {
            assert_eq!((seen.0.as_str(), seen.1.as_str()), expected);
        }
        assert_eq!(&text[members.end()..], b" tail");
    }

    #[test]
    fn stops_are_found_wherever_they_are() {
        for length in 0..80 {
            let plain = vec![b'x'; length];
            assert_eq!(string_stop(&plain, 0), None);
            for at in 0..length {
                for stop in [b'"', b'\\'] {
                    let mut text = plain.clone();
                    text[at] = stop;
                    text[length - 1] = b'"';
                    assert_eq!(string_stop(&text, 0), Some(at), "{length}");
                    assert_eq!(string_stop(&text, at), Some(at), "{length}");
                    let chunk = text.first_chunk::<16>();
                    let found = (at < 16).then_some(at).or((length == 16).then_some(15));
                    assert_eq!(
                        chunk.and_then(|c| stop_in(*c)),
                        found.filter(|_| length > 15)
                    );
                }
            }
        }
        assert_eq!(
            stop_in(*b"\xa2\xdc\x21\x23\x5b\x5d\x02\x1c\xa2\xdc!#[]\0\xff"),
            None
        );
    }

    #[test]
    fn nested_values_of_every_length_are_skipped() {
        for length in 0..40 {
            let plain = "x".repeat(length);
            let text =
                format!(r#"{{"k{plain}":[1{plain},"}}{plain}\"{plain}]",{{}}],"n":{{"m":[[]]}}}}"#);
            for tail in ["", ",1", "}}]"] {
                let all = format!("{text}{tail}");
                assert_eq!(skip_value(all.as_bytes(), 0), Ok(text.len()), "{all}");
            }
            for cut in 0..text.len() {
                assert!(
                    skip_value(&text.as_bytes()[..cut], 0).is_err(),
                    "{text} {cut}"
                );
            }
        }
    }

    #[test]
    fn broken_texts_are_errors() {
        let check = |text: &str| {
            let run = || -> Result<(), ScanError> {
                let mut members = Members::new(text.as_bytes(), 0)?;
                while members.next()?.is_some() {}
                Ok(())
            };
            assert!(run().is_err(), "{text}");
        };
        for text in [
            "",
            "x",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "{\"a\":[1",
            "{,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
            "{1:2}",
            "{\"a\":}",
        ] {
            check(text);
        }
    }

    #[test]
    fn strings_are_unquoted() {
        assert_eq!(unquote(br#""a\u00e9\n""#).unwrap(), "aé\n");
        assert_eq!(unquote(br#""plain""#).unwrap(), "plain");
        assert!(unquote(b"\"\xff\"").is_none());
        assert!(unquote(b"12").is_none());
    }
}
