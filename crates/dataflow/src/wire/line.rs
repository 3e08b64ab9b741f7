//! What a line is before anybody looks inside (§1.1).

/// A line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing stands on it.
    Blank,
    /// An object, or what begins as one: a line of the protocol.
    Object(&'a [u8]),
    /// Something that somebody printed.
    Text(&'a [u8]),
}

/// Tells what a line is. A byte order mark and space around it do not count.
#[must_use]
pub fn classify(line: &[u8]) -> Line<'_> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let line = line.trim_ascii();
    match line.first() {
        None => Line::Blank,
        Some(b'{') => Line::Object(line),
        Some(_) => Line::Text(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        assert_eq!(classify(b""), Line::Blank);
        assert_eq!(classify(b" \r"), Line::Blank);
        assert_eq!(classify(b"{\"a\":1}\r"), Line::Object(b"{\"a\":1}"));
        assert_eq!(classify("\u{feff}{}".as_bytes()), Line::Object(b"{}"));
        assert_eq!(classify(b"  {broken"), Line::Object(b"{broken"));
        assert_eq!(classify(b"[1]"), Line::Text(b"[1]"));
        assert_eq!(classify(b"starting \xff"), Line::Text(b"starting \xff"));
    }
}
