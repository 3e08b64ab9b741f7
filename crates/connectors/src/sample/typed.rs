//! The same records as values with types, without a way through JSON text.

use crossdock_core::convert::{Typed, TypedToColumns};
use crossdock_core::error::Result;

use super::random::Random;
use super::record::{Columns, FIRST, Kind, LAST, NOTES, digits, integer};

impl Columns {
    /// Adds record `index` of the stream with this key: what [`Columns::write`] writes.
    pub(crate) fn put(
        &self,
        to: &mut TypedToColumns,
        scratch: &mut Vec<u8>,
        (stream, index): (u64, u64),
        emitted_at: i64,
    ) -> Result<()> {
        let mut random = Random::of(stream, index);
        to.put(0, Typed::Integer(index.cast_signed()))?;
        for (at, kind) in self.kinds().enumerate() {
            let value = match random.below(20) {
                0 => Typed::Null,
                _ => kind.value(scratch, &mut random, index),
            };
            to.put(at + 1, value)?;
        }
        to.end_row(emitted_at, None)
    }
}

impl Kind {
    /// Draws the same numbers in the same order as for the text.
    fn value<'a>(self, text: &'a mut Vec<u8>, random: &mut Random, index: u64) -> Typed<'a> {
        text.clear();
        match self {
            Self::Name => {
                text.extend_from_slice(random.one(&FIRST).as_bytes());
                text.push(b' ');
                text.extend_from_slice(random.one(&LAST).as_bytes());
                Typed::Text(text)
            }
            Self::Email => {
                text.extend_from_slice(b"user");
                integer(text, index);
                text.extend_from_slice(b"@example");
                integer(text, random.below(50));
                text.extend_from_slice(b".org");
                Typed::Text(text)
            }
            Self::Note => Typed::Text(random.one(&NOTES).as_bytes()),
            Self::Score => {
                let (whole, thousandths) = (random.below(1000), random.below(1000));
                // Both are exact, so the quotient is the double next to the decimal.
                Typed::Number((whole * 1000 + thousandths) as f64 / 1000.0)
            }
            Self::Active => Typed::Boolean(random.below(3) != 0),
            Self::Balance => Typed::Integer(i64::from_ne_bytes(random.next().to_ne_bytes())),
            Self::BirthDate => Typed::Date(day(random.below(20_000))),
            Self::CreatedAt => {
                let (days, nanos) = (day(random.below(2000)), time(random));
                Typed::Moment {
                    seconds: days * 86_400 + (nanos / 1_000_000_000).cast_signed(),
                    nanos: u32::try_from(nanos % 1_000_000_000).unwrap_or_default(),
                    offset: 0,
                }
            }
            Self::LocalTime => Typed::Clock {
                days: day(random.below(2000)),
                nanos: time(random),
            },
            Self::Account => {
                text.push(b'9');
                digits(text, random.next() >> 1, 19);
                digits(text, random.next() >> 1, 19);
                Typed::Text(text)
            }
            Self::Address | Self::Tags => {
                self.write(text, random, index);
                Typed::Json(text)
            }
        }
    }
}

/// Days since 1970-01-01 of the day that [`super::record::day`] writes, before the year 2100.
fn day(days: u64) -> i64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let (years, month, day) = (days / 336, days / 28 % 12, days % 28);
    let leap_days = (years + 1) / 4 + u64::from(years % 4 == 2 && month > 1);
    let month = BEFORE[usize::try_from(month).unwrap_or_default()];
    (years * 365 + leap_days + month + day).cast_signed()
}

/// Nanoseconds since midnight.
fn time(random: &mut Random) -> u64 {
    let (hours, minutes, seconds) = (random.below(24), random.below(60), random.below(60));
    ((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000 + random.below(1_000_000) * 1000
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
        let order: Vec<usize> = (0..schema.fields.len()).collect();
        let mut typed = TypedToColumns::new(&schema, &order);
        let mut scratch = Vec::new();
        for index in 0..20_000 {
            let start = text.len();
            columns.write(&mut text, 7, index);
            rows.push_line(Span::new(start, text.len()).unwrap(), 5, Span::NONE);
            columns
                .put(&mut typed, &mut scratch, (7, index), 5)
                .unwrap();
        }
        let mut read = RowsToColumns::new(&schema, None);
        read.append(&rows.finish(Bytes::from(text), None)).unwrap();
        let (typed, read) = (typed.finish().unwrap(), read.finish().unwrap());
        assert_eq!(typed.values, read.values);
        assert_eq!(typed.emitted_at, read.emitted_at);
        assert!(typed.metadata.is_none() && read.metadata.is_none());
    }
}
