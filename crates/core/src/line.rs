//! From a stream of bytes to whole lines, without copying them: lines are cut off the read buffer
//! in runs, and only the partial line at the end is ever moved.

use std::fmt;

use bytes::{Bytes, BytesMut};

/// What one read should bring at most; also how much memory a run of lines pins.
const CHUNK: usize = 256 << 10;

/// Below this much room a new read is not worth its system call.
const LEAST_ROOM: usize = 64 << 10;

/// Collects bytes and gives them out as runs of whole lines.
#[derive(Debug)]
pub struct LineBuffer {
    buffer: BytesMut,
    /// So many bytes at the front are known to hold no line end: no byte is searched twice.
    searched: usize,
    limit: usize,
}

/// A line exceeds the limit (P11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTooLong {
    /// The limit, in bytes.
    pub limit: usize,
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a line is longer than {} bytes", self.limit)
    }
}

impl std::error::Error for LineTooLong {}

impl LineBuffer {
    /// A buffer that takes lines of up to `limit` bytes, line end excluded.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            limit,
        }
    }

    /// Where to append what was read. There is room for a read of useful size; a long line makes
    /// the buffer grow geometrically.
    pub fn space(&mut self) -> &mut BytesMut {
        if self.buffer.capacity() - self.buffer.len() < LEAST_ROOM {
            self.buffer.reserve(CHUNK.max(self.buffer.len()));
        }
        &mut self.buffer
    }

    /// All whole lines that are there, with their line ends, as one slice; `None` if there is no
    /// whole line yet.
    pub fn take(&mut self) -> Result<Option<Bytes>, LineTooLong> {
        let Some(found) = memchr::memrchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            if self.buffer.len() > self.limit {
                return Err(LineTooLong { limit: self.limit });
            }
            return Ok(None);
        };
        let end = self.searched + found + 1;
        let lines = self.buffer.split_to(end).freeze();
        self.searched = self.buffer.len();
        if end > 4 * CHUNK {
            // An unusually long line made the buffer big; it must not stay so (P7).
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        if lines.len() > self.limit {
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', &lines) {
                if end - start > self.limit {
                    return Err(LineTooLong { limit: self.limit });
                }
                start = end + 1;
            }
        }
        Ok(Some(lines))
    }

    /// At the end of input: what follows the last line end, given a line end; `None` if nothing
    /// does.
    pub fn rest(&mut self) -> Option<Bytes> {
        self.searched = 0;
        if self.buffer.is_empty() {
            return None;
        }
        let mut rest = std::mem::take(&mut self.buffer);
        rest.extend_from_slice(b"\n");
        Some(rest.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_came_in() {
        let text = b"one\ntwo\n\nthree";
        for cut in 0..=text.len() {
            let mut lines = LineBuffer::new(10);
            let mut seen = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                lines.space().extend_from_slice(part);
                if let Some(run) = lines.take().unwrap() {
                    assert_eq!(run.last(), Some(&b'\n'));
                    seen.extend_from_slice(&run);
                }
            }
            assert_eq!(seen, b"one\ntwo\n\n", "cut at {cut}");
            assert_eq!(lines.rest().unwrap(), &b"three\n"[..]);
            assert_eq!(lines.rest(), None);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_refused_in_both_ways() {
        let mut open = LineBuffer::new(4);
        open.space().extend_from_slice(b"12345");
        assert_eq!(open.take(), Err(LineTooLong { limit: 4 }));
        let mut closed = LineBuffer::new(4);
        closed.space().extend_from_slice(b"1\n12345\n");
        assert_eq!(closed.take(), Err(LineTooLong { limit: 4 }));
        let mut fits = LineBuffer::new(4);
        fits.space().extend_from_slice(b"1234\n1234\n");
        assert!(fits.take().unwrap().is_some());
    }

    #[test]
    fn a_long_line_is_cheap_and_leaves_no_big_buffer() {
        let mut lines = LineBuffer::new(usize::MAX);
        let part = vec![b'x'; 60_000];
        for _ in 0..200 {
            lines.space().extend_from_slice(&part);
            assert_eq!(lines.take().unwrap(), None);
        }
        lines.space().extend_from_slice(b"\ny");
        assert_eq!(lines.take().unwrap().unwrap().len(), 12_000_001);
        lines.space();
        assert!(
            lines.buffer.capacity() <= 2 * CHUNK,
            "{}",
            lines.buffer.capacity()
        );
        assert_eq!(lines.rest().unwrap(), &b"y\n"[..]);
    }
}
