//! Where the workspace is, and how cargo is called in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The root of the workspace that this program was built from.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Cargo in the root of the workspace, without what an outer `cargo run` has put into the environment for its own
/// package: inherited, it would reach build scripts and tests that read it.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ]
        .iter()
        .any(|part| text.starts_with(part))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end with our own output, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", name(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

/// Runs a command to its end and gives back its standard output; standard error goes where ours goes.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let found = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", name(command)))?;
    if !found.status.success() {
        bail!("{} ended with {}", name(command), found.status);
    }
    String::from_utf8(found.stdout)
        .with_context(|| format!("{} printed what is not text", name(command)))
}

/// The command as a person would type it.
pub(crate) fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What `cargo metadata` says, with all dependencies of this platform.
pub(crate) fn metadata() -> Result<Value> {
    let rustc = output(Command::new("rustc").arg("-vV"))?;
    let host = rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    let text = output(&mut cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        host,
    ]))?;
    Ok(serde_json::from_str(&text)?)
}

/// The directory that cargo builds into.
pub(crate) fn target() -> Result<PathBuf> {
    let text = output(&mut cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
    ]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    Ok(metadata["target_directory"]
        .as_str()
        .context("cargo names no target directory")?
        .into())
}
