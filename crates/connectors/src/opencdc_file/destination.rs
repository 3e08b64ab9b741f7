//! The file destination.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::{ConfiguredCatalog, DestinationSyncMode};
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{
    Ack, Acknowledge, Destination, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};

use super::config::DestinationConfig;
use crate::record_form::RecordWriter;

/// Lines are gathered up to this many bytes.
const GATHERED: usize = 256 << 10;

/// Adds records to a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileDestination;

#[async_trait]
impl Destination for FileDestination {
    type Config = DestinationConfig;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_destination::<DestinationConfig>(
            DestinationCapabilities {
                sync_modes: vec![DestinationSyncMode::Append],
                ..DestinationCapabilities::default()
            },
        ))
    }

    async fn check(&self, config: DestinationConfig, session: &Session) -> Result<Checked> {
        RecordWriter::new(&config.sdk.record, session)?;
        Ok(match open(&config.path) {
            Ok(_) => Checked::Succeeded,
            Err(cause) => Checked::Failed(format!("`{}`: {cause}", config.path.display())),
        })
    }

    async fn open(
        &self,
        config: DestinationConfig,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let records = RecordWriter::new(&config.sdk.record, &opening.session)?;
        let file = open(&config.path).map_err(|cause| fault(&config.path, cause))?;
        Ok(Box::new(Writer {
            file: Arc::new(Mutex::new(file)),
            path: config.path,
            records,
            lines: Vec::new(),
            is_dirty: false,
            epoch: opening.epoch,
            catalog: opening.catalog,
            acks: opening.acks,
            last: Seq(0),
        }))
    }
}

fn fault(path: &Path, cause: io::Error) -> Error {
    Error::new(&code::IO, "the file could not be written")
        .with("path", path.display())
        .caused_by(cause)
}

/// Opens the file to add to it. A last line that a crash has left without its end gets one, so that it
/// does not become the beginning of the next.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options()
        .create(true)
        .append(true)
        .read(true)
        .open(path)?;
    // What is no file, such as a pipe, has no length.
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

struct Writer {
    file: Arc<Mutex<File>>,
    path: PathBuf,
    records: RecordWriter,
    lines: Vec<u8>,
    /// Something was written that may not be on disk yet.
    is_dirty: bool,
    epoch: i64,
    catalog: ConfiguredCatalog,
    acks: Arc<dyn Acknowledge>,
    last: Seq,
}

impl Writer {
    /// Writes what was gathered where waiting does no harm; `syncs`: and waits until it is on disk.
    async fn put(&mut self, syncs: bool) -> Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.is_dirty |= !lines.is_empty();
        let syncs = syncs && self.is_dirty;
        if lines.is_empty() && !syncs {
            return Ok(());
        }
        let file = self.file.clone();
        let write = move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&lines)?;
            match syncs {
                true => file.sync_data(),
                false => Ok(()),
            }
        };
        let done = tokio::task::spawn_blocking(write).await;
        let done = done.map_err(io::Error::other).flatten();
        done.map_err(|cause| fault(&self.path, cause))?;
        self.is_dirty &= !syncs;
        Ok(())
    }
}

#[async_trait]
impl DestinationWriter for Writer {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        self.last = seq;
        let target = self.catalog.target_of(&batch.stream);
        let position = format!("{}/{seq}", self.epoch);
        let (lines, ended) = (&mut self.lines, |lines: &mut Vec<u8>| lines.push(b'\n'));
        self.records
            .write(lines, &batch.body, &target, &position, ended)?;
        if self.lines.len() >= GATHERED {
            self.put(false).await?;
        }
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.last = seq;
        self.put(true).await?;
        let lane = checkpoint.lane.clone();
        self.acks.acknowledge(Ack::UpTo { lane, seq });
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.put(true).await?;
        let (lane, seq) = (Lane::Global, self.last);
        self.acks.acknowledge(Ack::UpTo { lane, seq });
        Ok(())
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        self.records.finish();
        self.flush().await
    }
}
