//! The hidden folder where files wait for their commit, beside the visible ones on the same file
//! system, so that publishing is a rename.
//!
//! ```text
//! <path>/.crossdock/<pipeline>/lock
//! <path>/.crossdock/<pipeline>/<stream's hash>.next/…, .swap                             see `swap`
//! <path>/.crossdock/<pipeline>/marks.json                                               see `marks`
//! <path>/.crossdock/<pipeline>/<stream's hash>/stream.json, a-…, g-…, c-…, ….cuts, complete-…, tmp-…
//! <path>/<folder>/…                                                                     visible
//! ```
//!
//! The files of a partition stand in its folder in both places: `country=DE/a-…`, `country=DE/…`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use serde::{Deserialize, Serialize};

use super::book::Cut;
use super::fault::{gone_is_fine, io};
use super::name::{self, DataName, Marker, STREAM_FILE, Stage, StagedName};
use crate::semantics::name::{hash, safe};
use crate::semantics::target::Target;

/// The folder that all staging is in.
const HIDDEN: &str = ".crossdock";

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    match File::open(path).and_then(|f| f.sync_all()) {
        // Some network file systems have no such thing, and need none.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        other => other.map_err(io("sync the folder", path)),
    }
}

fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(io("create the folder", path))
}

/// The folder of a partition within `folder`.
pub(super) fn within(folder: &Path, partition: &str) -> PathBuf {
    match partition {
        "" => folder.to_owned(),
        partition => folder.join(partition),
    }
}

/// Creates `folder`, which lies below `root`, so that it lasts.
pub(super) fn create_below(root: &Path, folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    create_folder(folder)?;
    let parents = folder.ancestors().skip(1);
    parents
        .take_while(|parent| parent.starts_with(root))
        .try_for_each(sync_folder)
}

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_whole(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let (partition, name) = name::split(name);
    let folder = within(folder, partition);
    let temporary = folder.join(format!("tmp-{name}"));
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, folder.join(name))
    };
    write().map_err(io("write the file", &folder.join(name)))
}

/// Tries whether files can be written below `root`.
pub(crate) fn probe(root: &Path) -> Result<()> {
    let folder = root.join(HIDDEN);
    create_folder(&folder)?;
    let path = folder.join(format!("probe-{}", std::process::id()));
    fs::write(&path, b"probe").map_err(io("write a file", &path))?;
    fs::remove_file(&path).map_err(io("remove a file", &path))
}

/// One pipeline's staging, locked: two runs at once would drop each other's files.
#[derive(Debug)]
pub(crate) struct Staging {
    root: PathBuf,
    folder: PathBuf,
    _lock: File,
}

impl Staging {
    /// Opens the staging of `pipeline` below `root`. Waits up to `patience` for an earlier run
    /// that is coming to its end.
    pub(crate) fn open(root: &Path, pipeline: &str, patience: Duration) -> Result<Self> {
        let folder = root.join(HIDDEN).join(safe(pipeline));
        create_folder(&folder)?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(io("create the lock", &path))?;
        let until = Instant::now() + patience;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(Error::new(
                        &code::PIPELINE_BUSY,
                        "another run of this pipeline still writes there",
                    )
                    .with("pipeline", pipeline)
                    .with("path", path.display()));
                }
                Err(fs::TryLockError::Error(cause)) => return Err(io("lock", &path)(cause)),
            }
        }
        for part in [root, &root.join(HIDDEN), &folder] {
            sync_folder(part)?;
        }
        Ok(Self {
            root: root.to_owned(),
            folder,
            _lock: lock,
        })
    }

    /// Where everything of the pipeline waits.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folders of `target`. What it held before must have been recovered.
    pub(crate) fn stream(&self, target: &Target) -> Result<StreamFolder> {
        let id = &target.stream;
        let hash = hash(&[id.namespace.as_deref().unwrap_or("\0"), &id.name]);
        let staged = self.folder.join(format!("{hash:016x}"));
        create_folder(&staged)?;
        let about = About {
            stream: id.clone(),
            folder: target.place.clone(),
        };
        let text = serde_json::to_vec(&about)
            .map_err(|e| Error::new(&code::INTERNAL, "could not describe a stream").caused_by(e))?;
        write_whole(&staged, STREAM_FILE, &text)?;
        sync_folder(&staged)?;
        sync_folder(&self.folder)?;
        let visible = self.root.join(&target.place);
        Ok(StreamFolder {
            root: self.root.clone(),
            staged,
            visible,
        })
    }

    /// The streams that earlier runs left something of.
    pub(crate) fn left(&self) -> Result<Vec<(StreamId, StreamFolder)>> {
        let mut left = Vec::new();
        for name in names(&self.folder)? {
            let staged = self.folder.join(&name);
            if !staged.is_dir() {
                continue;
            }
            let path = staged.join(STREAM_FILE);
            let text = match fs::read(&path) {
                Ok(text) => text,
                // The folder was made and the machine died: nothing can be in it yet.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(io("read the file", &path)(e)),
            };
            let about: About = serde_json::from_slice(&text).map_err(|e| {
                Error::new(
                    &code::STATE_INVALID,
                    "the description of a staged stream is damaged",
                )
                .with("path", path.display())
                .hint("remove the folder; what it holds is not yet visible and will be lost")
                .caused_by(e)
            })?;
            let visible = self.root.join(&about.folder);
            let root = self.root.clone();
            left.push((
                about.stream,
                StreamFolder {
                    root,
                    staged,
                    visible,
                },
            ));
        }
        Ok(left)
    }
}

