//! The values of a column as they stand in frames. How long each is, is known before any is put in its record:
//! so the records have their places, and values are put there column by column.

use std::ops::Range;

use arrow_array::{Array as _, StringArray};
use arrow_buffer::NullBuffer;
use arrow_buffer::bit_chunk_iterator::BitChunks;

use super::encode::{self, Long, STEP, Short};

/// So many records are put together at once at most: what they take stays in the processor's nearest cache.
pub(super) const RUN: usize = 64;

/// So much room is kept for the next records: enough for [`RUN`] of 16 KiB.
const ROOM: usize = 1 << 20;

/// The values of a column in [`RUN`] records at most.
pub(super) enum Encoded<'a> {
    /// Numbers.
    Short(Slots),
    /// Moments, which are of two parts.
    Long(Slots),
    /// Texts where they are, and the case that they have in frames.
    Texts(Texts<'a>, u8),
    /// Values of any length one after another, and where each begins; at last where the last ends.
    Any(Vec<u8>, Vec<usize>),
}

impl Encoded<'_> {
    /// What `write` writes for each row.
    pub(super) fn any(rows: Range<usize>, mut write: impl FnMut(&mut Vec<u8>, usize)) -> Self {
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        for row in rows {
            offsets.push(bytes.len());
            write(&mut bytes, row);
        }
        offsets.push(bytes.len());
        Self::Any(bytes, offsets)
    }

    /// Adds to the length of each record that of its value.
    pub(super) fn measure(&self, lengths: &mut [usize]) {
        match self {
            Self::Short(slots) | Self::Long(slots) => {
                for (length, [first, second]) in lengths.iter_mut().zip(&slots.lengths) {
                    *length += usize::from(*first) + usize::from(*second);
                }
            }
            Self::Texts(texts, _) => texts.measure(lengths),
            Self::Any(_, offsets) => {
                for (length, offsets) in lengths.iter_mut().zip(offsets.windows(2)) {
                    *length += offsets[1] - offsets[0];
                }
            }
        }
    }

    /// Puts the value of each record in its place, which is then the place after it. What follows there, of
    /// [`STEP`] bytes at most, is written over.
    pub(super) fn put(&self, places: &mut [usize], out: &mut [u8]) {
        match self {
            Self::Short(slots) => slots.put(Part::First, places, out),
            Self::Long(slots) => {
                slots.put(Part::First, places, out);
                slots.put(Part::Second, places, out);
            }
            Self::Texts(texts, tag) => texts.put(*tag, places, out),
            Self::Any(bytes, offsets) => {
                for (place, offsets) in places.iter_mut().zip(offsets.windows(2)) {
                    let value = &bytes[offsets[0]..offsets[1]];
                    out[*place..*place + value.len()].copy_from_slice(value);
                    *place += value.len();
                }
            }
        }
    }

    /// The room that the values took.
    pub(super) fn into_slots(self) -> Option<Slots> {
        match self {
            Self::Short(slots) | Self::Long(slots) => Some(slots),
            Self::Texts(..) | Self::Any(..) => None,
        }
    }
}

/// The values of records, put together.
pub(super) struct Records {
    room: Vec<u8>,
    lengths: Vec<usize>,
    /// Where each record ends in `room`. Between them is what was written over.
    ends: Vec<usize>,
}

