//! Which Python interpreters there are, and which one to take.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crossdock_core::Result;
use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;

use super::tool::Bench;

/// The preferred minor versions of Python 3, best first. Most published Airbyte connectors ask for
/// `>=3.10,<3.12` or `>=3.11,<3.14`: 3.11 is what nearly all of them run on and are tested with;
/// then the nearest that their pinned dependencies have ready-made wheels for.
pub(super) const PREFERRED: [u32; 5] = [11, 10, 12, 13, 9];
/// Older ones cannot say what a package's entry points are.
const OLDEST: u32 = 8;

/// A Python that can make virtual environments.
#[derive(Clone, Debug)]
pub(super) struct Interpreter {
    pub(super) path: PathBuf,
    /// Three numbers: major, minor, patch.
    pub(super) version: [u32; 3],
    /// The version of its own pip, if it has one.
    pub(super) pip: Option<Version>,
}

impl Interpreter {
    pub(super) fn version(&self) -> Version {
        Version::new(self.version.map(u64::from))
    }

    /// E.g. `3.11`.
    pub(super) fn minor(&self) -> String {
        format!("{}.{}", self.version[0], self.version[1])
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Best first.
    pub(super) fit: Vec<Interpreter>,
    /// Why others were passed over, for messages.
    pub(super) passed_over: Vec<String>,
}

impl Found {
    /// Those that satisfy a package's `Requires-Python`, best first.
    pub(super) fn satisfying(&self, required: Option<&VersionSpecifiers>) -> Vec<&Interpreter> {
        let fits = |it: &&Interpreter| required.is_none_or(|r| r.contains(&it.version()));
        self.fit.iter().filter(fits).collect()
    }

    /// What is there, for messages.
    pub(super) fn in_words(&self) -> String {
        let fit = self.fit.iter().map(|it| {
            let [major, minor, patch] = it.version;
            format!("{major}.{minor}.{patch} ({})", it.path.display())
        });
        let all: Vec<_> = fit.chain(self.passed_over.iter().cloned()).collect();
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(", ")
        }
    }
}

/// Asks every interpreter that can be found what it is.
pub(super) async fn find(bench: &Bench<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for path in candidates(bench.path) {
        let Some(answer) = probe(bench, &path).await else {
            continue;
        };
        // The same one can be found by several names and links; several versions can share a base.
        if !seen.insert((answer.base, answer.version)) {
            continue;
        }
        let [major, minor, patch] = answer.version;
        let reject = if (major, minor) < (3, OLDEST) || major > 3 {
            Some(format!("it is not 3.{OLDEST} or later of 3"))
        } else if !answer.ensurepip {
            Some("it cannot make virtual environments: install `python3-venv`".to_owned())
        } else {
            None
        };
        if let Some(why) = reject {
            let at = path.display();
            let text = format!("not {major}.{minor}.{patch} ({at}; {why})");
            found.passed_over.push(text);
            continue;
        }
        found.fit.push(Interpreter {
            path,
            version: answer.version,
            pip: answer.pip.and_then(|pip| pip.parse().ok()),
        });
    }
    found.fit.sort_by_key(|it| rank(it.version));
    Ok(found)
}

/// Preferred ones first, then newer ones than those (oldest first), then older ones; of the same
/// minor version the newest.
fn rank([_, minor, patch]: [u32; 3]) -> (usize, u32, std::cmp::Reverse<u32>) {
    let place = PREFERRED.iter().position(|&preferred| preferred == minor);
    let place = place.unwrap_or(PREFERRED.len());
    (
        place,
        minor.wrapping_sub(OLDEST + 1),
        std::cmp::Reverse(patch),
    )
}

