//! Texts.

use regex::Regex;

use super::{ANY, Entry, Result, integer, items, string, text_of};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("trim", 1, 1, |a| Ok(string(text_of(a, 0).trim()))),
    ("upper", 1, 1, |a| Ok(string(text_of(a, 0).to_uppercase()))),
    ("lower", 1, 1, |a| Ok(string(text_of(a, 0).to_lowercase()))),
    ("title", 1, 1, |a| {
        Ok(string(each_word(&text_of(a, 0), true)))
    }),
    ("untitle", 1, 1, |a| {
        Ok(string(each_word(&text_of(a, 0), false)))
    }),
    ("repeat", 2, 2, |a| {
        let text = text_of(a, 1);
        let times = usize::try_from(integer(a, 0)?).unwrap_or(0);
        if text.len().saturating_mul(times) > super::LONGEST_TEXT {
            return Err("the text would be longer than 16 MiB".to_owned());
        }
        Ok(string(text.repeat(times)))
    }),
    ("substr", 3, 3, |a| {
        let text = text_of(a, 2);
        let (start, end) = (integer(a, 0)?, integer(a, 1)?);
        let chars = text.chars().count();
        let start = usize::try_from(start).unwrap_or(0).min(chars);
        let end = usize::try_from(end)
            .map_or(chars, |end| end.min(chars))
            .max(start);
        Ok(string(
            text.chars()
                .skip(start)
                .take(end - start)
                .collect::<String>(),
        ))
    }),
    ("trunc", 2, 2, |a| {
        let (most, text) = (integer(a, 0)?, text_of(a, 1));
        let count = text.chars().count();
        let length = usize::try_from(most.unsigned_abs())
            .unwrap_or(usize::MAX)
            .min(count);
        Ok(string(if most < 0 {
            text.chars().skip(count - length).collect::<String>()
        } else {
            text.chars().take(length).collect()
        }))
    }),
    ("abbrev", 2, 2, |a| {
        let (most, text) = (usize::try_from(integer(a, 0)?).unwrap_or(0), text_of(a, 1));
        if most < 4 || text.chars().count() <= most {
            return Ok(string(text));
        }
        Ok(string(
            text.chars().take(most - 3).collect::<String>() + "...",
        ))
    }),
    ("trimAll", 2, 2, |a| Ok(string(trim_all(a)))),
    ("trimall", 2, 2, |a| Ok(string(trim_all(a)))),
    ("trimSuffix", 2, 2, |a| {
        let (cut, text) = (text_of(a, 0), text_of(a, 1));
        Ok(string(text.strip_suffix(&cut).unwrap_or(&text)))
    }),
    ("trimPrefix", 2, 2, |a| {
        let (cut, text) = (text_of(a, 0), text_of(a, 1));
        Ok(string(text.strip_prefix(&cut).unwrap_or(&text)))
    }),
    ("nospace", 1, 1, |a| {
        let text = text_of(a, 0);
        Ok(string(
            text.chars()
                .filter(|c| !c.is_whitespace())
                .collect::<String>(),
        ))
    }),
    ("initials", 1, 1, |a| {
        let text = text_of(a, 0);
        Ok(string(
            text.split_whitespace()
                .filter_map(|word| word.chars().next())
                .collect::<String>(),
        ))
    }),
    ("swapcase", 1, 1, |a| {
        let text = text_of(a, 0);
        let swapped = text.chars().flat_map(|c| {
            let other = if c.is_uppercase() {
                c.to_lowercase().to_string()
            } else {
                c.to_uppercase().to_string()
            };
            other.chars().collect::<Vec<_>>()
        });
        Ok(string(swapped.collect::<String>()))
    }),
    ("snakecase", 1, 1, |a| {
        Ok(string(words(&text_of(a, 0)).join("_").to_lowercase()))
    }),
    ("kebabcase", 1, 1, |a| {
        Ok(string(words(&text_of(a, 0)).join("-").to_lowercase()))
    }),
    ("camelcase", 1, 1, |a| {
        let words = words(&text_of(a, 0));
        Ok(string(
            words
                .iter()
                .map(|word| each_word(&word.to_lowercase(), true))
                .collect::<String>(),
        ))
    }),
    ("contains", 2, 2, |a| {
        Ok(Value::Bool(text_of(a, 1).contains(&text_of(a, 0))))
    }),
    ("hasPrefix", 2, 2, |a| {
        Ok(Value::Bool(text_of(a, 1).starts_with(&text_of(a, 0))))
    }),
    ("hasSuffix", 2, 2, |a| {
        Ok(Value::Bool(text_of(a, 1).ends_with(&text_of(a, 0))))
    }),
    ("quote", 0, ANY, |a| {
        Ok(string(quoted(a, |text| string(text).to_json())))
    }),
    ("squote", 0, ANY, |a| {
        Ok(string(quoted(a, |text| format!("'{text}'"))))
    }),
    ("cat", 0, ANY, |a| {
        let texts = a
            .iter()
            .filter(|value| **value != Value::Null)
            .map(Value::to_text);
        Ok(string(texts.collect::<Vec<_>>().join(" ")))
    }),
    ("indent", 2, 2, |a| Ok(string(indented(a)?))),
    ("nindent", 2, 2, |a| {
        Ok(string(format!("\n{}", indented(a)?)))
    }),
    ("replace", 3, 3, |a| {
        Ok(string(
            text_of(a, 2).replace(&text_of(a, 0), &text_of(a, 1)),
        ))
    }),
    ("plural", 3, 3, |a| {
        Ok(a[usize::from(integer(a, 2)? != 1)].clone())
    }),
    ("wrap", 2, 2, |a| {
        let (width, text) = (usize::try_from(integer(a, 0)?).unwrap_or(1), text_of(a, 1));
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        Ok(string(lines.join("\n")))
    }),
    ("join", 2, 2, |a| {
        let texts: Vec<String> = match &a[1] {
            Value::List(_) => items(a, 1)?.iter().map(Value::to_text).collect(),
            other => vec![other.to_text()],
        };
        Ok(string(texts.join(&text_of(a, 0))))
    }),
    ("splitList", 2, 2, |a| {
        let (separator, text) = (text_of(a, 0), text_of(a, 1));
        Ok(Value::List(text.split(&separator).map(string).collect()))
    }),
    ("split", 2, 2, |a| {
        let (separator, text) = (text_of(a, 0), text_of(a, 1));
        let parts = text.split(&separator).enumerate();
        Ok(Value::Object(
            parts
                .map(|(at, part)| (format!("_{at}"), string(part)))
                .collect(),
        ))
    }),
    ("randAlphaNum", 1, 1, |a| random(a, fastrand::alphanumeric)),
    ("randAlpha", 1, 1, |a| random(a, fastrand::alphabetic)),
    ("randNumeric", 1, 1, |a| random(a, || fastrand::digit(10))),
    ("regexMatch", 2, 2, |a| {
        Ok(Value::Bool(pattern(a)?.is_match(&text_of(a, 1))))
    }),
    ("regexFind", 2, 2, |a| {
        let text = text_of(a, 1);
        Ok(string(
            pattern(a)?.find(&text).map_or("", |found| found.as_str()),
        ))
    }),
    ("regexFindAll", 3, 3, |a| {
        let text = text_of(a, 1);
        let most = usize::try_from(integer(a, 2)?).unwrap_or(usize::MAX);
        let pattern = pattern(a)?;
        let found = pattern.find_iter(&text).take(most);
        Ok(Value::List(
            found.map(|found| string(found.as_str())).collect(),
        ))
    }),
    ("regexReplaceAll", 3, 3, |a| {
        Ok(string(
            pattern(a)?.replace_all(&text_of(a, 1), text_of(a, 2).as_str()),
        ))
    }),
    ("regexReplaceAllLiteral", 3, 3, |a| {
        let with = text_of(a, 2);
        Ok(string(
            pattern(a)?.replace_all(&text_of(a, 1), regex::NoExpand(&with)),
        ))
    }),
    ("regexSplit", 3, 3, |a| {
        let text = text_of(a, 1);
        let pattern = pattern(a)?;
        let most = integer(a, 2)?;
        let parts: Vec<_> = match usize::try_from(most) {
            Ok(most) => pattern.splitn(&text, most).map(string).collect(),
            Err(_) => pattern.split(&text).map(string).collect(),
        };
        Ok(Value::List(parts))
    }),
    ("regexQuoteMeta", 1, 1, |a| {
        Ok(string(regex::escape(&text_of(a, 0))))
    }),
];

