//! How a process ended, and what that most often means.

use crossdock_core::code::Code;
use crossdock_core::{Error, ErrorKind};

/// Why a process ended, from whoever ran it for us, e.g. a container engine. It can be told several
/// times, which an error cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code of the error.
    pub code: &'static Code,
    /// Its kind, where that is not the code's.
    pub kind: Option<ErrorKind>,
    /// What happened.
    pub message: String,
    /// Where.
    pub context: Vec<(&'static str, String)>,
    /// What to do, where that is not the code's remedy.
    pub hint: Option<String>,
}

impl Reason {
    /// The error that it is.
    #[must_use]
    pub fn error(&self) -> Error {
        let mut error = Error::new(self.code, self.message.clone());
        if let Some(kind) = self.kind {
            error = error.with_kind(kind);
        }
        for (key, value) in &self.context {
            error = error.with(key, value);
        }
        match &self.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// Whether it ended by itself with code 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code as a shell reports it: 128 plus the signal where a signal ended the process.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// The reason for a person, e.g. `exit code 137: killed, most often because memory ran out`.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::Code(code) => match meaning(code) {
                Some(meaning) => format!("exit code {code}: {meaning}"),
                None => format!("exit code {code}"),
            },
            Self::Signal(signal) => {
                // SIGKILL and SIGTERM come from somebody; the others are the process's own fault.
                let verb = match signal {
                    9 => "killed",
                    15 => "terminated",
                    _ => "ended",
                };
                match name(signal) {
                    Some(name) => format!("{verb} by {name} (signal {signal})"),
                    None => format!("{verb} by signal {signal}"),
                }
            }
        }
    }
}

/// What codes mean by the conventions of shells, container runtimes and Java.
fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        3 => "a Java machine out of memory, if it is one",
        126 => "entry point not executable",
        127 => "entry point not found",
        134 => "aborted (SIGABRT)",
        137 => "killed, most often because memory ran out",
        139 => "crashed (SIGSEGV)",
        141 => "its output was closed (SIGPIPE)",
        143 => "terminated (SIGTERM)",
        _ => return None,
    })
}

fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_told_in_words() {
        let check = |exit: Exit, code, words: &str| {
            assert_eq!(exit.code(), code);
            assert_eq!(exit.in_words(), words);
        };
        check(Exit::Code(0), 0, "exit code 0");
        check(Exit::Code(1), 1, "exit code 1");
        check(
            Exit::Code(3),
            3,
            "exit code 3: a Java machine out of memory, if it is one",
        );
        check(Exit::Code(127), 127, "exit code 127: entry point not found");
        check(
            Exit::Code(137),
            137,
            "exit code 137: killed, most often because memory ran out",
        );
        check(Exit::Code(143), 143, "exit code 143: terminated (SIGTERM)");
        check(Exit::Signal(9), 137, "killed by SIGKILL (signal 9)");
        check(Exit::Signal(15), 143, "terminated by SIGTERM (signal 15)");
        check(Exit::Signal(11), 139, "ended by SIGSEGV (signal 11)");
        check(Exit::Signal(60), 188, "ended by signal 60");
        assert!(Exit::Code(0).success());
        assert!(!Exit::Code(2).success() && !Exit::Signal(9).success());
    }
}
