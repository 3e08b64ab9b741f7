//! What follows `python:` in a reference: a package, with a version or without.

use std::fmt;
use std::str::FromStr;

use crossdock_core::{Error, Result, code};
use pep440_rs::Version;

/// A package and, perhaps, its one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// As the user wrote it.
    pub(super) name: String,
    pub(super) version: Option<Version>,
}

impl Requirement {
    pub(super) fn parse(what: &str) -> Result<Self> {
        let invalid = |message: &str| {
            Error::new(&code::REFERENCE_INVALID, message)
                .with("package", what)
                .hint("write `python:PACKAGE` or `python:PACKAGE==VERSION`")
        };
        let (name, version) = match what.split_once("==") {
            Some((name, version)) => (name.trim(), Some(version.trim())),
            None => (what.trim(), None),
        };
        if !is_name(name) {
            return Err(invalid("this is not the name of a Python package"));
        }
        let version = version
            .map(|version| {
                Version::from_str(version).map_err(|cause| {
                    invalid("the package's version cannot be read").caused_by(cause)
                })
            })
            .transpose()?;
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }

    /// The name by which two writings of the same package are equal.
    pub(super) fn key(&self) -> String {
        normalised(&self.name)
    }

    /// The same package with just this version.
    pub(super) fn pinned(&self, version: Version) -> Self {
        Self {
            name: self.name.clone(),
            version: Some(version),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(f, "=={version}"),
            None => Ok(()),
        }
    }
}

/// Letters, digits and `. _ -` inside. What passes can be neither an option nor a path, so it is
/// safe as an argument and as a directory's name.
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.chars().all(inner) && edge(name.chars().next()) && edge(name.chars().next_back())
}

/// Lower case, each run of `. _ -` one hyphen, as package indexes compare names.
pub(super) fn normalised(name: &str) -> String {
    let parts = name.split(['.', '_', '-']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        let check = |what: &str, expected: Option<(&str, &str)>| {
            let got = Requirement::parse(what).ok();
            let got = got.map(|requirement| (requirement.key(), requirement.to_string()));
            let expected = expected.map(|(key, text)| (key.to_owned(), text.to_owned()));
            assert_eq!(got, expected, "{what}");
        };
        check(
            "airbyte-source-faker",
            Some(("airbyte-source-faker", "airbyte-source-faker")),
        );
        check("My_Source..X", Some(("my-source-x", "My_Source..X")));
        check("a==1.2.3", Some(("a", "a==1.2.3")));
        check(" a == 1.2rc1 ", Some(("a", "a==1.2rc1")));
        check("", None);
        check("a==", None);
        check("a>=1", None);
        check("a==1.*", None);
        check("a[extra]", None);
        check("--index", None);
        check("../a", None);
        check("a==1/../..", None);
    }
}
