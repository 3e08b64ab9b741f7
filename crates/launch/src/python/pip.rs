//! Installing by `python -m venv` and pip.

use std::path::PathBuf;

use crossdock_core::{Error, Result, code};
use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;
use tempfile::TempDir;

use super::interpreter::{self, Found, Interpreter};
use super::requirement::{Requirement, normalised};
use super::shelf::{Installed, Shelf};
use super::tool::Bench;
use super::{entry_point, failure};

/// How many interpreters are tried: each may build for minutes before it fails.
const TRIES: usize = 3;

/// Resolves the version, chooses the interpreter that it asks for, and installs.
pub(super) async fn install(
    bench: &Bench<'_>,
    shelf: &Shelf,
    requirement: &Requirement,
) -> Result<Installed> {
    bench.tell(format!("looking for {requirement} …"));
    let found = interpreter::find(bench).await?;
    let Some(first) = found.fit.first() else {
        return Err(not_found(requirement, None, &found));
    };
    let resolved = resolve(bench, shelf, requirement, first, &found).await?;
    let pinned = requirement.pinned(resolved.version.clone());
    if let Some(installed) = shelf.installed(&resolved.version.to_string()) {
        return Ok(installed);
    }
    let mut first_error = None;
    for interpreter in found
        .satisfying(resolved.required.as_ref())
        .into_iter()
        .take(TRIES)
    {
        match fill(bench, shelf, &pinned, &resolved.version, interpreter).await {
            Ok(installed) => return Ok(installed),
            Err(Refusal { error, last }) => {
                tracing::debug!(python = interpreter.minor(), ?error, "installing failed");
                let error = first_error.get_or_insert(error);
                if last {
                    tracing::debug!(%error, "no other interpreter would help");
                    break;
                }
            }
        }
    }
    let required = resolved.required.as_ref();
    Err(first_error.unwrap_or_else(|| not_found(&pinned, required, &found)))
}

fn not_found(
    requirement: &Requirement,
    required: Option<&VersionSpecifiers>,
    found: &Found,
) -> Error {
    let error = Error::new(
        &code::PYTHON_NOT_FOUND,
        "there is no Python interpreter that the package can be installed with",
    )
    .with("package", requirement)
    .with("found", found.in_words());
    match required {
        Some(required) => error.with("requires_python", required),
        None => error.hint("install Python with its `venv` module (on Debian: `apt install python3-venv`), or `uv`"),
    }
}

/// Why an environment could not be filled.
struct Refusal {
    error: Error,
    /// Whether every other interpreter would be refused in the same way.
    last: bool,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, last: true }
    }
}

async fn fill(
    bench: &Bench<'_>,
    shelf: &Shelf,
    pinned: &Requirement,
    version: &Version,
    interpreter: &Interpreter,
) -> Result<Installed, Refusal> {
    let home = shelf.home(&version.to_string());
    shelf.clear(&home).await?;
    bench.tell(format!(
        "installing {pinned} with Python {} …",
        interpreter.minor()
    ));
    let installed = fill_empty(bench, shelf, pinned, version, interpreter).await;
    if installed.is_err() {
        // Nothing half done stays; what a killed run leaves is removed by the next one.
        let _ = shelf.clear(&home).await;
    }
    installed
}

async fn fill_empty(
    bench: &Bench<'_>,
    shelf: &Shelf,
    pinned: &Requirement,
    version: &Version,
    interpreter: &Interpreter,
) -> Result<Installed, Refusal> {
    let home = shelf.home(&version.to_string());
    let name = pinned.to_string();
    let args = ["-m".as_ref(), "venv".as_ref(), home.as_os_str()];
    let made = bench.run(&interpreter.path, &args).await?;
    if !made.exit.success() {
        let message = "the virtual environment could not be made";
        let error = failure::failed(message, &name, &made);
        return Err(Refusal {
            error: error.with("python", interpreter.path.display()),
            last: false,
        });
    }
    let python = home.join("bin/python");
    let output = bench.run(&python, &["-m", "pip", "install", &name]).await?;
    if !output.exit.success() {
        let error = failure::failed("the package could not be installed", &name, &output);
        return Err(Refusal {
            error: error.with("python", interpreter.minor()),
            last: !failure::depends_on_interpreter(&output),
        });
    }
    Ok(entry_point::complete(bench, shelf, pinned, version, &home).await?)
}