/// Every file that may be an interpreter.
fn candidates(path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut directories = match path {
        Some(path) => env::split_paths(path).collect(),
        None => env::var_os("PATH")
            .map(|path| env::split_paths(&path).collect::<Vec<_>>())
            .unwrap_or_default(),
    };
    if path.is_none() {
        let pyenv = env::var_os("PYENV_ROOT")
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
        let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok());
        directories.extend(
            versions
                .into_iter()
                .flatten()
                .flatten()
                .map(|v| v.path().join("bin")),
        );
    }
    let mut files = Vec::new();
    let mut targets = HashSet::new();
    for directory in directories {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            if is_interpreter(&entry.file_name().to_string_lossy()) {
                // Shims are all the same file and answer by their name, so links are followed and
                // copies are not compared.
                let file = entry.path();
                if targets.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                    files.push(file);
                }
            }
        }
    }
    files
}

/// `python`, `python3` and `python3.N`.
fn is_interpreter(name: &str) -> bool {
    match name.strip_prefix("python") {
        Some("" | "3") => true,
        Some(rest) => rest
            .strip_prefix("3.")
            .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit())),
        None => false,
    }
}

#[derive(Deserialize)]
struct Answer {
    version: [u32; 3],
    base: String,
    ensurepip: bool,
    pip: Option<String>,
}

const PROBE: &str = "
import importlib.util, json, sys
try:
    from pip import __version__ as pip
except Exception:
    pip = None
print(json.dumps({
    'version': list(sys.version_info[:3]),
    'base': sys.base_prefix,
    'ensurepip': importlib.util.find_spec('ensurepip') is not None,
    'pip': pip,
}))
";

async fn probe(bench: &Bench<'_>, path: &Path) -> Option<Answer> {
    // A shim of a version that is switched off answers with a failure: it is not there then.
    let output = bench.run(path, &["-I", "-c", PROBE]).await.ok()?;
    let answer = output.exit.success().then_some(output.stdout)?;
    serde_json::from_str(answer.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreter(minor: u32, patch: u32) -> Interpreter {
        Interpreter {
            path: PathBuf::from(format!("/usr/bin/python3.{minor}")),
            version: [3, minor, patch],
            pip: None,
        }
    }

    #[test]
    fn the_best_of_the_satisfying_is_taken() {
        let check = |there: &[(u32, u32)], required: Option<&str>, expected: &[(u32, u32)]| {
            let mut fit: Vec<_> = there.iter().map(|&(m, p)| interpreter(m, p)).collect();
            fit.sort_by_key(|it| rank(it.version));
            let found = Found {
                fit,
                passed_over: Vec::new(),
            };
            let required = required.map(|text| text.parse().expect("a specifier"));
            let got: Vec<_> = found
                .satisfying(required.as_ref())
                .iter()
                .map(|it| (it.version[1], it.version[2]))
                .collect();
            assert_eq!(got, expected, "{required:?}");
        };
        let all = [
            (8, 18),
            (9, 18),
            (10, 13),
            (11, 2),
            (11, 7),
            (12, 1),
            (13, 0),
            (14, 0),
            (15, 0),
        ];
        check(
            &all,
            None,
            &[
                (11, 7),
                (11, 2),
                (10, 13),
                (12, 1),
                (13, 0),
                (9, 18),
                (14, 0),
                (15, 0),
                (8, 18),
            ],
        );
        check(&all, Some(">=3.10,<3.12"), &[(11, 7), (11, 2), (10, 13)]);
        check(&all, Some(">=3.12, !=3.13.*, <3.14"), &[(12, 1)]);
        check(
            &all,
            Some("~=3.9"),
            &[
                (11, 7),
                (11, 2),
                (10, 13),
                (12, 1),
                (13, 0),
                (9, 18),
                (14, 0),
                (15, 0),
            ],
        );
        check(&all, Some("~=3.10.0"), &[(10, 13)]);
        check(&all, Some(">3.11.2,<3.12"), &[(11, 7)]);
        check(&all, Some("<3.8"), &[]);
        check(&[], None, &[]);
    }

    #[test]
    fn interpreters_are_known_by_name() {
        for name in ["python", "python3", "python3.8", "python3.13"] {
            assert!(is_interpreter(name), "{name}");
        }
        for name in [
            "python2",
            "python2.7",
            "python3.",
            "python3.13t",
            "python3-config",
            "ipython",
        ] {
            assert!(!is_interpreter(name), "{name}");
        }
    }
}
