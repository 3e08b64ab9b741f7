//! Variables in a scalar, as Go's `os.ExpandEnv` fills them in: `$NAME` and `${NAME}`; one that is not
//! set stands for nothing, and there is no escape.

use crate::environment::Environment;

/// A text with its variables filled in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) text: String,
    /// What variables brought in.
    pub(super) found: Vec<String>,
    /// Names of variables that are not set.
    pub(super) unset: Vec<String>,
}

pub(super) fn expand(text: &str, environment: &dyn Environment) -> Expanded {
    let mut out = Expanded::default();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, left) = name(after);
        match name {
            // A lone `$` stays; a broken `${` is eaten.
            Name::None => out.text.push('$'),
            Name::Broken => {}
            Name::Variable(name) => match environment.variable(name) {
                Ok(value) => {
                    out.text.push_str(&value);
                    if !value.is_empty() {
                        out.found.push(value);
                    }
                }
                Err(_) => out.unset.push(name.to_owned()),
            },
        }
        rest = left;
    }
    out.text.push_str(rest);
    out
}

enum Name<'a> {
    None,
    Broken,
    Variable(&'a str),
}

/// The name that begins a text after `$`, and what follows it.
fn name(after: &str) -> (Name<'_>, &str) {
    if let Some(inside) = after.strip_prefix('{') {
        return match inside.find('}') {
            Some(0) => (Name::Broken, &inside[1..]),
            Some(end) => (Name::Variable(&inside[..end]), &inside[end + 1..]),
            None => (Name::Broken, inside),
        };
    }
    let first = after.chars().next();
    if first.is_some_and(|c| "*#$@!?-0123456789".contains(c)) {
        return (Name::Variable(&after[..1]), &after[1..]);
    }
    let end = after
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(after.len());
    if end == 0 {
        return (Name::None, after);
    }
    (Name::Variable(&after[..end]), &after[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;

    impl Environment for One {
        fn variable(&self, name: &str) -> Result<String, std::env::VarError> {
            match name {
                "A" => Ok("x".into()),
                "EMPTY" => Ok(String::new()),
                _ => Err(std::env::VarError::NotPresent),
            }
        }

        fn read(&self, _: &std::path::Path, _: usize) -> std::io::Result<String> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn variables_are_filled_in_as_go_does_it() {
        let check = |text: &str, expected: &str, unset: &[&str]| {
            let expanded = expand(text, &One);
            assert_eq!(expanded.text, expected, "{text}");
            assert_eq!(expanded.unset, unset, "{text}");
        };
        check("plain", "plain", &[]);
        check("$A/${A}b$A_", "x/xb", &["A_"]);
        check("$EMPTY|${NONE}|", "||", &["NONE"]);
        check("100$ and $", "100$ and $", &[]);
        check("$$", "", &["$"]);
        check("${}a ${b", "a b", &[]);
        check("{{ $x := 1 }}", "{{  := 1 }}", &["x"]);
        check("ü$Aü", "üxü", &[]);
    }
}
