//! The same records as columns, without a way through JSON text. Each column is made as a whole, so that what
//! is to be done for its kind is settled once, and not for every value.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{BooleanBufferBuilder, StringBuilder};
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, Int64Array, PrimitiveArray, RecordBatch,
    StringArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, SchemaRef};
use crossdock_core::batch::{self, Operations};
use crossdock_core::code;
use crossdock_core::convert::arrow_schema;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::StreamSchema;

use super::random::{Draw, Random};
use super::record::{CITIES, Columns, FIRST, Kind, LAST, NOTES, TAGS, text};

/// No text of a column is longer, with what is written over after it.
const LONGEST: usize = 96;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Makes records as columns.
pub(crate) struct Typed {
    kinds: Vec<Kind>,
    schema: SchemaRef,
    tables: Tables,
    /// The numbers of each record of the batch, drawn so far as the columns before needed.
    random: Vec<Random>,
}

impl Typed {
    pub(crate) fn new(columns: &Columns) -> Self {
        let schema = StreamSchema::from_json_schema(&columns.schema());
        Self {
            kinds: columns.kinds().collect(),
            schema: arrow_schema(&schema, None),
            tables: Tables::new(),
            random: Vec::new(),
        }
    }

    /// The records of this range of the stream with this key: what [`Columns::write`] writes.
    pub(crate) fn columns(
        &mut self,
        stream: u64,
        range: Range<u64>,
        emitted_at: i64,
    ) -> Result<batch::Columns> {
        let records = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        if (records as u64).saturating_mul(LONGEST as u64) > i32::MAX.unsigned_abs().into() {
            return Err(
                Error::new(&code::RECORD_TOO_LARGE, "a column could exceed 2 GiB")
                    .hint("set a smaller `batch_records`"),
            );
        }
        self.random.clear();
        self.random
            .extend(range.clone().map(|index| Random::of(stream, index)));
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.kinds.len() + 1);
        arrays.push(Arc::new(Int64Array::from_iter_values(
            range.clone().map(u64::cast_signed),
        )));
        for kind in &self.kinds {
            let column = kind.column(&mut self.random, range.start, &self.tables);
            arrays.push(column.map_err(unfit)?);
        }
        let values = RecordBatch::try_new(self.schema.clone(), arrays).map_err(unfit)?;
        Ok(batch::Columns {
            values,
            operations: Operations::default(),
            emitted_at: vec![emitted_at; records],
            metadata: None,
        })
    }
}

fn unfit(cause: ArrowError) -> Error {
    let message = "the columns of a batch do not fit together";
    Error::new(&code::INTERNAL, message).caused_by(cause)
}

/// Texts that are put together once.
struct Tables {
    /// First and last names together.
    names: Vec<String>,
    /// What comes before the ZIP code of an address, by city.
    cities: Vec<Padded>,
    /// All lists of up to [`MOST_TAGS`] tags: the one tag of a list of one is its place among the lists of one, and
    /// so on.
    tags: [Vec<String>; MOST_TAGS + 1],
}

const MOST_TAGS: usize = 3;

impl Tables {
    fn new() -> Self {
        let quoted = |plain: &&str| {
            let mut out = Vec::new();
            text(&mut out, &[plain]);
            String::from_utf8_lossy(&out).into_owned()
        };
        let names = FIRST
            .iter()
            .flat_map(|first| LAST.map(|last| format!("{first} {last}")));
        let cities = CITIES
            .iter()
            .map(|city| padded(&format!("{{\"city\":{},\"zip\":\"", quoted(city))));
        let lists = |length: u32| {
            let places = 0..TAGS.len().pow(length);
            let list = |place: usize| {
                // The first tag counts most.
                let each = (0..length)
                    .rev()
                    .map(|at| quoted(&TAGS[place / TAGS.len().pow(at) % TAGS.len()]));
                format!("[{}]", each.collect::<Vec<_>>().join(","))
            };
            places.map(list).collect()
        };
        Self {
            names: names.collect(),
            cities: cities.collect(),
            tags: [0, 1, 2, 3].map(lists),
        }
    }
}

