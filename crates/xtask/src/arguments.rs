//! The command lines of xtask: a handful of flags, so that no library is needed to read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A command line that makes no sense.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Arguments sorted into plain words, flags, and options with a value.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// What does not begin with `--`.
    pub(crate) words: Vec<String>,
    flags: BTreeSet<String>,
    values: BTreeMap<String, String>,
}

impl Arguments {
    /// Sorts `arguments`, refusing what is neither in `flags` nor in `options`.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = String>,
        flags: &[&str],
        options: &[&str],
    ) -> Result<Self, Usage> {
        let mut found = Arguments::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let Some(name) = argument.strip_prefix("--") else {
                found.words.push(argument);
                continue;
            };
            if flags.contains(&name) {
                found.flags.insert(name.to_owned());
            } else if options.contains(&name) {
                let value = rest
                    .next()
                    .ok_or_else(|| Usage(format!("`--{name}` wants a value")))?;
                found.values.insert(name.to_owned(), value);
            } else {
                return Err(Usage(format!("there is no option `--{name}` here")));
            }
        }
        Ok(found)
    }

    /// Whether the flag was given.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }

    /// The value of an option, if it was given.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        self.values.get(option).map(String::as_str)
    }

    /// The value of an option as a number, if it was given.
    pub(crate) fn number<T: FromStr>(&self, option: &str) -> Result<Option<T>, Usage> {
        let Some(text) = self.value(option) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Usage(format!(
                "`--{option}` wants a whole number, not `{text}`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, Usage> {
        Arguments::parse(
            line.split_whitespace().map(str::to_owned),
            &["quick"],
            &["records"],
        )
    }

    #[test]
    fn words_flags_and_values_are_told_apart() {
        let found = parse("relay --quick --records 12 spec").unwrap();
        assert_eq!(found.words, ["relay", "spec"]);
        assert!(found.has("quick"));
        assert_eq!(found.number::<u64>("records").unwrap(), Some(12));
    }

    #[test]
    fn the_unknown_and_the_unfinished_are_refused() {
        for line in ["--fast", "--records"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(
            parse("--records many")
                .unwrap()
                .number::<u64>("records")
                .is_err()
        );
    }
}
