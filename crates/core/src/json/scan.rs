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
#[must_use]
pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// Given the offset of an opening quote, the offset after the closing one.
pub fn skip_string(text: &[u8], at: usize) -> Result<usize, ScanError> {
    if text.get(at) != Some(&b'"') {
        return fail(at, "a string");
    }
    let mut at = at + 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest[found] == b'"' => return Ok(at + found + 1),
            Some(found) => at += found + 2,
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
        if matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b':') {
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
    #[expect(clippy::should_implement_trait, reason = "a fallible step, used in loops with `?`")]
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
    serde_json::from_slice::<String>(quoted).ok().map(Into::into)
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
        let expected = [("a", r#"[1,{"x":"}"}]"#), (r#"b\"c"#, r#""\\""#), ("d", "NaN")];
        assert_eq!(seen.len(), expected.len());
        for (seen, expected) in seen.iter().zip(expected) {
            assert_eq!((seen.0.as_str(), seen.1.as_str()), expected);
        }
        assert_eq!(&text[members.end()..], b" tail");
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
            "", "x", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":\"", "{\"a\":\"\\",
            "{\"a\":[1", "{,}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{1:2}", "{\"a\":}",
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
