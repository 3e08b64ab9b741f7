//! A value inside a record, as processors and templates see it. Numbers are kept as their text, so that
//! what nobody computes with keeps all its digits.

use std::fmt::Write as _;

use crossdock_core::convert::{write_base64, write_string};
use crossdock_core::json::scan::{self, Members, skip_space, skip_value};

/// Deeper values are refused (P11).
const DEEPEST: usize = 128;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as its JSON text.
    Number(Box<str>),
    /// Text.
    String(String),
    /// Bytes that may be no text. In JSON they are base64.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
    /// A point in time; in JSON it is text of RFC 3339.
    Time(jiff::Timestamp),
}

/// Members by name, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<(String, Value)>);

/// The order of the members does not count.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        let same = |(name, value): &(String, Value)| other.get(name) == Some(value);
        self.0.len() == other.0.len() && self.0.iter().all(same)
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let mut object = Self::default();
        for (name, value) in members {
            object.insert(&name, value);
        }
        object
    }
}

impl Object {
    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// The value of a member.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0
            .iter_mut()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// Sets a member; a new one comes last.
    pub fn insert(&mut self, name: &str, value: Value) {
        match self.get_mut(name) {
            Some(known) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(at).1)
    }

    /// Gives a member another name in its place. `false`: there is none.
    pub fn rename(&mut self, name: &str, to: &str) -> bool {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((own, _)) => to.clone_into(own),
            None => return false,
        }
        true
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The members themselves, in order.
    pub(crate) fn into_members(self) -> impl ExactSizeIterator<Item = (String, Value)> {
        self.0.into_iter()
    }

    /// The members by name, as Go prints and ranges over maps.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&str, &Value)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        members
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value {
    /// A whole number.
    #[must_use]
    pub fn integer(number: i64) -> Self {
        Self::Number(number.to_string().into())
    }

    /// A double; what JSON has no number for is text.
    #[must_use]
    pub fn float(number: f64) -> Self {
        if number.is_finite() {
            // `{}` writes no exponent, and whole numbers without a point.
            Self::Number(number.to_string().into())
        } else {
            Self::String(number.to_string())
        }
    }

    /// The number, if it is one of 64 bits, also if written as `5.0`.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        let Self::Number(text) = self else {
            return None;
        };
        if let Ok(number) = text.parse() {
            return Some(number);
        }
        let number: f64 = text.parse().ok()?;
        let is_whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        is_whole.then_some(number as i64)
    }

    /// The nearest double.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether Go's templates take it for true: anything but `false`, zero and what is empty.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(_) => self.as_float() != Some(0.0),
            Self::String(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Object(members) => !members.is_empty(),
            Self::Time(_) => true,
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Time(_) => "a point in time",
        }
    }

    /// Reads JSON text.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let start = skip_space(text, 0);
        let end = skip_value(text, start).map_err(|error| error.to_string())?;
        if skip_space(text, end) != text.len() {
            return Err("something stands after the value".to_owned());
        }
        read(&text[start..end], 0)
    }

    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::String(text) => write_string(out, text.as_bytes()),
            Self::Bytes(bytes) => {
                out.push(b'"');
                write_base64(out, bytes);
                out.push(b'"');
            }
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Object(members) => members.write_json(out),
            Self::Time(time) => write_string(out, time.to_string().as_bytes()),
        }
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The value as Go writes it: members by name, and `<`, `>` and `&` escaped if `escapes`.
    #[must_use]
    pub fn to_go_json(&self, escapes: bool) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        let text = sorted.to_json();
        if !escapes || !text.contains(['<', '>', '&']) {
            return text;
        }
        // They stand in texts only.
        let text = text.replace('<', "\\u003c").replace('>', "\\u003e");
        text.replace('&', "\\u0026")
    }

    fn sort(&mut self) {
        match self {
            Self::Object(members) => {
                members.0.sort_by(|(a, _), (b, _)| a.cmp(b));
                members.0.iter_mut().for_each(|(_, value)| value.sort());
            }
            Self::List(items) => items.iter_mut().for_each(Self::sort),
            _ => {}
        }
    }

    /// Appends the value as Go's `fmt` prints it with `%v`; numbers keep their digits.
    pub fn print(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("<nil>"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => out.push_str(text),
            Self::Bytes(bytes) => {
                let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
                let _ = write!(out, "[{}]", numbers.join(" "));
            }
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(' ');
                    }
                    item.print(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push_str("map[");
                for (at, (name, value)) in members.sorted().into_iter().enumerate() {
                    if at > 0 {
                        out.push(' ');
                    }
                    let _ = write!(out, "{name}:");
                    value.print(out);
                }
                out.push(']');
            }
            Self::Time(time) => {
                let _ = write!(out, "{}", time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC"));
            }
        }
    }

    /// The value as a person reads it: text as it is, bytes as text, else as Go prints it.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => {
                let mut out = String::new();
                other.print(&mut out);
                out
            }
        }
    }
}

