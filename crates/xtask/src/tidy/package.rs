//! What cargo knows of the packages, as plain data.

use anyhow::{Context, Result};
use serde_json::Value;

/// A package of the workspace or of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence, as an SPDX expression; empty if it names none.
    pub(crate) licence: String,
    /// The folder of its manifest relative to the root, for a package of the workspace.
    pub(crate) folder: Option<String>,
    /// What it needs to be built and run; what only its tests need is not here.
    pub(crate) needs: Vec<String>,
}

impl Package {
    /// The name of one of our crates without the common prefix: `core` for `crossdock-core`.
    pub(crate) fn short(&self) -> &str {
        self.name.strip_prefix("crossdock-").unwrap_or(&self.name)
    }
}

/// Reads the packages out of `cargo metadata`.
pub(crate) fn of(metadata: &Value) -> Result<Vec<Package>> {
    let root = metadata["workspace_root"]
        .as_str()
        .context("cargo names no root")?;
    let list = metadata["packages"]
        .as_array()
        .context("cargo names no packages")?;
    list.iter()
        .map(|package| one(root, package).context("a package of cargo metadata is unreadable"))
        .collect()
}

fn one(root: &str, package: &Value) -> Option<Package> {
    let manifest = package["manifest_path"].as_str()?;
    let folder = match package["source"].as_str() {
        Some(_) => None,
        None => {
            let inside = manifest.strip_prefix(root)?.strip_suffix("Cargo.toml")?;
            Some(inside.trim_matches('/').to_owned())
        }
    };
    let needs = package["dependencies"]
        .as_array()?
        .iter()
        .filter(|need| need["kind"] != "dev");
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        version: package["version"].as_str()?.to_owned(),
        licence: package["license"].as_str().unwrap_or_default().to_owned(),
        folder,
        needs: needs
            .filter_map(|need| Some(need["name"].as_str()?.to_owned()))
            .collect(),
    })
}

/// A package for a test.
#[cfg(test)]
pub(crate) fn sample(name: &str, needs: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        folder: Some(format!("crates/{name}")),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn needs_of_tests_are_left_out_and_folders_are_relative() {
        let metadata = json!({"workspace_root": "/r", "packages": [
            {"name": "crossdock-a", "version": "0.1.0", "license": "MIT", "manifest_path": "/r/crates/a/Cargo.toml",
             "source": null, "dependencies": [
                {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}, {"name": "d", "kind": "build"}]},
            {"name": "b", "version": "2.0.0", "license": null, "manifest_path": "/x/b/Cargo.toml",
             "source": "registry", "dependencies": []},
        ]});
        let packages = of(&metadata).unwrap();
        assert_eq!(packages[0].folder.as_deref(), Some("crates/a"));
        assert_eq!(packages[0].needs, ["b", "d"]);
        assert_eq!(packages[0].short(), "a");
        assert_eq!(
            (packages[1].folder.as_deref(), packages[1].licence.as_str()),
            (None, "")
        );
    }

    #[test]
    fn metadata_without_packages_is_an_error() {
        assert!(of(&json!({"workspace_root": "/r"})).is_err());
    }
}
