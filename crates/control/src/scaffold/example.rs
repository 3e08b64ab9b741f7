//! The texts of the examples.

use super::File;

/// An example: its name, and its files but the manifest.
pub(super) struct Example {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

impl Example {
    /// Its files under another name.
    pub(super) fn renamed(&self, name: &str) -> Vec<File> {
        let files = self.files.iter();
        files
            .map(|(path, text)| ((*path).to_owned(), renamed(text, self.name, name)))
            .collect()
    }

    /// A file of it under another name.
    pub(super) fn file(&self, path: &str, name: &str) -> String {
        let found = self.files.iter().find(|(own, _)| *own == path);
        found.map_or_else(String::new, |(_, text)| renamed(text, self.name, name))
    }
}

/// The name stands in texts as that of a crate, and in code as an identifier.
fn renamed(text: &str, old: &str, new: &str) -> String {
    text.replace(old, new)
        .replace(&old.replace('-', "_"), &new.replace('-', "_"))
}

macro_rules! example {
    ($name:literal: $($path:literal),* $(,)?) => {
        Example {
            name: $name,
            files: &[$((
                $path,
                include_str!(concat!("../../../../examples/", $name, "/", $path)),
            )),*],
        }
    };
}

pub(super) const SOURCE_HTTP: Example = example!("source-http":
    "README.md", "src/main.rs", "src/lib.rs", "src/config.rs", "src/issues.rs", "src/users.rs",
    "tests/main.rs", "tests/api/mod.rs", "tests/spec.json", "examples/tracker.rs",
);

pub(super) const SOURCE_DB: Example = example!("source-db":
    "README.md", "src/main.rs", "src/lib.rs", "src/config.rs", "src/database.rs", "src/follow.rs",
    "tests/main.rs", "tests/shop/mod.rs", "examples/shop.rs",
);

pub(super) const DESTINATION_HTTP: Example = example!("destination-http":
    "README.md", "src/main.rs", "src/lib.rs", "src/config.rs", "src/store.rs",
    "tests/main.rs", "tests/api/mod.rs", "examples/store.rs",
);
