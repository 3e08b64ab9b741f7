//! Separators and quotes, checked.

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use csv::ReaderBuilder;

use super::source_config::SourceConfig;

/// How the fields of a file are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
    comment: Option<u8>,
}

impl Dialect {
    /// Refuses what is not one ASCII character.
    pub(crate) fn new(config: &SourceConfig) -> Result<Self> {
        let Some(delimiter) = character("delimiter", &config.delimiter)? else {
            return Err(Error::new(&code::CONFIG_INVALID, "`delimiter` is empty")
                .hint("use one character, such as `,`, `;` or `\\t`"));
        };
        Ok(Self {
            delimiter,
            quote: character("quote", &config.quote)?,
            escape: character("escape", &config.escape)?,
            comment: character("comment", &config.comment)?,
        })
    }

    /// A reader that gives every line, whatever its number of fields.
    pub(crate) fn builder(self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        builder
            .delimiter(self.delimiter)
            .quoting(self.quote.is_some())
            .quote(self.quote.unwrap_or(b'"'))
            .double_quote(self.escape.is_none())
            .escape(self.escape)
            .comment(self.comment)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(256 << 10);
        builder
    }
}

pub(crate) fn character(key: &str, text: &str) -> Result<Option<u8>> {
    match text.as_bytes() {
        [] => Ok(None),
        b"\\t" => Ok(Some(b'\t')),
        [one] if one.is_ascii() && !matches!(one, b'\n' | b'\r') => Ok(Some(*one)),
        _ => Err(Error::new(
            &code::CONFIG_INVALID,
            format!("`{key}` is `{text}`, which is not one ASCII character"),
        )
        .hint("use one character, such as `,`, `;`, `|` or `\\t`")),
    }
}

#[cfg(test)]
mod tests {
    use super::character;

    #[test]
    fn one_character_or_none() {
        let check = |text: &str, expected: Option<Option<u8>>| {
            assert_eq!(character("quote", text).ok(), expected, "{text:?}");
        };
        check(";", Some(Some(b';')));
        check("\\t", Some(Some(b'\t')));
        check("\t", Some(Some(b'\t')));
        check("", Some(None));
        check(",,", None);
        check("\n", None);
        check("é", None);
    }
}
