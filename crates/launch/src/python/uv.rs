//! Installing by `uv`, which also brings a Python where none is.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use crossdock_core::{Error, Result, code};
use pep440_rs::Version;
use rustix::fs::{Access, access};

use super::interpreter::PREFERRED;
use super::requirement::{Requirement, normalised};
use super::shelf::{Installed, Shelf};
use super::tool::{Bench, Output};
use super::{entry_point, failure};

/// The `uv` in the given directories, else in PATH.
pub(super) fn find(path: Option<&OsStr>) -> Option<PathBuf> {
    let inherited = env::var_os("PATH");
    env::split_paths(path.or(inherited.as_deref())?)
        .map(|directory| directory.join("uv"))
        .find(|uv| uv.is_file() && access(uv, Access::EXEC_OK).is_ok())
}

/// Resolves the version and the Python for it, and installs.
pub(super) async fn install(
    bench: &Bench<'_>,
    uv: &Path,
    shelf: &Shelf,
    requirement: &Requirement,
) -> Result<Installed> {
    bench.tell(format!("looking for {requirement} …"));
    let (version, minor) = resolve(bench, uv, shelf, requirement).await?;
    if let Some(installed) = shelf.installed(&version.to_string()) {
        return Ok(installed);
    }
    let pinned = requirement.pinned(version.clone());
    let home = shelf.home(&version.to_string());
    shelf.clear(&home).await?;
    bench.tell(format!("installing {pinned} with Python 3.{minor} …"));
    let installed = fill(bench, uv, shelf, &pinned, &version, minor).await;
    if installed.is_err() {
        let _ = shelf.clear(&home).await;
    }
    installed
}

async fn fill(
    bench: &Bench<'_>,
    uv: &Path,
    shelf: &Shelf,
    pinned: &Requirement,
    version: &Version,
    minor: u32,
) -> Result<Installed> {
    let name = pinned.to_string();
    let home = shelf.home(&version.to_string());
    let python = format!("3.{minor}");
    // Seeded as `python -m venv` seeds: connectors of the older kind import setuptools.
    let mut args: Vec<&OsStr> = ["venv", "--quiet", "--seed", "--python", &python]
        .map(OsStr::new)
        .to_vec();
    args.push(home.as_os_str());
    let made = bench.run(uv, &args).await?;
    succeed(&made, "the virtual environment could not be made", &name)?;
    let interpreter = home.join("bin/python");
    // Compiled now, so that the first start is as fast as the others.
    let mut args: Vec<&OsStr> = ["pip", "install", "--compile-bytecode", "--python"]
        .map(OsStr::new)
        .to_vec();
    args.extend([interpreter.as_os_str(), OsStr::new(&name)]);
    let output = bench.run(uv, &args).await?;
    succeed(&output, "the package could not be installed", &name)?;
    entry_point::complete(bench, shelf, pinned, version, &home).await
}

fn succeed(output: &Output, message: &str, name: &str) -> Result<()> {
    if output.exit.success() {
        Ok(())
    } else {
        Err(failure::failed(message, name, output))
    }
}

/// The newest version that any preferred Python can have, and the first Python that can have it.
async fn resolve(
    bench: &Bench<'_>,
    uv: &Path,
    shelf: &Shelf,
    requirement: &Requirement,
) -> Result<(Version, u32)> {
    let name = requirement.to_string();
    let io = |cause| {
        Error::new(&code::IO, "the request for uv could not be written")
            .with("in", shelf.root().display())
            .caused_by(cause)
    };
    let mut request = tempfile::NamedTempFile::new_in(shelf.root()).map_err(io)?;
    writeln!(request, "{name}").map_err(io)?;
    let mut brought = false;
    let mut answers = Vec::new();
    let mut refusal = None;
    for minor in PREFERRED {
        let python = format!("3.{minor}");
        let mut output = ask(bench, uv, request.path(), &python).await?;
        if !brought
            && output
                .said
                .iter()
                .any(|line| line.contains("No interpreter found"))
        {
            // It asks an interpreter about the machine, any one: it can bring one itself.
            brought = true;
            bench.tell(format!("installing Python {python} …"));
            let bringing = bench.run(uv, &["python", "install", &python]).await?;
            succeed(&bringing, "uv could not install a Python", &name)?;
            output = ask(bench, uv, request.path(), &python).await?;
        }
        let version = output.exit.success().then_some(&output.stdout);
        match version.and_then(|text| read_pin(text, &requirement.key())) {
            Some(version) => {
                answers.push((version, minor));
                if requirement.version.is_some() {
                    break;
                }
            }
            None => {
                let hopeless = !failure::depends_on_interpreter(&output);
                refusal.get_or_insert(output);
                if hopeless {
                    break;
                }
            }
        }
    }
    match newest(answers) {
        Some(answer) => Ok(answer),
        None => {
            let message = "no Python that uv can bring satisfies the package";
            Err(refusal.map_or_else(
                || Error::new(&code::PYTHON_INSTALL, message).with("package", &name),
                |output| failure::failed("the package could not be found", &name, &output),
            ))
        }
    }
}

async fn ask(bench: &Bench<'_>, uv: &Path, request: &Path, python: &str) -> Result<Output> {
    let mut args: Vec<&OsStr> = [
        "pip",
        "compile",
        "--quiet",
        "--no-deps",
        "--no-header",
        "--no-annotate",
        "--python-version",
        python,
    ]
    .map(OsStr::new)
    .to_vec();
    args.push(request.as_os_str());
    bench.run(uv, &args).await
}

/// The version in a line `name==version`.
fn read_pin(text: &str, key: &str) -> Option<Version> {
    let pins = text.lines().filter_map(|line| line.split_once("=="));
    let mut named = pins.filter(|(name, _)| normalised(name.trim()) == key);
    let (_, version) = named.next()?;
    version.split([' ', ';', '\\']).next()?.trim().parse().ok()
}

/// The newest version; where several Pythons can have it, the first of them.
fn newest(answers: Vec<(Version, u32)>) -> Option<(Version, u32)> {
    answers
        .into_iter()
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read() {
        let check = |text: &str, expected: Option<&str>| {
            let got = read_pin(text, "my-source").map(|version| version.to_string());
            assert_eq!(got.as_deref(), expected);
        };
        check("my-source==1.2.3\n", Some("1.2.3"));
        check(
            "# a note\nMy.Source==1.2 ; python_version > '3'\n",
            Some("1.2"),
        );
        check("other==1\n", None);
        check("", None);
    }

    #[test]
    fn the_newest_version_and_the_best_python_are_taken() {
        let check = |answers: &[(&str, u32)], expected: Option<(&str, u32)>| {
            let version = |text: &str| text.parse::<Version>().expect("a version");
            let answers = answers
                .iter()
                .map(|&(v, minor)| (version(v), minor))
                .collect();
            let expected = expected.map(|(v, minor)| (version(v), minor));
            assert_eq!(newest(answers), expected);
        };
        check(
            &[("0.9", 11), ("0.10", 10), ("0.10", 12)],
            Some(("0.10", 10)),
        );
        check(&[("1.0rc1", 11), ("0.9", 9)], Some(("1.0rc1", 11)));
        check(&[], None);
    }
}
