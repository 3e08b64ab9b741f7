//! The manifest of a new crate.

use super::{Sdk, Template};

/// A library and what is said of it: the version, and features.
type Library = (&'static str, &'static str);

const COMMON: [Library; 3] = [
    ("async-trait", "\"0.1\""),
    ("schemars", "\"1\""),
    ("serde", "{ version = \"1\", features = [\"derive\"] }"),
];
const JSON: Library = (
    "serde_json",
    "{ version = \"1\", features = [\"raw_value\"] }",
);
const SQLITE: Library = (
    "rusqlite",
    "{ version = \"0.41\", features = [\"bundled\", \"serde_json\"] }",
);
const TOKIO: Library = (
    "tokio",
    "{ version = \"1\", features = [\"macros\", \"rt-multi-thread\", \"time\"] }",
);
const TEMPFILE: Library = ("tempfile", "\"3\"");

/// Debug information of hundreds of libraries takes time, gigabytes, and most of the program's size.
const PROFILE: &str = "
[profile.dev]
debug = \"line-tables-only\"

[profile.dev.package.\"*\"]
debug = false
";

pub(super) fn text(name: &str, template: Template, sdk: &Sdk) -> String {
    let (needs, test_needs): (&[Library], &[Library]) = match template {
        Template::SourceHttp => (&[], &[JSON, TOKIO]),
        Template::SourceDb => (&[SQLITE, JSON, TOKIO], &[TEMPFILE]),
        Template::Destination | Template::Both => (&[JSON], &[TOKIO]),
    };
    let mut text = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n"
    );
    let mut libraries = [&COMMON, needs].concat();
    libraries.sort_unstable();
    text += &ours("sdk", sdk);
    text += &listed(&libraries);
    text += "\n[dev-dependencies]\n";
    text += &ours("testkit", sdk);
    text += &listed(test_needs);
    text += PROFILE;
    // It is no part of a workspace that it may lie in.
    text + "\n[workspace]\n"
}

fn ours(what: &str, sdk: &Sdk) -> String {
    match sdk {
        Sdk::Version(version) => format!("crossdock-{what} = \"{version}\"\n"),
        Sdk::Checkout(folder) => {
            let path = folder.join("crates").join(what);
            format!(
                "crossdock-{what} = {{ path = {:?} }}\n",
                path.display().to_string()
            )
        }
    }
}

fn listed(libraries: &[Library]) -> String {
    let lines = libraries.iter();
    lines
        .map(|(name, what)| format!("{name} = {what}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version that is written in two places must be the same in both.
    #[test]
    fn versions_are_those_of_the_workspace() {
        let workspace = include_str!("../../../../Cargo.toml");
        let quoted = |text: &str| text.split('"').nth(1).map(str::to_owned);
        for (name, what) in COMMON.iter().chain(&[JSON, SQLITE, TOKIO, TEMPFILE]) {
            let line = workspace
                .lines()
                .find(|line| line.starts_with(&format!("{name} = ")));
            let line = line.unwrap_or_else(|| panic!("{name} is not in the workspace"));
            assert_eq!(quoted(what), quoted(line), "{name}");
        }
    }

    #[test]
    fn a_manifest_names_the_sdk() {
        let version = text("x", Template::SourceHttp, &Sdk::Version("1.2.3".to_owned()));
        assert!(version.contains("crossdock-sdk = \"1.2.3\"\n"), "{version}");
        let checkout = text("x", Template::SourceDb, &Sdk::Checkout("/a/b".into()));
        assert!(
            checkout.contains("crossdock-sdk = { path = \"/a/b/crates/sdk\" }\n"),
            "{checkout}"
        );
        assert!(checkout.contains("crossdock-testkit = { path = \"/a/b/crates/testkit\" }\n"));
    }
}
