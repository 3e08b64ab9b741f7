//! Which files a path, a folder or a pattern stands for.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind, Result};
use glob::{MatchOptions, Pattern};

use crate::file::fault::io;

/// A file as it was when the files were listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The path as text: its name in the state.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was written last, in milliseconds since the epoch.
    pub(crate) modified: i64,
}

/// What may follow the format's own extension.
const COMPRESSED: [&str; 3] = ["", ".gz", ".zst"];

/// The files of `pattern` by name; at least one. A folder stands for all files below it with one
/// of the `extensions`, hidden ones left out.
pub(crate) fn list(pattern: &str, extensions: &[&str]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let plain = Path::new(pattern);
    if plain.is_file() {
        found.push(look(plain.to_owned())?);
    } else if plain.is_dir() {
        let inside = format!("{}/**/*", Pattern::escape(pattern.trim_end_matches('/')));
        matching(&inside, &mut found)?;
        found.retain(|file| has_extension(&file.name, extensions));
    } else {
        matching(pattern, &mut found)?;
    }
    if found.is_empty() {
        let what = if plain.is_dir() {
            format!(
                "the folder holds no file that ends with .{}",
                extensions.join(", .")
            )
        } else {
            "there is no such file".to_owned()
        };
        return Err(Error::new(&code::CONFIG_INVALID, what)
            .with("path", pattern)
            .hint("correct `path`; a relative one begins where crossdock was started"));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    extensions.iter().any(|extension| {
        COMPRESSED
            .iter()
            .any(|after| name.ends_with(&format!(".{extension}{after}")))
    })
}

fn matching(pattern: &str, found: &mut Vec<Found>) -> Result<()> {
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::default()
    };
    let paths = glob::glob_with(pattern, options).map_err(|cause| {
        Error::new(&code::CONFIG_INVALID, "the path is not a valid pattern")
            .with("path", pattern)
            .hint("`*`, `?`, `[…]` and `**` are special; `[*]` stands for a star itself")
            .caused_by(cause)
    })?;
    for path in paths {
        // A folder that cannot be looked into may hide rows, so it is not passed over.
        let path = path.map_err(|cause| {
            let path = cause.path().to_owned();
            io("list the folder", &path)(cause.into())
        })?;
        if path.is_file() {
            found.push(look(path)?);
        }
    }
    Ok(())
}

fn look(path: PathBuf) -> Result<Found> {
    let facts = std::fs::metadata(&path).map_err(io("look at the file", &path))?;
    let modified = facts.modified().map_err(io("look at the file", &path))?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let Some(name) = path.to_str().map(ToOwned::to_owned) else {
        return Err(Error::new(&code::IO, "a file's name is not UTF-8")
            .with_kind(ErrorKind::Config)
            .with("path", path.display())
            .hint("rename the file, or leave it out by a narrower pattern"));
    };
    Ok(Found {
        name,
        size: facts.len(),
        modified: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        path,
    })
}

/// The name of the stream that a pattern's files make: its last part without stars and extensions,
/// or else the folder that they are in.
pub(crate) fn stream_name(pattern: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']');
    for part in pattern.rsplit('/') {
        let stem = part.split('.').find(|s| !s.is_empty()).unwrap_or_default();
        let name = stem
            .split(special)
            .find(|s| !s.is_empty())
            .unwrap_or_default();
        let name = name.trim_matches(['_', '-', ' ']);
        if !name.is_empty() {
            return name.to_owned();
        }
    }
    "file".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_named_after_their_files() {
        let check = |pattern: &str, expected: &str| {
            assert_eq!(stream_name(pattern), expected, "{pattern}");
        };
        check("orders.csv", "orders");
        check("/data/orders.csv.gz", "orders");
        check("data/orders_*.csv", "orders");
        check("data/*-2024.csv", "2024");
        check("data/orders/*.csv", "orders");
        check("data/orders/", "orders");
        check("data/**/*.jsonl", "data");
        check("*.csv", "file");
        check("./*", "file");
    }

    #[test]
    fn paths_folders_and_patterns() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("{}/{name}", folder.path().display());
        std::fs::create_dir(at("deep")).unwrap();
        std::fs::create_dir(at(".hidden")).unwrap();
        for name in ["b.csv", "a.CSV.gz", "c.txt", "deep/d.csv", ".hidden/e.csv"] {
            std::fs::write(at(name), "x").unwrap();
        }
        let check = |pattern: &str, expected: &[&str]| {
            let names: Vec<_> = list(&at(pattern), &["csv", "tsv"])
                .map(|found| found.into_iter().map(|f| f.name).collect())
                .unwrap_or_default();
            let expected: Vec<_> = expected.iter().map(|name| at(name)).collect();
            assert_eq!(names, expected, "{pattern}");
        };
        check("c.txt", &["c.txt"]);
        check("*.csv", &["b.csv"]);
        check("", &["a.CSV.gz", "b.csv", "deep/d.csv"]);
        check("**/*.csv", &["b.csv", "deep/d.csv"]);
        check("nothing*", &[]);
        check("[", &[]);
    }
}
