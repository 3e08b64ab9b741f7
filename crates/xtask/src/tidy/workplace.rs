//! No file speaks of the machine it was written on, nor pins where packages are fetched from.
//!
//! A path of somebody's disk means nothing to the next reader, and the address of a registry belongs into the settings
//! of cargo and pip: written down here it would defeat a mirror.

use crate::tidy::Breach;
use crate::tidy::tree::Tree;

/// Folders of a workplace. Put together from pieces, so that this file passes its own rule.
const FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("sha", "red/")];

/// Hosts of registries.
const HOSTS: [&str; 6] = [
    concat!("files.python", "hosted"),
    concat!("pypi", ".org"),
    concat!("//cra", "tes.io"),
    concat!("registry.npm", "js"),
    concat!("proxy.gol", "ang"),
    concat!("repo1.ma", "ven"),
];

/// The subdomains of the crates' registry, beside its bare name.
const SUBDOMAINS: [&str; 3] = ["static.", "index.", "www."];

/// Looks at every text file.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, text) in tree.files() {
        for (index, line) in text.lines().enumerate() {
            if let Some(folder) = FOLDERS.iter().find(|folder| names_folder(line, folder)) {
                let what = format!("names `{folder}`, a folder of one machine");
                breaches.push(Breach::at(path, index + 1, what));
            }
            if let Some(host) = host(line) {
                let what = format!(
                    "names the registry `{host}`: that belongs into the settings of its client"
                );
                breaches.push(Breach::at(path, index + 1, what));
            }
        }
    }
    breaches
}

/// Whether the line has the folder as the beginning of a path or right after a step up.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = &line[..at];
        let absolute = folder.starts_with('/');
        match before.chars().next_back() {
            None => true,
            Some('.') => !absolute,
            Some('/') => !absolute && (before.ends_with("../") || before.ends_with(FOLDERS[0])),
            Some(c) => !(c.is_alphanumeric() || matches!(c, '_' | '-' | '}' | '~')),
        }
    })
}

fn host(line: &str) -> Option<&'static str> {
    HOSTS
        .iter()
        .copied()
        .find(|host| match host.strip_prefix("//") {
            None => line.contains(host),
            Some(name) => {
                line.contains(host)
                    || SUBDOMAINS
                        .iter()
                        .any(|part| line.contains(&format!("{part}{name}")))
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_one_machine_or_a_registry_is_red() {
        let [work, shared] = FOLDERS;
        let [files, pypi, crates, npm, go, maven] = HOSTS;
        let name = crates.trim_start_matches('/');
        for (line, red) in [
            (format!("see {work}main"), true),
            (format!("\"{work}main\""), true),
            (format!("see ../{shared}design.md"), true),
            (format!("see `{shared}style.md`"), true),
            (format!("a private{work}folder"), false),
            (format!("./src/{shared}lock.rs"), false),
            (format!("https:{crates}/x"), true),
            (format!("https://static.{name}/x"), true),
            (
                format!("registry+https://github.com/rust-lang/{name}-index"),
                false,
            ),
            (format!("https://{pypi}/simple"), true),
            (format!("https://{files}.org"), true),
            (format!("https://{npm}.org"), true),
            (format!("https://{go}.org"), true),
            (format!("https://{maven}.org"), true),
            ("a package from PyPI".to_owned(), false),
        ] {
            assert_eq!(
                !check(&Tree::sample(&[("README.md", &line)])).is_empty(),
                red,
                "{line}"
            );
        }
    }
}
