//! A private directory for one use of a connector: its configuration holds secrets (P10).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crossdock_core::{Error, Result, code};
use tempfile::TempDir;

use crate::state_directory;

const PREFIX: &str = "crossdock-private-";
/// What is kept of one has another name, so that nobody sweeps it.
const KEPT: &str = "crossdock-kept-";
/// The folder in it that a connector works in, and the one of a connector whose files are to be kept.
const WORK: &str = "work";
const KEPT_WORK: &str = "kept";
/// The file that the owner holds locked as long as it lives.
const LOCK: &str = ".lock";
/// Younger directories are never swept: their owner may be about to take its lock.
const SETTLED: Duration = Duration::from_secs(60);

/// A directory that only this user may enter (0700), for one use of a connector. Files in it are
/// 0600. It is removed on drop; what an owner left that was killed is removed by the next
/// [`create`](Self::create) of the same user after a minute. Neither removes [`kept_work`](Self::kept_work).
#[derive(Debug)]
pub struct PrivateDir {
    dir: TempDir,
    // Held for its lock, which the system gives back however the process ends.
    _lock: File,
}

impl PrivateDir {
    /// A new directory in the system's place for temporary files.
    ///
    /// # Errors
    /// `io` if there is no place where one can be made.
    pub fn create() -> Result<Self> {
        Self::create_in(&std::env::temp_dir())
    }

    /// A new directory that outlives a restart of the machine: below the user's
    /// [`state_directory`], or with the temporary files where that cannot be written.
    ///
    /// # Errors
    /// `io` if there is no place where one can be made.
    pub fn create_lasting() -> Result<Self> {
        let parent = state_directory().join("work");
        // Its own failure is that of the next line.
        let _ = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&parent);
        Self::create_in(&parent).or_else(|error| {
            tracing::debug!(%error, "the user's state directory cannot be written");
            Self::create()
        })
    }

    pub(crate) fn create_in(parent: &Path) -> Result<Self> {
        sweep(parent, SETTLED);
        let failed = |cause: io::Error| {
            Error::new(
                &code::IO,
                "the private directory for a connector's configuration could not be made",
            )
            .with("in", parent.display())
            .caused_by(cause)
        };
        // P10: nobody else may list or enter it, from its first moment.
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(failed)?;
        let lock = private_file(&dir.path().join(LOCK)).map_err(failed)?;
        // Where a file system knows no locks, the directory is used all the same; it is only that
        // a killed owner's directory then stays.
        let _ = lock.try_lock();
        Ok(Self { dir, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The folder in it for the connector to work in, made if it is not there. It goes with the directory.
    ///
    /// # Errors
    /// `io`.
    pub fn work(&self) -> Result<PathBuf> {
        self.folder(WORK)
    }

    /// The same for a connector whose files are somebody's data: they outlive the directory and its owner, however
    /// both end (P4), and the machine's end if the directory does.
    ///
    /// # Errors
    /// `io`.
    pub fn kept_work(&self) -> Result<PathBuf> {
        let path = self.folder(KEPT_WORK)?;
        // Files that the connector syncs are found after a crash only if the folders above are.
        for folder in path.ancestors().take(3) {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(path)
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        match fs::create_dir(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(Error::new(
                &code::IO,
                "the connector's working directory cannot be made",
            )
            .caused_by(cause)),
            _ => Ok(path),
        }
    }

    /// Moves the folder [`kept_work`](Self::kept_work) beside this directory if there are files in it. Who does not
    /// call it finds the move in the log. `None` if there are none, or if it cannot be moved.
    #[must_use]
    pub fn keep(&self) -> Option<Kept> {
        keep(self.dir.path())
    }

    /// Writes a file (0600), replacing one of that name, and returns its path.
    ///
    /// # Errors
    /// `io`; also for a `name` that is not a plain file name.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        let plain = !matches!(name, "" | "." | ".." | LOCK) && !name.contains('/');
        let written = if plain {
            private_file(&path).and_then(|mut file| file.write_all(content))
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a plain file name",
            ))
        };
        written.map_err(|cause| {
            Error::new(&code::IO, "a file for the connector could not be written")
                .with("file", path.display())
                .caused_by(cause)
        })?;
        Ok(path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        keep_and_log(self.dir.path());
    }
}

/// What a connector left in the folder that it worked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where the folder is now.
    pub path: PathBuf,
    /// How many files are in it.
    pub files: usize,
    /// One of them, relative to the folder.
    pub first: PathBuf,
}

