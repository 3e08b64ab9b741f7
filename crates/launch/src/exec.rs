//! The launcher `exec`: a program that is already there.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use crossdock_core::session::Session;
use crossdock_core::{Error, Result, code};
use rustix::fs::{Access, access};

use crate::{Launcher, Program};

/// A local program, named by the words of a command.
#[derive(Clone, Debug)]
pub struct Exec {
    words: Vec<String>,
}

impl Exec {
    /// The program `words[0]` with the arguments after it.
    #[must_use]
    pub fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Splits `what` into words as a shell does, quotes and backslashes honoured. No shell runs:
    /// variables and patterns stay as they are written.
    ///
    /// # Errors
    /// `config.reference` for an open quote or no word at all.
    pub fn parse(what: &str) -> Result<Self> {
        match shlex::split(what) {
            Some(words) if words.first().is_some_and(|word| !word.is_empty()) => {
                Ok(Self::new(words))
            }
            Some(_) => Err(Error::new(
                &code::REFERENCE_INVALID,
                "the reference names no program after `exec:`",
            )),
            None => Err(Error::new(
                &code::REFERENCE_INVALID,
                "a quote is opened and not closed, or the last character is a backslash",
            )
            .with("command", what)),
        }
    }

    fn find(&self) -> Result<PathBuf> {
        let word = self.words.first().map_or("", String::as_str);
        if word.contains('/') {
            let path = std::path::absolute(word).map_err(|cause| {
                not_found(word, "the program's path cannot be made absolute").caused_by(cause)
            })?;
            return match unfit(&path) {
                None => Ok(path),
                Some(why) => Err(not_found(word, &format!("the program {why}"))
                    .with("looked_at", path.display())),
            };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        search(word, &path)
    }
}

#[async_trait]
impl Launcher for Exec {
    async fn program(&self, _: &Session) -> Result<Program> {
        let path = self.find()?;
        let args = self.words.iter().skip(1).map(|word| argument(word));
        Ok(Program {
            path,
            args: args.collect(),
            env: Vec::new(),
        })
    }

    /// Only a native executable without arguments has one: behind a script, an interpreter's
    /// argument or an installed entry point the code may change while this file stays.
    async fn identity(&self) -> Option<String> {
        if self.words.len() != 1 {
            return None;
        }
        let path = self.find().ok()?;
        let mut magic = [0; 4];
        File::open(&path).ok()?.read_exact(&mut magic).ok()?;
        if &magic != b"\x7fELF" {
            return None;
        }
        let meta = fs::metadata(&path).ok()?;
        Some(format!(
            "{} {}.{:09} {}",
            path.display(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.size()
        ))
    }

    fn name(&self) -> String {
        self.words.join(" ")
    }
}

/// An argument that names an existing file by a relative path with a `/` is made absolute, because
/// the process may be run in another directory (`exec:python3 ./source.py`).
fn argument(word: &str) -> OsString {
    if word.contains('/')
        && !word.starts_with(['/', '-'])
        && Path::new(word).is_file()
        && let Ok(path) = std::path::absolute(word)
    {
        return path.into();
    }
    word.into()
}

fn search(word: &str, path: &OsString) -> Result<PathBuf> {
    let mut looked_at = Vec::new();
    let mut unfit_ones = Vec::new();
    for directory in env::split_paths(path) {
        let candidate = directory.join(word);
        match unfit(&candidate) {
            None => return std::path::absolute(&candidate).or(Ok(candidate)),
            Some(_) if !candidate.exists() => {}
            Some(why) => unfit_ones.push(format!("{} {why}", candidate.display())),
        }
        looked_at.push(directory.display().to_string());
    }
    let mut error = not_found(word, "the program is not in PATH")
        .with("looked_at", looked_at.join(":"))
        .hint("check the name, or write a path with a `/`, e.g. `exec:./program`");
    for unfit in unfit_ones {
        error = error.with("passed_over", unfit);
    }
    Err(error)
}

fn not_found(word: &str, message: &str) -> Error {
    Error::new(&code::PROGRAM_NOT_FOUND, message).with("program", word)
}

/// Why this path cannot be run; `None` if it can.
fn unfit(path: &Path) -> Option<&'static str> {
    match fs::metadata(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            Some("is in a directory that may not be read")
        }
        Err(_) => Some("does not exist"),
        Ok(meta) if meta.is_dir() => Some("is a directory"),
        Ok(_) if access(path, Access::EXEC_OK).is_err() => {
            Some("is not executable (`chmod +x` makes it so)")
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_like_a_shell_splits_them() {
        let check = |what: &str, expected: Option<&[&str]>| {
            let got = Exec::parse(what).ok().map(|exec| exec.words);
            let expected =
                expected.map(|words| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>());
            assert_eq!(got, expected, "{what}");
        };
        check("./source", Some(&["./source"]));
        check(
            "  python3 -m  'my source' ",
            Some(&["python3", "-m", "my source"]),
        );
        check(
            r#"a "b c" d\ e $HOME *"#,
            Some(&["a", "b c", "d e", "$HOME", "*"]),
        );
        check("a ''", Some(&["a", ""]));
        check("'open", None);
        check("''", None);
        check("", None);
    }
}
