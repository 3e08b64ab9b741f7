//! `printf` with the verbs of Go's `fmt` that make sense for records.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use crate::value::Value;

/// The widest field.
const WIDEST: usize = 10_000;

#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

pub(super) fn printf(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut next = arguments.iter();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '0' | '#' | ' ')) {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                '0' => spec.zero = true,
                '#' => spec.sharp = true,
                _ => {}
            }
        }
        spec.width = digits(&mut chars);
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(digits(&mut chars).unwrap_or(0));
        }
        let verb = chars.next().ok_or("`printf`: the format ends with `%`")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = next.next() else {
            let _ = write!(out, "%!{verb}(MISSING)");
            continue;
        };
        pad(&mut out, &verb_text(verb, value, &spec)?, &spec, verb);
    }
    Ok(out)
}

fn digits(chars: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits
        .parse::<usize>()
        .ok()
        .map(|number| number.min(WIDEST))
}

fn verb_text(verb: char, value: &Value, spec: &Spec) -> Result<String, String> {
    let wrong = || format!("%!{verb}({})", value.to_text());
    let precision = spec.precision;
    Ok(match verb {
        'v' => {
            let mut out = String::new();
            value.print(&mut out);
            out
        }
        's' => match (value, precision) {
            (_, Some(longest)) => value.to_text().chars().take(longest).collect(),
            (_, None) => value.to_text(),
        },
        'q' => Value::String(value.to_text()).to_json(),
        't' => match value {
            Value::Bool(value) => value.to_string(),
            _ => wrong(),
        },
        'd' => value
            .as_integer()
            .map_or_else(wrong, |n| signed(n.to_string(), spec)),
        'b' => value.as_integer().map_or_else(wrong, |n| format!("{n:b}")),
        'o' => value.as_integer().map_or_else(wrong, |n| format!("{n:o}")),
        'c' => {
            let c = value.as_integer().and_then(|n| u32::try_from(n).ok());
            c.and_then(char::from_u32).map_or_else(wrong, String::from)
        }
        'x' | 'X' => {
            let text = match value {
                Value::Number(_) => value.as_integer().map_or_else(wrong, |n| format!("{n:x}")),
                other => {
                    let text = other.to_text();
                    let bytes = match other {
                        Value::Bytes(bytes) => bytes.as_slice(),
                        _ => text.as_bytes(),
                    };
                    bytes.iter().fold(String::new(), |mut out, byte| {
                        let _ = write!(out, "{byte:02x}");
                        out
                    })
                }
            };
            let text = if spec.sharp {
                format!("0x{text}")
            } else {
                text
            };
            if verb == 'X' {
                text.to_uppercase()
            } else {
                text
            }
        }
        'f' | 'F' => value.as_float().map_or_else(wrong, |n| {
            signed(format!("{n:.*}", precision.unwrap_or(6)), spec)
        }),
        'e' => value
            .as_float()
            .map_or_else(wrong, |n| exponent(n, precision.unwrap_or(6))),
        'g' => value.as_float().map_or_else(wrong, |n| match precision {
            None => n.to_string(),
            Some(digits) => format!("{n:.*}", digits),
        }),
        'T' => value.kind().to_owned(),
        other => return Err(format!("`printf`: the verb `%{other}` is not known")),
    })
}

fn signed(text: String, spec: &Spec) -> String {
    if spec.plus && !text.starts_with('-') {
        return format!("+{text}");
    }
    text
}

/// Go writes exponents with a sign and two digits at least.
fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        None => text,
    }
}

fn pad(out: &mut String, text: &str, spec: &Spec, verb: char) {
    let length = text.chars().count();
    let missing = spec.width.unwrap_or(0).saturating_sub(length);
    let is_number = matches!(verb, 'd' | 'f' | 'F' | 'x' | 'X' | 'b' | 'o' | 'e');
    if spec.minus {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if spec.zero && is_number {
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => text.split_at(text.len() - digits.len()),
            None => ("", text),
        };
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(digits);
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}
