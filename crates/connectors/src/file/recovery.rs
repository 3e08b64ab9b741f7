//! Brings order into what earlier runs left, when a run opens: after it, the visible folders hold
//! exactly the data of committed checkpoints (P4). [`super::plan`] decides.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use crossdock_core::destination::Mark;
use crossdock_core::error::Result;
use crossdock_core::stream::StreamId;

use super::book::Cut;
use super::fault::io;
use super::marks;
use super::name::{self, DataName, Marker, Stage, StagedName};
use super::plan::{self, Leftover, Step};
use super::split::split;
use super::staging::{Staging, StreamFolder};
use crate::semantics::target::{Current, Target};

/// Recovers every stream that has something in staging, also those that this run does not write.
pub(crate) fn recover(staging: &Staging, marks: &[Mark], targets: &[Target]) -> Result<()> {
    let mut marks = marks.to_vec();
    marks.extend(marks::kept(staging.folder())?);
    for (stream, folder) in staging.left()? {
        let current = targets
            .iter()
            .find(|t| t.stream == stream)
            .map(|t| t.current);
        recover_stream(&folder, &stream, &marks, current)?;
    }
    marks::forget(staging.folder())
}

fn recover_stream(
    folder: &StreamFolder,
    stream: &StreamId,
    marks: &[Mark],
    current: Option<Current>,
) -> Result<()> {
    let mut leftovers = Vec::new();
    let mut markers: Vec<Marker> = Vec::new();
    for (file, staged) in folder.list()? {
        match staged {
            StagedName::Data(stage, name) => {
                let cuts = folder.cuts(&name)?;
                leftovers.push(Leftover { stage, name, cuts });
            }
            StagedName::Marker(marker) => markers.push(marker),
            StagedName::Stream | StagedName::Cuts(_) => {}
            StagedName::Other => folder.remove(&file)?,
        }
    }
    let plan = plan::recover(
        &leftovers,
        &markers,
        |epoch| Mark::newest(marks, stream, epoch).map(|seq| seq.0),
        current,
    );
    let mut partitions = BTreeSet::new();
    for (leftover, step) in leftovers.iter().zip(&plan.steps) {
        partitions.insert(leftover.name.partition.clone());
        tracing::debug!(%stream, file = %leftover.name, ?step, "staged file of an earlier run");
        take(folder, leftover, *step)?;
    }
    folder.sync_visible(partitions)?;
    if let Some(marker) = &plan.complete {
        folder.complete(marker)?;
    }
    for marker in &markers {
        folder.remove(&marker.to_string())?;
    }
    remove_orphans(folder)
}

fn take(folder: &StreamFolder, leftover: &Leftover, step: Step) -> Result<()> {
    let Leftover { stage, name, .. } = leftover;
    match step {
        Step::Keep => return Ok(()),
        Step::Publish => return folder.publish(*stage, name),
        Step::Commit => return folder.commit(name),
        Step::PublishHead(cut) => {
            let (head, head_name) = head(folder, leftover, cut)?;
            folder.publish_as(&head, &head_name)?;
            // The original goes only when the head is safe: until then this can be repeated.
            folder.sync_visible([name.partition.clone()])?;
        }
        Step::CommitHead(cut) => {
            let (head, head_name) = head(folder, leftover, cut)?;
            folder.stage(&head, Stage::Committed, &head_name, &[])?;
        }
        Step::Delete => {}
    }
    folder.remove(&name::staged(*stage, name))
}

/// Writes the committed rows of a file into one of its own.
fn head(folder: &StreamFolder, leftover: &Leftover, cut: Cut) -> Result<(PathBuf, DataName)> {
    let path = folder.temporary(0);
    split(
        &folder.path(leftover.stage, &leftover.name),
        &leftover.name.extension,
        cut.rows,
        &path,
        None,
    )?;
    sync(&path)?;
    Ok((
        path,
        DataName {
            through: cut.seq,
            ..leftover.name.clone()
        },
    ))
}

/// Makes a file's content durable.
pub(crate) fn sync(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|f| f.sync_all())
        .map_err(io("sync the file", path))
}

/// Removes cuts whose file is gone.
fn remove_orphans(folder: &StreamFolder) -> Result<()> {
    let listed = folder.list()?;
    for (file, staged) in &listed {
        let StagedName::Cuts(of) = staged else {
            continue;
        };
        let has_file = listed
            .iter()
            .any(|(_, s)| matches!(s, StagedName::Data(_, name) if name.to_string() == *of));
        if !has_file {
            folder.remove(file)?;
        }
    }
    Ok(())
}
