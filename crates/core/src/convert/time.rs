//! Dates, times and timestamps out of text and back (Airbyte §1.9).
//!
//! Reading is lenient as sources are: `T` or a space, `Z`, `+05:00`, `+0500` or `+05`, seconds and
//! fraction optional, a date alone, years of any length, and the suffix ` BC`. Days count by the
//! proleptic Gregorian calendar; the year before 1 is 1 BC.

pub(super) mod precise;

use super::number::digits;

pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(super) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
const NANOS_PER_SECOND: i64 = 1000 * MICROS_PER_SECOND;

/// A value, and whether it is all that the text said: `exact` is false where a part was cut off,
/// such as a fraction beyond microseconds or the zone in a column without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading<T> {
    pub(super) value: T,
    pub(super) exact: bool,
}

/// Days since 1970-01-01 of a date that exists, for years up to some millions either way.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last; 400 years are 146,097 days.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day. Years stay below some millions, so months and days are small.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097) as u32;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = i64::from(year_of_era) + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year.rem_euclid(4) == 0
            && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) =>
        {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A day as it is written.
#[derive(Clone, Copy)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
}

impl Civil {
    /// Days since the epoch, if there is such a day.
    fn days(self) -> Option<i64> {
        let Self { year, month, day } = self;
        let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        exists.then(|| days_from_civil(year, month, day))
    }
}

/// A cursor over the text of a date or time.
struct Text<'a> {
    rest: &'a [u8],
    before_christ: bool,
}