/// The version that would be installed, and what it asks of Python.
#[derive(Debug, PartialEq)]
struct Resolved {
    version: Version,
    required: Option<VersionSpecifiers>,
}

/// Asks pip for the package's metadata without regard to the interpreter that asks. Left to
/// itself, pip takes an old version that the interpreter at hand happens to satisfy.
async fn resolve(
    bench: &Bench<'_>,
    shelf: &Shelf,
    requirement: &Requirement,
    first: &Interpreter,
    found: &Found,
) -> Result<Resolved> {
    // Kept until the end: it may be the asker's environment.
    let (asker, _environment) = asker(bench, shelf, requirement, first, found).await?;
    let name = requirement.to_string();
    let args = [
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--report",
        "-",
        "--quiet",
        "--ignore-requires-python",
        "--ignore-installed",
        "--no-deps",
        &name,
    ];
    let output = bench.run(&asker, &args).await?;
    if !output.exit.success() {
        return Err(failure::failed(
            "the package could not be found",
            &name,
            &output,
        ));
    }
    read_report(&output.stdout, &requirement.key()).ok_or_else(|| {
        failure::failed("what pip found cannot be read", &name, &output)
            .with("python", asker.display())
    })
}

/// An interpreter whose pip can report: one's own pip, else that of an environment made for it.
async fn asker(
    bench: &Bench<'_>,
    shelf: &Shelf,
    requirement: &Requirement,
    first: &Interpreter,
    found: &Found,
) -> Result<(PathBuf, Option<TempDir>)> {
    let oldest = Version::new([22, 2]);
    let able = |it: &&Interpreter| it.pip.as_ref().is_some_and(|pip| *pip >= oldest);
    if let Some(interpreter) = found.fit.iter().find(able) {
        return Ok((interpreter.path.clone(), None));
    }
    let name = requirement.to_string();
    let home = tempfile::Builder::new()
        .prefix("asking-")
        .tempdir_in(shelf.root())
        .map_err(|cause| {
            Error::new(&code::IO, "a place for pip could not be made")
                .with("in", shelf.root().display())
                .caused_by(cause)
        })?;
    let args = ["-m".as_ref(), "venv".as_ref(), home.path().as_os_str()];
    let made = bench.run(&first.path, &args).await?;
    if !made.exit.success() {
        let message = "the virtual environment could not be made";
        return Err(failure::failed(message, &name, &made).with("python", first.path.display()));
    }
    let python = home.path().join("bin/python");
    // A Python without pip of its own brings one for environments that may be too old as well.
    let args = ["-m", "pip", "install", "--quiet", "pip>=22.2"];
    let output = bench.run(&python, &args).await?;
    if !output.exit.success() {
        let message = "pip 22.2 or later is needed and could not be installed";
        return Err(failure::failed(message, &name, &output));
    }
    Ok((python, Some(home)))
}

#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
    requires_python: Option<String>,
}

fn read_report(text: &str, key: &str) -> Option<Resolved> {
    let report: Report = serde_json::from_str(text.trim()).ok()?;
    let mut items = report.install.into_iter().map(|item| item.metadata);
    let item = items.find(|item| normalised(&item.name) == key)?;
    Some(Resolved {
        version: item.version.parse().ok()?,
        // What cannot be read cannot be kept to; pip then decides when it installs.
        required: item
            .requires_python
            .and_then(|required| required.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read() {
        let check = |text: &str, expected: Option<(&str, Option<&str>)>| {
            let expected = expected.map(|(version, required)| Resolved {
                version: version.parse().expect("a version"),
                required: required.map(|r| r.parse().expect("a specifier")),
            });
            assert_eq!(read_report(text, "my-source"), expected);
        };
        let item = r#"{"install":[{"metadata":{"name":"My_Source","version":"1.2","requires_python":"<3.12,>=3.10"}}]}"#;
        check(item, Some(("1.2", Some(">=3.10,<3.12"))));
        check(
            r#"{"install":[{"metadata":{"name":"my.source","version":"1.2"}}]}"#,
            Some(("1.2", None)),
        );
        check(
            r#"{"install":[{"metadata":{"name":"my.source","version":"1","requires_python":"?"}}]}"#,
            Some(("1", None)),
        );
        check(r#"{"install":[]}"#, None);
        check("no report", None);
    }
}
