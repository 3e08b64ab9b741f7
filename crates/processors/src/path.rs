//! Dot paths into JSON, as DataFlow's settings and conditions have them: `a.b`, `list.0.name`, `a\.b`,
//! with `$.` before it or not. For reading also `*` and `?` in names, and `#` for each item of a list.

use std::borrow::Cow;

use crate::value::{Object, Value};

/// Longer paths would make values that are too deep to be read again (P11).
const LONGEST: usize = 64;

/// What stands behind `@` where a path changes what it finds; other names with an `@` are names.
const MODIFIERS: [&str; 13] = [
    "pretty", "ugly", "reverse", "this", "flatten", "join", "valid", "keys", "values", "tostr",
    "fromstr", "group", "dig",
];

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A member, or the place of an item.
    Name(String),
    /// The first member whose name fits and that has the rest of the path.
    Pattern(Vec<Letter>),
    /// All items; at the end their number.
    Each,
}

/// A character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Is(char),
    One,
    Any,
}

/// A path for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    parts: Vec<Part>,
    last: String,
}

impl Path {
    /// Reads a path. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("`{}` is no path: {why}", start(text));
        let raw = split(text.strip_prefix("$.").unwrap_or(text)).map_err(wrong)?;
        if raw.len() > LONGEST {
            return Err(wrong(format!("it has more than {LONGEST} parts")));
        }
        let parts: Vec<Part> = raw
            .iter()
            .map(|letters| part(letters))
            .collect::<Result<_, _>>()
            .map_err(wrong)?;
        let last = raw.last().map(|letters| named(letters)).unwrap_or_default();
        Ok(Self { parts, last })
    }

    /// The name at the end.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }

    /// The value there.
    pub(crate) fn find<'a>(&self, value: &'a Value) -> Option<Cow<'a, Value>> {
        find(&self.parts, value)
    }

    /// The value there, in the members of an object.
    pub(crate) fn find_in<'a>(&self, members: &'a Object) -> Option<Cow<'a, Value>> {
        let (first, rest) = self.parts.split_first()?;
        member(first, rest, members)
    }

    /// The names to go by, if there is no choice on the way.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        let names = self.parts.iter().map(|part| match part {
            Part::Name(name) => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }
}

/// A path to one place, where something is put or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    text: String,
    names: Vec<String>,
}

impl Place {
    /// Reads a path. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = Path::parse(text)?;
        let names = path.names().ok_or_else(|| {
            format!(
                "`{}` is no path to one place: `*`, `?` and `#` are for reading",
                start(text)
            )
        })?;
        Ok(Self {
            text: text.to_owned(),
            names,
        })
    }

    /// The names on the way; at least one.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The value there.
    pub(crate) fn get<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.names
            .iter()
            .try_fold(value, |value, name| match value {
                Value::Object(members) => members.get(name),
                Value::List(items) => items.get(index(name)?),
                _ => None,
            })
    }

    /// The value there, to be changed.
    pub(crate) fn get_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        descend(value, &self.names)
    }

    /// Takes the value there away.
    pub(crate) fn remove(&self, value: &mut Value) -> Option<Value> {
        let (last, above) = self.names.split_last()?;
        match descend(value, above)? {
            Value::Object(members) => members.remove(last),
            Value::List(items) => {
                let at = index(last).filter(|at| *at < items.len())?;
                Some(items.remove(at))
            }
            _ => None,
        }
    }

    /// Puts a value there. Objects on the way are made, and a list where the next name is `0`.
    pub(crate) fn set(&self, value: &mut Value, new: Value) -> Result<(), String> {
        let mut here = value;
        for (at, name) in self.names.iter().enumerate() {
            let so_far = || match at {
                0 => "the payload".to_owned(),
                _ => format!("`{}`", self.names[..at].join(".")),
            };
            if matches!(here, Value::Null) {
                *here = match index(name) {
                    Some(0) if at > 0 => Value::List(Vec::new()),
                    _ => Value::Object(Object::default()),
                };
            }
            here = match here {
                Value::Object(members) => {
                    if members.get(name).is_none() {
                        members.insert(name, Value::Null);
                    }
                    members.get_mut(name).ok_or("a member was lost")?
                }
                Value::List(items) => {
                    let place = index(name).filter(|place| *place <= items.len());
                    let Some(place) = place else {
                        return Err(format!(
                            "`{}` cannot be set: {} is a list of {}",
                            self.text,
                            so_far(),
                            items.len()
                        ));
                    };
                    if place == items.len() {
                        items.push(Value::Null);
                    }
                    &mut items[place]
                }
                other => {
                    return Err(format!(
                        "`{}` cannot be set: {} is {}",
                        self.text,
                        so_far(),
                        other.kind()
                    ));
                }
            };
        }
        *here = new;
        Ok(())
    }
}