fn pattern(arguments: &[Value]) -> Result<Regex> {
    Regex::new(&text_of(arguments, 0)).map_err(|error| error.to_string())
}

fn random(arguments: &[Value], one: fn() -> char) -> Result {
    let count = usize::try_from(integer(arguments, 0)?).unwrap_or(0);
    if count > super::LONGEST_TEXT {
        return Err("the text would be longer than 16 MiB".to_owned());
    }
    Ok(string((0..count).map(|_| one()).collect::<String>()))
}

fn trim_all(arguments: &[Value]) -> String {
    let cut: Vec<char> = text_of(arguments, 0).chars().collect();
    text_of(arguments, 1)
        .trim_matches(cut.as_slice())
        .to_owned()
}

fn quoted(arguments: &[Value], quote: impl Fn(&str) -> String) -> String {
    let given = arguments.iter().filter(|value| **value != Value::Null);
    let quoted: Vec<String> = given.map(|value| quote(&value.to_text())).collect();
    quoted.join(" ")
}

fn indented(arguments: &[Value]) -> Result<String> {
    let spaces = " ".repeat(
        usize::try_from(integer(arguments, 0)?)
            .unwrap_or(0)
            .min(10_000),
    );
    let text = text_of(arguments, 1);
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| format!("{spaces}{line}"))
        .collect();
    Ok(lines.join("\n"))
}

fn each_word(text: &str, upper: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        match (begins, upper) {
            (true, true) => out.extend(c.to_uppercase()),
            (true, false) => out.extend(c.to_lowercase()),
            (false, _) => out.push(c),
        }
        begins = c.is_whitespace();
    }
    out
}

/// The words of a name in any spelling: `FirstName`, `first_name`, `first-name`, `first name`.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    let mut last_lower = false;
    for c in text.chars() {
        if matches!(c, '_' | '-' | ' ' | '.') {
            begins = true;
            continue;
        }
        if begins || (c.is_uppercase() && last_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
        begins = false;
        last_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words
}
