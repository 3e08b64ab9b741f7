//! How an error looks: what failed, where, why, and what to do.

use std::fmt::Write as _;

use crossdock_core::Error;

use crate::palette::Palette;
use crate::text::indented;

/// The whole text of an error, without the last line's end.
///
/// ```text
/// error: message
///   stream: users
///   because: cause
///
/// hint: what to do
/// [code]
/// ```
pub(crate) fn error(error: &Error, palette: Palette) -> String {
    let mut text = format!(
        "{} {}\n",
        palette.error("error:"),
        indented(error.message(), 2)
    );
    body(&mut text, error);
    let _ = write!(
        text,
        "\n{} {}\n{}",
        palette.hint("hint:"),
        indented(error.remedy(), 2),
        palette.dim(&format!("[{}]", error.code().name)),
    );
    text
}

/// As [`error`], for what did not end the run: without the blank line, and the code in line.
pub(crate) fn warning(error: &Error, palette: Palette) -> String {
    let mut text = format!(
        "{} {} {}\n",
        palette.warning("warning:"),
        indented(error.message(), 2),
        palette.dim(&format!("[{}]", error.code().name)),
    );
    body(&mut text, error);
    let _ = write!(
        text,
        "  {} {}",
        palette.hint("hint:"),
        indented(error.remedy(), 4)
    );
    text
}

fn body(text: &mut String, error: &Error) {
    if let Some(operation) = error.operation() {
        let _ = writeln!(text, "  during: {}", indented(operation, 4));
    }
    for (key, value) in error.context() {
        let _ = writeln!(text, "  {key}: {}", indented(value, 4));
    }
    for cause in error.causes() {
        let _ = writeln!(text, "  because: {}", indented(&cause, 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::code;

    fn example() -> Error {
        Error::new(&code::CONNECTOR_FAILED, "the source reported an error")
            .during("read")
            .with("stream", "users")
            .with("log", "first\nsecond\n")
            .caused_by(std::io::Error::other("boom"))
    }

    #[test]
    fn an_error_says_what_where_why_and_what_to_do() {
        assert_eq!(
            error(&example(), Palette::PLAIN),
            "error: the source reported an error\n  during: read\n  stream: users\n  log: first\n    \
             second\n  because: boom\n\nhint: see the connector's message and its last log lines\n\
             [connector.failed]"
        );
    }

    #[test]
    fn a_warning_is_short() {
        assert_eq!(
            warning(
                &Error::new(&code::IO, "slow disk").hint("wait"),
                Palette::PLAIN
            ),
            "warning: slow disk [io]\n  hint: wait"
        );
    }
}
