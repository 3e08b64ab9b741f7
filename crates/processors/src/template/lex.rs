//! From a template's text to tokens.

use crate::value::Value;

/// A token of an action, or the text between two.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Text(String),
    Open,
    Close,
    Word(String),
    /// `.name`, right after what stands before it or on its own.
    Field {
        name: String,
        is_apart: bool,
    },
    Dot,
    Variable(String),
    Literal(Value),
    Pipe,
    Comma,
    Declare,
    Assign,
    LeftParen,
    /// Fields may follow at once.
    RightParen,
}

/// All tokens of a template.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut trims = false;
    loop {
        let begin = rest.find("{{");
        let (mut plain, after) = match begin {
            Some(at) => (&rest[..at], Some(&rest[at + 2..])),
            None => (rest, None),
        };
        if trims {
            plain = plain.trim_start();
        }
        let Some(mut inside) = after else {
            push_text(&mut tokens, plain);
            return Ok(tokens);
        };
        if let Some(trimmed) = trim_marker(inside) {
            plain = plain.trim_end();
            inside = trimmed;
        }
        push_text(&mut tokens, plain);
        let (left, is_trimmed) = if inside.trim_start().starts_with("/*") {
            comment(inside)?
        } else {
            tokens.push(Token::Open);
            let end = action(inside, &mut tokens)?;
            tokens.push(Token::Close);
            end
        };
        (rest, trims) = (left, is_trimmed);
    }
}

fn push_text(tokens: &mut Vec<Token>, text: &str) {
    if !text.is_empty() {
        tokens.push(Token::Text(text.to_owned()));
    }
}

/// What follows `{{- `.
fn trim_marker(inside: &str) -> Option<&str> {
    let after = inside.strip_prefix('-')?;
    after.starts_with(char::is_whitespace).then_some(after)
}

/// The end of an action: what follows, and whether the space there goes.
fn end(rest: &str) -> Option<(&str, bool)> {
    if let Some(after) = rest.strip_prefix("}}") {
        return Some((after, false));
    }
    let trimmed = rest.trim_start();
    let has_space = trimmed.len() < rest.len();
    match trimmed.strip_prefix("-}}") {
        Some(after) if has_space => Some((after, true)),
        _ => trimmed.strip_prefix("}}").map(|after| (after, false)),
    }
}

fn comment(inside: &str) -> Result<(&str, bool), String> {
    let close = inside.find("*/").ok_or("a comment is not closed by `*/`")?;
    end(&inside[close + 2..]).ok_or_else(|| "after a comment comes `}}`".to_owned())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()))
}

/// The tokens of one action; returns what follows it.
fn action<'a>(inside: &'a str, tokens: &mut Vec<Token>) -> Result<(&'a str, bool), String> {
    let mut rest = inside;
    loop {
        if let Some(end) = end(rest) {
            return Ok(end);
        }
        let trimmed = rest.trim_start();
        let is_apart = trimmed.len() < rest.len();
        rest = trimmed;
        let Some(first) = rest.chars().next() else {
            return Err("an action is not closed by `}}`".to_owned());
        };
        let second = rest[first.len_utf8()..].chars().next();
        let is_number = first.is_ascii_digit()
            || (matches!(first, '-' | '+' | '.') && second.is_some_and(|c| c.is_ascii_digit()));
        if is_number {
            let (number, after) = number(rest)?;
            tokens.push(Token::Literal(number));
            rest = after;
            continue;
        }
        rest = match first {
            '"' => string(rest, tokens)?,
            '`' => {
                let close = rest[1..]
                    .find('`')
                    .ok_or("a string is not closed by a backquote")?;
                let text = rest[1..=close].to_owned();
                tokens.push(Token::Literal(Value::String(text)));
                &rest[close + 2..]
            }
            '\'' => {
                let mut chars = rest[1..].chars();
                match (chars.next(), chars.next()) {
                    (Some(c), Some('\'')) if c != '\\' => {
                        tokens.push(Token::Literal(Value::integer(i64::from(u32::from(c)))));
                        &rest[2 + c.len_utf8()..]
                    }
                    _ => return Err("strings stand in double quotes".to_owned()),
                }
            }
            '.' => {
                let (name, after) = word(&rest[1..]);
                if name.is_empty() {
                    tokens.push(Token::Dot);
                } else {
                    let name = name.to_owned();
                    tokens.push(Token::Field { name, is_apart });
                }
                after
            }
            '$' => {
                let (name, after) = word(&rest[1..]);
                tokens.push(Token::Variable(name.to_owned()));
                after
            }
            '|' => sign(rest, tokens, Token::Pipe, 1),
            ',' => sign(rest, tokens, Token::Comma, 1),
            '(' => sign(rest, tokens, Token::LeftParen, 1),
            ')' => sign(rest, tokens, Token::RightParen, 1),
            ':' if second == Some('=') => sign(rest, tokens, Token::Declare, 2),
            '=' => sign(rest, tokens, Token::Assign, 1),
            c if is_word(c) => {
                let (name, after) = word(rest);
                tokens.push(match name {
                    "true" => Token::Literal(Value::Bool(true)),
                    "false" => Token::Literal(Value::Bool(false)),
                    "nil" => Token::Literal(Value::Null),
                    name => Token::Word(name.to_owned()),
                });
                after
            }
            other => return Err(format!("`{other}` has no meaning in an action")),
        };
    }
}

fn sign<'a>(rest: &'a str, tokens: &mut Vec<Token>, token: Token, length: usize) -> &'a str {
    tokens.push(token);
    &rest[length..]
}

fn number(text: &str) -> Result<(Value, &str), String> {
    let length = text
        .char_indices()
        .find(|(at, c)| {
            let is_sign = matches!(c, '+' | '-') && (*at == 0 || text[..*at].ends_with(['e', 'E']));
            !(is_sign || is_word(*c) || *c == '.')
        })
        .map_or(text.len(), |(at, _)| at);
    let (digits, after) = text.split_at(length);
    let plain = digits.replace('_', "");
    let value = match plain.trim_start_matches('+') {
        hex if hex.starts_with("0x") => i64::from_str_radix(&hex[2..], 16).ok().map(Value::integer),
        plain => match plain.parse::<i64>() {
            Ok(whole) => Some(Value::integer(whole)),
            Err(_) => plain
                .parse::<f64>()
                .ok()
                .map(|_| Value::Number(plain.into())),
        },
    };
    let value = value.ok_or_else(|| format!("`{digits}` is no number"))?;
    Ok((value, after))
}

/// A string in double quotes, with the escapes of Go.
fn string<'a>(rest: &'a str, tokens: &mut Vec<Token>) -> Result<&'a str, String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                tokens.push(Token::Literal(Value::String(text)));
                return Ok(&rest[at + 1..]);
            }
            '\\' => {
                let escaped = chars.next().map(|(_, c)| c);
                let mut code = |digits: usize| {
                    let digits: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                    u32::from_str_radix(&digits, 16)
                        .ok()
                        .and_then(char::from_u32)
                };
                text.push(match escaped {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(c @ ('\\' | '"' | '\'')) => c,
                    Some('x') => code(2).ok_or("a string has a broken `\\x`")?,
                    Some('u') => code(4).ok_or("a string has a broken `\\u`")?,
                    _ => return Err("a string has an unknown escape".to_owned()),
                });
            }
            '\n' => break,
            c => text.push(c),
        }
    }
    Err("a string is not closed by `\"`".to_owned())
}
