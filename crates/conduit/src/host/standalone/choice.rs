//! Which of the connectors in a folder a name means (§3.2). Pure.

use std::cmp::Ordering;
use std::fmt;

use semver::Version;

/// A name, and maybe a version: `postgres`, `postgres@v0.14.0`, `postgres@latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    name: String,
    /// `None`: the latest.
    version: Option<String>,
}

impl Wanted {
    pub(super) fn parse(text: &str) -> Self {
        let (name, version) = text.split_once('@').unwrap_or((text, ""));
        let version = Some(version).filter(|version| !matches!(*version, "" | "latest"));
        Self {
            name: name.to_owned(),
            version: version.map(ToOwned::to_owned),
        }
    }

    fn fits(&self, name: &str, version: &str) -> bool {
        self.name == name && self.version.as_ref().is_none_or(|wanted| wanted == version)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What a program in the folder says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) version: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// The place of the connector that is meant. Two of the same name and version are both out of the
/// question, since nobody could tell which was meant.
pub(super) fn choose(wanted: &Wanted, candidates: &[Candidate]) -> Option<usize> {
    let fitting = candidates.iter().enumerate().filter(|(_, candidate)| {
        let twins = candidates.iter().filter(|other| *other == *candidate);
        wanted.fits(&candidate.name, &candidate.version) && twins.count() == 1
    });
    let latest = fitting.max_by(|(_, a), (_, b)| later(&a.version, &b.version));
    latest.map(|(at, _)| at)
}

/// Versions that are not semantic come before those that are.
fn later(a: &str, b: &str) -> Ordering {
    let version = |text: &str| Version::parse(text.strip_prefix('v').unwrap_or(text)).ok();
    version(a).cmp(&version(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_choose_as_conduit_does() {
        let check = |wanted: &str, candidates: &[&str], expected: Option<&str>| {
            let all: Vec<Candidate> = candidates
                .iter()
                .map(|text| text.split_once('@').unwrap())
                .map(|(name, version)| Candidate {
                    name: name.to_owned(),
                    version: version.to_owned(),
                })
                .collect();
            let chosen = choose(&Wanted::parse(wanted), &all);
            let chosen = chosen.map(|at| candidates[at]);
            assert_eq!(chosen, expected, "{wanted} of {candidates:?}");
        };
        let some = ["a@v0.9.0", "a@v0.10.0", "a@(devel)", "b@v2.0.0"];
        check("a", &some, Some("a@v0.10.0"));
        check("a@latest", &some, Some("a@v0.10.0"));
        check("a@v0.9.0", &some, Some("a@v0.9.0"));
        check("a@(devel)", &some, Some("a@(devel)"));
        check("a@v1.0.0", &some, None);
        check("c", &some, None);
        check("a", &["a@(devel)", "a@v0.0.1-rc.1"], Some("a@v0.0.1-rc.1"));
        check("a", &["a@v1.0.0-rc.1", "a@v1.0.0"], Some("a@v1.0.0"));
        check("a", &["a@v1.0.0", "a@v1.0.0"], None);
        check("a", &["a@v1.0.0", "a@v0.9.0", "a@v1.0.0"], Some("a@v0.9.0"));
    }
}