impl<'a> Text<'a> {
    fn new(text: &'a [u8]) -> Self {
        let text = text.trim_ascii();
        match text.strip_suffix(b"BC") {
            Some(rest) => Self {
                rest: rest.trim_ascii_end(),
                before_christ: true,
            },
            None => Self {
                rest: text,
                before_christ: false,
            },
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.rest.split_first()?;
        first.is_ascii_digit().then(|| {
            self.rest = rest;
            i64::from(first - b'0')
        })
    }

    fn two_digits(&mut self) -> Option<i64> {
        Some(self.digit()? * 10 + self.digit()?)
    }

    fn date(&mut self) -> Option<i64> {
        let negative = self.eat(b'-');
        if !negative {
            self.eat(b'+');
        }
        let (mut year, mut count) = (0, 0);
        while let Some(digit) = self.digit() {
            year = year * 10 + digit;
            count += 1;
            if count > 9 {
                return None;
            }
        }
        if count < 4 || !self.eat(b'-') {
            return None;
        }
        let month = self.two_digits()?;
        if !self.eat(b'-') {
            return None;
        }
        let day = self.two_digits()?;
        let year = match (negative, self.before_christ) {
            (false, false) => year,
            (true, false) => -year,
            (false, true) => 1 - year,
            (true, true) => return None,
        };
        Civil { year, month, day }.days()
    }

    /// The time of day in microseconds; `24:00` and a leap second count on into the next day.
    fn time(&mut self) -> Option<Reading<i64>> {
        let Reading { value, exact } = self.time_in_nanos()?;
        Some(Reading {
            value: value / 1000,
            exact: exact && value % 1000 == 0,
        })
    }

    fn time_in_nanos(&mut self) -> Option<Reading<i64>> {
        let hour = self.two_digits()?;
        if !self.eat(b':') {
            return None;
        }
        let minute = self.two_digits()?;
        let second = if self.eat(b':') {
            self.two_digits()?
        } else {
            0
        };
        if hour > 24 || minute > 59 || second > 60 || (hour == 24 && minute + second > 0) {
            return None;
        }
        let (mut nanos, mut exact) = (0, true);
        if self.eat(b'.') {
            let mut unit = NANOS_PER_SECOND / 10;
            nanos = self.digit()? * unit;
            while let Some(digit) = self.digit() {
                unit /= 10;
                nanos += digit * unit;
                exact &= unit > 0 || digit == 0;
            }
        }
        let value = ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos;
        Some(Reading { value, exact })
    }

    /// The zone that ends the text: its offset from UTC in microseconds, `None` if there is none.
    fn zone(&mut self) -> Result<Option<i64>, Unreadable> {
        self.rest = self.rest.trim_ascii_start();
        let sign = match self.rest {
            b"" => return Ok(None),
            b"Z" | b"z" | b"UTC" | b"GMT" => return Ok(Some(0)),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Err(Unreadable),
        };
        self.rest = &self.rest[1..];
        let hour = self.two_digits().ok_or(Unreadable)?;
        let minute = if self.eat(b':') || !self.rest.is_empty() {
            self.two_digits().ok_or(Unreadable)?
        } else {
            0
        };
        if hour > 23 || minute > 59 || !self.rest.is_empty() {
            return Err(Unreadable);
        }
        Ok(Some(sign * (hour * 60 + minute) * 60 * MICROS_PER_SECOND))
    }
}

struct Unreadable;

/// Reads a timestamp as microseconds since the epoch: of the moment if `zoned` (no zone means
/// UTC), else of the clock as written. `None` if `text` is not one or does not fit.
pub(super) fn timestamp(text: &[u8], zoned: bool) -> Option<Reading<i64>> {
    let mut text = Text::new(text);
    let days = text.date()?;
    let mut time = Reading {
        value: 0,
        exact: true,
    };
    let mut offset = None;
    if !text.rest.is_empty() {
        if !(text.eat(b'T') || text.eat(b't') || text.eat(b' ')) {
            return None;
        }
        time = text.time()?;
        offset = text.zone().ok()?;
    }
    let offset = offset.unwrap_or(0);
    let clock = i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(time.value);
    let (value, exact) = if zoned {
        (clock - i128::from(offset), time.exact)
    } else {
        (clock, time.exact && offset == 0)
    };
    Some(Reading {
        value: i64::try_from(value).ok()?,
        exact,
    })
}

/// Reads a date as days since the epoch; the time of a timestamp is cut off.
pub(super) fn date(text: &[u8]) -> Option<Reading<i32>> {
    let mut text = Text::new(text);
    let days = i32::try_from(text.date()?).ok()?;
    let mut exact = true;
    if !text.rest.is_empty() {
        if !(text.eat(b'T') || text.eat(b't') || text.eat(b' ')) {
            return None;
        }
        let time = text.time()?;
        exact = time.value == 0 && time.exact && text.zone().ok()?.unwrap_or(0) == 0;
    }
    Some(Reading { value: days, exact })
}

/// Reads a time of day as microseconds since midnight; a zone is cut off.
pub(super) fn time_of_day(text: &[u8]) -> Option<Reading<i64>> {
    let mut text = Text::new(text);
    let time = text.time()?;
    let offset = text.zone().ok()?.unwrap_or(0);
    if text.before_christ || time.value >= MICROS_PER_DAY {
        return None;
    }
    Some(Reading {
        value: time.value,
        exact: time.exact && offset == 0,
    })
}

/// Two digits in each pair of lanes to their number in the lower lane; the caller has checked that
/// the wanted lanes hold digits.
#[inline(always)]
fn joined(lanes: u64) -> u64 {
    lanes.wrapping_mul(10).wrapping_add(lanes >> 8)
}

#[inline(always)]
fn lane(word: u64, index: u32) -> u32 {
    u32::from((word >> (index * 8)) as u8)
}

/// `text` as eight lanes from which `pattern`, with zeros for digits, was taken away: every lane
/// holds 0–9 where a digit may stand and 0 elsewhere, or the answer is `None`.
#[inline(always)]
fn eight(text: [u8; 8], pattern: [u8; 8]) -> Option<u64> {
    let mut fixed = [0; 8];
    for (fixed, byte) in fixed.iter_mut().zip(pattern) {
        *fixed = if byte == b'0' { 0 } else { 0xff };
    }
    let value = u64::from_le_bytes(text) ^ u64::from_le_bytes(pattern);
    let over_nine = value.wrapping_add(0x7676_7676_7676_7676) | value;
    let bad = (over_nine & 0x8080_8080_8080_8080) | (value & u64::from_le_bytes(fixed));
    (bad == 0).then_some(value)
}

/// Days since the epoch of `YYYY-MM-DD` at the start of `text`: the way of nearly all dates.
#[inline(always)]
pub(super) fn short_date(text: &[u8]) -> Option<i64> {
    const DAYS: [u8; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];
    const BEFORE: [u16; 16] = [
        0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 0, 0, 0,
    ];
    let text = text.first_chunk::<10>()?;
    let [y0, y1, y2, y3, d0, m0, m1, d1, t0, t1] = *text;
    let date = joined(eight([y0, y1, y2, y3, d0, m0, m1, d1], *b"0000-00-")?);
    let (tens, ones) = (t0.wrapping_sub(b'0'), t1.wrapping_sub(b'0'));
    let (century, of_century, month) = (lane(date, 0), lane(date, 2), lane(date, 5));
    if tens > 9 || ones > 9 || month > 12 {
        return None;
    }
    let day = u32::from(tens) * 10 + u32::from(ones);
    let leap = if of_century == 0 {
        century % 4 == 0
    } else {
        of_century % 4 == 0
    };
    let at = month as usize;
    if day == 0 || day > u32::from(DAYS[at]) + u32::from(leap && month == 2) {
        return None;
    }
    // Leap days of the years before this one; the leap day of this one if it is over.
    let year = century * 100 + of_century;
    let full = year + 399;
    let leap_days = full / 4 - full / 100 + full / 400 + u32::from(leap && month > 2);
    let days = year * 365 + leap_days + u32::from(BEFORE[at]) + day;
    const YEAR_ZERO: i64 = 719_528 + 97;
    Some(i64::from(days) - YEAR_ZERO)
}

/// Seconds since the epoch of `YYYY-MM-DD?HH:MM:SS` at the start of `text`, `?` being `T` or a
/// space: the way of nearly all timestamps.
#[inline(always)]
fn short_clock(text: &[u8]) -> Option<i64> {
    let days = short_date(text)?;
    let (b'T' | b' ', rest) = text.get(10..)?.split_first()? else {
        return None;
    };
    let time = joined(eight(*rest.first_chunk()?, *b"00:00:00")?);
    let (hour, minute, second) = (lane(time, 0), lane(time, 3), lane(time, 6));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days * 86_400 + i64::from((hour * 60 + minute) * 60 + second))
}

