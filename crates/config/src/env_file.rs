//! The `.env` file beside a pipeline file: variables for those who do not keep them in their shell.

use std::collections::HashMap;
use std::env::VarError;
use std::io;
use std::path::Path;

use crossdock_core::code;

use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::environment::Environment;
use crate::yaml::LONGEST_FILE;

/// An environment with the variables of a `.env` file behind its own, which win.
pub(crate) struct WithEnvFile<'a> {
    environment: &'a dyn Environment,
    variables: HashMap<String, String>,
}

impl<'a> WithEnvFile<'a> {
    /// Reads `base/.env`, if it is there. A line that is not `NAME=VALUE` is an error that names it
    /// without showing it, since it may hold a secret (P10).
    pub(crate) fn beside(
        base: &Path,
        environment: &'a dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let path = base.join(".env");
        let fault = |line: usize, message: String| {
            let at = Location {
                file: path.display().to_string().into(),
                path: String::new(),
                line,
                column: 1,
            };
            Diagnostic::new(&code::CONFIG_UNREADABLE, at, message).hint(
                "correct or remove the file; a line is `NAME=VALUE`, quoted where it holds blanks",
            )
        };
        let mut variables = HashMap::new();
        match environment.read(&path, LONGEST_FILE) {
            Ok(text) => {
                for entry in dotenvy::from_read_iter(text.as_bytes()) {
                    let (name, value) = entry.map_err(|error| {
                        let line = match &error {
                            dotenvy::Error::LineParse(wrong, _) => text
                                .lines()
                                .position(|line| line.trim() == wrong.trim())
                                .map_or(0, |at| at + 1),
                            _ => 0,
                        };
                        fault(line, "a line is not of the form `NAME=VALUE`".to_owned())
                    })?;
                    variables.insert(name, value);
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(fault(0, format!("the file cannot be read: {cause}")).into()),
        }
        Ok(Self {
            environment,
            variables,
        })
    }
}

impl Environment for WithEnvFile<'_> {
    fn variable(&self, name: &str) -> Result<String, VarError> {
        match self.environment.variable(name) {
            Err(VarError::NotPresent) => self
                .variables
                .get(name)
                .cloned()
                .ok_or(VarError::NotPresent),
            known => known,
        }
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<String> {
        self.environment.read(path, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables and the text of `.env`.
    struct Fake(
        &'static [(&'static str, &'static str)],
        Option<&'static str>,
    );

    impl Environment for Fake {
        fn variable(&self, name: &str) -> Result<String, VarError> {
            let known = self.0.iter().find(|(known, _)| *known == name);
            known
                .map(|(_, value)| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        }

        fn read(&self, path: &Path, _: usize) -> io::Result<String> {
            assert_eq!(path, Path::new("dir/.env"));
            self.1
                .map(ToOwned::to_owned)
                .ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn the_process_wins_over_the_file() {
        let check = |text: Option<&'static str>, name: &str, expected: Option<&str>| {
            let fake = Fake(&[("HERE", "process")], text);
            let Ok(environment) = WithEnvFile::beside(Path::new("dir"), &fake) else {
                panic!("{text:?} is refused");
            };
            assert_eq!(
                environment.variable(name).ok().as_deref(),
                expected,
                "{text:?} {name}"
            );
        };
        check(Some("A=1\nHERE=file\n"), "A", Some("1"));
        check(Some("A=1\nHERE=file\n"), "HERE", Some("process"));
        check(Some("# c\nexport A='x $y #z' # d\n"), "A", Some("x $y #z"));
        check(Some(""), "A", None);
        check(None, "A", None);
        check(None, "HERE", Some("process"));
    }

    #[test]
    fn a_broken_line_is_named_and_not_shown() {
        let fake = Fake(&[], Some("A=1\nhunter2 is the password\n"));
        let Err(wrong) = WithEnvFile::beside(Path::new("dir"), &fake) else {
            panic!("it is taken");
        };
        let text = format!("{wrong:?}");
        assert!(
            text.contains("dir/.env") && text.contains("line: 2"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
}
