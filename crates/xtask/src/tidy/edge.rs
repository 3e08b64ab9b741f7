//! Which crate may depend on which: the plan of the house as a table.
//!
//! Rooms on one floor never see each other, except in tests, so only what a crate needs to be built counts.

use crate::tidy::Breach;
use crate::tidy::package::Package;

/// Each crate with the crates of ours that it may depend on. `testkit` and `xtask` stand in nobody's list.
const ALLOWED: [(&str, &[&str]); 21] = [
    ("core", &[]),
    ("avro", &["core"]),
    ("launch", &["core"]),
    ("airbyte", &["core", "launch"]),
    ("conduit", &["core", "avro", "launch"]),
    ("dataflow", &["core", "launch"]),
    ("engine", &["core"]),
    ("store", &["core"]),
    ("config", &["core"]),
    ("sdk", &["core", "airbyte", "conduit", "dataflow"]),
    ("connectors", &["core", "processors"]),
    ("processors", &["core", "avro"]),
    ("conformance", &["core", "launch", "conduit"]),
    (
        "control",
        &[
            "core",
            "conformance",
            "launch",
            "airbyte",
            "conduit",
            "dataflow",
            "engine",
            "store",
            "config",
            "connectors",
            "processors",
        ],
    ),
    ("cli", &["core", "config", "control"]),
    ("testkit", &["core"]),
    ("source-http", &["sdk"]),
    ("my-api", &["sdk"]),
    ("source-db", &["sdk"]),
    ("destination-http", &["sdk"]),
    ("xtask", &[]),
];

/// Libraries with one owner, so that what they are about is in one place.
const OWNED: [(&str, &str, &str); 11] = [
    (
        "rusqlite",
        "store connectors source-db",
        "only `store` and the connectors of databases speak SQL",
    ),
    ("tonic", "conduit", "only `conduit` speaks gRPC"),
    ("clap", "cli", "only `cli` knows flags"),
    ("indicatif", "cli", "only `cli` draws"),
    (
        "tracing-subscriber",
        "cli",
        "only `cli` decides where logs go",
    ),
    ("opentelemetry", "cli", "only `cli` decides where traces go"),
    ("parquet", "connectors", "wide Arrow stays in `connectors`"),
    ("serde-saphyr", "config", "only `config` reads YAML"),
    (
        "schemars",
        "core config connectors sdk source-http my-api source-db destination-http",
        "schemas of settings are made where the settings are",
    ),
    ("anyhow", "cli xtask", "a library's errors are typed"),
    (
        "sonic-rs",
        "xtask",
        "one JSON library is enough; this one is a yardstick",
    ),
];

/// Libraries that a crate must not have, because the plan says what the crate must never know.
const FORBIDDEN: [(&str, &[&str], &str); 2] = [
    (
        "core",
        &["tokio", "tokio-util", "futures", "tempfile", "rustix"],
        "`core` knows no runtime and no files",
    ),
    ("config", &["tokio", "futures"], "`config` knows no runtime"),
];

/// The edges between our own crates.
pub(crate) fn crates(packages: &[Package]) -> Vec<Breach> {
    let ours: Vec<&Package> = packages
        .iter()
        .filter(|package| package.folder.is_some())
        .collect();
    let mut breaches = Vec::new();
    for package in &ours {
        let name = package.short();
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            breaches.push(breach(
                package,
                format!("`{name}` is not in the table of crates: give it a row in `tidy::edge`"),
            ));
            continue;
        };
        for need in ours
            .iter()
            .filter(|other| package.needs.contains(&other.name))
            .map(|other| other.short())
        {
            if !allowed.contains(&need) {
                breaches.push(breach(
                    package,
                    format!("`{name}` must not depend on `{need}`"),
                ));
            }
        }
    }
    breaches
}

/// The edges from our crates to libraries.
pub(crate) fn libraries(packages: &[Package]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in packages.iter().filter(|package| package.folder.is_some()) {
        let name = package.short();
        for (library, owners, reason) in OWNED {
            if package.needs.iter().any(|need| need == library)
                && !owners.split(' ').any(|owner| owner == name)
            {
                breaches.push(breach(
                    package,
                    format!("`{name}` must not depend on `{library}`: {reason}"),
                ));
            }
        }
        for (_, banned, reason) in FORBIDDEN.iter().filter(|(owner, ..)| *owner == name) {
            for need in package
                .needs
                .iter()
                .filter(|need| banned.contains(&need.as_str()))
            {
                breaches.push(breach(
                    package,
                    format!("`{name}` must not depend on `{need}`: {reason}"),
                ));
            }
        }
    }
    breaches
}

fn breach(package: &Package, what: String) -> Breach {
    let folder = package.folder.as_deref().unwrap_or_default();
    Breach::in_file(&format!("{folder}/Cargo.toml"), what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::package::sample;

    fn check(rule: fn(&[Package]) -> Vec<Breach>, name: &str, need: &str, part: Option<&str>) {
        let packages = [
            sample(name, &[need]),
            sample("crossdock-core", &[]),
            sample("crossdock-testkit", &[]),
        ];
        let found: Vec<String> = rule(&packages).iter().map(ToString::to_string).collect();
        match part {
            Some(part) => assert!(
                found.len() == 1 && found[0].contains(part),
                "{name} → {need}: {found:?}"
            ),
            None => assert!(found.is_empty(), "{name} → {need}: {found:?}"),
        }
    }

    #[test]
    fn an_edge_that_the_plan_does_not_have_is_red() {
        check(crates, "crossdock-engine", "crossdock-core", None);
        check(
            crates,
            "crossdock-engine",
            "crossdock-testkit",
            Some("`engine` must not depend on `testkit`"),
        );
        check(
            crates,
            "xtask",
            "crossdock-core",
            Some("`xtask` must not depend on `core`"),
        );
        check(crates, "crossdock-shed", "serde", Some("not in the table"));
    }

    #[test]
    fn a_library_in_the_wrong_crate_is_red() {
        check(libraries, "crossdock-store", "rusqlite", None);
        check(
            libraries,
            "crossdock-control",
            "rusqlite",
            Some("only `store`"),
        );
        check(libraries, "crossdock-control", "clap", Some("only `cli`"));
        check(
            libraries,
            "crossdock-engine",
            "parquet",
            Some("`connectors`"),
        );
        check(libraries, "crossdock-core", "tokio", Some("no runtime"));
        check(libraries, "crossdock-connectors", "schemars", None);
    }
}
