//! The place of one package in the cache:
//!
//! ```text
//! CACHE/python/PACKAGE/lock                   held while something is installed
//! CACHE/python/PACKAGE/current                the version for references without one
//! CACHE/python/PACKAGE/VERSION/               a virtual environment
//! CACHE/python/PACKAGE/VERSION/crossdock.json its marker, written last
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossdock_core::session::{Note, Session};
use crossdock_core::{Error, Result, code};
use serde::{Deserialize, Serialize};

const MARKER: &str = "crossdock.json";
/// How often a waiter looks whether the lock is free. Asking again and again, since a waiting
/// system call could not be given up when the run is cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// What is known of a complete environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    pub(super) version: String,
    /// The interpreter's version.
    pub(super) python: String,
    /// The name of the console script.
    pub(super) script: String,
    /// Where the environment was made: its scripts hold this path, so elsewhere it is broken.
    pub(super) home: PathBuf,
}

/// A complete environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Installed {
    pub(super) version: String,
    pub(super) script: PathBuf,
}

/// One package's environments.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
}

impl Shelf {
    pub(super) fn new(cache: &Path, key: &str) -> Self {
        Self {
            root: cache.join("python").join(key),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn home(&self, version: &str) -> PathBuf {
        self.root.join(version)
    }

    /// The environment of this version if it is complete and still whole.
    pub(super) fn installed(&self, version: &str) -> Option<Installed> {
        let home = self.home(version);
        let marker: Marker = serde_json::from_slice(&fs::read(home.join(MARKER)).ok()?).ok()?;
        let script = home.join("bin").join(&marker.script);
        // The interpreter is a link to one that the user may have removed since.
        let whole = marker.home == home && script.exists() && home.join("bin/python").exists();
        whole.then_some(Installed {
            version: marker.version,
            script,
        })
    }

    /// The version that references without one mean, once that is settled.
    pub(super) fn current(&self) -> Option<String> {
        let text = fs::read_to_string(self.root.join("current")).ok()?;
        let version = text.trim();
        (!version.is_empty() && !version.contains('/')).then(|| version.to_owned())
    }

    /// Settles what references without a version mean.
    pub(super) fn set_current(&self, version: &str) -> Result<()> {
        replace(&self.root, "current", format!("{version}\n").as_bytes())
            .map_err(|cause| self.failed("the version to use could not be noted", cause))
    }

    /// Declares an environment complete.
    pub(super) fn complete(&self, marker: &Marker) -> Result<()> {
        let content = serde_json::to_vec_pretty(marker).map_err(io::Error::from);
        content
            .and_then(|content| replace(&marker.home, MARKER, &content))
            .map_err(|cause| self.failed("the environment could not be marked as complete", cause))
    }

    /// Makes room for an environment: removes an incomplete or broken one.
    pub(super) async fn clear(&self, home: &Path) -> Result<()> {
        let doomed = home.to_owned();
        let removed = tokio::task::spawn_blocking(move || {
            // The marker first, so that a removal cut short leaves nothing that looks complete.
            match fs::remove_file(doomed.join(MARKER)).and_then(|()| fs::remove_dir_all(&doomed)) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    match fs::remove_dir_all(&doomed) {
                        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
                        _ => Ok(()),
                    }
                }
                removed => removed,
            }
        });
        removed
            .await
            .unwrap_or_else(|cause| Err(io::Error::other(cause)))
            .map_err(|cause| self.failed("an incomplete environment could not be removed", cause))
    }

    /// Waits until no other run installs this package. The lock lasts as long as the file.
    pub(super) async fn lock(&self, session: &Session, name: &str) -> Result<File> {
        let failed = |cause| self.failed("the lock for installing could not be taken", cause);
        fs::create_dir_all(&self.root)
            .map_err(|cause| self.failed("the cache directory could not be made", cause))?;
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        let file = options.open(self.root.join("lock")).map_err(failed)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                // A signal, or a file system without locks, which is an error worth telling.
                Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
            if !told {
                told = true;
                session.note(Note::Progress(format!(
                    "waiting for another run that installs {name} …"
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn failed(&self, message: &str, cause: io::Error) -> Error {
        Error::new(&code::IO, message)
            .with("in", self.root.display())
            .caused_by(cause)
    }
}

/// Writes a file so that it appears whole or not at all, also after a power cut.
fn replace(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(directory.join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_environments_count() {
        let cache = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::new(cache.path(), "p");
        let home = shelf.home("1.0");
        let marker = |home: &Path| Marker {
            version: "1.0".into(),
            python: "3.11.7".into(),
            script: "s".into(),
            home: home.into(),
        };
        assert_eq!(shelf.installed("1.0"), None);
        fs::create_dir_all(home.join("bin")).expect("a directory");
        fs::write(home.join("bin/python"), "").expect("a file");
        fs::write(home.join("bin/s"), "").expect("a file");
        assert_eq!(shelf.installed("1.0"), None, "no marker yet");
        shelf.complete(&marker(&home)).expect("a marker");
        let whole = shelf.installed("1.0").expect("a whole environment");
        assert_eq!(whole.script, home.join("bin/s"));
        fs::remove_file(home.join("bin/python")).expect("removed");
        assert_eq!(shelf.installed("1.0"), None, "the interpreter is gone");
        fs::write(home.join("bin/python"), "").expect("a file");

        let moved = shelf.home("2.0");
        fs::rename(&home, &moved).expect("renamed");
        assert_eq!(shelf.installed("2.0"), None, "moved from another place");
        fs::write(moved.join(MARKER), "{").expect("a file");
        assert_eq!(shelf.installed("2.0"), None, "no readable marker");
    }

    #[test]
    fn the_current_version_is_kept() {
        let cache = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::new(cache.path(), "p");
        fs::create_dir_all(shelf.root()).expect("a directory");
        assert_eq!(shelf.current(), None);
        shelf.set_current("1.0").expect("noted");
        shelf.set_current("1.1").expect("noted");
        assert_eq!(shelf.current().as_deref(), Some("1.1"));
        fs::write(shelf.root().join("current"), "../../x\n").expect("a file");
        assert_eq!(shelf.current(), None);
    }
}