/// Moves the files to be kept of a private directory beside it.
fn keep(dir: &Path) -> Option<Kept> {
    let work = dir.join(KEPT_WORK);
    let (mut files, mut first) = (0, None);
    count(&work, &mut files, &mut first);
    let first = first?.strip_prefix(&work).ok()?.to_owned();
    let name = dir.file_name()?.to_str()?;
    let path = dir.parent()?.join(name.replacen(PREFIX, KEPT, 1));
    // P10: as private as the directory was.
    fs::set_permissions(&work, fs::Permissions::from_mode(0o700)).ok()?;
    fs::rename(&work, &path).ok()?;
    Some(Kept { path, files, first })
}

/// Of a run that did not come to its end. Grave, since nobody would look for rows there.
fn keep_and_log(dir: &Path) {
    if let Some(kept) = keep(dir) {
        tracing::error!(
            "an interrupted run's destination had written {} files into its working directory, e.g. {}; they are kept in {}",
            kept.files,
            kept.first.display(),
            kept.path.display()
        );
    }
}

fn count(folder: &Path, files: &mut usize, first: &mut Option<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => count(&entry.path(), files, first),
            Ok(kind) if kind.is_file() => {
                *files += 1;
                first.get_or_insert_with(|| entry.path());
            }
            _ => {}
        }
    }
}

// P10: 0600 from the first moment, whatever the umask adds or an older file of that name had.
fn private_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Removes what owners left that ended without a drop, e.g. by SIGKILL (P10), but not what is to be kept. Best effort.
fn sweep(parent: &Path, settled: Duration) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    let me = rustix::process::geteuid().as_raw();
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        let age = meta
            .modified()
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        if !meta.is_dir() || meta.uid() != me || age.is_none_or(|age| age < settled) {
            continue;
        }
        // A lock instead of a process id in the name: containers may share the directory and not
        // the numbers.
        let abandoned = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            tracing::debug!(directory = %path.display(), "removing an abandoned private directory");
            keep_and_log(&path);
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_abandoned_directories_are_swept() {
        let parent = tempfile::tempdir().expect("a directory");
        let used = PrivateDir::create_in(parent.path()).expect("a private directory");
        let left = parent.path().join(format!("{PREFIX}left"));
        let foreign = parent.path().join("foreign");
        for dir in [&left, &foreign] {
            fs::create_dir(dir).expect("a directory");
            fs::write(dir.join(LOCK), "").expect("a file");
            fs::write(dir.join("config.json"), "secret").expect("a file");
        }
        sweep(parent.path(), SETTLED);
        assert!(left.exists(), "too young to be swept");
        sweep(parent.path(), Duration::ZERO);
        assert!(!left.exists(), "nobody holds its lock");
        assert!(used.path().exists(), "its owner lives");
        assert!(foreign.exists(), "not ours");
    }

    #[test]
    fn a_connectors_data_outlives_the_directory() {
        let parent = tempfile::tempdir().expect("a directory");
        for end in ["asked", "dropped", "killed"] {
            let dir = PrivateDir::create_in(parent.path()).expect("a private directory");
            dir.write("config.json", b"secret").expect("a file");
            fs::write(dir.work().expect("a folder").join("litter"), "1").expect("a file");
            let work = dir.kept_work().expect("a folder");
            fs::create_dir(work.join("empty")).expect("a folder");
            assert_eq!(dir.keep(), None, "no file, nothing to keep");
            fs::create_dir(work.join("lake")).expect("a folder");
            fs::write(work.join("lake/rows"), "1").expect("a file");
            let name = dir.path().file_name().expect("a name").to_string_lossy();
            let path = parent.path().join(name.replacen(PREFIX, KEPT, 1));
            match end {
                "asked" => {
                    let kept = dir.keep().expect("a file is there");
                    assert_eq!(kept.first, Path::new("lake/rows"));
                    assert_eq!((kept.files, &kept.path), (1, &path));
                }
                "dropped" => drop(dir),
                _ => {
                    // As a killed process leaves it: there, and not locked.
                    let left = dir.path().to_owned();
                    let away = parent.path().join("away");
                    fs::rename(&left, &away).expect("a move");
                    drop(dir);
                    fs::rename(&away, &left).expect("a move");
                }
            }
            // The owner's end, or the next owner's start.
            sweep(parent.path(), Duration::ZERO);
            assert_eq!(fs::read(path.join("lake/rows")).expect(end), b"1");
            assert!(!path.join("config.json").exists());
            let mode = fs::metadata(&path).expect("kept").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        assert_eq!(fs::read_dir(parent.path()).expect("a list").count(), 3);
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let dir = PrivateDir::create().expect("a private directory");
        for name in ["../x", "a/b", "", ".", "..", ".lock"] {
            let error = dir.write(name, b"").expect_err(name);
            assert_eq!(error.code().name, "io");
        }
    }
}