/// For each record: whether it has a null here, which is drawn first, and else its value. Gives which are null.
#[inline(always)]
fn each(
    random: &mut [Random],
    mut put: impl FnMut(usize, Option<&mut Draw<'_>>),
) -> Option<NullBuffer> {
    let count = random.len();
    let mut words = Vec::with_capacity(count.div_ceil(64));
    for (word, random) in random.chunks_mut(64).enumerate() {
        let mut valid = 0u64;
        for (at, random) in random.iter_mut().enumerate() {
            let mut draw = random.column();
            let is_null = draw.below(20) == 0;
            valid |= u64::from(!is_null) << at;
            put(word * 64 + at, (!is_null).then_some(&mut draw));
        }
        words.push(valid);
    }
    let valid = BooleanBuffer::new(Buffer::from_vec(words), 0, count);
    Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
}

/// A column of numbers, by the type of Arrow.
#[inline(always)]
fn numbers<T: ArrowPrimitiveType>(
    random: &mut [Random],
    mut value: impl FnMut(&mut Draw<'_>) -> T::Native,
) -> PrimitiveArray<T> {
    let mut values = vec![T::Native::default(); random.len()];
    let nulls = each(random, |at, draw| {
        if let Some(draw) = draw {
            values[at] = value(draw);
        }
    });
    PrimitiveArray::new(values.into(), nulls)
}

/// A column of texts that are there, of about so many bytes each.
#[inline(always)]
fn texts<'a>(
    random: &mut [Random],
    length: usize,
    mut value: impl FnMut(&mut Draw<'_>) -> &'a str,
) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(random.len(), random.len() * length);
    each(random, |_, draw| match draw {
        Some(draw) => column.append_value(value(draw)),
        None => column.append_null(),
    });
    Arc::new(column.finish())
}

/// A column of texts that are put together, of about so many bytes each.
#[inline(always)]
fn lines(
    random: &mut [Random],
    length: usize,
    mut write: impl FnMut(&mut Line, &mut Draw<'_>, usize),
) -> Result<ArrayRef, ArrowError> {
    let mut bytes = Vec::with_capacity(random.len() * length + LONGEST);
    let mut offsets = Vec::with_capacity(random.len() + 1);
    offsets.push(0);
    let mut line = Line {
        bytes: [0; LONGEST],
        length: 0,
    };
    let nulls = each(random, |at, draw| {
        if let Some(draw) = draw {
            line.length = 0;
            write(&mut line, draw, at);
            // Copying more than there is, and taking it back, is quicker than to copy as much as there happens to
            // be.
            let end = bytes.len() + line.length;
            bytes.extend_from_slice(&line.bytes);
            bytes.truncate(end);
        }
        // How long all may become was looked at before.
        offsets.push(bytes.len() as i32);
    });
    let offsets = OffsetBuffer::new(offsets.into());
    let column = StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?;
    Ok(Arc::new(column))
}

/// A text that is being put together.
struct Line {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Line {
    #[inline(always)]
    fn push(&mut self, text: &[u8]) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }

    /// A text, and after it what is written over.
    #[inline(always)]
    fn push_padded(&mut self, (text, length): &Padded) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += length;
    }

    /// `width` digits of a number, at most 19.
    #[inline(always)]
    fn digits(&mut self, mut value: u64, width: usize) {
        let mut end = self.length + width;
        self.length = end;
        for _ in 0..width / 2 {
            self.bytes[end - 2..end].copy_from_slice(&PAIRS[(value % 100) as usize]);
            value /= 100;
            end -= 2;
        }
        if width % 2 == 1 {
            self.bytes[end - 1] = b'0' + (value % 10) as u8;
        }
    }

    /// A number as long as it is.
    #[inline(always)]
    fn integer(&mut self, value: u64) {
        match value {
            0..10 => self.digits(value, 1),
            10..100 => self.digits(value, 2),
            _ => self.push(itoa::Buffer::new().format(value).as_bytes()),
        }
    }
}

/// A text that is copied in one step, and how long it is.
type Padded = ([u8; 48], usize);

fn padded(text: &str) -> Padded {
    let mut bytes = [0; 48];
    // The longest is well below it.
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    (bytes, text.len())
}

/// The digits of the numbers below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < 100 {
        pairs[at] = [b'0' + at as u8 / 10, b'0' + at as u8 % 10];
        at += 1;
    }
    pairs
};

