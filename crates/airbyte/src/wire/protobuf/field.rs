//! The fields of a message, one after the other: the long way, for what the short ones do not know.

use super::varint;

/// What is wrong within a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The offset in the bytes at hand.
    pub(super) at: usize,
    /// As a phrase.
    pub(super) what: &'static str,
}

/// A field's value; those of a length by where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Varint(u64),
    Fixed64(u64),
    Bytes(usize, usize),
    Fixed32,
}

/// Goes through the fields of the message that stands at `at..end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    /// Where the next field begins.
    pub(super) at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize, end: usize) -> Self {
        Self {
            bytes: bytes.get(..end).unwrap_or(bytes),
            at,
        }
    }

    /// The next field's number and value.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field)>, Fault> {
        let start = self.at;
        if start >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let from = self.at;
                let end = from
                    .checked_add(length)
                    .filter(|end| *end <= self.bytes.len());
                self.at = end.ok_or(cut_off(from))?;
                Field::Bytes(from, self.at)
            }
            5 => {
                self.fixed::<4>()?;
                Field::Fixed32
            }
            _ => {
                return Err(Fault {
                    at: start,
                    what: "a field is of no type that there is",
                });
            }
        };
        match tag >> 3 {
            0 => Err(Fault {
                at: start,
                what: "a field has the number 0",
            }),
            number => Ok(Some((number, field))),
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Fault> {
        let (value, end) = varint::read(self.bytes, self.at).ok_or(cut_off(self.at))?;
        self.at = end;
        Ok(value)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let bytes = *bytes.ok_or(cut_off(self.at))?;
        self.at += N;
        Ok(bytes)
    }
}

pub(super) fn cut_off(at: usize) -> Fault {
    Fault {
        at,
        what: "a message ends in the middle of a field",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_type() {
        let bytes = b"\x08\x96\x01\x11\x01\0\0\0\0\0\0\0\x1a\x02hi\x25\0\0\0\0\xf8\x01\x05";
        let mut fields = Fields::new(bytes, 0, bytes.len());
        let mut seen = Vec::new();
        while let Some(field) = fields.next().unwrap() {
            seen.push(field);
        }
        let expected = [
            (1, Field::Varint(150)),
            (2, Field::Fixed64(1)),
            (3, Field::Bytes(14, 16)),
            (4, Field::Fixed32),
            (31, Field::Varint(5)),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn broken_fields_are_faults_with_their_place() {
        let check = |bytes: &[u8], at: usize| {
            let mut fields = Fields::new(bytes, 0, bytes.len());
            let found = loop {
                match fields.next() {
                    Ok(Some(_)) => {}
                    other => break other,
                }
            };
            assert_eq!(found.unwrap_err().at, at, "{bytes:?}");
        };
        check(b"\x80", 0);
        check(b"\x08\x01\x08", 3);
        check(b"\x08\x80", 1);
        check(b"\x12\x05hi", 2);
        check(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
        check(b"\x09\x01", 1);
        check(b"\x0d\x01", 1);
        check(b"\x0b", 0);
        check(b"\x02\x00", 0);
    }
}
