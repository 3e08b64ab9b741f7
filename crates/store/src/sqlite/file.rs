//! The store's file: made for its owner's eyes only, before SQLite sees it.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crossdock_core::{Error, Result, code};

/// Held while a file is made: see [`create`].
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the file and its directories where they are missing, and gives the file's real path.
///
/// The file is made before SQLite opens it so that it never has other permissions than 0600; SQLite
/// gives `-wal` and `-shm` those of the file. A file that exists is not opened here: closing it
/// again would take away the POSIX locks that another connection of this process holds on it. For
/// the same reason no other store of this process may open it between its making and its closing.
pub(super) fn create(path: &Path) -> Result<PathBuf> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_directory(parent).map_err(|e| {
            unavailable("the directory of the store could not be created", path).caused_by(e)
        })?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => {
            return Err(unavailable("the store's file could not be created", path).caused_by(e));
        }
    }
    // Two names of one file must lead to the same pipeline locks.
    let real = path
        .canonicalize()
        .map_err(|e| unavailable("the store's path cannot be followed", path).caused_by(e))?;
    if !real.is_file() {
        return Err(unavailable("the store's path does not name a file", path)
            .hint("name a file, e.g. `state.db` in that directory"));
    }
    Ok(real)
}

/// Makes a directory for the owner only, with its parents.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Takes away what others may do with a store that came with wider permissions, e.g. copied by
/// hand: it holds secrets (P10). Best effort: a file of another user cannot be changed.
pub(super) fn tighten(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let file = PathBuf::from(name);
        let Ok(metadata) = file.metadata() else {
            continue;
        };
        if metadata.permissions().mode() & 0o077 == 0 {
            continue;
        }
        if let Err(error) = std::fs::set_permissions(&file, Permissions::from_mode(0o600)) {
            tracing::warn!(file = %file.display(), %error, "others may read the store");
        }
    }
}

fn unavailable(message: &'static str, path: &Path) -> Error {
    Error::new(&code::STORE_UNAVAILABLE, message).with("store", path.display())
}
