//! The completion of a generation: in one step, its files are what readers see, and those that it
//! replaces are gone.
//!
//! The new folder is made beside the old one, and the two change places (Linux has a system call for
//! it). Where the file system cannot do that, or the folder holds folders of others, the new files
//! become visible one by one, and then the old ones go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crossdock_core::error::Result;

use super::fault::{gone_is_fine, io};
use super::name::{DataName, Marker, Stage, StagedName, split};
use super::plan::is_stale;
use super::staging::{StreamFolder, create_below, files, sync_folder, within, write_whole};

impl StreamFolder {
    /// Completes the generation of `marker`: every file of it is committed. Until the marker is
    /// gone, recovery repeats it.
    pub(crate) fn complete(&self, marker: &Marker) -> Result<()> {
        let next = self.staged.with_extension("next");
        if !self.is_swapped() {
            self.gather(marker, &next)?;
            self.show(marker, &next)?;
        }
        self.clear(marker, &next)?;
        let note = self.note();
        gone_is_fine(fs::remove_file(&note)).map_err(io("remove the file", &note))?;
        self.remove(&marker.to_string())?;
        sync_folder(&self.staged)
    }

    /// The file that says which folder the new one is.
    fn note(&self) -> PathBuf {
        self.staged.with_extension("swap")
    }

    /// Whether the folders have changed places, and only the clearing is left.
    fn is_swapped(&self) -> bool {
        let noted = fs::read_to_string(self.note()).ok();
        noted.is_some() && noted == identity(&self.visible)
    }

    /// Makes the new folder.
    fn gather(&self, marker: &Marker, next: &Path) -> Result<()> {
        create_below(&self.root, next)?;
        for file in files(next)? {
            if DataName::parse(&file).is_some_and(|name| is_stale(&name, marker)) {
                self.unpublish(next, &file)?;
            }
        }
        let place = |file: &str| -> Result<PathBuf> {
            create_below(next, &within(next, split(file).0))?;
            Ok(next.join(file))
        };
        for (_, staged) in self.list()? {
            if let StagedName::Data(Stage::Committed, name) = staged
                && name.generation == marker.generation
            {
                let to = place(&name.to_string())?;
                let from = self.path(Stage::Committed, &name);
                fs::rename(from, &to).map_err(io("rename in staging", &to))?;
            }
        }
        for file in files(&self.visible)? {
            // What the generation has already shown.
            if DataName::parse(&file).is_some_and(|name| !is_stale(&name, marker)) {
                let (from, to) = (self.visible.join(&file), place(&file)?);
                if !to.exists() {
                    fs::hard_link(from, &to).map_err(io("link the file", &to))?;
                }
            }
        }
        let mut folders: Vec<_> = files(next)?
            .iter()
            .flat_map(|file| Path::new(file).ancestors().skip(1))
            .map(|folder| next.join(folder))
            .collect();
        folders.push(next.to_owned());
        folders.sort();
        folders.dedup();
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// Shows the new folder in the place of the old one.
    fn show(&self, marker: &Marker, next: &Path) -> Result<()> {
        // On the disk before the folders change places: it tells which is which.
        if let Some(identity) = identity(next) {
            let note = self.note();
            let name = note.file_name().unwrap_or_default().to_string_lossy();
            let staging = self.staged.parent().unwrap_or(&self.root);
            write_whole(staging, &name, identity.as_bytes())?;
            sync_folder(staging)?;
        }
        let parent = self.visible.parent().unwrap_or(&self.root);
        create_below(&self.root, parent)?;
        let exchanged = match self.has_only_files()? {
            None => fs::rename(next, &self.visible),
            Some(true) => {
                self.take_after(next);
                exchange(next, &self.visible)
            }
            Some(false) => Err(io::ErrorKind::Unsupported.into()),
        };
        if exchanged.is_ok() {
            sync_folder(parent)?;
            return sync_folder(self.staged.parent().unwrap_or(&self.root));
        }
        for file in files(next)? {
            if let Some(name) = DataName::parse(&file) {
                self.publish_as(&next.join(&file), &name)?;
                self.sync_visible([name.partition])?;
            }
        }
        for file in files(&self.visible)? {
            if DataName::parse(&file).is_some_and(|name| is_stale(&name, marker)) {
                self.unpublish(&self.visible, &file)?;
            }
        }
        Ok(())
    }

    /// Lets the new folder belong to whom the old one belongs to. As far as the system lets us.
    fn take_after(&self, next: &Path) {
        let Ok(old) = fs::metadata(&self.visible) else {
            return;
        };
        let _ = fs::set_permissions(next, old.permissions());
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, chown};
            let _ = chown(next, Some(old.uid()), Some(old.gid()));
        }
    }

    /// Whether the visible folder holds nothing but files and partitions; `None` if it is not there.
    fn has_only_files(&self) -> Result<Option<bool>> {
        let visible = match fs::symlink_metadata(&self.visible) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io("look at the folder", &self.visible))?,
        };
        let is_file = |file: &String| self.visible.join(file).is_file();
        Ok(Some(
            visible.is_dir() && files(&self.visible)?.iter().all(is_file),
        ))
    }

    /// Removes what was replaced, and the folder that it is in. Files of others go on to where the
    /// folder was.
    fn clear(&self, marker: &Marker, old: &Path) -> Result<()> {
        for file in files(old)? {
            let is_own = DataName::parse(&file).is_some();
            let to = self.visible.join(&file);
            if is_own {
                self.unpublish(old, &file)?;
            } else {
                create_below(&self.root, &within(&self.visible, split(&file).0))?;
                fs::rename(old.join(&file), &to).map_err(io("rename the file", &to))?;
                remove_empty(old, split(&file).0);
            }
        }
        tracing::debug!(generation = marker.generation, "a generation is complete");
        sync_folder(&self.visible)?;
        // Empty folders are left in it, at most.
        gone_is_fine(fs::remove_dir_all(old)).map_err(io("remove the folder", old))
    }

    /// Removes a file, and the folders that it leaves empty.
    fn unpublish(&self, folder: &Path, file: &str) -> Result<()> {
        let path = folder.join(file);
        gone_is_fine(fs::remove_file(&path)).map_err(io("remove the file", &path))?;
        remove_empty(folder, split(file).0);
        Ok(())
    }
}

/// Removes the folders of a partition, as far as they are empty.
fn remove_empty(folder: &Path, partition: &str) {
    // A folder that still has something stays, which is what the error says.
    let empty = |part: &&Path| fs::remove_dir(folder.join(part)).is_ok();
    Path::new(partition)
        .ancestors()
        .take_while(|part| !part.as_os_str().is_empty())
        .take_while(empty)
        .for_each(drop);
}

/// What tells a folder from every other, wherever it is moved.
fn identity(folder: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let found = fs::metadata(folder).ok()?;
        Some(format!("{} {}", found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    None
}

/// Lets two folders change places, in one step.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