/// Reads the timestamp that stands from the start of `text` up to a quote, in its usual form:
/// microseconds and the offset of the quote. `None` is no verdict: [`timestamp`] may still read it.
#[inline(always)]
pub(super) fn short_timestamp(text: &[u8], zoned: bool) -> Option<(i64, usize)> {
    let seconds = short_clock(text)?;
    let mut at = 19;
    let mut micros = 0;
    if text.get(at) == Some(&b'.') {
        const SCALE: [i64; 7] = [0, 100_000, 10_000, 1_000, 100, 10, 1];
        let (fraction, end) = digits(text, at + 1, 0);
        micros = i64::try_from(fraction).ok()? * SCALE.get(end - at - 1)?;
        if end == at + 1 {
            return None;
        }
        at = end;
    }
    let mut offset = 0;
    match text.get(at)? {
        b'Z' => at += 1,
        b'"' => {}
        sign @ (b'+' | b'-') => {
            let [h0, h1, b':', m0, m1] = *text.get(at + 1..)?.first_chunk::<5>()? else {
                return None;
            };
            let digits = [h0, h1, m0, m1].map(|b| i64::from(b.wrapping_sub(b'0')));
            let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3]);
            if digits.iter().any(|d| *d > 9) || hour > 23 || minute > 59 {
                return None;
            }
            offset = (hour * 60 + minute) * 60;
            if *sign == b'-' {
                offset = -offset;
            }
            at += 6;
        }
        _ => return None,
    }
    if text.get(at) != Some(&b'"') || (!zoned && offset != 0) {
        return None;
    }
    Some(((seconds - offset) * MICROS_PER_SECOND + micros, at))
}

