//! What clap says of a command line that it refuses, as an error like any other.

use crossdock_core::{Error, code};

/// Turns clap's text into message, usage and hint.
pub(crate) fn error(refused: &clap::Error) -> Error {
    from_text(&refused.render().to_string())
}

/// Clap's text is paragraphs: `error: …`, `  tip: …` lines, `Usage: …`, and where to read on.
fn from_text(text: &str) -> Error {
    let (mut message, mut usage, mut hints) = (String::new(), None, Vec::new());
    for paragraph in text.split("\n\n") {
        let flat = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(rest) = flat.strip_prefix("error: ") {
            message = rest.to_owned();
        } else if let Some(rest) = flat.strip_prefix("Usage: ") {
            usage = Some(rest.to_owned());
        } else if flat.starts_with("tip: ") {
            hints.extend(
                flat.split("tip: ")
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(ToOwned::to_owned),
            );
        } else if flat.starts_with("[possible values: ") {
            message = format!("{message} {flat}");
        }
    }
    if message.is_empty() {
        "no command was given".clone_into(&mut message);
    }
    let mut error = Error::new(&code::USAGE, message);
    if let Some(usage) = usage {
        error = error.with("usage", usage);
    }
    if hints.is_empty() {
        return error;
    }
    error.hint(hints.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{self, ColorWhen};

    #[test]
    fn message_usage_and_hint_are_told_apart() {
        let check = |line: &str, message: &str, hint: &str| {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let refused = args::parse(&words, ColorWhen::Never).expect_err(line);
            let error = error(&refused);
            assert_eq!((error.message(), error.remedy()), (message, hint), "{line}");
        };
        check(
            "crossdock schma x",
            "unrecognized subcommand 'schma'",
            "a similar subcommand exists: 'schema'",
        );
        check(
            "crossdock run",
            "the following required arguments were not provided: <FILE>",
            "`crossdock --help` lists the commands",
        );
        check(
            "crossdock schema --color pink",
            "invalid value 'pink' for '--color <WHEN>' [possible values: auto, always, never]",
            "`crossdock --help` lists the commands",
        );
        check(
            "crossdock schema --qiet",
            "unexpected argument '--qiet' found",
            "a similar argument exists: '--quiet'",
        );
    }
}