impl Object {
    /// Reads the JSON text of an object.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        match Value::parse(text)? {
            Value::Object(members) => Ok(members),
            other => Err(format!("expected an object, found {}", other.kind())),
        }
    }

    /// Appends the object as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (name, value)) in self.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_string(out, name.as_bytes());
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }
}

/// `text` is one value without space around it, already scanned.
fn read(text: &[u8], depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err(format!("a value is nested more than {DEEPEST} deep"));
    }
    let broken = |error: scan::ScanError| error.to_string();
    Ok(match text.first() {
        Some(b'{') => {
            let mut object = Object::default();
            let mut members = Members::new(text, 0).map_err(broken)?;
            while let Some(member) = members.next().map_err(broken)? {
                let quoted = &text[member.key_start - 1..=member.key_end];
                let name = scan::unquote(quoted).ok_or("a name is no valid text")?;
                object.insert(&name, read(member.value(text), depth + 1)?);
            }
            Value::Object(object)
        }
        Some(b'[') => {
            let mut items = Vec::new();
            let mut at = skip_space(text, 1);
            while text.get(at).is_some_and(|byte| *byte != b']') {
                let end = skip_value(text, at).map_err(broken)?;
                items.push(read(&text[at..end], depth + 1)?);
                at = skip_space(text, end);
                if text.get(at) == Some(&b',') {
                    at = skip_space(text, at + 1);
                }
            }
            Value::List(items)
        }
        Some(b'"') => Value::String(
            scan::unquote(text)
                .ok_or("a string is no valid text")?
                .into_owned(),
        ),
        _ => match text {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            other => number(other)?,
        },
    })
}

fn number(text: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(text).map_err(|_| "a value is no valid text")?;
    // Rust also reads `inf`, `+1` and `.5`.
    let begins = text
        .trim_start_matches('-')
        .starts_with(|c: char| c.is_ascii_digit());
    if begins && text.parse::<f64>().is_ok() {
        return Ok(Value::Number(text.into()));
    }
    let start: String = text.chars().take(20).collect();
    Err(format!("`{start}` is no JSON value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back_with_all_digits() {
        let check = |text: &str| {
            let value = Value::parse(text.as_bytes()).unwrap();
            assert_eq!(value.to_json(), text);
        };
        check("null");
        check(r#"{"a":[1,-2.50,1e400,[],{}],"b":{"c":"x\"y"},"n":9007199254740993}"#);
        check("123456789012345678901234567890");
        for broken in [
            "",
            "{",
            "nul",
            "1 2",
            "[1",
            "+1",
            "inf",
            ".5",
            "\"\\ud800\"",
        ] {
            assert!(Value::parse(broken.as_bytes()).is_err(), "{broken}");
        }
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert!(Value::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn values_print_as_in_go() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            Value::parse(text.as_bytes()).unwrap().print(&mut out);
            assert_eq!(out, expected);
        };
        check(r#"{"b":1,"a":["x",null]}"#, "map[a:[x <nil>] b:1]");
        check("1000000", "1000000");
        let mut out = String::new();
        Value::Bytes(b"ab".to_vec()).print(&mut out);
        assert_eq!(out, "[97 98]");
        let value = Value::parse(br#"{"b":"<&>","a":[{"d":1,"c":2}]}"#).unwrap();
        let sorted = r#"{"a":[{"c":2,"d":1}],"b":"<&>"}"#;
        assert_eq!(value.to_go_json(false), sorted);
        let escaped = sorted.replace("<&>", r"\u003c\u0026\u003e");
        assert_eq!(value.to_go_json(true), escaped);
    }
}
