//! Numbers between text and doubles.

/// Beyond this not every whole number is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends a double as a JSON number; what JSON has no number for as the tokens that Python writes,
/// which the engine knows.
pub fn write_number(out: &mut Vec<u8>, number: f64) {
    if is_whole(number) && !(number == 0.0 && number.is_sign_negative()) {
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(digits.format(number as i64).as_bytes());
    } else if number.is_finite() {
        let mut digits = zmij::Buffer::new();
        out.extend_from_slice(digits.format_finite(number).as_bytes());
    } else if number.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        let token: &[u8] = if number > 0.0 {
            b"Infinity"
        } else {
            b"-Infinity"
        };
        out.extend_from_slice(token);
    }
}

/// Whether the double says what the text said. Of a fraction nobody expects more digits than a double
/// has, unless it was written with more than any double shows.
pub fn is_exact(text: &str, number: f64) -> bool {
    let is_integer = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_integer {
        return number.abs() < EXACT
            || text.parse::<i128>().is_ok_and(|exact| {
                // Within a double's range, so the cast back does not saturate where it matters.
                number.abs() < 1e38 && number as i128 == exact
            });
    }
    if !number.is_finite() {
        return matches!(text, "NaN" | "Infinity" | "-Infinity");
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit);
    let significant = digits.skip_while(|digit| *digit == b'0').count();
    significant <= 17
}

/// Whether it is a whole number that a double holds to the last digit.
pub fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= EXACT
}
