//! Folders that stand beside a store.

use std::path::{Path, PathBuf};

/// The folder beside `store` whose name is the store's with `suffix`.
pub(crate) fn named(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    store.with_file_name(name)
}
