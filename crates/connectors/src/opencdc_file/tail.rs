//! The lines of a file that grows. Plain data over anything that reads; the caller waits.

use std::io::{self, Read};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// A line and the offset after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    pub(super) end: u64,
}

/// Lines read so far, and a last one that has no end yet.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Where the file was read up to.
    pub(super) offset: u64,
    rest: Vec<u8>,
}

impl Tail {
    /// Begins at `offset`, where a line begins.
    pub(super) fn at(offset: u64) -> Self {
        Self {
            offset,
            rest: Vec::new(),
        }
    }

    /// Whether something came that is no whole line.
    pub(super) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Reads on, at most some lines. `longest`: a line that is longer is an error.
    pub(super) fn read(&mut self, file: &mut impl Read, longest: usize) -> io::Result<Vec<Line>> {
        let mut chunk = vec![0; CHUNK];
        let count = file.read(&mut chunk)?;
        let mut lines = Vec::new();
        let mut start = self.offset;
        for part in chunk[..count].split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            start += part.len() as u64;
            if self.rest.len() > longest {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line is longer than {longest} bytes"),
                ));
            }
            if part.ends_with(b"\n") {
                lines.push(self.line(start));
            }
        }
        self.offset = start;
        Ok(lines)
    }

    fn line(&mut self, end: u64) -> Line {
        let mut text = std::mem::take(&mut self.rest);
        if text.ends_with(b"\n") {
            text.pop();
            if text.ends_with(b"\r") {
                text.pop();
            }
        }
        Line { text, end }
    }

    /// Takes the last line though it has no end.
    pub(super) fn take_rest(&mut self) -> Line {
        self.line(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole() {
        let mut tail = Tail::at(10);
        let mut read = |text: &str| {
            let lines = tail
                .read(&mut text.as_bytes(), 20)
                .map_err(|e| e.to_string());
            lines.map(|lines| {
                let lines = lines.into_iter();
                lines
                    .map(|line| (String::from_utf8(line.text).unwrap(), line.end))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(read("a\nb"), Ok(vec![("a".into(), 12)]));
        assert_eq!(
            read("c\r\n\nd"),
            Ok(vec![("bc".into(), 16), (String::new(), 17)])
        );
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(
            read(&"x".repeat(30)),
            Err("a line is longer than 20 bytes".into())
        );
        let mut tail = Tail::at(0);
        tail.read(&mut &b"last"[..], 20).unwrap();
        assert!(tail.has_rest());
        assert_eq!(
            tail.take_rest(),
            Line {
                text: b"last".to_vec(),
                end: 4
            }
        );
        assert!(!tail.has_rest());
    }
}
