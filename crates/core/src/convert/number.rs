//! Numbers out of JSON text, exact where the column can be exact.
//!
//! An integer is read from its digits, never through a double. A double is read by exact
//! arithmetic where the digits are few, else by the standard library; whether the digits survived
//! is asked only where they might not have.

/// A number of JSON's grammar: `±digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    /// All digits as one number; meaningless if `digit_count` exceeds 19.
    digits: u64,
    /// Number of digits in the text, leading zeros included.
    digit_count: usize,
    exponent: i64,
}

/// Nineteen digits always fit 64 bits.
const DIGITS_OF_U64: usize = 19;

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

const SCALE: [u64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// The digits from `at` on, appended to those of `value` (wrapping), and the offset after them.
/// Eight at a time and without a loop over digits, whose end no processor can guess.
#[inline(always)]
pub(super) fn digits(text: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    while let Some(word) = load(text, at) {
        let count = leading_digits(word);
        if count == 0 {
            return (value, at);
        }
        // Moved up, so that zeros stand before the digits.
        let aligned = (word ^ 0x3030_3030_3030_3030) << (64 - 8 * count);
        value = value
            .wrapping_mul(SCALE[count])
            .wrapping_add(eight_digits(aligned));
        at += count;
        if count < 8 {
            return (value, at);
        }
    }
    while let Some(byte @ b'0'..=b'9') = text.get(at) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        at += 1;
    }
    (value, at)
}

#[inline(always)]
fn load(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?))
}

/// One to seven digits and what follows them: their value, their count, the byte after them.
#[inline(always)]
fn few_digits(text: &[u8], at: usize) -> Option<(u64, usize, u8)> {
    let word = load(text, at)?;
    let count = leading_digits(word);
    if count == 0 || count == 8 {
        return None;
    }
    let after = (word >> (8 * count)) as u8;
    let aligned = (word ^ 0x3030_3030_3030_3030) << (64 - 8 * count);
    Some((eight_digits(aligned), count, after))
}

/// Reads an integer of few digits up to the comma or brace after it: the way of most. `None` is no
/// verdict.
#[inline(always)]
pub(super) fn few_digit_integer(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let (value, count, after) = few_digits(text, at)?;
    if !matches!(after, b',' | b'}') || (count > 1 && text[at] == b'0') {
        return None;
    }
    Some((value.cast_signed(), at + count))
}

/// Reads a number of few digits before and after its point, up to the comma or brace after it.
/// `None` is no verdict.
#[inline(always)]
pub(super) fn few_digit_double(text: &[u8], at: usize) -> Option<(f64, usize)> {
    let (whole, count, after) = few_digits(text, at)?;
    if count > 1 && text[at] == b'0' {
        return None;
    }
    let end = at + count;
    #[expect(
        clippy::cast_precision_loss,
        reason = "fourteen digits fit the 53 bits"
    )]
    match after {
        b',' | b'}' => Some((whole as f64, end)),
        b'.' => {
            let (fraction, count, after) = few_digits(text, end + 1)?;
            let digits = whole * SCALE[count] + fraction;
            matches!(after, b',' | b'}').then(|| (digits as f64 / POWERS[count], end + 1 + count))
        }
        _ => None,
    }
}

/// How many of the eight bytes, the first in the lowest lane, are digits before one is not.
#[inline(always)]
fn leading_digits(word: u64) -> usize {
    // A lane that is no digit may spoil the lanes above it, never those below.
    let below_zero = word.wrapping_sub(0x3030_3030_3030_3030);
    let above_nine = word.wrapping_add(0x4646_4646_4646_4646);
    let other = (below_zero | above_nine) & 0x8080_8080_8080_8080;
    other.trailing_zeros() as usize / 8
}

