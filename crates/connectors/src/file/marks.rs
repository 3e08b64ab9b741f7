//! What was committed of files that still wait, kept beside them: for a platform that keeps states and
//! no marks. A file may hold rows behind the commit; it is not visible then, and only the mark says, once
//! the process is dead, that its head is (P4).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crossdock_core::code;
use crossdock_core::destination::Mark;
use crossdock_core::error::{Error, Result};

use super::fault::{gone_is_fine, io};
use super::staging::{sync_folder, write_whole};

/// Its name in a pipeline's staging.
const NAME: &str = "marks.json";

/// The marks of one run.
#[derive(Debug)]
pub(crate) struct Marks {
    folder: PathBuf,
    marks: Vec<Mark>,
}

impl Marks {
    /// None yet, to be kept in a pipeline's staging.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            marks: Vec::new(),
        }
    }

    /// Keeps `mark` in place of the earlier one of its lane. Durable when it returns.
    pub(crate) fn keep(&mut self, mark: &Mark) -> Result<()> {
        self.marks.retain(|earlier| earlier.lane != mark.lane);
        self.marks.push(mark.clone());
        let text = serde_json::to_vec(&self.marks)
            .map_err(|e| Error::new(&code::INTERNAL, "could not write marks").caused_by(e))?;
        write_whole(&self.folder, NAME, &text)?;
        sync_folder(&self.folder)
    }
}

/// What the last run kept.
pub(crate) fn kept(folder: &Path) -> Result<Vec<Mark>> {
    let path = folder.join(NAME);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|e| {
            Error::new(
                &code::STATE_INVALID,
                "the marks of staged files are damaged",
            )
            .with("path", path.display())
            .hint("remove the file; what waits in the folders beside it will be lost")
            .caused_by(e)
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(io("read the file", &path)(e)),
    }
}

/// Forgets what the last run kept, once no file of it waits.
pub(crate) fn forget(folder: &Path) -> Result<()> {
    let path = folder.join(NAME);
    gone_is_fine(fs::remove_file(&path)).map_err(io("remove the file", &path))
}
