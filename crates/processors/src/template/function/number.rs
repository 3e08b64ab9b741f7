//! Numbers. Whole ones are of 64 bits and an overflow is an error, not another number.

use super::{ANY, Entry, Result, float, integer};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("add", 1, ANY, |a| whole(a, i64::checked_add)),
    ("add1", 1, 1, |a| of(integer(a, 0)?.checked_add(1))),
    ("sub", 2, 2, |a| whole(a, i64::checked_sub)),
    ("mul", 1, ANY, |a| whole(a, i64::checked_mul)),
    ("div", 2, 2, |a| {
        if integer(a, 1)? == 0 {
            return Err("a division by zero".to_owned());
        }
        whole(a, i64::checked_div)
    }),
    ("mod", 2, 2, |a| {
        if integer(a, 1)? == 0 {
            return Err("a division by zero".to_owned());
        }
        whole(a, i64::checked_rem)
    }),
    ("addf", 1, ANY, |a| fraction(a, |x, y| x + y)),
    ("add1f", 1, 1, |a| Ok(Value::float(float(a, 0)? + 1.0))),
    ("subf", 2, ANY, |a| fraction(a, |x, y| x - y)),
    ("mulf", 1, ANY, |a| fraction(a, |x, y| x * y)),
    ("divf", 2, ANY, |a| fraction(a, |x, y| x / y)),
    ("max", 1, ANY, |a| whole(a, |x, y| Some(x.max(y)))),
    ("biggest", 1, ANY, |a| whole(a, |x, y| Some(x.max(y)))),
    ("min", 1, ANY, |a| whole(a, |x, y| Some(x.min(y)))),
    ("maxf", 1, ANY, |a| fraction(a, f64::max)),
    ("minf", 1, ANY, |a| fraction(a, f64::min)),
    ("ceil", 1, 1, |a| Ok(Value::float(float(a, 0)?.ceil()))),
    ("floor", 1, 1, |a| Ok(Value::float(float(a, 0)?.floor()))),
    ("round", 2, 3, |a| {
        let digits = i32::try_from(integer(a, 1)?).unwrap_or(0).clamp(0, 300);
        let scale = 10f64.powi(digits);
        Ok(Value::float((float(a, 0)? * scale).round() / scale))
    }),
    ("randInt", 2, 2, |a| {
        let (from, to) = (integer(a, 0)?, integer(a, 1)?);
        if from >= to {
            return Err("the first number is not less than the second".to_owned());
        }
        Ok(Value::integer(fastrand::i64(from..to)))
    }),
];

fn of(number: Option<i64>) -> Result {
    number
        .map(Value::integer)
        .ok_or_else(|| "the result has more than 64 bits".to_owned())
}

fn whole(arguments: &[Value], join: fn(i64, i64) -> Option<i64>) -> Result {
    let mut result = integer(arguments, 0)?;
    for at in 1..arguments.len() {
        result = join(result, integer(arguments, at)?)
            .ok_or_else(|| "the result has more than 64 bits".to_owned())?;
    }
    Ok(Value::integer(result))
}

fn fraction(arguments: &[Value], join: fn(f64, f64) -> f64) -> Result {
    let mut result = float(arguments, 0)?;
    for at in 1..arguments.len() {
        result = join(result, float(arguments, at)?);
    }
    Ok(Value::float(result))
}