fn descend<'a>(value: &'a mut Value, names: &[String]) -> Option<&'a mut Value> {
    names.iter().try_fold(value, |value, name| match value {
        Value::Object(members) => members.get_mut(name),
        Value::List(items) => items.get_mut(index(name)?),
        _ => None,
    })
}

/// The place of an item. `01` and `+1` are none.
fn index(name: &str) -> Option<usize> {
    let fits = name == "0" || !name.starts_with(['0', '+']);
    name.parse().ok().filter(|_| fits)
}

fn find<'a>(parts: &[Part], value: &'a Value) -> Option<Cow<'a, Value>> {
    let Some((first, rest)) = parts.split_first() else {
        return Some(Cow::Borrowed(value));
    };
    match (first, value) {
        (_, Value::Object(members)) => member(first, rest, members),
        (Part::Name(name), Value::List(items)) => find(rest, items.get(index(name)?)?),
        (Part::Each, Value::List(items)) => Some(Cow::Owned(if rest.is_empty() {
            Value::Number(items.len().to_string().into())
        } else {
            let found = items.iter().filter_map(|item| find(rest, item));
            Value::List(found.map(Cow::into_owned).collect())
        })),
        _ => None,
    }
}

fn member<'a>(first: &Part, rest: &[Part], members: &'a Object) -> Option<Cow<'a, Value>> {
    match first {
        Part::Name(name) => find(rest, members.get(name)?),
        Part::Pattern(letters) => {
            let mut fitting = members.iter().filter(|(name, _)| fits(letters, name));
            fitting.find_map(|(_, value)| find(rest, value))
        }
        Part::Each => None,
    }
}

/// Whether a name fits a pattern. Goes back to the last `*` only, so that no pattern takes long.
fn fits(pattern: &[Letter], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while at < name.len() {
        match pattern.get(place) {
            Some(Letter::Any) => {
                star = Some((place, at));
                place += 1;
            }
            Some(Letter::One) => (at, place) = (at + 1, place + 1),
            Some(Letter::Is(letter)) if *letter == name[at] => (at, place) = (at + 1, place + 1),
            _ => {
                let Some((before, taken)) = star else {
                    return false;
                };
                star = Some((before, taken + 1));
                (at, place) = (taken + 1, before + 1);
            }
        }
    }
    pattern[place..].iter().all(|rest| *rest == Letter::Any)
}

/// A character of a path, and whether a backslash stood before it.
type Escaped = (char, bool);

/// The parts between the dots.
fn split(text: &str) -> Result<Vec<Vec<Escaped>>, String> {
    let mut parts = vec![Vec::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let escaped = match letter {
            '\\' => (letters.next().ok_or("it ends with a backslash")?, true),
            '.' => {
                parts.push(Vec::new());
                continue;
            }
            '|' => return Err("`|` is not supported; write `\\|` in a name".to_owned()),
            letter => (letter, false),
        };
        if let Some(part) = parts.last_mut() {
            part.push(escaped);
        }
    }
    match parts.iter().any(Vec::is_empty) {
        true => Err("a name is empty".to_owned()),
        false => Ok(parts),
    }
}

fn named(letters: &[Escaped]) -> String {
    letters.iter().map(|(letter, _)| letter).collect()
}

fn part(letters: &[Escaped]) -> Result<Part, String> {
    let name = named(letters);
    match letters {
        [('#', false)] => return Ok(Part::Each),
        [('#', false), ('(', false), ..] => {
            return Err("queries such as `#(…)` are not supported".to_owned());
        }
        [('@', false), ..] => {
            let modifier = name[1..].split(':').next().unwrap_or_default();
            if MODIFIERS.contains(&modifier) {
                return Err(format!(
                    "modifiers such as `@{modifier}` are not supported; write `\\@` if it is a name"
                ));
            }
        }
        [('{' | '[', false), ..] => {
            return Err("several paths in one are not supported".to_owned());
        }
        _ => {}
    }
    let letter = |escaped: &Escaped| match escaped {
        ('*', false) => Letter::Any,
        ('?', false) => Letter::One,
        (letter, _) => Letter::Is(*letter),
    };
    let pattern: Vec<Letter> = letters.iter().map(letter).collect();
    let is_name = pattern.iter().all(|one| matches!(one, Letter::Is(_)));
    Ok(if is_name {
        Part::Name(name)
    } else {
        Part::Pattern(pattern)
    })
}

/// The begin of a text, for messages.
fn start(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
