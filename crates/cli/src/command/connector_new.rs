//! `crossdock connector new`.

use std::fs;
use std::path::{Path, PathBuf};

use crossdock_control::scaffold::{self, Sdk, Template};
use crossdock_core::{Error, code};
use serde_json::json;

use crate::answer::Answer;
use crate::args::{self, New};

/// Where this program was built from.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Writes a crate to begin with.
pub(super) fn execute(args: &New) -> Result<Answer, Error> {
    let template = match args.template {
        args::Template::SourceHttp => Template::SourceHttp,
        args::Template::SourceDb => Template::SourceDb,
        args::Template::Destination => Template::Destination,
        args::Template::Both => Template::Both,
    };
    let folder = args.to.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let files = scaffold::files(&args.name, template, &sdk(args)?)?;
    // What somebody wrote is not written over.
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(
            Error::new(&code::USAGE, "the folder is there already, and not empty")
                .with("folder", folder.display())
                .hint("choose another one with `--to`"),
        );
    }
    for (path, text) in &files {
        write(&folder.join(path), text)?;
    }
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let text = format!(
        "{} is a connector to begin with:\n\n  cd {}\n  cargo test\n\nIts README.md says what is in it and how to try it.\n",
        folder.display(),
        folder.display()
    );
    Answer::new(
        &json!({"name": args.name, "folder": folder, "files": paths}),
        text,
    )
}

/// The SDK that was named, the one beside which this program was built if it is still there, or the released one.
fn sdk(args: &New) -> Result<Sdk, Error> {
    let is_checkout = |folder: &Path| folder.join("crates/sdk/Cargo.toml").is_file();
    if let Some(folder) = &args.sdk {
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        if !is_checkout(&folder) {
            return Err(
                Error::new(&code::USAGE, "there is no `crates/sdk` in this folder")
                    .with("folder", folder.display())
                    .hint("name a checkout of Crossdock"),
            );
        }
        return Ok(Sdk::Checkout(folder));
    }
    Ok(match fs::canonicalize(CHECKOUT) {
        Ok(folder) if is_checkout(&folder) => Sdk::Checkout(folder),
        _ => Sdk::Version(env!("CARGO_PKG_VERSION").to_owned()),
    })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|cause| {
        Error::new(&code::IO, "the file cannot be written")
            .with("path", path.display())
            .caused_by(cause)
    })
}
