//! Bare `NaN`, `Infinity` and `-Infinity`: no JSON, but Python prints them (§6, 5) and a
//! destination would drop the line without a word. They become `null`, and the record says so.

use std::borrow::Cow;

use crossdock_core::json::scan::{Members, ScanError, skip_string, unquote};
use memchr::memmem::Finder;

/// Finds the next place in a chunk where such a token may stand.
#[derive(Debug)]
pub(crate) struct TokenFinder {
    nan: Finder<'static>,
    infinity: Finder<'static>,
}

impl Default for TokenFinder {
    fn default() -> Self {
        Self {
            nan: Finder::new(b"NaN"),
            infinity: Finder::new(b"Infinity"),
        }
    }
}

/// A lazy search through one chunk: each needle is looked for from where it was last found.
#[derive(Debug)]
pub(crate) struct Suspicion {
    nan: usize,
    infinity: usize,
}

impl TokenFinder {
    /// Starts the search of a chunk.
    pub(crate) fn start(&self, chunk: &[u8]) -> Suspicion {
        let find = |finder: &Finder<'_>| finder.find(chunk).unwrap_or(usize::MAX);
        Suspicion {
            nan: find(&self.nan),
            infinity: find(&self.infinity),
        }
    }

    /// Moves the search on to offset `from`, once a hit was dealt with.
    pub(crate) fn advance(&self, suspicion: &mut Suspicion, chunk: &[u8], from: usize) {
        let next = |finder: &Finder<'_>, hit: &mut usize| {
            if *hit < from {
                let rest = chunk.get(from..).unwrap_or_default();
                *hit = finder.find(rest).map_or(usize::MAX, |found| from + found);
            }
        };
        next(&self.nan, &mut suspicion.nan);
        next(&self.infinity, &mut suspicion.infinity);
    }
}

impl Suspicion {
    /// Offset of the next hit; `usize::MAX` for none.
    #[inline]
    pub(crate) fn next(&self) -> usize {
        self.nan.min(self.infinity)
    }
}

/// The text with every bare token replaced by `null`; borrowed if there is none.
pub(crate) fn null_tokens(text: &[u8]) -> Result<Cow<'_, [u8]>, ScanError> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let token: &[u8] = match byte {
            b'"' => {
                at = skip_string(text, at)?;
                continue;
            }
            b'N' => b"NaN",
            b'I' => b"Infinity",
            b'-' => b"-Infinity",
            _ => {
                at += 1;
                continue;
            }
        };
        if text[at..].starts_with(token) {
            out.extend_from_slice(&text[copied..at]);
            out.extend_from_slice(b"null");
            at += token.len();
            copied = at;
        } else {
            at += 1;
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    out.extend_from_slice(&text[copied..]);
    Ok(Cow::Owned(out))
}

/// An object without bare tokens, and the names of the top-level fields that had some.
pub(crate) type Nulled = (Vec<u8>, Vec<String>);

/// The object `data` without bare tokens, and the names of the top-level fields that had some.
/// `None` if there is nothing to replace.
pub(crate) fn null_fields(data: &[u8]) -> Result<Option<Nulled>, ScanError> {
    let Cow::Owned(replaced) = null_tokens(data)? else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    let mut members = Members::new(data, 0)?;
    while let Some(member) = members.next()? {
        if matches!(null_tokens(member.value(data))?, Cow::Owned(_)) {
            let quoted = &data[member.key_start - 1..=member.key_end];
            fields.push(unquote(quoted).unwrap_or_default().into_owned());
        }
    }
    Ok(Some((replaced, fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_null_outside_strings_only() {
        let check = |data: &str, expected: Option<(&str, &[&str])>| {
            let found = null_fields(data.as_bytes()).unwrap();
            let found = found.map(|(text, fields)| (String::from_utf8(text).unwrap(), fields));
            let expected =
                expected.map(|(t, f)| (t.to_owned(), f.iter().map(|f| (*f).to_owned()).collect()));
            assert_eq!(found, expected, "{data}");
        };
        check(r#"{"a":NaN}"#, Some((r#"{"a":null}"#, &["a"])));
        check(
            r#"{"a": 1, "b\"": [-Infinity, {"c": Infinity}], "d": "NaN"}"#,
            Some((
                r#"{"a": 1, "b\"": [null, {"c": null}], "d": "NaN"}"#,
                &["b\""],
            )),
        );
        check(r#"{"NaN":"-Infinity and \"NaN","x":-1}"#, None);
        assert!(null_fields(b"{\"a\":NaN,\"").is_err());
    }

    #[test]
    fn the_search_stops_at_each_hit_once() {
        let finder = TokenFinder::default();
        let chunk = b"..NaN..Infinity..NaN";
        let mut suspicion = finder.start(chunk);
        let mut hits = Vec::new();
        while suspicion.next() != usize::MAX {
            let hit = suspicion.next();
            hits.push(hit);
            finder.advance(&mut suspicion, chunk, hit + 1);
        }
        assert_eq!(hits, [2, 7, 17]);
    }
}