impl Kind {
    /// Draws the same numbers in the same order as for the text.
    fn column(
        self,
        random: &mut [Random],
        first: u64,
        tables: &Tables,
    ) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Name => texts(random, 20, |draw| {
                let (first, last) = (draw.place(FIRST.len()), draw.place(LAST.len()));
                &tables.names[first * LAST.len() + last]
            }),
            Self::Email => lines(random, 32, |line, draw, at| {
                line.push(b"user");
                line.integer(first + at as u64);
                line.push(b"@example");
                line.integer(draw.below(50));
                line.push(b".org");
            })?,
            Self::Note => texts(random, 16, |draw| draw.one(&NOTES)),
            Self::Score => Arc::new(numbers::<Float64Type>(random, |draw| {
                let (whole, thousandths) = (draw.below(1000), draw.below(1000));
                // Both are exact, so the quotient is the double next to the decimal.
                (whole * 1000 + thousandths) as f64 / 1000.0
            })),
            Self::Active => {
                let mut values = BooleanBufferBuilder::new(random.len());
                let nulls = each(random, |_, draw| {
                    values.append(draw.is_some_and(|draw| draw.below(3) != 0));
                });
                Arc::new(BooleanArray::new(values.finish(), nulls))
            }
            Self::Balance => Arc::new(numbers::<Int64Type>(random, |draw| {
                draw.next().cast_signed()
            })),
            Self::BirthDate => Arc::new(numbers::<Date32Type>(random, |draw| {
                day(draw.below(20_000)) as i32
            })),
            Self::CreatedAt => {
                let column = numbers::<TimestampMicrosecondType>(random, moment);
                Arc::new(column.with_timezone("UTC"))
            }
            Self::LocalTime => Arc::new(numbers::<TimestampMicrosecondType>(random, moment)),
            Self::Account => lines(random, 40, |line, draw, _| {
                line.push(b"9");
                line.digits(draw.next() >> 1, 19);
                line.digits(draw.next() >> 1, 19);
            })?,
            Self::Address => lines(random, 72, |line, draw, _| {
                line.push_padded(&tables.cities[draw.place(CITIES.len())]);
                line.digits(draw.below(100_000), 5);
                line.push(b"\",\"geo\":{\"lat\":");
                line.integer(draw.below(90));
                line.push(b".");
                line.digits(draw.below(10_000), 4);
                line.push(b"}}");
            })?,
            Self::Tags => texts(random, 24, |draw| {
                let count = draw.place(MOST_TAGS + 1);
                let place =
                    (0..count).fold(0, |place, _| place * TAGS.len() + draw.place(TAGS.len()));
                &tables.tags[count][place]
            }),
        })
    }
}

/// Microseconds since 1970.
#[inline(always)]
fn moment(draw: &mut Draw<'_>) -> i64 {
    day(draw.below(2000)) * DAY + time(draw)
}

/// Days since 1970-01-01 of the day that [`super::record::day`] writes, before the year 2100.
#[inline(always)]
fn day(days: u64) -> i64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let (years, month, day) = (days / 336, days / 28 % 12, days % 28);
    let leap_days = (years + 1) / 4 + u64::from(years % 4 == 2 && month > 1);
    let month = BEFORE[month as usize];
    (years * 365 + leap_days + month + day).cast_signed()
}

/// Microseconds since midnight.
#[inline(always)]
fn time(draw: &mut Draw<'_>) -> i64 {
    let (hours, minutes, seconds) = (draw.below(24), draw.below(60), draw.below(60));
    let micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + draw.below(1_000_000);
    micros.cast_signed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use crossdock_core::batch::{RowsBuilder, Span};
    use crossdock_core::convert::RowsToColumns;
    use crossdock_core::schema::StreamSchema;

    use super::*;

    #[test]
    fn columns_are_those_of_the_text() {
        let columns = Columns::new(30);
        let schema = StreamSchema::from_json_schema(&columns.schema());
        let (mut text, mut rows) = (Vec::new(), RowsBuilder::default());
        let mut typed = Typed::new(&columns);
        for index in 20..20_000 {
            let start = text.len();
            columns.write(&mut text, 7, index);
            rows.push_line(Span::new(start, text.len()).unwrap(), 5, Span::NONE);
        }
        let mut read = RowsToColumns::new(&schema, None);
        read.append(&rows.finish(Bytes::from(text), None)).unwrap();
        let typed = typed.columns(7, 20..20_000, 5).unwrap();
        let read = read.finish().unwrap();
        assert_eq!(typed.values, read.values);
        assert_eq!(typed.emitted_at, read.emitted_at);
        assert!(typed.metadata.is_none() && read.metadata.is_none());
    }

    #[test]
    fn what_would_not_fit_a_column_is_refused() {
        let mut typed = Typed::new(&Columns::new(2));
        let error = typed.columns(7, 0..30_000_000, 5).unwrap_err();
        assert_eq!(error.code().name, "run.record_too_large");
    }
}
