//! Conditions of DataFlow: `$.status == 'paid' && !(metadata.table == 'test')`.
//!
//! `&&` binds tighter than `||`, `!` tighter than both. A path alone asks whether there is something other
//! than `false`, `"false"`, `""`, `0` and null; `==` and `!=` compare texts, and are false for what is not
//! there.

use crate::path::Path;
use crate::payload::{MetadataName, Payload};
use crate::record::Record;
use crate::scalar;
use crate::value::Value;

/// Deeper conditions are refused (P11).
const DEEPEST: usize = 64;

/// A condition, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    expression: Expression,
    looks_inside: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Never,
    Is(Operand),
    Compare {
        left: Operand,
        right: String,
        equal: bool,
    },
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Payload(Path),
    Metadata(MetadataName),
}

impl When {
    /// Reads a condition; a blank one never holds. The error names the place.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader {
            text,
            at: 0,
            depth: 0,
            looks_inside: false,
        };
        reader.space();
        let expression = if reader.rest().is_empty() {
            Expression::Never
        } else {
            reader.any()?
        };
        if !reader.rest().is_empty() {
            return Err(match reader.rest().starts_with(')') {
                true => reader.wrong("a `)` without its `(`"),
                false => reader.wrong("`&&` or `||` is missing"),
            });
        }
        Ok(Self {
            expression,
            looks_inside: reader.looks_inside,
        })
    }

    /// Whether it holds for a record, which stays as it is.
    pub(crate) fn holds(&self, record: &mut Record) -> Result<bool, String> {
        if !self.looks_inside {
            return Ok(self.expression.holds(None, record));
        }
        let payload = Payload::take(record)?;
        let holds = self
            .expression
            .holds(payload.as_ref().map(|payload| &payload.value), record);
        if let Some(payload) = payload {
            payload.restore(record);
        }
        Ok(holds)
    }
}

impl Expression {
    /// `payload`: `None` if it is no JSON.
    fn holds(&self, payload: Option<&Value>, record: &Record) -> bool {
        match self {
            Self::Never => false,
            Self::Is(operand) => operand.look(payload, record, is_true).unwrap_or(false),
            Self::Compare { left, right, equal } => {
                let same = |value: &Value| scalar::text_of(value) == right.as_str();
                let found = left.look(payload, record, same);
                found.is_some_and(|same| same == *equal)
            }
            Self::Not(inner) => !inner.holds(payload, record),
            Self::All(parts) => parts.iter().all(|part| part.holds(payload, record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(payload, record)),
        }
    }
}

impl Operand {
    fn look<T>(
        &self,
        payload: Option<&Value>,
        record: &Record,
        look: impl FnOnce(&Value) -> T,
    ) -> Option<T> {
        match self {
            Self::Payload(path) => path.find(payload?).map(|value| look(&value)),
            Self::Metadata(name) => name.find(record).map(|value| look(&value)),
        }
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(_) => scalar::text_of(value) != "0",
        Value::String(text) => !text.is_empty() && text != "false",
        _ => true,
    }
}

/// Reads a condition from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    looks_inside: bool,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
            self.space();
        }
        found
    }

    fn wrong(&self, why: &str) -> String {
        let place = self.text[..self.at].chars().count() + 1;
        format!("at character {place}: {why}")
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.single()?];
        while self.takes("&&") {
            parts.push(self.single()?);
        }
        Ok(one_or(parts, Expression::All))
    }

    fn single(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong(&format!("it is nested more than {DEEPEST} deep")));
        }
        let found = if self.takes("!") {
            Expression::Not(Box::new(self.single()?))
        } else if self.takes("(") {
            let inner = self.any()?;
            if !self.takes(")") {
                return Err(self.wrong("a `)` is missing"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.left()?;
        let equal = if self.takes("==") {
            true
        } else if self.takes("!=") {
            false
        } else {
            return Ok(Expression::Is(left));
        };
        let right = self.right()?;
        Ok(Expression::Compare { left, right, equal })
    }

    /// What stands before an operator, or alone.
    fn left(&mut self) -> Result<Operand, String> {
        let start = self.at;
        let rest = self.rest();
        let mut letters = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            let here = &rest[at..];
            self.at = start + at;
            match letter {
                '\\' => drop(letters.next()),
                ')' => end = at,
                _ if here.starts_with("&&") || here.starts_with("||") => end = at,
                _ if here.starts_with("==") || here.starts_with("!=") => {
                    if !here[2..]
                        .starts_with(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'))
                    {
                        return Err(self.wrong("an operator is followed by a space or a quote"));
                    }
                    end = at;
                }
                '=' | '<' | '>' => {
                    return Err(self.wrong(
                        "the operators are `==` and `!=`; in a name write a backslash before it",
                    ));
                }
                '\'' | '"' => {
                    return Err(
                        self.wrong("a quote stands where a path is expected, such as `$.name`")
                    );
                }
                _ => continue,
            }
            if end < rest.len() {
                break;
            }
        }
        let name = rest[..end].trim_end();
        self.at = start;
        let operand = self.operand(name).map_err(|why| self.wrong(&why))?;
        self.at = start + end;
        Ok(operand)
    }

    fn operand(&mut self, name: &str) -> Result<Operand, String> {
        if name.is_empty() {
            return Err("a path is missing, such as `$.name` or `metadata.name`".to_owned());
        }
        if let Some(name) = name.strip_prefix("metadata.") {
            return MetadataName::parse(name).map(Operand::Metadata);
        }
        if matches!(name, "true" | "false") {
            return Err(format!(
                "`{name}` is no path; a field of this name is `$.{name}`"
            ));
        }
        self.looks_inside = true;
        Path::parse(name).map(Operand::Payload)
    }

    /// What stands after an operator: between quotes, or up to what comes next.
    fn right(&mut self) -> Result<String, String> {
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            return self.quoted(quote);
        }
        let next = ["&&", "||", ")"];
        let end = next.iter().filter_map(|token| rest.find(token)).min();
        let right = rest[..end.unwrap_or(rest.len())].trim_end();
        if right.is_empty() {
            return Err(self.wrong("there is nothing to compare with; an empty text is `''`"));
        }
        self.at += right.len();
        self.space();
        Ok(right.to_owned())
    }

    /// Before a quote and a backslash a backslash takes their meaning away.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = self.rest()[1..].char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next_if(|(_, next)| *next == quote || *next == '\\') {
                    Some((_, meant)) => text.push(meant),
                    None => text.push(letter),
                },
                letter if letter == quote => {
                    self.at += 1 + at + 1;
                    self.space();
                    return Ok(text);
                }
                letter => text.push(letter),
            }
        }
        Err(self.wrong("the quote is not closed"))
    }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}

#[cfg(test)]
mod tests;
