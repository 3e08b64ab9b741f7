//! The real Conduit and connectors of its kind, built by module name with Go, each from its own pins.
//!
//! A folder of `go/` has the `go.mod` and `go.sum` of one program, so that what is built is what was built before:
//! sums are checked against ours. A program is kept under a digest of those files and of the compiler's version.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::environment;
use crate::workspace;

/// Each program with the package it is built from; `.` is our own.
const PROGRAMS: [(&str, &str); 9] = [
    ("conduit", "github.com/conduitio/conduit/cmd/conduit"),
    (
        "generator",
        "github.com/conduitio/conduit-connector-generator/cmd/connector",
    ),
    (
        "file",
        "github.com/conduitio/conduit-connector-file/cmd/connector",
    ),
    (
        "log",
        "github.com/conduitio/conduit-connector-log/cmd/connector",
    ),
    (
        "postgres",
        "github.com/conduitio/conduit-connector-postgres/cmd/connector",
    ),
    // These speak version 1 of the protocol alone.
    (
        "generator-v1",
        "github.com/conduitio/conduit-connector-generator/cmd/connector",
    ),
    (
        "file-v1",
        "github.com/conduitio/conduit-connector-file/cmd/connector",
    ),
    ("chaos", "."),
    // Speaks DataFlow's protocol, written from its page alone.
    ("dataflow-stranger", "."),
];

/// Makes every program ready, and gives the folder in which each has its name.
pub(crate) fn prepare() -> Result<PathBuf> {
    let version = workspace::output(Command::new("go").arg("version")).context(
        "Go 1.25 or newer is needed for the connectors of Conduit; install it and run this again",
    )?;
    let cache = environment::cache()?;
    let _lock = environment::lock(&cache)?;
    let mut digest = DefaultHasher::new();
    version.hash(&mut digest);
    for (name, package) in PROGRAMS {
        (name, package).hash(&mut digest);
        for (file, content) in files(&folder(name))? {
            (file, content).hash(&mut digest);
        }
    }
    let shelf = cache.join(format!("go-{:016x}", digest.finish()));
    for (name, package) in PROGRAMS {
        let program = shelf.join(name);
        if !program.is_file() {
            build(name, package, &program)?;
        }
    }
    Ok(shelf)
}

fn folder(name: &str) -> PathBuf {
    workspace::root().join("crates/xtask/go").join(name)
}

fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} is missing", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read(entry.path())?);
    }
    Ok(files)
}

fn build(name: &str, package: &str, program: &Path) -> Result<()> {
    println!("    building {name} with Go");
    // In a copy, for Go may only read what is checked in.
    let place = tempfile::tempdir()?;
    for (file, content) in files(&folder(name))? {
        fs::write(place.path().join(file), content)?;
    }
    let draft = program.with_extension("draft");
    let mut go = Command::new("go");
    go.current_dir(place.path())
        .args(["build", "-mod=mod", "-trimpath", "-o"])
        .arg(&draft)
        .arg(package)
        // Our own `go.sum` is what is checked.
        .env("GONOSUMDB", "*")
        .env("GONOSUMCHECK", "1")
        .env("GOFLAGS", "")
        .env("CGO_ENABLED", "0");
    workspace::run(&mut go)?;
    for file in ["go.mod", "go.sum"] {
        if fs::read(place.path().join(file))? != fs::read(folder(name).join(file))? {
            bail!("the pins of {name} are not complete: {file} would change");
        }
    }
    // By its name only when it is whole.
    fs::rename(&draft, program)?;
    Ok(())
}