/// What a staging folder says of itself.
#[derive(Serialize, Deserialize)]
struct About {
    stream: StreamId,
    folder: String,
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(io("list the folder", folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io("list the folder", folder))?;
        // Our own names are UTF-8; others do not concern us.
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The files in a folder and in the partitions in it, by their names from there on.
pub(super) fn files(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut partitions = vec![String::new()];
    while let Some(partition) = partitions.pop() {
        for name in names(&within(folder, &partition))? {
            // Whatever else lies there is not ours.
            let may_be_partition = name.contains('=');
            let path = match partition.as_str() {
                "" => name,
                partition => format!("{partition}/{name}"),
            };
            let is_folder = || fs::symlink_metadata(folder.join(&path)).is_ok_and(|m| m.is_dir());
            if may_be_partition && is_folder() {
                partitions.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A stream's two folders.
#[derive(Clone, Debug)]
pub(crate) struct StreamFolder {
    /// The destination's folder.
    pub(super) root: PathBuf,
    /// Where its files wait.
    pub(super) staged: PathBuf,
    /// Where readers find them.
    pub(super) visible: PathBuf,
}

impl StreamFolder {
    /// Where a file is written before it is staged.
    pub(crate) fn temporary(&self, number: u64) -> PathBuf {
        self.staged.join(format!("tmp-{number}"))
    }

    /// Where a staged file lies.
    pub(crate) fn path(&self, stage: Stage, name: &DataName) -> PathBuf {
        self.staged.join(name::staged(stage, name))
    }

    /// What is staged.
    pub(crate) fn list(&self) -> Result<Vec<(String, StagedName)>> {
        let parsed = |name: String| (name.clone(), StagedName::parse(&name));
        Ok(files(&self.staged)?.into_iter().map(parsed).collect())
    }

    /// The checkpoints inside a staged file.
    pub(crate) fn cuts(&self, name: &DataName) -> Result<Vec<Cut>> {
        let path = self.staged.join(name::cuts(name));
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| {
                Error::new(
                    &code::STATE_INVALID,
                    "the checkpoints of a staged file are damaged",
                )
                .with("path", path.display())
                .hint("remove the staged file; what it holds is not yet visible and will be lost")
                .caused_by(e)
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(io("read the file", &path)(e)),
        }
    }

    /// Stages a finished, synced file. Durable when it returns (P1); the cuts are there before
    /// the file is.
    pub(crate) fn stage(
        &self,
        temporary: &Path,
        stage: Stage,
        name: &DataName,
        cuts: &[Cut],
    ) -> Result<()> {
        let folder = within(&self.staged, &name.partition);
        create_below(&self.staged, &folder)?;
        if !cuts.is_empty() {
            let text = serde_json::to_vec(cuts)
                .map_err(|e| Error::new(&code::INTERNAL, "could not write cuts").caused_by(e))?;
            write_whole(&self.staged, &name::cuts(name), &text)?;
        }
        let path = self.path(stage, name);
        fs::rename(temporary, &path).map_err(io("rename into staging", &path))?;
        sync_folder(&folder)
    }

    /// Says that a generation is complete once the marker's item is committed.
    pub(crate) fn mark_complete(&self, marker: &Marker) -> Result<()> {
        write_whole(&self.staged, &marker.to_string(), b"")?;
        sync_folder(&self.staged)
    }

    /// Makes a staged file visible. May be repeated.
    pub(crate) fn publish(&self, stage: Stage, name: &DataName) -> Result<()> {
        self.publish_as(&self.path(stage, name), name)?;
        self.remove(&name::cuts(name))
    }

    /// Makes `from` visible under `name`. May be repeated.
    pub(crate) fn publish_as(&self, from: &Path, name: &DataName) -> Result<()> {
        create_below(&self.root, &within(&self.visible, &name.partition))?;
        let to = self.visible.join(name.to_string());
        gone_is_fine(fs::rename(from, &to)).map_err(io("publish the file", &to))
    }

    /// Notes that a file of an incomplete generation is committed. May be repeated.
    pub(crate) fn commit(&self, name: &DataName) -> Result<()> {
        let (from, to) = (
            self.path(Stage::Generation, name),
            self.path(Stage::Committed, name),
        );
        gone_is_fine(fs::rename(&from, &to)).map_err(io("rename in staging", &to))?;
        self.remove(&name::cuts(name))
    }

    /// Removes a name from staging. May be repeated.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.staged.join(name);
        gone_is_fine(fs::remove_file(&path)).map_err(io("remove the file", &path))
    }

    /// Makes published names of these partitions durable.
    pub(crate) fn sync_visible(
        &self,
        partitions: impl IntoIterator<Item = Arc<str>>,
    ) -> Result<()> {
        let folders = partitions.into_iter();
        let mut folders = folders.map(|partition| within(&self.visible, &partition));
        folders.try_for_each(|folder| match folder.is_dir() {
            true => sync_folder(&folder),
            false => Ok(()),
        })
    }
}