/// The number that eight digits make, each the value of a lane, the first in the lowest.
#[inline(always)]
fn eight_digits(value: u64) -> u64 {
    // Neighbours are joined in three steps: 2, 4, 8 digits. Only the wanted lanes are kept.
    let pairs = value.wrapping_mul(10).wrapping_add(value >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    (fours & 0xffff) * 10_000 + (fours >> 32)
}

/// Reads the number that starts at `at`; also the offset after it. `None` if what stands there
/// does not begin with a number.
#[inline(always)]
pub(super) fn scan(text: &[u8], at: usize) -> Option<(Decimal, usize)> {
    let negative = text.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (mut value, mut at) = digits(text, start, 0);
    let mut digit_count = at - start;
    if digit_count == 0 || (digit_count > 1 && text[start] == b'0') {
        return None;
    }
    let mut exponent = 0;
    if text.get(at) == Some(&b'.') {
        let fraction = at + 1;
        (value, at) = digits(text, fraction, value);
        if at == fraction {
            return None;
        }
        digit_count += at - fraction;
        exponent = -i64::try_from(at - fraction).ok()?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = text.get(at + 1);
        let start = at + 1 + usize::from(matches!(sign, Some(b'+' | b'-')));
        let (size, end) = digits(text, start, 0);
        if end == start {
            return None;
        }
        // Beyond this everything is zero or infinite, so the exact size no longer matters.
        let size = if end - start > 9 && size_is_large(&text[start..end]) {
            1_000_000_000
        } else {
            i64::try_from(size).ok()?
        };
        exponent += if sign == Some(&b'-') { -size } else { size };
        at = end;
    }
    let decimal = Decimal {
        negative,
        digits: value,
        digit_count,
        exponent,
    };
    Some((decimal, at))
}

fn size_is_large(exponent: &[u8]) -> bool {
    exponent.iter().skip_while(|b| **b == b'0').count() > 9
}

/// Reads `text` if all of it is one number.
pub(super) fn parse(text: &[u8]) -> Option<Decimal> {
    let (decimal, end) = scan(text, 0)?;
    (end == text.len()).then_some(decimal)
}

/// Reads any number whose digits survive in a double, and the offset after it. `None` is no verdict.
#[inline(never)]
pub(super) fn many_digit_double(text: &[u8], at: usize) -> Option<(f64, usize)> {
    let (decimal, end) = scan(text, at)?;
    let value = match decimal.short_double() {
        Some(value) => value,
        None => printed_double(&text[at..end], decimal)?,
    };
    Some((value, end))
}

/// The double nearest to a number of up to 19 digits, given with its text, if those digits survive
/// in it as its own shortest text shows. Doubles that were printed by a machine do.
fn printed_double(text: &[u8], decimal: Decimal) -> Option<f64> {
    if decimal.digit_count > DIGITS_OF_U64 {
        return None;
    }
    let value: f64 = fast_float2::parse(text).ok()?;
    if !value.is_finite() {
        return None;
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value).as_bytes();
    if shortest == text {
        return Some(value);
    }
    let shortest = parse(shortest)?;
    let same = (shortest.digits, shortest.exponent) == (decimal.digits, decimal.exponent);
    same.then_some(value)
}

/// Whether `text` is an integer written the one canonical way: no plus, no leading zero, no
/// negative zero.
pub(super) fn is_canonical_integer(text: &[u8]) -> bool {
    match text.strip_prefix(b"-").unwrap_or(text) {
        b"0" => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

impl Decimal {
    /// The number as an integer, where it is one and fits without looking closer. The way of
    /// nearly all integers, so it is kept short.
    #[inline(always)]
    pub(super) fn short_integer(&self) -> Option<i64> {
        if self.exponent != 0 || self.digit_count > 18 {
            return None;
        }
        let value = self.digits.cast_signed();
        Some(if self.negative { -value } else { value })
    }

    /// The number as a double, where digits and exponent are so few that plain arithmetic is
    /// correctly rounded and every digit survives.
    #[inline(always)]
    pub(super) fn short_double(&self) -> Option<f64> {
        if self.digits >= 1_000_000_000_000_000 || self.digit_count > DIGITS_OF_U64 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "fifteen digits fit the 53 bits")]
        let value = self.digits as f64;
        let power = *POWERS.get(usize::try_from(self.exponent.unsigned_abs()).ok()?)?;
        let value = if self.exponent < 0 {
            value / power
        } else {
            value * power
        };
        Some(if self.negative { -value } else { value })
    }
}

/// The integer that `text`, a number, stands for: `5`, `5.0` and `50e-1` are all 5. `None` if it
/// has a fraction or does not fit.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let digits = Normal::of(text)?;
    if digits.is_zero() {
        return Some(0);
    }
    if digits.exponent < 0 || digits.exponent > DIGITS_OF_U64 as i64 {
        return None;
    }
    let mut value = 0i128;
    for digit in digits.significant() {
        value = value
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    value = value.checked_mul(10i128.checked_pow(u32::try_from(digits.exponent).ok()?)?)?;
    i64::try_from(if digits.negative { -value } else { value }).ok()
}

/// The double nearest to `text`, a number, and whether it stands for the very same number.
/// `None` if there is none that is finite.
pub(super) fn double(text: &[u8]) -> Option<(f64, bool)> {
    let value: f64 = fast_float2::parse(text).ok()?;
    if !value.is_finite() {
        return None;
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value);
    let same =
        Normal::of(text)? == Normal::of(shortest.as_bytes())? || is_this_integer(value, text);
    Some((value, same))
}

/// Large integers that doubles hold exactly have shorter texts that mean the same double.
fn is_this_integer(value: f64, text: &[u8]) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast that saturates is not equal"
    )]
    let whole = value as i128;
    #[expect(
        clippy::cast_precision_loss,
        reason = "compared with what it was cast from"
    )]
    let unchanged = whole as f64 == value;
    let text = std::str::from_utf8(text).unwrap_or_default();
    unchanged && text.parse::<i128>() == Ok(whole)
}