/// Two digits of a number below 100.
fn two(value: u32) -> [u8; 2] {
    let value = (value % 100) as u8;
    [b'0' + value / 10, b'0' + value % 10]
}

/// Writes `YYYY-MM-DD`; the caller appends [`era`].
fn write_day(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil_from_days(days);
    let year = if year < 1 { 1 - year } else { year };
    let year = u32::try_from(year).unwrap_or(u32::MAX);
    let ([m0, m1], [d0, d1]) = (two(month), two(day));
    if year < 10_000 {
        let ([y0, y1], [y2, y3]) = (two(year / 100), two(year));
        out.extend_from_slice(&[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1]);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
        out.extend_from_slice(&[b'-', m0, m1, b'-', d0, d1]);
    }
}

fn era(days: i64) -> &'static [u8] {
    const FIRST_DAY_OF_YEAR_ONE: i64 = -719_162;
    if days < FIRST_DAY_OF_YEAR_ONE {
        b" BC"
    } else {
        b""
    }
}

/// Writes days since the epoch as a date, in the form of Airbyte §1.9.
pub fn write_date(out: &mut Vec<u8>, days: i64) {
    write_day(out, days);
    out.extend_from_slice(era(days));
}

/// Writes microseconds since midnight as a time of day, with as many of 0, 3 or 6 digits of
/// fraction as it needs. `false` (and nothing written) if it is not within a day.
pub fn write_time(out: &mut Vec<u8>, micros: i64) -> bool {
    if !(0..MICROS_PER_DAY).contains(&micros) {
        return false;
    }
    let length = match micros % MICROS_PER_SECOND {
        0 => 8,
        fraction if fraction % 1000 == 0 => 12,
        _ => 15,
    };
    out.extend_from_slice(&clock(micros)[..length]);
    true
}

/// Microseconds since midnight, within a day, as `HH:MM:SS.ffffff`.
fn clock(micros: i64) -> [u8; 15] {
    let seconds = (micros / MICROS_PER_SECOND) as u32;
    let fraction = (micros % MICROS_PER_SECOND) as u32;
    let ([h0, h1], [m0, m1]) = (two(seconds / 3600), two(seconds / 60 % 60));
    let [s0, s1] = two(seconds % 60);
    let ([f0, f1], [f2, f3], [f4, f5]) =
        (two(fraction / 10_000), two(fraction / 100), two(fraction));
    [
        h0, h1, b':', m0, m1, b':', s0, s1, b'.', f0, f1, f2, f3, f4, f5,
    ]
}

/// Writes microseconds since the epoch as a timestamp in the form of Airbyte §1.9, with `Z` if
/// `zoned`.
pub fn write_timestamp(out: &mut Vec<u8>, micros: i64, zoned: bool) {
    write_moment(out, micros, zoned, |out, micros| {
        write_time(out, micros);
    });
}

/// The same with six digits of fraction always, so that texts of the years 0 to 9999 sort as the
/// moments do.
pub fn write_sortable_timestamp(out: &mut Vec<u8>, micros: i64, zoned: bool) {
    write_moment(out, micros, zoned, |out, micros| {
        out.extend_from_slice(&clock(micros));
    });
}

fn write_moment(
    out: &mut Vec<u8>,
    micros: i64,
    zoned: bool,
    write_clock: impl FnOnce(&mut Vec<u8>, i64),
) {
    let days = micros.div_euclid(MICROS_PER_DAY);
    write_day(out, days);
    out.push(b'T');
    write_clock(out, micros.rem_euclid(MICROS_PER_DAY));
    if zoned {
        out.push(b'Z');
    }
    out.extend_from_slice(era(days));
}

#[cfg(test)]
mod tests;
