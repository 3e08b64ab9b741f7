//! Who runs a pipeline: an advisory lock of the operating system on a file per pipeline, so that a
//! process that dies in whatever way gives its pipelines free at once.
//!
//! The lock keeps two runs from doing the same work; it does not guard the state. That does the
//! epoch, also where locks do not work or their files are deleted.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossdock_core::store::Lease;
use crossdock_core::{Error, Result, code};
use serde::{Deserialize, Serialize};

use super::file;

/// Longest part of a lock file's name that is taken from the pipeline's.
const SHOWN: usize = 40;

/// How often, and how long after each other, a lock is tried that somebody has.
const LOOKS: usize = 5;
const LOOK: Duration = Duration::from_millis(2);

/// More than a lock file ever holds.
const HOLDER_BYTES: u64 = 64 * 1024;

/// Who holds a pipeline, as its lock file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    /// Milliseconds since the epoch.
    started_at: i64,
    /// For people who wonder what the file is.
    pipeline: String,
}

/// A pipeline that is ours as long as this value lives.
pub(super) struct PipelineLock {
    holder: Holder,
    /// `None` for a store in memory.
    file: Option<File>,
}

impl Drop for PipelineLock {
    /// Closing would not do: a child that is being started, by whatever thread, has copies of all open files
    /// until it is the program that it is to be, and a lock ends with its last copy.
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // It is closed next, which does the same but for those copies.
            let _ = file.unlock();
        }
    }
}

/// The pipelines that the runs of one store hold.
pub(super) struct PipelineLocks {
    /// `None` for a store in memory, which no other process sees.
    directory: Option<PathBuf>,
    held: HashMap<String, (i64, PipelineLock)>,
}

impl PipelineLocks {
    /// Lock files in a directory beside the store, which is made when it is first needed.
    pub(super) fn beside(store: &Path) -> Self {
        let mut name = store.as_os_str().to_owned();
        name.push(".locks");
        Self {
            directory: Some(PathBuf::from(name)),
            held: HashMap::new(),
        }
    }

    /// No files.
    pub(super) fn in_process() -> Self {
        Self {
            directory: None,
            held: HashMap::new(),
        }
    }

    /// Takes the pipeline, or fails with `store.pipeline_busy`. It is free again when the value is
    /// dropped, unless it is given to [`Self::hold`].
    pub(super) fn take(&self, pipeline: &str, now: i64) -> Result<PipelineLock> {
        if let Some((_, lock)) = self.held.get(pipeline) {
            return Err(busy(pipeline, Some(&lock.holder)));
        }
        let holder = Holder {
            pid: std::process::id(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            started_at: now,
            pipeline: pipeline.to_owned(),
        };
        let file = match &self.directory {
            Some(directory) => Some(lock_file(directory, &holder)?),
            None => None,
        };
        Ok(PipelineLock { holder, file })
    }

    /// Whether a living process holds the pipeline. Nothing is made or written.
    pub(super) fn is_held(&self, pipeline: &str) -> Result<bool> {
        if self.held.contains_key(pipeline) {
            return Ok(true);
        }
        let Some(directory) = &self.directory else {
            return Ok(false);
        };
        let path = directory.join(file_name(pipeline));
        let failed = |e: std::io::Error| {
            Error::new(
                &code::STORE_UNAVAILABLE,
                "the pipeline's lock could not be looked at",
            )
            .with("pipeline", pipeline)
            .with("lock", path.display())
            .caused_by(e)
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(failed(e)),
        };
        match file.try_lock_shared() {
            Ok(()) => file.unlock().map(|()| false).map_err(failed),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }

    /// Keeps a lock for the length of a run.
    pub(super) fn hold(&mut self, lock: PipelineLock, lease: &Lease) {
        self.held.insert(lease.pipeline.clone(), (lease.run, lock));
    }

    /// Gives the pipeline free if it is this run that holds it.
    pub(super) fn release(&mut self, lease: &Lease) {
        if self
            .held
            .get(&lease.pipeline)
            .is_some_and(|(run, _)| *run == lease.run)
        {
            self.held.remove(&lease.pipeline);
        }
    }
}

/// Locks the pipeline's file and writes the holder into it. The file stays when the lock is given
/// up: deleting it would let two processes lock two files of one name.
fn lock_file(directory: &Path, holder: &Holder) -> Result<File> {
    let path = directory.join(file_name(&holder.pipeline));
    let failed = |e: std::io::Error| {
        Error::new(&code::STORE_UNAVAILABLE, "the pipeline could not be locked")
            .with("pipeline", &holder.pipeline)
            .with("lock", path.display())
            .caused_by(e)
    };
    file::create_directory(directory).map_err(failed)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let mut looks = LOOKS;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // Somebody may only be looking, see `PipelineLocks::is_held`.
            Err(TryLockError::WouldBlock) if looks > 0 => {
                looks -= 1;
                std::thread::sleep(LOOK);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(busy(&holder.pipeline, read_holder(&mut file).as_ref()));
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
    }
    write_holder(&mut file, holder).map_err(failed)?;
    Ok(file)
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    let text = serde_json::to_vec(holder)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// `None` where the holder has not written yet, or a future version writes something else.
fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    file.take(HOLDER_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn busy(pipeline: &str, holder: Option<&Holder>) -> Error {
    let error = Error::new(
        &code::PIPELINE_BUSY,
        format!("another run of pipeline `{pipeline}` is going on"),
    )
    .with("pipeline", pipeline);
    let Some(holder) = holder else { return error };
    let error = error.with("pid", holder.pid).with("host", &holder.host);
    match jiff::Timestamp::from_millisecond(holder.started_at) {
        Ok(started) => error.with("started_at", started),
        Err(_) => error,
    }
}

/// A file name for any text: what is readable of it, and a hash that tells equal ones apart. Two
/// pipelines of one hash would keep each other waiting, and no more.
fn file_name(pipeline: &str) -> String {
    let shown: String = pipeline
        .chars()
        .take(SHOWN)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{shown}-{:016x}.lock", fnv1a(pipeline.as_bytes()))
}

/// FNV-1a with 64 bits. Processes of different versions must agree on the name, which the hashers
/// of the standard library do not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_stable_safe_and_different() {
        fn check(pipeline: &str, expected: &str) {
            assert_eq!(file_name(pipeline), expected);
        }
        check("", "-cbf29ce484222325.lock");
        check("a", "a-af63dc4c8601ec8c.lock");
        check("foobar", "foobar-85944171f73967e8.lock");
        let names = ["a/b", "a_b", "../a", "..", "ä\0ö", &"x".repeat(9999)].map(file_name);
        for (i, name) in names.iter().enumerate() {
            assert!(!name.contains(['/', '\0']) && name.len() < 70, "{name}");
            assert!(!names[..i].contains(name), "{name}");
        }
    }

    #[test]
    fn a_pipeline_is_free_though_a_child_that_starts_has_a_copy_of_its_file() {
        let place = tempfile::tempdir().unwrap();
        let locks = PipelineLocks::beside(&place.path().join("state.db"));
        let lock = locks.take("p", 0).unwrap();
        let copy = lock.file.as_ref().unwrap().try_clone().unwrap();
        assert!(locks.is_held("p").unwrap());
        assert_eq!(
            locks.take("p", 0).err().unwrap().code().name,
            "store.pipeline_busy"
        );
        drop(lock);
        assert!(!locks.is_held("p").unwrap());
        drop(locks.take("p", 0).unwrap());
        drop(copy);
    }
}
