//! The programs that are measured, built as they are shipped.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace;

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The product.
    pub(crate) crossdock: PathBuf,
    /// The source that writes prepared lines.
    pub(crate) source: PathBuf,
    /// The destination that counts.
    pub(crate) sink: PathBuf,
    /// The source and the sink that speak DataFlow's protocol.
    pub(crate) dataflow: PathBuf,
    /// The parser.
    pub(crate) parse: PathBuf,
}

impl Programs {
    /// Builds all of them in the release profile.
    pub(crate) fn build() -> Result<Self> {
        let arguments = [
            "build",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "crossdock-cli",
            "-p",
            "xtask",
        ];
        eprintln!("building the release profile");
        workspace::run(&mut workspace::cargo(&arguments))?;
        let folder = workspace::target()?.join("release");
        Ok(Programs {
            crossdock: folder.join("crossdock"),
            source: folder.join("peer-source"),
            sink: folder.join("peer-sink"),
            dataflow: folder.join("peer-dataflow"),
            parse: folder.join("peer-parse"),
        })
    }
}
