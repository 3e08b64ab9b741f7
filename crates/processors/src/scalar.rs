//! The text that a value is compared by, and decimal numbers in plain form, by their digits alone.

use std::borrow::Cow;

use crate::value::Value;

/// Longer plain forms are not made: `1e999999999` would fill the memory.
const LONGEST: usize = 512;

/// The text of a value: text as it is, numbers in plain form, nothing for null, else JSON.
pub(crate) fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(digits) => plain(digits).map_or(Cow::Borrowed(digits), Cow::Owned),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes),
        Value::Time(time) => Cow::Owned(time.to_string()),
        other => Cow::Owned(other.to_json()),
    }
}

/// A number without an exponent and without zeros that say nothing: `1.50e1` is `15`. `None`: it is no
/// number, or too long to be written so.
pub(crate) fn plain(number: &str) -> Option<String> {
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_decimal(whole) || !is_decimal(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let point = usize::try_from(point.checked_add(LONGEST as i64)?).ok()?;
    if point > 2 * LONGEST || digits.len() > LONGEST {
        return None;
    }
    // As many zeros before and after that the point stands among digits wherever it goes.
    let zeros = "0".repeat(LONGEST);
    let all = format!("{zeros}{digits}{zeros}");
    let (whole, fraction) = all.split_at(point.min(all.len()));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if whole == "0" && fraction.is_empty() {
        ""
    } else {
        sign
    };
    Some(match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    })
}

/// Whether a text is a number as JSON writes it.
pub(crate) fn is_number(text: &str) -> bool {
    matches!(Value::parse(text.as_bytes()), Ok(Value::Number(digits)) if *digits == *text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_numbers_by_cases() {
        let check = |number: &str, expected: Option<&str>| {
            assert_eq!(plain(number).as_deref(), expected, "{number}");
        };
        check("0", Some("0"));
        check("-0.0", Some("0"));
        check("1.50", Some("1.5"));
        check("1e3", Some("1000"));
        check("-1.25E-2", Some("-0.0125"));
        check("12.5e1", Some("125"));
        check("9007199254740993", Some("9007199254740993"));
        check("0.12345678901234567891", Some("0.12345678901234567891"));
        check("007", Some("7"));
        check("1e511", Some(&format!("1{}", "0".repeat(511))));
        for none in [
            "1e999999999",
            "1e-999999999",
            "1e99999999999999999999",
            "x",
            "",
            "-",
            ".5",
            "1e",
            "1 ",
            "+1",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn texts_by_cases() {
        let check = |json: &str, expected: &str| {
            let value = Value::parse(json.as_bytes()).unwrap();
            assert_eq!(text_of(&value), expected, "{json}");
        };
        check("null", "");
        check("true", "true");
        check("1.0", "1");
        check("1e400", &format!("1{}", "0".repeat(400)));
        check("1e999999999", "1e999999999");
        check(r#""a\"b""#, "a\"b");
        check(r#"{"a":[1, null]}"#, r#"{"a":[1,null]}"#);
        assert!(is_number("-1.5e3") && !is_number("1 ") && !is_number("01x") && !is_number("NaN"));
    }

    proptest! {
        #[test]
        fn plain_numbers_are_the_same_numbers(number in "-?[0-9]{1,6}(\\.[0-9]{1,6})?(e[+-]?[0-9]{1,2})?") {
            let plain = plain(&number).unwrap();
            let (a, b): (f64, f64) = (number.parse().unwrap(), plain.parse().unwrap());
            prop_assert!((a - b).abs() <= a.abs() * 1e-12, "{number} {plain}");
            prop_assert!(!plain.contains('e'));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,40}") {
            let _ = (plain(&text), is_number(&text));
        }
    }
}
