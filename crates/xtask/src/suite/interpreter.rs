//! The Python interpreters of this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An interpreter that was started once and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// Where it is: its own word for it, not the shim it was called by.
    pub(crate) path: PathBuf,
    /// Its version.
    pub(crate) version: (u32, u32, u32),
    /// Whether it has what makes virtual environments; Debian packs that apart.
    pub(crate) makes_environments: bool,
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "{} ({major}.{minor}.{patch}", self.path.display())?;
        f.write_str(if self.makes_environments {
            ")"
        } else {
            ", without venv)"
        })
    }
}

/// Names to look for, the version that every pinned connector runs on first.
const NAMES: [&str; 5] = [
    "python3.11",
    "python3",
    "python3.12",
    "python3.10",
    "python3.13",
];

const QUESTION: &str = "
import sys
try:
    import venv, ensurepip
    able = 1
except ImportError:
    able = 0
print(*sys.version_info[:3], able, sys.executable)
";

/// Looks along the search path, in the system's own folder (which a version manager may hide), and at what pyenv
/// has installed.
pub(crate) fn search() -> Vec<Interpreter> {
    let mut candidates: Vec<PathBuf> = NAMES.iter().map(PathBuf::from).collect();
    candidates.extend(NAMES.iter().map(|name| Path::new("/usr/bin").join(name)));
    if let Some(home) = std::env::home_dir()
        && let Ok(versions) = std::fs::read_dir(home.join(".pyenv/versions"))
    {
        let mut versions: Vec<PathBuf> = versions
            .filter_map(|entry| Some(entry.ok()?.path().join("bin/python")))
            .collect();
        versions.sort();
        candidates.extend(versions);
    }
    let mut found: Vec<Interpreter> = Vec::new();
    for interpreter in candidates.iter().filter_map(|candidate| ask(candidate)) {
        if !found.contains(&interpreter) {
            found.push(interpreter);
        }
    }
    found
}

fn ask(candidate: &Path) -> Option<Interpreter> {
    let answer = Command::new(candidate)
        .args(["-c", QUESTION])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    answer
        .status
        .success()
        .then(|| read(&String::from_utf8_lossy(&answer.stdout)))?
}

fn read(answer: &str) -> Option<Interpreter> {
    let mut words = answer.trim().splitn(5, ' ');
    let mut number = || words.next()?.parse::<u32>().ok();
    let version = (number()?, number()?, number()?);
    let makes_environments = number()? == 1;
    let path = words.next().filter(|path| !path.is_empty())?.into();
    Some(Interpreter {
        path,
        version,
        makes_environments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_or_refused() {
        let expected = Interpreter {
            path: "/opt/my python".into(),
            version: (3, 11, 7),
            makes_environments: true,
        };
        assert_eq!(read("3 11 7 1 /opt/my python\n"), Some(expected));
        for answer in ["", "3 11 7 1", "3 11 7 1 ", "three 11 7 1 /p"] {
            assert_eq!(read(answer), None, "{answer:?}");
        }
    }

    #[test]
    fn what_is_not_an_interpreter_is_not_found() {
        assert_eq!(ask(Path::new("/nonexistent/python")), None);
        assert_eq!(ask(Path::new("false")), None);
    }
}
