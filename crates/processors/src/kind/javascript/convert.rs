//! Between our values and those of JavaScript.

use rquickjs::{Array, Ctx, Function, Object, Result, TypedArray, Value as Js};

use crate::value::Value;

/// Deeper values are refused: a script can make endless ones.
const DEEPEST: usize = 128;

/// Beyond this a double skips whole numbers.
const SAFE: i64 = 9_007_199_254_740_991;

pub(super) fn to_js<'js>(ctx: &Ctx<'js>, value: &Value) -> Result<Js<'js>> {
    Ok(match value {
        Value::Null => Js::new_null(ctx.clone()),
        Value::Bool(value) => Js::new_bool(ctx.clone(), *value),
        Value::Number(text) => number(ctx, text)?,
        Value::String(text) => rquickjs::String::from_str(ctx.clone(), text)?.into_value(),
        Value::Time(_) => rquickjs::String::from_str(ctx.clone(), &value.to_text())?.into_value(),
        Value::Bytes(bytes) => TypedArray::<u8>::new(ctx.clone(), bytes.clone())?.into_value(),
        Value::List(items) => {
            let array = Array::new(ctx.clone())?;
            for (at, item) in items.iter().enumerate() {
                array.set(at, to_js(ctx, item)?)?;
            }
            array.into_value()
        }
        Value::Object(members) => {
            let object = Object::new(ctx.clone())?;
            for (name, value) in members.iter() {
                object.set(name, to_js(ctx, value)?)?;
            }
            object.into_value()
        }
    })
}

fn number<'js>(ctx: &Ctx<'js>, text: &str) -> Result<Js<'js>> {
    match text.parse::<i64>() {
        #[expect(clippy::cast_precision_loss, reason = "a double holds it")]
        Ok(whole) if whole.abs() <= SAFE => return Ok(Js::new_number(ctx.clone(), whole as f64)),
        _ => {}
    }
    if text
        .trim_start_matches('-')
        .bytes()
        .all(|byte| byte.is_ascii_digit())
    {
        let make: Function<'js> = ctx.globals().get("BigInt")?;
        return make.call((text,));
    }
    Ok(Js::new_number(
        ctx.clone(),
        text.parse().unwrap_or(f64::NAN),
    ))
}

pub(super) fn from_js<'js>(ctx: &Ctx<'js>, value: &Js<'js>) -> std::result::Result<Value, String> {
    read(ctx, value, 0)
}

fn read<'js>(ctx: &Ctx<'js>, value: &Js<'js>, depth: usize) -> std::result::Result<Value, String> {
    if depth > DEEPEST {
        return Err(format!("it is nested more than {DEEPEST} deep"));
    }
    let broken = |error: rquickjs::Error| error.to_string();
    if value.is_null() || value.is_undefined() {
        return Ok(Value::Null);
    }
    if let Some(value) = value.as_bool() {
        return Ok(Value::Bool(value));
    }
    if let Some(number) = value.as_number() {
        return match number.is_finite() {
            true => Ok(Value::float(number)),
            false => Err(format!("{number} is no number that a record can have")),
        };
    }
    if let Some(text) = value.as_string() {
        return text.to_string().map(Value::String).map_err(broken);
    }
    if value.type_of() == rquickjs::Type::BigInt {
        let text: Function<'js> = ctx.globals().get("String").map_err(broken)?;
        let digits: std::string::String = text.call((value.clone(),)).map_err(broken)?;
        return Ok(Value::Number(digits.into()));
    }
    if let Some(array) = value.as_array() {
        let items = array.iter::<Js<'js>>();
        let items = items.map(|item| read(ctx, &item.map_err(broken)?, depth + 1));
        return Ok(Value::List(items.collect::<std::result::Result<_, _>>()?));
    }
    let Some(object) = value.as_object().filter(|_| !value.is_function()) else {
        return Err(format!(
            "{} is nothing that a record can have",
            value.type_name()
        ));
    };
    if let Some(bytes) = object.as_typed_array::<u8>() {
        let places = u32::try_from(bytes.len()).map_err(|_| "it has more than 4 GiB")?;
        let bytes = (0..places).map(|at| object.get::<_, u8>(at).map_err(broken));
        return Ok(Value::Bytes(bytes.collect::<std::result::Result<_, _>>()?));
    }
    let mut members = Vec::new();
    for member in object.props::<std::string::String, Js<'js>>() {
        let (name, value) = member.map_err(broken)?;
        // What is undefined is not there, as in JSON.
        if !value.is_undefined() {
            members.push((name, read(ctx, &value, depth + 1)?));
        }
    }
    Ok(Value::Object(members.into_iter().collect()))
}

/// The new value, in which numbers that are as they were have the digits that they had.
pub(super) fn reconciled(old: &Value, new: Value) -> Value {
    match (old, new) {
        (Value::Number(old), Value::Number(new)) => {
            let same = old.parse::<f64>().ok() == new.parse::<f64>().ok();
            Value::Number(if same { old.clone() } else { new })
        }
        (Value::Object(old), Value::Object(new)) => {
            let members = new.iter().map(|(name, value)| {
                let known = old.get(name).unwrap_or(&Value::Null);
                (name.to_owned(), reconciled(known, value.clone()))
            });
            Value::Object(members.collect())
        }
        (Value::List(old), Value::List(new)) => {
            let known = old.iter().chain(std::iter::repeat(&Value::Null));
            let items = new.into_iter().zip(known);
            Value::List(items.map(|(item, known)| reconciled(known, item)).collect())
        }
        (_, new) => new,
    }
}
