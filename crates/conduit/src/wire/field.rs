//! Fields of protobuf messages, read and written where they stand.

use std::ops::Range;

pub(crate) use crossdock_avro::varint::write_varint;

use crossdock_core::fault::Fault;

/// A field's value. Those of a length are given by where they stand, so that nothing is copied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Varint(u64),
    Fixed64(u64),
    Bytes(Range<usize>),
    Fixed32(u32),
}

/// Goes through the fields of the message that stands at a range of a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    buffer: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(buffer: &'a [u8], range: Range<usize>) -> Self {
        Self {
            buffer: &buffer[..range.end],
            at: range.start,
            end: range.end,
        }
    }

    /// The next field's number and value. Groups, which proto3 does not have, are a fault.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value)>, Fault> {
        if self.at >= self.end {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number =
            u32::try_from(tag >> 3).map_err(|_| Fault::new("a field's number is too large"))?;
        if number == 0 {
            return Err(Fault::new("a field has the number 0"));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let start = self.at;
                let end = start.checked_add(length).filter(|end| *end <= self.end);
                self.at = end.ok_or_else(cut_off)?;
                Value::Bytes(start..self.at)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(Fault::new("a field has an unknown wire type")),
        };
        Ok(Some((number, value)))
    }

    /// Where the next field begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.buffer.get(self.at).ok_or_else(cut_off)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault::new("a number is too long"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk);
        let bytes = *bytes.ok_or_else(cut_off)?;
        self.at += N;
        Ok(bytes)
    }
}

fn cut_off() -> Fault {
    Fault::new("a message ends in the middle of a field")
}

/// Appends a field of a length.
pub(crate) fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    write_varint(out, u64::from(number << 3 | 2));
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a number's field.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u32, value: u64) {
    write_varint(out, u64::from(number << 3));
    write_varint(out, value);
}

/// Appends a field whose content `write` appends. Most are shorter than 128 bytes, so one byte is kept
/// free for the length, and only a longer content is moved.
#[inline]
pub(crate) fn write_nested<E>(
    out: &mut Vec<u8>,
    number: u32,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    write_varint(out, u64::from(number << 3 | 2));
    let place = out.len();
    out.push(0);
    write(out)?;
    let length = out.len() - place - 1;
    if let Ok(short @ 0..=127) = u8::try_from(length) {
        out[place] = short;
        return Ok(());
    }
    let mut bytes = Vec::with_capacity(10);
    write_varint(&mut bytes, length as u64);
    out.splice(place..=place, bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_size_are_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let content = vec![7; length];
            let mut nested = Vec::new();
            let appended = write_nested(&mut nested, 3, |out| {
                out.extend_from_slice(&content);
                Ok::<_, Fault>(())
            });
            appended.unwrap();
            let mut plain = Vec::new();
            write_bytes(&mut plain, 3, &content);
            assert!(nested == plain, "{length}");
            let mut fields = Fields::new(&plain, 0..plain.len());
            let (number, value) = fields.next().unwrap().unwrap();
            assert_eq!(
                (number, value),
                (3, Value::Bytes(plain.len() - length..plain.len()))
            );
            assert_eq!(fields.next(), Ok(None));
        }
    }

    #[test]
    fn broken_messages_are_faults() {
        let messages: [&[u8]; 7] = [
            &[0x0a],
            &[0x0a, 5, 1],
            &[0x08, 0x80],
            &[0x09, 1, 2],
            &[0x0b],
            &[0x00, 1],
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ];
        for message in messages {
            let mut fields = Fields::new(message, 0..message.len());
            assert!(fields.next().is_err(), "{message:?}");
        }
        let huge = [0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert!(Fields::new(&huge, 0..huge.len()).next().is_err());
    }
}
