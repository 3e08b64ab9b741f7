//! From a stream of bytes to whole frames, without copying them: frames are cut off the read buffer in
//! runs, and only the partial frame at the end is ever moved.

use bytes::{Bytes, BytesMut};

use super::fault::FrameFault;
use super::varint;

/// What one read should bring at most; also how much memory a run of frames pins.
const CHUNK: usize = 256 << 10;

/// Below this much room a new read is not worth its system call.
const LEAST_ROOM: usize = 64 << 10;

/// The longest length prefix: 32 bits.
const PREFIX: usize = 5;

/// Collects bytes and gives them out as runs of whole frames.
#[derive(Debug)]
pub struct FrameBuffer {
    buffer: BytesMut,
    /// So many bytes at the front are whole frames: no prefix is read twice.
    whole: usize,
    /// Where the frame that begins there ends, once its prefix has come.
    end: Option<usize>,
    limit: usize,
    /// Bytes given out so far.
    passed: u64,
}

impl FrameBuffer {
    /// A buffer that takes frames of up to `limit` bytes, length prefix excluded.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            whole: 0,
            end: None,
            limit,
            passed: 0,
        }
    }

    /// Where to append what was read. There is room for a read of useful size; a long frame makes
    /// the buffer grow geometrically, whatever its prefix promises.
    pub fn space(&mut self) -> &mut BytesMut {
        if self.buffer.capacity() - self.buffer.len() < LEAST_ROOM {
            self.buffer.reserve(CHUNK.max(self.buffer.len()));
        }
        &mut self.buffer
    }

    /// All whole frames that are there, with their length prefixes, as one slice; `None` if there is
    /// no whole frame yet. Errors: a length that is none, or beyond the limit; there is no way on then.
    pub fn take(&mut self) -> Result<Option<Bytes>, FrameFault> {
        self.advance()?;
        if self.whole == 0 {
            return Ok(None);
        }
        let frames = self.buffer.split_to(self.whole).freeze();
        self.passed += frames.len() as u64;
        self.end = self.end.map(|end| end - self.whole);
        self.whole = 0;
        if frames.len() > 4 * CHUNK {
            // An unusually long frame made the buffer big; it must not stay so (P7).
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        Ok(Some(frames))
    }

    fn advance(&mut self) -> Result<(), FrameFault> {
        loop {
            let end = match self.end {
                Some(end) => end,
                None => match self.next_end()? {
                    Some(end) => end,
                    None => return Ok(()),
                },
            };
            if end > self.buffer.len() {
                self.end = Some(end);
                return Ok(());
            }
            (self.whole, self.end) = (end, None);
        }
    }

    /// Where the next frame ends, if its prefix is there.
    fn next_end(&self) -> Result<Option<usize>, FrameFault> {
        let at = self.whole;
        let position = self.passed + at as u64;
        let Some((length, start)) = varint::read(&self.buffer, at) else {
            if self.buffer.len() - at >= PREFIX {
                return Err(FrameFault::Length { position });
            }
            return Ok(None);
        };
        if start - at > PREFIX {
            return Err(FrameFault::Length { position });
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(FrameFault::TooLong {
                position,
                length,
                limit: self.limit,
            });
        }
        Ok(Some(start + length))
    }

    /// At the end of input: an error if it came in the middle of a frame.
    pub fn finish(&self) -> Result<(), FrameFault> {
        let rest = self.buffer.len() - self.whole;
        if rest == 0 {
            return Ok(());
        }
        Err(FrameFault::Truncated {
            position: self.passed + self.buffer.len() as u64,
            missing: self.end.map(|end| end.saturating_sub(self.buffer.len())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        varint::write(&mut frame, length as u64);
        frame.extend(std::iter::repeat_n(b'x', length));
        frame
    }

    #[test]
    fn frames_come_out_whole_however_they_came_in() {
        let bytes = [frame(3), frame(0), frame(200), frame(5)].concat();
        let end = bytes.len() - 2;
        for cut in 0..=end {
            let mut frames = FrameBuffer::new(200);
            let mut seen = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..end]] {
                frames.space().extend_from_slice(part);
                if let Some(run) = frames.take().unwrap() {
                    seen.extend_from_slice(&run);
                }
            }
            assert_eq!(seen, bytes[..end - 4], "cut at {cut}");
            let position = end as u64;
            let missing = Some(2);
            assert_eq!(
                frames.finish(),
                Err(FrameFault::Truncated { position, missing })
            );
            frames.space().extend_from_slice(b"xx");
            assert_eq!(frames.take().unwrap().unwrap(), &b"\x05xxxxx"[..]);
            assert_eq!(frames.finish(), Ok(()));
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_with_their_place() {
        let check = |bytes: &[u8], expected: FrameFault| {
            let mut frames = FrameBuffer::new(4);
            frames.space().extend_from_slice(&frame(1));
            frames.take().unwrap();
            frames.space().extend_from_slice(bytes);
            assert_eq!(frames.take(), Err(expected), "{bytes:?}");
        };
        check(
            &frame(5),
            FrameFault::TooLong {
                position: 2,
                length: 5,
                limit: 4,
            },
        );
        check(
            &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
            FrameFault::TooLong {
                position: 3,
                length: 0xffff_ffff,
                limit: 4,
            },
        );
        check(&[0xff; 5], FrameFault::Length { position: 2 });
        check(&[0xff; 12], FrameFault::Length { position: 2 });
        check(
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            FrameFault::Length { position: 2 },
        );
    }

    #[test]
    fn a_long_frame_is_cheap_and_leaves_no_big_buffer() {
        let long = frame(12_000_000);
        let mut frames = FrameBuffer::new(usize::MAX);
        for part in long.chunks(60_000) {
            assert_eq!(frames.take().unwrap(), None);
            frames.space().extend_from_slice(part);
        }
        frames.space().extend_from_slice(&[1]);
        assert_eq!(frames.take().unwrap().unwrap().len(), long.len());
        frames.space();
        let capacity = frames.buffer.capacity();
        assert!(capacity <= 2 * CHUNK, "{capacity}");
        assert!(frames.finish().is_err());
    }
}
