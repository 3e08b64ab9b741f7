//! The functions of templates: Go's own, and those of sprig that need nothing from outside.

mod compare;
mod convert;
mod list;
mod number;
mod text;
mod time;

use crate::value::Value;

pub(crate) use time::format as format_time;

/// The longest text and the longest list that a function makes (P11).
const LONGEST_TEXT: usize = 16 << 20;
pub(super) const MOST_ITEMS: i64 = 1_000_000;

type Result<T = Value> = std::result::Result<T, String>;

/// A function: its name, the fewest and the most arguments, and what it does.
type Entry = (&'static str, usize, usize, fn(&[Value]) -> Result);

const ANY: usize = usize::MAX;

fn tables() -> impl Iterator<Item = &'static Entry> {
    let tables: [&'static [Entry]; 6] = [
        compare::TABLE,
        text::TABLE,
        number::TABLE,
        list::TABLE,
        convert::TABLE,
        time::TABLE,
    ];
    tables.into_iter().flatten()
}

/// All names, for the documentation.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = tables()
        .map(|(name, ..)| *name)
        .chain(["and", "or"])
        .collect();
    names.sort_unstable();
    names
}

/// The name, if there is a function of it.
pub(super) fn known(name: &str) -> Option<&'static str> {
    match name {
        "and" => Some("and"),
        "or" => Some("or"),
        _ => tables()
            .find(|(own, ..)| *own == name)
            .map(|(own, ..)| *own),
    }
}

/// What to say of a name that is none.
pub(super) fn unknown(name: &str) -> String {
    let mut near: Vec<_> = names()
        .into_iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    match near.first() {
        Some((likeness, known)) if *likeness > 0.85 => {
            format!("there is no function `{name}`; did you mean `{known}`?")
        }
        _ => format!("there is no function `{name}` in templates here"),
    }
}

/// The result of a function.
pub(super) fn call(name: &str, arguments: Vec<Value>) -> Result {
    let found = tables().find(|(own, ..)| *own == name);
    let (_, fewest, most, function) = found.ok_or_else(|| unknown(name))?;
    let count = arguments.len();
    if count < *fewest || count > *most {
        let wants = match (*fewest, *most) {
            (fewest, ANY) => format!("at least {fewest}"),
            (fewest, most) if fewest == most => fewest.to_string(),
            (fewest, most) => format!("{fewest} to {most}"),
        };
        return Err(format!("`{name}` takes {wants} arguments, and got {count}"));
    }
    let value = function(&arguments).map_err(|why| format!("`{name}`: {why}"))?;
    match &value {
        Value::String(text) if text.len() > LONGEST_TEXT => {
            Err(format!("`{name}` makes a text longer than 16 MiB"))
        }
        _ => Ok(value),
    }
}

/// A method of a value; `None` if it has none of that name.
pub(super) fn method(value: &Value, name: &str, arguments: &[Value]) -> Option<Result> {
    match (value, name) {
        (Value::Time(time), _) => time::method(*time, name, arguments),
        // An operation's name is all there is of it.
        (Value::String(_), "String") => Some(Ok(value.clone())),
        _ => None,
    }
}

fn string(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

/// The text of an argument.
fn text_of(arguments: &[Value], at: usize) -> String {
    arguments.get(at).map(Value::to_text).unwrap_or_default()
}

fn integer(arguments: &[Value], at: usize) -> Result<i64> {
    let value = arguments.get(at).unwrap_or(&Value::Null);
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(value) => Some(i64::from(*value)),
        #[expect(clippy::cast_possible_truncation, reason = "what a cast in Go does")]
        Value::Number(_) => value
            .as_integer()
            .or_else(|| value.as_float().map(|n| n as i64)),
        Value::Null => Some(0),
        _ => None,
    }
    .ok_or_else(|| format!("{} is no whole number", value.to_text()))
}

fn float(arguments: &[Value], at: usize) -> Result<f64> {
    let value = arguments.get(at).unwrap_or(&Value::Null);
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(_) => value.as_float(),
        Value::Null => Some(0.0),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    }
    .ok_or_else(|| format!("{} is no number", value.to_text()))
}

fn items(arguments: &[Value], at: usize) -> Result<&[Value]> {
    match arguments.get(at) {
        Some(Value::List(items)) => Ok(items),
        Some(Value::Null) | None => Ok(&[]),
        Some(other) => Err(format!("{} is no list", other.kind())),
    }
}
