//! The same records as columns, without a way through JSON text. Each column is made as a whole, so that what
//! is to be done for its kind is settled once, and not for every value.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;
use crossdock_core::batch::{self, Operations};
use crossdock_core::code;
use crossdock_core::convert::arrow_schema;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::StreamSchema;

use super::random::Random;
use super::record::{CITIES, Columns, FIRST, Kind, LAST, NOTES, TAGS, text};

/// No text of a column is longer.
const LONGEST: u64 = 100;

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
        if (records as u64).saturating_mul(LONGEST) > i32::MAX.unsigned_abs().into() {
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
            arrays.push(kind.column(&mut self.random, range.start, &self.tables));
        }
        let values = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|cause| {
            Error::new(
                &code::INTERNAL,
                "the columns of a batch do not fit together",
            )
            .caused_by(cause)
        })?;
        Ok(batch::Columns {
            values,
            operations: Operations::default(),
            emitted_at: vec![emitted_at; records],
            metadata: None,
        })
    }
}

/// Texts that are put together once.
struct Tables {
    /// First and last names together.
    names: Vec<String>,
    /// Cities and tags as JSON text.
    cities: Vec<String>,
    tags: Vec<String>,
}

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
        Self {
            names: names.collect(),
            cities: CITIES.iter().map(quoted).collect(),
            tags: TAGS.iter().map(quoted).collect(),
        }
    }
}

/// For each record: whether it has a null here, which is drawn first, and else its value.
#[inline(always)]
fn each(random: &mut [Random], mut put: impl FnMut(usize, Option<&mut Random>)) {
    for (at, random) in random.iter_mut().enumerate() {
        let is_null = random.below(20) == 0;
        put(at, (!is_null).then_some(random));
    }
}

/// A column of texts, about so long each.
#[inline(always)]
fn texts(
    random: &mut [Random],
    length: usize,
    mut write: impl FnMut(&mut StringBuilder, &mut Random, usize),
) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(random.len(), random.len() * length);
    each(random, |at, random| match random {
        Some(random) => {
            write(&mut column, random, at);
            // The value is what was written.
            column.append_value("");
        }
        None => column.append_null(),
    });
    Arc::new(column.finish())
}

/// Appends to the text being written. A builder takes all.
#[inline(always)]
fn add(column: &mut StringBuilder, text: &str) {
    let _ = column.write_str(text);
}

fn integer(column: &mut StringBuilder, value: u64) {
    add(column, itoa::Buffer::new().format(value));
}

/// A number with leading zeros, cut to its last `width` digits: 19 at most.
#[inline(always)]
fn digits(column: &mut StringBuilder, value: u64, width: u32) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value % 10u64.pow(width));
    add(
        column,
        ZEROS.get(digits.len()..width as usize).unwrap_or_default(),
    );
    add(column, digits);
}

const ZEROS: &str = "0000000000000000000";

/// A column of numbers or truths, by its builder.
macro_rules! numbers {
    ($builder:expr, $random:expr, $value:expr) => {{
        let mut column = $builder;
        let value = $value;
        each($random, |_, random| column.append_option(random.map(value)));
        Arc::new(column.finish())
    }};
}

impl Kind {
    /// Draws the same numbers in the same order as for the text.
    fn column(self, random: &mut [Random], first: u64, tables: &Tables) -> ArrayRef {
        let n = random.len();
        match self {
            Self::Name => texts(random, 20, |column, random, _| {
                let (first, last) = (random.place(FIRST.len()), random.place(LAST.len()));
                add(column, &tables.names[first * LAST.len() + last]);
            }),
            Self::Email => texts(random, 32, |column, random, at| {
                add(column, "user");
                integer(column, first + at as u64);
                add(column, "@example");
                integer(column, random.below(50));
                add(column, ".org");
            }),
            Self::Note => texts(random, 16, |column, random, _| {
                add(column, random.one(&NOTES))
            }),
            Self::Score => numbers!(
                Float64Builder::with_capacity(n),
                random,
                |random: &mut Random| {
                    let (whole, thousandths) = (random.below(1000), random.below(1000));
                    // Both are exact, so the quotient is the double next to the decimal.
                    (whole * 1000 + thousandths) as f64 / 1000.0
                }
            ),
            Self::Active => numbers!(
                BooleanBuilder::with_capacity(n),
                random,
                |random: &mut Random| { random.below(3) != 0 }
            ),
            Self::Balance => numbers!(
                Int64Builder::with_capacity(n),
                random,
                |random: &mut Random| { random.next().cast_signed() }
            ),
            Self::BirthDate => numbers!(
                Date32Builder::with_capacity(n),
                random,
                |random: &mut Random| { day(random.below(20_000)) as i32 }
            ),
            Self::CreatedAt => numbers!(
                TimestampMicrosecondBuilder::with_capacity(n).with_timezone("UTC"),
                random,
                moment
            ),
            Self::LocalTime => {
                numbers!(
                    TimestampMicrosecondBuilder::with_capacity(n),
                    random,
                    moment
                )
            }
            Self::Account => texts(random, 40, |column, random, _| {
                add(column, "9");
                digits(column, random.next() >> 1, 19);
                digits(column, random.next() >> 1, 19);
            }),
            Self::Address => texts(random, 60, |column, random, _| {
                add(column, "{\"city\":");
                add(column, &tables.cities[random.place(CITIES.len())]);
                add(column, ",\"zip\":\"");
                digits(column, random.below(100_000), 5);
                add(column, "\",\"geo\":{\"lat\":");
                integer(column, random.below(90));
                add(column, ".");
                digits(column, random.below(10_000), 4);
                add(column, "}}");
            }),
            Self::Tags => texts(random, 24, |column, random, _| {
                add(column, "[");
                for at in 0..random.below(4) {
                    if at > 0 {
                        add(column, ",");
                    }
                    add(column, &tables.tags[random.place(TAGS.len())]);
                }
                add(column, "]");
            }),
        }
    }
}

/// Microseconds since 1970.
#[inline(always)]
fn moment(random: &mut Random) -> i64 {
    day(random.below(2000)) * DAY + time(random)
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
fn time(random: &mut Random) -> i64 {
    let (hours, minutes, seconds) = (random.below(24), random.below(60), random.below(60));
    let micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + random.below(1_000_000);
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
