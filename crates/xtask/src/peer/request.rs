//! The command line of a connector: one command, file options, and our own settings as flags.

use std::fmt;
use std::path::PathBuf;

/// What a peer was asked to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// `spec`, `check`, `discover`, `read` or `write`.
    pub(crate) command: String,
    /// The file of `--config`.
    pub(crate) config: Option<PathBuf>,
    /// The file of `--catalog`.
    pub(crate) catalog: Option<PathBuf>,
    /// The file of `--state`.
    pub(crate) state: Option<PathBuf>,
    /// Settings given as flags, `--line-bytes 500` becoming `("line_bytes", "500")`; they win over the config file.
    pub(crate) settings: Vec<(String, String)>,
}

/// A command line that a connector answers with exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "usage: PEER [--SETTING VALUE]… COMMAND: {}", self.0)
    }
}

impl std::error::Error for Usage {}

/// The answer to a command that this peer does not have.
pub(crate) fn unable(command: &str) -> Usage {
    match command {
        "" => Usage("no command".to_owned()),
        _ => Usage(format!("this peer cannot `{command}`")),
    }
}

const COMMANDS: [&str; 5] = ["spec", "check", "discover", "read", "write"];

/// Reads a command line in either style that hosts use: `read --config F` and `--read --config=F`.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Request, Usage> {
    let mut request = Request::default();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let word = argument.strip_prefix("--").unwrap_or(&argument);
        if COMMANDS.contains(&word) {
            if !request.command.is_empty() {
                return Err(Usage(format!(
                    "`{}` and `{word}` are two commands",
                    request.command
                )));
            }
            request.command = word.to_owned();
            continue;
        }
        if word.len() == argument.len() {
            return Err(Usage(format!("`{argument}` is not a command")));
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None if matches!(word, "flat" | "nested" | "columns") => ("shape", word.to_owned()),
            None => {
                let value = rest
                    .next()
                    .ok_or_else(|| Usage(format!("`{argument}` wants a value")))?;
                (word, value)
            }
        };
        match name {
            "config" => request.config = Some(value.into()),
            "catalog" => request.catalog = Some(value.into()),
            "state" => request.state = Some(value.into()),
            _ => request.settings.push((name.replace('-', "_"), value)),
        }
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, command: &str, config: &str, settings: &[(&str, &str)]) {
        let found = parse(line.split_whitespace().map(str::to_owned)).unwrap();
        assert_eq!(found.command, command, "{line}");
        assert_eq!(
            found.config.unwrap_or_default(),
            PathBuf::from(config),
            "{line}"
        );
        let found: Vec<(&str, &str)> = found
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, settings, "{line}");
    }

    #[test]
    fn both_styles_and_flags_are_understood() {
        check("spec", "spec", "", &[]);
        check(
            "read --config c.json --catalog k.json",
            "read",
            "c.json",
            &[],
        );
        check("--read --config=c.json", "read", "c.json", &[]);
        check(
            "--records 5 --nested read",
            "read",
            "",
            &[("records", "5"), ("shape", "nested")],
        );
        check(
            "read --line-bytes 500",
            "read",
            "",
            &[("line_bytes", "500")],
        );
    }

    #[test]
    fn a_line_that_makes_no_sense_is_refused() {
        for (line, part) in [
            ("red", "not a command"),
            ("read write", "two commands"),
            ("read --config", "wants a value"),
        ] {
            let usage = parse(line.split_whitespace().map(str::to_owned))
                .unwrap_err()
                .to_string();
            assert!(usage.contains(part), "{line}: {usage}");
        }
    }
}
