//! What a record says before its values: whose it is. Consecutive records share all of that but the
//! time, so it is compared with an earlier record's, and read only where it differs.

use std::sync::Arc;

use super::field::{Fault, Field, Fields, cut_off};
use super::varint;

/// How many heads are remembered: partitions that take turns on a socket each have their own.
const REMEMBERED: usize = 8;

/// A record's head, read in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) namespace: Option<&'a [u8]>,
    pub(super) name: &'a [u8],
    pub(super) partition: &'a [u8],
    /// Milliseconds since the epoch; 0 where the record does not say.
    pub(super) emitted_at: u64,
    /// Where the digits of the time stand, if it stands once.
    time: Option<(usize, usize)>,
    /// Where values or metadata begin, if nothing of the head comes after.
    body: Option<usize>,
}

impl<'a> Head<'a> {
    /// Reads the head out of the message `AirbyteRecordMessageProtobuf` at `at..end`, wherever in it
    /// its fields stand. Of a field that stands twice the last counts.
    pub(super) fn read(bytes: &'a [u8], at: usize, end: usize) -> Result<Self, Fault> {
        let mut head = Self::default();
        let mut body = None;
        let mut split = false;
        let mut times = 0;
        let mut fields = Fields::new(bytes, at, end);
        loop {
            let start = fields.at;
            let Some(field) = fields.next()? else { break };
            let part = |from, to| bytes.get(from..to).ok_or(cut_off(from));
            match field {
                (1, Field::Bytes(from, to)) => head.namespace = Some(part(from, to)?),
                (2, Field::Bytes(from, to)) => head.name = part(from, to)?,
                (3, Field::Varint(time)) => {
                    head.emitted_at = time;
                    head.time = Some((start + 1, fields.at));
                    times += 1;
                }
                (4, Field::Bytes(from, to)) => head.partition = part(from, to)?,
                (1..=4, _) => {
                    return Err(Fault {
                        at: start,
                        what: "a field of the record is of another type",
                    });
                }
                _ => {
                    body.get_or_insert(start);
                    continue;
                }
            }
            split |= body.is_some();
        }
        if times > 1 || bytes.get(head.time.map_or(at, |t| t.0 - 1)) != Some(&0x18) {
            // Twice, or with a tag that is longer than need be.
            head.time = None;
        }
        head.body = (!split && times <= 1).then_some(body.unwrap_or(fields.at));
        if times == 1 && head.time.is_none() {
            head.body = None;
        }
        Ok(head)
    }
}

/// The bytes of a head, and what they mean.
#[derive(Debug)]
pub(super) struct Known {
    /// Up to the tag of the time, included; all of the head if it has none.
    before: Vec<u8>,
    has_time: bool,
    after: Vec<u8>,
    /// The stream's number, as the decoder counts them.
    pub(super) stream: usize,
    pub(super) partition: Arc<str>,
}

impl Known {
    /// The time, and where the body begins, if the record at `at..end` begins with this head and
    /// something of a body follows.
    #[inline(always)]
    fn find(&self, bytes: &[u8], at: usize, end: usize) -> Option<(u64, usize)> {
        let record = bytes.get(at..end)?;
        if !record.starts_with(&self.before) {
            return None;
        }
        let mut at = at + self.before.len();
        let mut time = 0;
        if self.has_time {
            (time, at) = varint::read(bytes, at)?;
            if !bytes.get(at..end)?.starts_with(&self.after) {
                return None;
            }
            at += self.after.len();
        }
        // Where another field of the head followed, this would not be all of it.
        let follows = at < end && matches!(bytes.get(at), Some(0x2a | 0x32));
        (follows || at == end).then_some((time, at))
    }
}

/// The heads that came of late.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// The most recently used is the first.
    known: Vec<Known>,
}

impl Heads {
    /// Looks for the head of the record at `at..end`; what is found stands first then.
    #[inline(always)]
    pub(super) fn find(&mut self, bytes: &[u8], at: usize, end: usize) -> Option<(u64, usize)> {
        if let Some(found) = self.known.first()?.find(bytes, at, end) {
            return Some(found);
        }
        self.find_older(bytes, at, end)
    }

    fn find_older(&mut self, bytes: &[u8], at: usize, end: usize) -> Option<(u64, usize)> {
        for index in 1..self.known.len() {
            if let Some(found) = self.known[index].find(bytes, at, end) {
                self.known[..=index].rotate_right(1);
                return Some(found);
            }
        }
        None
    }

    /// The head that [`Heads::find`] found.
    #[inline(always)]
    pub(super) fn found(&self) -> Option<&Known> {
        self.known.first()
    }

