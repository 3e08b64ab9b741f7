//! Dead letters: the records that a destination refused, kept as JSON lines in a file that is only
//! ever added to. Each has a number: its line.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use crossdock_config::Pipeline;
use crossdock_core::batch::{Body, Operation, Rows};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::secret::Masker;
use crossdock_core::stream::StreamId;
use crossdock_engine::dead_letter::{DeadLetterOffice, Letters, Refuser};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::store_folder;

mod connector;
mod dataflow;
mod opencdc;

pub(crate) use connector::ConnectorOffice;

/// A record that a destination refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// Its line in the file, from 1.
    #[serde(default, skip_deserializing, skip_serializing_if = "is_zero")]
    pub number: u64,
    /// When it was refused: milliseconds since the epoch.
    pub at: i64,
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: i64,
    /// The connector that refused it, or `processors` with the source that they come after.
    pub connector: String,
    /// Which destination of the pipeline that is, from 1; 0: processors refused it.
    pub destination: usize,
    /// Which of the processors; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub processor: String,
    /// Why, in the words of who refused it.
    pub reason: String,
    /// The record's stream.
    pub stream: String,
    /// That stream's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The record.
    pub record: Record,
}

impl Letter {
    /// The record's stream.
    #[must_use]
    pub fn stream_id(&self) -> StreamId {
        match &self.namespace {
            Some(namespace) => StreamId::with_namespace(namespace.as_str(), self.stream.as_str()),
            None => StreamId::new(self.stream.as_str()),
        }
    }
}

/// The record of a dead letter. Values are JSON as the engine had it, digits and all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// `create`, `update`, `delete` or `snapshot`.
    pub operation: String,
    /// When the source emitted it: milliseconds since the epoch.
    pub emitted_at: i64,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Box<RawValue>>,
    /// The value before the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<RawValue>>,
    /// The value after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<RawValue>>,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// The other kind of line: these letters were written to their destination after all.
#[derive(Serialize, Deserialize)]
struct Replayed {
    replayed: Vec<u64>,
    at: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where the dead letters of a store's pipelines are, unless a pipeline says otherwise.
#[must_use]
pub fn folder(store: &Path) -> PathBuf {
    store_folder::named(store, ".dead-letters")
}

/// The file of a pipeline's dead letters; `folder` is for those that name none.
#[must_use]
pub fn path(pipeline: &Pipeline, folder: &Path) -> PathBuf {
    let named = pipeline.dead_letters.as_ref();
    let named = named.and_then(|wanted| wanted.path.clone());
    named.unwrap_or_else(|| folder.join(format!("{}.jsonl", pipeline.id)))
}

/// The dead letters in a file, oldest first; without `all`, those that were not replayed. No file is
/// no letters. What a crash left of a last line is passed over: it was never acknowledged.
pub fn read(path: &Path, all: bool) -> Result<Vec<Letter>> {
    let unreadable = |cause: std::io::Error| {
        Error::new(
            &code::DEAD_LETTERS_UNREADABLE,
            "dead letters cannot be read",
        )
        .with("path", path.display())
        .caused_by(cause)
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(unreadable(cause)),
    };
    let mut letters = Vec::new();
    let mut replayed = BTreeSet::new();
    for (line, at) in BufReader::new(file).split(b'\n').zip(1..) {
        let line = line.map_err(unreadable)?;
        if let Ok(mut letter) = serde_json::from_slice::<Letter>(&line) {
            letter.number = at;
            letters.push(letter);
        } else if let Ok(now) = serde_json::from_slice::<Replayed>(&line) {
            replayed.extend(now.replayed);
        }
    }
    letters.retain(|letter| all || !replayed.contains(&letter.number));
    Ok(letters)
}

/// Notes that letters were replayed.
pub(crate) fn note_replayed(path: &Path, numbers: Vec<u64>) -> Result<()> {
    let line = Replayed {
        replayed: numbers,
        at: SystemClock.now_ms(),
    };
    let mut text = Vec::new();
    put(&mut text, &line)?;
    append(path, &text)
}

fn put(text: &mut Vec<u8>, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *text, line).map_err(|cause| {
        Error::new(&code::INTERNAL, "a dead letter cannot be written as JSON").caused_by(cause)
    })?;
    text.push(b'\n');
    Ok(())
}