impl Records {
    /// `rows` records of these values. The room of others is used again.
    pub(super) fn of(parts: &[Encoded<'_>], rows: usize, mut room: Vec<u8>) -> Self {
        let mut lengths = vec![0; rows];
        for part in parts {
            part.measure(&mut lengths);
        }
        let mut places = Vec::with_capacity(rows);
        let mut end = 0;
        for length in &lengths {
            places.push(end);
            end += length + STEP;
        }
        room.resize(room.len().max(end), 0);
        for part in parts {
            part.put(&mut places, &mut room);
        }
        Self {
            room,
            lengths,
            ends: places,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// How many bytes all take.
    pub(super) fn bytes(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// The values of record `row`.
    pub(super) fn get(&self, row: usize) -> &[u8] {
        let end = self.ends[row];
        &self.room[end - self.lengths[row]..end]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The room, to be used again, and no more of it than is usual (P7).
    pub(super) fn into_room(self) -> Vec<u8> {
        let mut room = self.room;
        room.truncate(ROOM);
        room.shrink_to(ROOM);
        room
    }
}

/// For each of these rows, which are [`RUN`] at most, whether it has a value: the first one's is the lowest bit.
fn valid(nulls: Option<&NullBuffer>, rows: &Range<usize>) -> u64 {
    let Some(nulls) = nulls else { return u64::MAX };
    let bits = nulls.inner();
    let chunk = BitChunks::new(bits.values(), bits.offset() + rows.start, rows.len());
    chunk.iter_padded().next().unwrap_or_default()
}

/// Copies all of these bytes, of which `length` count. That is quicker than to copy as many as there happen to be.
#[inline(always)]
pub(super) fn put<const N: usize>(
    out: &mut [u8],
    at: usize,
    bytes: &[u8; N],
    length: usize,
) -> usize {
    out[at..at + N].copy_from_slice(bytes);
    at + length
}

/// Values of a few bytes each.
#[derive(Debug, Default)]
pub(super) struct Slots {
    first: Vec<u128>,
    second: Vec<u128>,
    /// How long the parts are.
    lengths: Vec<[u8; 2]>,
}

impl Slots {
    /// What `value` gives for each row that has no null.
    #[inline(always)]
    pub(super) fn short(
        mut self,
        rows: Range<usize>,
        nulls: Option<&NullBuffer>,
        mut value: impl FnMut(usize) -> Short,
    ) -> Self {
        self.room(rows.len());
        let slots = self.first.iter_mut().zip(&mut self.lengths);
        let mut valid = valid(nulls, &rows);
        for (row, (slot, lengths)) in rows.zip(slots) {
            let (bytes, length) = match valid & 1 {
                0 => encode::null(),
                _ => value(row),
            };
            valid >>= 1;
            *slot = bytes;
            *lengths = [length as u8, 0];
        }
        self
    }

    /// The same of values in two parts.
    #[inline(always)]
    pub(super) fn long(
        mut self,
        rows: Range<usize>,
        nulls: Option<&NullBuffer>,
        mut value: impl FnMut(usize) -> Long,
    ) -> Self {
        self.room(rows.len());
        self.second.resize(rows.len(), 0);
        let slots = self.first.iter_mut().zip(&mut self.second);
        let slots = slots.zip(&mut self.lengths);
        let mut valid = valid(nulls, &rows);
        for (row, ((first, second), lengths)) in rows.zip(slots) {
            let parts = match valid & 1 {
                0 => [encode::null(), (0, 0)],
                _ => value(row),
            };
            valid >>= 1;
            *first = parts[0].0;
            *second = parts[1].0;
            *lengths = [parts[0].1 as u8, parts[1].1 as u8];
        }
        self
    }

    fn room(&mut self, rows: usize) {
        self.first.resize(rows, 0);
        self.lengths.resize(rows, [0, 0]);
    }

    fn put(&self, part: Part, places: &mut [usize], out: &mut [u8]) {
        let values = match part {
            Part::First => &self.first,
            Part::Second => &self.second,
        };
        let values = values.iter().zip(&self.lengths);
        for (place, (bytes, lengths)) in places.iter_mut().zip(values) {
            let length = lengths[part as usize];
            *place = put(out, *place, &bytes.to_le_bytes(), length.into());
        }
    }
}

/// A part of a value.
#[derive(Clone, Copy)]
enum Part {
    First,
    Second,
}

/// Texts, one after another.
pub(super) struct Texts<'a> {
    /// Where each begins, and where the last ends.
    offsets: &'a [i32],
    bytes: &'a [u8],
    /// See [`valid`].
    valid: u64,
}

impl<'a> Texts<'a> {
    pub(super) fn of(array: &'a StringArray, rows: &Range<usize>) -> Self {
        Self {
            offsets: &array.value_offsets()[rows.start..=rows.end],
            bytes: array.value_data(),
            valid: valid(array.nulls(), rows),
        }
    }

    /// For each text where it begins and ends, or `None` for a null.
    #[inline(always)]
    fn places(&self) -> impl Iterator<Item = Option<(usize, usize)>> {
        let mut valid = self.valid;
        self.offsets.windows(2).map(move |offsets| {
            let is_valid = valid & 1 != 0;
            valid >>= 1;
            // Offsets are never negative.
            is_valid.then_some((offsets[0] as usize, offsets[1] as usize))
        })
    }

    fn measure(&self, lengths: &mut [usize]) {
        for (length, place) in lengths.iter_mut().zip(self.places()) {
            *length += match place {
                Some((start, end)) => encode::text_length(end - start),
                None => encode::NULL.len(),
            };
        }
    }

    fn put(&self, tag: u8, places: &mut [usize], out: &mut [u8]) {
        for (at, place) in places.iter_mut().zip(self.places()) {
            let Some((start, end)) = place else {
                *at = put(out, *at, &encode::NULL, encode::NULL.len());
                continue;
            };
            let length = end - start;
            *at = match self.bytes[start..].first_chunk::<STEP>() {
                Some(step) if length <= STEP => {
                    let head = [0x2a, length as u8 + 2, tag, length as u8];
                    let at = put(out, *at, &head, head.len());
                    put(out, at, step, length)
                }
                _ => put_long(out, *at, &self.bytes[start..end], tag),
            };
        }
    }
}

/// A text that is long, or near the column's end.
#[inline(never)]
fn put_long(out: &mut [u8], at: usize, text: &[u8], tag: u8) -> usize {
    let mut head = Vec::new();
    encode::text_head(&mut head, text.len(), tag);
    let start = at + head.len();
    out[at..start].copy_from_slice(&head);
    out[start..start + text.len()].copy_from_slice(text);
    start + text.len()
}