/// A number's digits without leading and trailing zeros: equal exactly if the numbers are.
struct Normal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    first: usize,
    end: usize,
    exponent: i64,
}

impl<'a> Normal<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        let decimal = parse(text)?;
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let mantissa = memchr::memchr2(b'e', b'E', unsigned).map_or(unsigned, |e| &unsigned[..e]);
        let (whole, fraction) = match memchr::memchr(b'.', mantissa) {
            Some(dot) => (&mantissa[..dot], &mantissa[dot + 1..]),
            None => (mantissa, &b""[..]),
        };
        let mut this = Self {
            negative: decimal.negative,
            whole,
            fraction,
            first: 0,
            end: whole.len() + fraction.len(),
            exponent: decimal.exponent,
        };
        while this.end > 0 && this.digit(this.end - 1) == b'0' {
            this.end -= 1;
            this.exponent += 1;
        }
        while this.first < this.end && this.digit(this.first) == b'0' {
            this.first += 1;
        }
        Some(this)
    }

    fn digit(&self, index: usize) -> u8 {
        match self.whole.get(index) {
            Some(digit) => *digit,
            None => self.fraction[index - self.whole.len()],
        }
    }

    fn is_zero(&self) -> bool {
        self.first == self.end
    }

    fn significant(&self) -> impl Iterator<Item = u8> {
        (self.first..self.end).map(|i| self.digit(i))
    }
}

impl PartialEq for Normal<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.is_zero() || other.is_zero() {
            return self.is_zero() && other.is_zero();
        }
        self.negative == other.negative
            && self.exponent == other.exponent
            && self.significant().eq(other.significant())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_from_their_digits() {
        let check = |text: &str, expected: Option<i64>| {
            let short = parse(text.as_bytes()).and_then(|d| d.short_integer());
            assert!(
                short.is_none() || short == expected,
                "{text}: short {short:?}"
            );
            assert_eq!(integer(text.as_bytes()), expected, "{text}");
        };
        check("0", Some(0));
        check("-0", Some(0));
        check("-0.0", Some(0));
        check("5", Some(5));
        check("5.0", Some(5));
        check("50e-1", Some(5));
        check("5e3", Some(5000));
        check("5.5", None);
        check("1e-1", None);
        check("12345678", Some(12_345_678));
        check("-123456789012345678", Some(-123_456_789_012_345_678));
        check("9223372036854775807", Some(i64::MAX));
        check("-9223372036854775808", Some(i64::MIN));
        check("9223372036854775807.000", Some(i64::MAX));
        check("9223372036854775808", None);
        check("99999999999999999999999999999999999999999999", None);
        check("1e18", Some(1_000_000_000_000_000_000));
        check("1e99999999999999999999", None);
        check("0e99999999999999999999", Some(0));
        check("1.0e0000000000000000000001", Some(10));
        check("01", None);
        check("1.", None);
        check(".5", None);
        check("1e", None);
        check("+1", None);
        check("", None);
        check("-", None);
    }

    #[test]
    fn doubles_say_whether_their_digits_survive() {
        let check = |text: &str, expected: Option<(f64, bool)>| {
            let short = parse(text.as_bytes()).and_then(|d| d.short_double());
            if let Some(short) = short {
                assert_eq!(Some((short, true)), expected, "{text}: short");
            }
            assert_eq!(double(text.as_bytes()), expected, "{text}");
        };
        check("0", Some((0.0, true)));
        check("1.5", Some((1.5, true)));
        check("-12.34", Some((-12.34, true)));
        check("1e22", Some((1e22, true)));
        check("1e23", Some((1e23, true)));
        check("1E-7", Some((1e-7, true)));
        check("0.1", Some((0.1, true)));
        check("0.10000000000000000000000000000", Some((0.1, true)));
        check(
            "0.30000000000000004",
            Some((0.300_000_000_000_000_04, true)),
        );
        check(
            "0.3000000000000000444",
            Some((0.300_000_000_000_000_04, false)),
        );
        check("9007199254740993", Some((9_007_199_254_740_992.0, false)));
        check(
            "1152921504606846976",
            Some((1_152_921_504_606_846_976.0, true)),
        );
        check(
            "123456789012345678901234567890",
            Some((1.234_567_890_123_456_8e29, false)),
        );
        check("5e-324", Some((5e-324, true)));
        check("1e-400", Some((0.0, false)));
        check("1e400", None);
        check("-1e99999999999999999999", None);
    }

    #[test]
    fn canonical_integers() {
        for text in ["0", "7", "-7", "10", "123456789012345678901234567890"] {
            assert!(is_canonical_integer(text.as_bytes()), "{text}");
        }
        for text in ["", "-", "-0", "00", "01", "+1", "1.0", " 1", "1e3", "0x1"] {
            assert!(!is_canonical_integer(text.as_bytes()), "{text}");
        }
    }
}
