//! `cargo xtask proto`: the code of the `.proto` files.
//!
//! It is checked in, so that a build needs no compiler of protobuf; a test says when it is no longer current.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::arguments::{Arguments, Usage};
use crate::workspace;

/// Each place of `.proto` files, which of them, and where their code goes.
const SETS: [Set; 1] = [Set {
    protos: "crates/conduit/proto",
    files: &[
        "connector.proto",
        "config.proto",
        "schema.proto",
        "plugin.proto",
        // Records are read and written by hand; their code is what the tests compare with.
        "opencdc.proto",
    ],
    code: "crates/conduit/src/wire/proto",
}];

struct Set {
    protos: &'static str,
    files: &'static [&'static str],
    code: &'static str,
}

/// Writes the code, or with `--check` compares.
pub(crate) fn main(arguments: Vec<String>) -> Result<()> {
    let arguments = Arguments::parse(arguments, &["check"], &[])?;
    if let Some(word) = arguments.words.first() {
        return Err(Usage(format!("`proto` takes no `{word}`")).into());
    }
    let root = workspace::root();
    if arguments.has("check") {
        return check(root);
    }
    for set in &SETS {
        let code = root.join(set.code);
        fs::create_dir_all(&code)?;
        set.write(root, &code)?;
    }
    Ok(())
}

fn check(root: &Path) -> Result<()> {
    for set in &SETS {
        let fresh = tempfile::tempdir()?;
        set.write(root, fresh.path())?;
        for entry in fs::read_dir(fresh.path())? {
            let name = entry?.file_name();
            let kept = root.join(set.code).join(&name);
            let same = fs::read(&kept).ok() == fs::read(fresh.path().join(&name)).ok();
            if !same {
                bail!(
                    "{} is not what the .proto files say: run `cargo xtask proto`",
                    kept.display()
                );
            }
        }
    }
    Ok(())
}

impl Set {
    fn write(&self, root: &Path, out: &Path) -> Result<()> {
        let protos = root.join(self.protos);
        let files = protox::compile(self.files, [&protos])
            .with_context(|| format!("{} cannot be compiled", protos.display()))?;
        prost_build::Config::new()
            .bytes(["."])
            .btree_map(["."])
            .out_dir(out)
            .compile_fds(files)
            .context("the code cannot be written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_current() {
        check(workspace::root()).unwrap();
    }
}