    /// Remembers the head of the record that begins at `at`, if it stands in one piece.
    pub(super) fn remember(
        &mut self,
        bytes: &[u8],
        at: usize,
        head: &Head<'_>,
        stream: usize,
        partition: &Arc<str>,
    ) {
        let Some(body) = head.body else { return };
        let (before, after) = match head.time {
            Some((from, to)) => (at..from, to..body),
            None => (at..body, body..body),
        };
        let part = |range: std::ops::Range<usize>| bytes.get(range).unwrap_or_default().to_vec();
        self.known.truncate(REMEMBERED - 1);
        let known = Known {
            before: part(before),
            has_time: head.time.is_some(),
            after: part(after),
            stream,
            partition: Arc::clone(partition),
        };
        self.known.insert(0, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Head<'_>, Fault> {
        Head::read(bytes, 0, bytes.len())
    }

    #[test]
    fn heads_are_read_in_any_order() {
        let usual = b"\x0a\x01n\x12\x01s\x18\xac\x02\x22\x01p\x2a\x00";
        let head = read(usual).unwrap();
        assert_eq!((head.namespace, head.name), (Some(&b"n"[..]), &b"s"[..]));
        assert_eq!((head.partition, head.emitted_at), (&b"p"[..], 300));
        assert_eq!(head.body, Some(12));
        let other = b"\x2a\x00\x22\x01p\x18\x07\x12\x01x\x12\x01s\x99\x06\0\0\0\0\0\0\0\0";
        let head = read(other).unwrap();
        assert_eq!((head.namespace, head.name), (None, &b"s"[..]));
        assert_eq!((head.partition, head.emitted_at), (&b"p"[..], 7));
        assert_eq!(head.body, None);
        assert_eq!(read(b"").unwrap().name, b"");
        assert!(read(b"\x10\x01").is_err());
        assert!(read(b"\x12\x05s").is_err());
    }

    fn remembered(bytes: &[u8]) -> Heads {
        let mut heads = Heads::default();
        let head = read(bytes).unwrap();
        heads.remember(bytes, 0, &head, 0, &"".into());
        heads
    }

    fn short(heads: &mut Heads, bytes: &[u8]) -> Option<(u64, usize)> {
        heads.find(bytes, 0, bytes.len())
    }

    #[test]
    fn the_short_way_is_taken_where_it_should_be() {
        let mut heads = remembered(b"\x12\x01s\x18\xac\x02\x22\x01p\x2a\x00");
        let check = |heads: &mut Heads, bytes: &[u8], expected| {
            assert_eq!(short(heads, bytes), expected, "{bytes:?}");
        };
        check(
            &mut heads,
            b"\x12\x01s\x18\x07\x22\x01p\x2a\x00",
            Some((7, 8)),
        );
        check(&mut heads, b"\x12\x01s\x18\x07\x22\x01p", Some((7, 8)));
        check(&mut heads, b"\x12\x01s\x18\x07\x22\x01q\x2a\x00", None);
        check(&mut heads, b"\x12\x01s\x18\x07\x22\x01p\x12\x01t", None);
        check(&mut heads, b"\x12\x01s\x22\x01p\x2a\x00", None);
        check(&mut heads, b"\x12\x01s\x18", None);
        let mut heads = remembered(b"\x12\x01s\x2a\x00");
        check(&mut heads, b"\x12\x01s\x2a\x01", Some((0, 3)));
        check(&mut heads, b"\x12\x01s\x18\x07\x2a\x00", None);
        // A head in two pieces is never remembered, nor one with two times.
        for odd in [
            &b"\x2a\x00\x12\x01s"[..],
            b"\x18\x01\x18\x02",
            b"\x98\x00\x02\x12\x01s",
        ] {
            assert!(remembered(odd).known.is_empty(), "{odd:?}");
        }
    }

    proptest! {
        /// Whatever the short way finds is what a reading in full finds, unless fields of the head come again
        /// after the values, which is looked at where values are.
        #[test]
        fn the_short_way_proves_its_result(
            parts in proptest::collection::vec(0usize..7, 0..8),
            other in proptest::collection::vec(0usize..7, 0..8),
        ) {
            const PARTS: [&[u8]; 7] = [
                b"\x0a\x01n", b"\x12\x01s", b"\x18\x07", b"\x18\xac\x02", b"\x22\x01p", b"\x2a\x00", b"\x32\x00",
            ];
            let join = |parts: &[usize]| parts.iter().flat_map(|p| PARTS[*p]).copied().collect::<Vec<u8>>();
            let (first, second) = (join(&parts), join(&other));
            let mut heads = remembered(&first);
            if let Some((time, body)) = short(&mut heads, &second) {
                let (known, full) = (read(&first).unwrap(), read(&second[..body]).unwrap());
                prop_assert_eq!(time, full.emitted_at);
                prop_assert_eq!((full.name, full.namespace, full.partition), (known.name, known.namespace, known.partition));
            }
        }
    }
}
