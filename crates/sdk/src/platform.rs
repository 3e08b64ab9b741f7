//! Which platform started the program. Pure.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// How programs are called that DataFlow finds by their type.
const DATAFLOW_NAME: &str = "dataflow-connector-";

/// Whom the program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Airbyte's, which says on the command line what it wants.
    Airbyte,
    /// Conduit's, which sets a variable.
    Conduit,
    /// DataFlow's, which sends commands on stdin.
    DataFlow,
    /// None: a person asks what this is.
    Help,
    /// None: a person asks which version this is.
    Version,
    /// None, and nobody asked anything.
    Nothing,
}

/// What is known of the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// The path that the program was started by.
    pub(crate) program: &'a OsStr,
    /// Its arguments.
    pub(crate) words: &'a [OsString],
    /// Conduit's variable is set.
    pub(crate) has_cookie: bool,
    /// Somebody may send something on stdin: it is no terminal and not empty from the first.
    pub(crate) hears: bool,
}

impl Platform {
    pub(crate) fn of(start: Start<'_>) -> Self {
        // Conduit gives its environment to nobody else's connectors.
        if start.has_cookie {
            return Self::Conduit;
        }
        match start.words.first().map(|word| word.to_string_lossy()) {
            Some(word) => match word.as_ref() {
                "help" | "--help" | "-h" => Self::Help,
                "version" | "--version" | "-V" => Self::Version,
                _ => Self::Airbyte,
            },
            None if is_dataflow_name(start.program) || start.hears => Self::DataFlow,
            None => Self::Nothing,
        }
    }
}

fn is_dataflow_name(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(DATAFLOW_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_is_known_by_how_it_starts_programs() {
        let check = |program: &str, words: &[&str], has_cookie, hears, expected| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let start = Start {
                program: program.as_ref(),
                words: &words,
                has_cookie,
                hears,
            };
            assert_eq!(Platform::of(start), expected, "{start:?}");
        };
        check("./x", &["spec"], false, true, Platform::Airbyte);
        check(
            "./x",
            &["--read", "--config", "c"],
            false,
            true,
            Platform::Airbyte,
        );
        check("./x", &["nonsense"], false, false, Platform::Airbyte);
        check("./x", &[], true, true, Platform::Conduit);
        check("./x", &[], false, true, Platform::DataFlow);
        check(
            "/a/dataflow-connector-x",
            &[],
            false,
            false,
            Platform::DataFlow,
        );
        check(
            "dataflow-connector-x",
            &["spec"],
            false,
            false,
            Platform::Airbyte,
        );
        check(
            "/dataflow-connector-a/x",
            &[],
            false,
            false,
            Platform::Nothing,
        );
        check("./x", &["--help"], false, true, Platform::Help);
        check("./x", &["-V"], false, true, Platform::Version);
    }
}
