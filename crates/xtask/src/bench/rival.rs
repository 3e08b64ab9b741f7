//! Other programs that move files, to measure beside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::suite::environment::{self, Pin};
use crate::suite::interpreter;

/// Sling, from PyPI: the package has the program itself.
const SLING: Pin = Pin {
    package: "sling-linux-amd64",
    version: "1.4.11",
    python_from: (3, 9),
    python_before: (3, 15),
    requirements: &[],
    programs: &[],
};

/// Another program.
pub(crate) enum Rival {
    Sling(PathBuf),
    /// Named by `CROSSDOCK_BENCH_FAUCET`: it takes a quarter of an hour to build, and its newer versions want a newer
    /// compiler than ours.
    Faucet(PathBuf),
}

/// The programs that can be had here.
pub(crate) fn rivals() -> Result<Vec<Rival>> {
    let mut rivals = vec![Rival::Sling(sling()?)];
    if let Some(path) = std::env::var_os("CROSSDOCK_BENCH_FAUCET") {
        rivals.push(Rival::Faucet(path.into()));
    }
    Ok(rivals)
}

fn sling() -> Result<PathBuf> {
    let cache = environment::cache()?;
    let _lock = environment::lock(&cache)?;
    let found = interpreter::search();
    let interpreter = found
        .iter()
        .find(|interpreter| interpreter.makes_environments)
        .context("there is no Python with the module `venv`")?;
    let folder = environment::ready(&cache, &SLING, interpreter)?;
    let lib = folder.join("lib");
    for python in fs::read_dir(&lib)? {
        let program = "site-packages/sling_linux_amd64/bin/sling-linux-amd64";
        let program = python?.path().join(program);
        if program.is_file() {
            return Ok(program);
        }
    }
    anyhow::bail!("the package has no program in {}", lib.display())
}

impl Rival {
    /// What it is called in figures.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sling(_) => "Sling",
            Self::Faucet(_) => "Faucet",
        }
    }

    /// The command that moves a CSV file into `folder`; `None` where it cannot.
    pub(crate) fn command(
        &self,
        csv: &Path,
        folder: &Path,
        format: &str,
    ) -> Result<Option<Command>> {
        let to = folder.join(format!("out.{format}"));
        match self {
            // For Parquet it fetches another program from the network.
            Self::Sling(_) if format == "parquet" => Ok(None),
            Self::Sling(program) => {
                let mut command = Command::new(program);
                command
                    .env("SLING_HOME_DIR", folder)
                    .arg("run")
                    .args(["--src-stream", &format!("file://{}", csv.display())])
                    .args(["--tgt-object", &format!("file://{}", to.display())]);
                Ok(Some(command))
            }
            Self::Faucet(program) => {
                let file = folder.join("faucet.yaml");
                let config = match format {
                    "parquet" => json!({"destination": {"type": "local_path", "path": to}}),
                    _ => json!({"path": to}),
                };
                // JSON is YAML.
                let text = json!({"version": 1, "name": "bench", "pipeline": {
                    "sources": {"default": {"type": "csv", "config": {"path": csv}}},
                    "sinks": {"default": {"type": format, "config": config}},
                }});
                fs::write(&file, text.to_string())?;
                let mut command = Command::new(program);
                command.arg("run").arg(file);
                Ok(Some(command))
            }
        }
    }
}
