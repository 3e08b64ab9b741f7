//! What the lockfile may hold: few packages, one version of the heavy ones, none that the house does without.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::Breach;
use crate::tidy::tree::Tree;

/// How many packages there may be. Every one is built by everybody, so a new one is worth a word in a review; raise
/// the number in the commit that needs it. TLS brought two dozen, most of them for other systems than ours; the
/// modes of AES, MD2 and RSA another two, so that no cryptography is our own. reqwest brought fifty for the SDK's HTTP:
/// addresses in any script, gzip, and again what only other systems need. The last three:
/// the battery, the XML of its reports, and the connector of the documents.
const LIMIT: usize = 446;

/// Families of which two generations must not be built side by side.
const ALONE: [&str; 4] = ["tokio", "hyper", "rustls", "prost"];

/// What we do without, with the reason.
const BANNED: [(&str, &str); 7] = [
    ("openssl-sys", "TLS is rustls with ring"),
    ("native-tls", "TLS is rustls with ring"),
    (
        "aws-lc-sys",
        "a C build of minutes; the ring provider does the same",
    ),
    ("serde_yaml", "archived; `serde-saphyr` reads YAML"),
    ("serde_yml", "archived; `serde-saphyr` reads YAML"),
    (
        "datafusion",
        "minutes of building; it belongs into a binary of its own",
    ),
    (
        "sqlx",
        "links the same SQLite as `rusqlite`, and both cannot be",
    ),
];

/// Looks at `Cargo.lock`.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let path = "Cargo.lock";
    let Some(text) = tree.text(path) else {
        return vec![Breach::in_file(
            path,
            "is missing: builds must be the same for everybody",
        )];
    };
    let packages = packages(text);
    let mut breaches = Vec::new();
    if packages.len() > LIMIT {
        breaches.push(Breach::in_file(
            path,
            format!("{} packages, {LIMIT} are the limit", packages.len()),
        ));
    }
    let mut generations: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, version) in &packages {
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| banned == name) {
            breaches.push(Breach::in_file(
                path,
                format!("`{name}` is banned: {reason}"),
            ));
        }
        if ALONE.contains(name) || name.starts_with("arrow-") {
            generations
                .entry(name)
                .or_default()
                .insert(generation(version));
        }
    }
    for (name, generations) in generations
        .iter()
        .filter(|(_, generations)| generations.len() > 1)
    {
        let list = generations
            .iter()
            .cloned()
            .collect::<Vec<_>>()
            .join(" and ");
        breaches.push(Breach::in_file(
            path,
            format!("`{name}` is there twice, as {list}: choose one"),
        ));
    }
    breaches
}

/// Names and versions in the order of the file.
fn packages(text: &str) -> Vec<(&str, &str)> {
    let value = |line: Option<&'_ str>, key: &str| -> Option<usize> {
        line.filter(|line| line.starts_with(key)).map(|_| key.len())
    };
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "[[package]]" {
            continue;
        }
        let (name, version) = (lines.next(), lines.next());
        if let (Some(at), Some(name)) = (value(name, "name = "), name)
            && let (Some(from), Some(version)) = (value(version, "version = "), version)
        {
            found.push((
                name[at..].trim_matches('"'),
                version[from..].trim_matches('"'),
            ));
        }
    }
    found
}

/// The part of a version that compatible versions share.
fn generation(version: &str) -> String {
    let mut parts = version.split('.');
    match (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    ) {
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_lock(packages: &[(&str, &str)], part: Option<&str>) {
        let text: String = packages
            .iter()
            .map(|(name, version)| {
                format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
            })
            .collect();
        let found = check(&Tree::sample(&[("Cargo.lock", &text)]));
        match part {
            Some(part) => assert!(
                found.len() == 1 && found[0].what.contains(part),
                "{found:?}"
            ),
            None => assert!(found.is_empty(), "{found:?}"),
        }
    }

    #[test]
    fn two_generations_of_a_heavy_family_are_red() {
        check_lock(
            &[
                ("tokio", "1.2.0"),
                ("hyper", "1.0.0"),
                ("syn", "1.0.0"),
                ("syn", "2.0.0"),
            ],
            None,
        );
        check_lock(
            &[("hyper", "0.14.1"), ("hyper", "1.0.0")],
            Some("0.14 and 1"),
        );
        check_lock(
            &[("arrow-array", "59.0.0"), ("arrow-array", "60.1.0")],
            Some("twice"),
        );
    }

    #[test]
    fn the_banned_and_the_too_many_are_red() {
        check_lock(&[("openssl-sys", "0.9.1")], Some("rustls"));
        check_lock(&[("a", "1.0.0"); LIMIT], None);
        let told = format!("{} packages", LIMIT + 1);
        check_lock(&[("a", "1.0.0"); LIMIT + 1], Some(&told));
        assert_eq!(check(&Tree::sample(&[])).len(), 1);
    }
}
