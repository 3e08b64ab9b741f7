//! The command line of a connector, in both styles (§2.1): `read --config FILE` and `--read --config FILE`.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::PathBuf;

use crossdock_core::code;
use crossdock_core::error::Error;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// To describe the connector.
    Spec,
    /// To tell whether a configuration works.
    Check {
        /// The configuration.
        config: PathBuf,
    },
    /// To list the streams.
    Discover {
        /// The configuration.
        config: PathBuf,
    },
    /// To print the records.
    Read {
        /// The configuration.
        config: PathBuf,
        /// The streams.
        catalog: PathBuf,
        /// Where to go on.
        state: Option<PathBuf>,
    },
    /// To take the records from stdin.
    Write {
        /// The configuration.
        config: PathBuf,
        /// The streams.
        catalog: PathBuf,
    },
}

/// What the words say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A command.
    Command {
        /// Which.
        command: Command,
        /// To log more.
        debug: bool,
    },
    /// A wish for help.
    Help,
    /// Nothing.
    Nothing,
    /// Nonsense, and why.
    Wrong(String),
}

const COMMANDS: [&str; 5] = ["spec", "check", "discover", "read", "write"];
const OPTIONS: [&str; 3] = ["config", "catalog", "state"];

/// Reads the words.
pub(super) fn parse(words: &[OsString]) -> Parsed {
    let mut command: Option<&str> = None;
    let mut options: [Option<PathBuf>; 3] = [None, None, None];
    let mut debug = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        // A path need not be text, but the words before it are.
        let text = word.to_string_lossy();
        let (name, inline) = match text.split_once('=') {
            Some((name, _)) if name.starts_with("--") => (name, value_of(word, name.len() + 1)),
            _ => (text.as_ref(), None),
        };
        let known = COMMANDS
            .iter()
            .find(|known| name == **known || name.strip_prefix("--") == Some(**known));
        let option = OPTIONS
            .iter()
            .position(|option| name.strip_prefix("--") == Some(*option));
        match (name, known, option) {
            ("--help" | "-h", ..) => return Parsed::Help,
            ("--debug", ..) => debug = true,
            (_, Some(known), _) if inline.is_none() => {
                if let Some(first) = command.replace(known) {
                    return Parsed::Wrong(format!("two commands: `{first}` and `{known}`"));
                }
            }
            (_, _, Some(option)) => {
                let Some(value) = inline.or_else(|| words.next().cloned()) else {
                    return Parsed::Wrong(format!("`{name}` wants a file"));
                };
                options[option] = Some(PathBuf::from(value));
            }
            _ => return Parsed::Wrong(format!("`{text}` is not understood")),
        }
    }
    let Some(command) = command else {
        return match options.iter().flatten().next() {
            Some(_) => Parsed::Wrong("there is no command".to_owned()),
            None => Parsed::Nothing,
        };
    };
    let [config, catalog, state] = options;
    let lacks = |option| format!("`{command}` wants `--{option} FILE`");
    let with_config = |config: Option<PathBuf>| config.ok_or_else(|| lacks("config"));
    let command = match command {
        "spec" => Ok(Command::Spec),
        "check" => with_config(config).map(|config| Command::Check { config }),
        "discover" => with_config(config).map(|config| Command::Discover { config }),
        _ => with_config(config).and_then(|config| {
            let catalog = catalog.ok_or_else(|| lacks("catalog"))?;
            Ok(if command == "read" {
                let state = state.clone();
                Command::Read {
                    config,
                    catalog,
                    state,
                }
            } else {
                Command::Write { config, catalog }
            })
        }),
    };
    match command {
        Ok(command) => Parsed::Command { command, debug },
        Err(why) => Parsed::Wrong(why),
    }
}

/// What follows the first `skip` bytes of a word, which are ASCII.
#[cfg(unix)]
fn value_of(word: &OsStr, skip: usize) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    let rest = word.as_bytes().get(skip..)?;
    Some(OsStr::from_bytes(rest).to_owned())
}

#[cfg(not(unix))]
fn value_of(word: &OsStr, skip: usize) -> Option<OsString> {
    Some(word.to_str()?.get(skip..)?.into())
}

pub(super) fn usage(name: &str) -> String {
    format!(
        "usage: {name} spec|check|discover|read|write [--config FILE] [--catalog FILE] [--state FILE]"
    )
}

pub(super) fn help(name: &str) -> String {
    format!(
        "{}

  spec                                               print what the configuration may hold
  check    --config FILE                             tell whether it works
  discover --config FILE                             list the streams (sources)
  read     --config FILE --catalog FILE [--state FILE]  print records and states (sources)
  write    --config FILE --catalog FILE              take records from stdin, echo states (destinations)

Every command may also be written as a flag, and takes --debug. Messages are those of the Airbyte protocol.
",
        usage(name)
    )
}

/// The error for no words at all.
pub(super) fn nothing() -> Error {
    Error::new(&code::USAGE, "no command was given")
        .hint("say one of `spec`, `check`, `discover`, `read` and `write`")
}

/// For who reads stderr, which is all that an error of usage reaches (§2.2).
pub(super) fn complain(text: &str) {
    // With nobody to read it, there is nobody to tell.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, expected: Parsed) {
        let words: Vec<_> = words.split_whitespace().map(OsString::from).collect();
        assert_eq!(parse(&words), expected, "{words:?}");
    }

    fn command(command: Command) -> Parsed {
        Parsed::Command {
            command,
            debug: false,
        }
    }

    #[test]
    fn both_styles_are_understood() {
        check("spec", command(Command::Spec));
        check("--spec", command(Command::Spec));
        let config = PathBuf::from("c");
        let check_it = command(Command::Check {
            config: config.clone(),
        });
        check("check --config c", check_it.clone());
        check("--config=c --check", check_it);
        check(
            "discover --debug --config c",
            Parsed::Command {
                command: Command::Discover {
                    config: config.clone(),
                },
                debug: true,
            },
        );
        let read = |state: Option<&str>| {
            command(Command::Read {
                config: config.clone(),
                catalog: "k".into(),
                state: state.map(PathBuf::from),
            })
        };
        check("read --config c --catalog k", read(None));
        check(
            "--catalog=k --state=a=b --config c --read",
            read(Some("a=b")),
        );
        let write = Command::Write {
            config: config.clone(),
            catalog: "k".into(),
        };
        check("write --config c --catalog k", command(write));
    }

    #[test]
    fn nonsense_is_told_apart() {
        check("", Parsed::Nothing);
        check("read --help", Parsed::Help);
        let wrong = |words: &str, why: &str| check(words, Parsed::Wrong(why.to_owned()));
        wrong("check", "`check` wants `--config FILE`");
        wrong("read --config c", "`read` wants `--catalog FILE`");
        wrong("check --config", "`--config` wants a file");
        wrong("sync", "`sync` is not understood");
        wrong("check --cfg c", "`--cfg` is not understood");
        wrong("spec check", "two commands: `spec` and `check`");
        wrong("--config c", "there is no command");
        wrong("--spec=1", "`--spec=1` is not understood");
    }
}
