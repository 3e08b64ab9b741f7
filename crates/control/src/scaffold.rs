//! A connector to begin with, on the SDK: the project's own examples under another name. Pure.
//!
//! The examples are built and tested with everything else, so what an author gets is what works.

mod both;
mod example;
mod manifest;

use std::path::PathBuf;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};

/// What the connector is like at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// A source over HTTP: paging, a state, retries.
    SourceHttp,
    /// A source of a database: a snapshot, then its changes, for ever.
    SourceDb,
    /// A destination that takes rows in batches, by their key.
    Destination,
    /// A source and a destination in one program.
    Both,
}

/// Where the SDK is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// In a checkout of this project: the folder that has `crates`.
    Checkout(PathBuf),
    /// A released version.
    Version(String),
}

/// A file of the new crate, by its path in it.
pub type File = (String, String);

/// The files of a new crate.
///
/// # Errors
/// `usage` if the name is not one for a crate.
pub fn files(name: &str, template: Template, sdk: &Sdk) -> Result<Vec<File>> {
    check(name)?;
    let mut files: Vec<File> = match template {
        Template::SourceHttp => example::SOURCE_HTTP.renamed(name),
        Template::SourceDb => example::SOURCE_DB.renamed(name),
        Template::Destination => example::DESTINATION_HTTP.renamed(name),
        Template::Both => both::files(name),
    };
    files.push(("Cargo.toml".to_owned(), manifest::text(name, template, sdk)));
    files.push((
        ".gitignore".to_owned(),
        "/target\n.env\nconfig.json\n".to_owned(),
    ));
    Ok(files)
}

/// A crate's name, which is a program's and a connector's as well.
fn check(name: &str) -> Result<()> {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_lowercase());
    let goes_on = letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    // Names of crates that it needs itself.
    let is_taken = [
        "core",
        "std",
        "alloc",
        "test",
        "serde",
        "tokio",
        "crossdock-sdk",
    ]
    .contains(&name);
    if begins && goes_on && !name.ends_with('-') && !is_taken {
        return Ok(());
    }
    Err(Error::new(
        &code::USAGE,
        format!("`{name}` cannot be the name of a connector"),
    )
    .hint("use small letters, digits and `-`, e.g. `source-my-api`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Template; 4] = [
        Template::SourceHttp,
        Template::SourceDb,
        Template::Destination,
        Template::Both,
    ];

    #[test]
    fn only_names_of_crates_are_taken() {
        for name in ["a", "source-my-api", "x2"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", "A", "2x", "-a", "a-", "a_b", "a b", "é", "core", "../a"] {
            assert!(check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn nothing_of_the_examples_name_is_left() {
        for template in ALL {
            let sdk = Sdk::Version("1.2.3".to_owned());
            let files = files("my-api", template, &sdk).expect("files");
            let mut paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
            for needed in ["Cargo.toml", "README.md", "src/main.rs", "src/lib.rs"] {
                assert!(paths.contains(&needed), "{template:?}: {needed}");
            }
            let count = paths.len();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), count, "{template:?}");
            for (path, text) in &files {
                for old in [
                    "source-http",
                    "source_http",
                    "source-db",
                    "source_db",
                    "destination-http",
                    "destination_http",
                    "workspace",
                ] {
                    let is_kept = path == "Cargo.toml" && old == "workspace";
                    assert!(is_kept || !text.contains(old), "{template:?} {path}: {old}");
                }
            }
        }
    }
}