/// Adds whole lines. When it returns, they are on disk.
fn append(path: &Path, lines: &[u8]) -> Result<()> {
    let written = (|| {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let is_new = !path.exists();
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = File::options();
        options.create(true).append(true).read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        // A crash may have left a part of a line, which must not become the beginning of this one.
        let mut last = [b'\n'];
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        file.write_all(lines)?;
        file.sync_data()?;
        if is_new {
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    })();
    written.map_err(|cause: std::io::Error| {
        Error::new(
            &code::DEAD_LETTERS_UNWRITABLE,
            "dead letters could not be kept",
        )
        .with("path", path.display())
        .caused_by(cause)
    })
}

/// What is said of every dead letter of a run.
pub(crate) struct Writing {
    pub(crate) pipeline: String,
    pub(crate) run: i64,
    /// The destinations' references, and what masks their secrets (P10).
    pub(crate) destinations: Vec<(String, Masker)>,
    /// Letters of processors show the record as the processor saw it, not as it can be replayed.
    pub(crate) shows_seen: bool,
}

impl Writing {
    /// The letters of refused records, one by one.
    fn letters(&self, letters: &Letters) -> Result<Vec<Letter>> {
        let batch = match &letters.by {
            Refuser::Processor { seen, .. } if self.shows_seen => seen,
            _ => &letters.batch,
        };
        let converted;
        let rows = match &batch.body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => {
                converted = columns_to_rows(columns, None)?;
                &converted
            }
        };
        let at = SystemClock.now_ms();
        let stream = &batch.stream;
        let (connector, destination, reason) = match &letters.by {
            Refuser::Destination(at) => {
                let (connector, masker) = self.destinations.get(*at).cloned().unwrap_or_default();
                (connector, at + 1, masker.mask(&letters.reason).into_owned())
            }
            Refuser::Processor { list, .. } => (list.clone(), 0, letters.reason.clone()),
        };
        let processor = match &letters.by {
            Refuser::Processor { id, .. } => id.clone(),
            Refuser::Destination(_) => String::new(),
        };
        let letter = |row| {
            Ok(Letter {
                number: 0,
                at,
                pipeline: self.pipeline.clone(),
                run: self.run,
                connector: connector.clone(),
                destination,
                processor: processor.clone(),
                reason: reason.clone(),
                stream: stream.name.to_string(),
                namespace: stream.namespace.as_deref().map(ToOwned::to_owned),
                record: record(rows, row)?,
            })
        };
        (0..rows.len()).map(letter).collect()
    }
}

/// Keeps the dead letters of one run in a file.
pub(crate) struct FileOffice {
    pub(crate) path: PathBuf,
    pub(crate) writing: Writing,
}

fn record(rows: &Rows, row: usize) -> Result<Record> {
    let raw = |part: Option<&[u8]>| {
        let part = part.filter(|part| !part.is_empty());
        part.map(serde_json::from_slice::<Box<RawValue>>)
            .transpose()
            .map_err(|cause| {
                Error::new(&code::INTERNAL, "a refused record is no JSON").caused_by(cause)
            })
    };
    let operation = match rows.operation(row) {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Snapshot => "snapshot",
    };
    Ok(Record {
        operation: operation.to_owned(),
        emitted_at: rows.emitted_at(row),
        key: raw(rows.key(row))?,
        before: raw(rows.before(row))?,
        after: raw(Some(rows.after(row)))?,
        metadata: raw(rows.metadata(row))?,
    })
}

#[async_trait]
impl DeadLetterOffice for FileOffice {
    async fn keep(&mut self, letters: &[Letters]) -> Result<()> {
        let mut text = Vec::new();
        for some in letters {
            for letter in self.writing.letters(some)? {
                put(&mut text, &letter)?;
            }
        }
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || append(&path, &text)).await;
        done.unwrap_or_else(|broken| {
            Err(Error::new(&code::INTERNAL, "keeping dead letters broke off").caused_by(broken))
        })
    }
}

#[cfg(test)]
mod tests;
