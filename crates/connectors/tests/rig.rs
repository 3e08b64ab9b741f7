//! What the tests drive connectors with: an acknowledger that remembers, batches of numbered
//! records, and readers of the files that came out.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, Stream};
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq, StateKind};
use crossdock_core::destination::{Ack, Acknowledge, DestinationOpening, DestinationWriter, Mark};
use crossdock_core::error::Result;
use crossdock_core::json::Json;
use crossdock_core::registry::Registry;
use crossdock_core::session::Session;
use crossdock_core::stream::StreamId;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

/// The connectors under test.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    crossdock_connectors::register(&mut registry);
    registry
}

/// A folder for one test, in memory where there is such a place: these tests sync thousands of
/// files.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// Remembers acknowledgements.
#[derive(Default)]
pub(crate) struct Acks {
    seen: Mutex<Vec<Ack>>,
    news: Condvar,
}

impl Acknowledge for Acks {
    fn acknowledge(&self, ack: Ack) {
        self.seen.lock().unwrap().push(ack);
        self.news.notify_all();
    }
}

impl Acks {
    /// All so far.
    pub(crate) fn all(&self) -> Vec<Ack> {
        self.seen.lock().unwrap().clone()
    }

    /// Up to where `lane` is durable; what is said of all streams counts for each.
    pub(crate) fn up_to(&self, lane: &Lane) -> u64 {
        let on = |ack: &Ack| match ack {
            Ack::UpTo { lane: of, seq } if of == lane || *of == Lane::Global => seq.0,
            _ => 0,
        };
        self.all().iter().map(on).max().unwrap_or(0)
    }

    /// Waits for this acknowledgement.
    pub(crate) fn wait(&self, lane: &Lane, seq: u64) {
        let wanted = Ack::UpTo {
            lane: lane.clone(),
            seq: Seq(seq),
        };
        let seen = self.seen.lock().unwrap();
        let guard = Duration::from_secs(30);
        let (seen, late) = self
            .news
            .wait_timeout_while(seen, guard, |seen| !seen.contains(&wanted))
            .unwrap();
        assert!(!late.timed_out(), "no {wanted:?} in {seen:?}");
    }
}

/// A stream of `{"id": …, "name": …}`.
pub(crate) fn stream(name: &str) -> ConfiguredStream {
    ConfiguredStream::new(Stream::new(
        name,
        json!({"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}),
    ))
}

/// The same, in a generation that replaces the earlier ones.
pub(crate) fn replacing(name: &str, generation: i64) -> ConfiguredStream {
    ConfiguredStream {
        destination_sync_mode: DestinationSyncMode::Overwrite,
        generation_id: Some(generation),
        minimum_generation_id: Some(generation),
        ..stream(name)
    }
}

/// An open writer.
pub(crate) struct Writer {
    pub(crate) inner: Box<dyn DestinationWriter>,
    pub(crate) acks: Arc<Acks>,
    pub(crate) epoch: i64,
}

/// Opens the destination `connector` for the run `epoch`.
pub(crate) async fn open(
    connector: &str,
    config: &Value,
    streams: Vec<ConfiguredStream>,
    epoch: i64,
    marks: &[Mark],
) -> Result<Writer> {
    open_as(connector, config, streams, epoch, marks, Keeper::Engine).await
}

/// Who knows what was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// The engine, of one destination.
    Engine,
    /// The engine, of several: its marks alone decide where the run resumes.
    EngineOfSeveral,
    /// The destination itself: a platform keeps states alone.
    Destination,
}

/// The same, with another keeper of the marks.
pub(crate) async fn open_as(
    connector: &str,
    config: &Value,
    streams: Vec<ConfiguredStream>,
    epoch: i64,
    marks: &[Mark],
    keeper: Keeper,
) -> Result<Writer> {
    let acks = Arc::new(Acks::default());
    let opening = DestinationOpening {
        whole_states: false,
        keeps_refused: false,
        connector: String::new(),
        catalog: ConfiguredCatalog {
            streams,
            ..ConfiguredCatalog::default()
        },
        pipeline: "test pipeline".to_owned(),
        epoch,
        marks: marks.to_vec(),
        marks_decide: keeper != Keeper::Engine,
        keeps_marks: keeper == Keeper::Destination,
        acks: acks.clone(),
        session: Session::default(),
    };
    let registry = registry();
    let destination = registry
        .get(connector)
        .unwrap()
        .destination
        .clone()
        .unwrap();
    let inner = destination.open(config.clone(), opening).await?;
    Ok(Writer { inner, acks, epoch })
}

impl Writer {
    pub(crate) async fn write(&mut self, seq: u64, stream: &str, ids: Range<u64>) {
        self.inner
            .write(Seq(seq), batch(stream, ids))
            .await
            .unwrap();
    }

    /// Writes these records; one without a value is a delete with this key.
    pub(crate) async fn write_records(&mut self, seq: u64, stream: &str, records: &[Record]) {
        let body = Body::Rows(rows(records));
        let stream = StreamId::new(stream);
        let batch = Batch { stream, body };
        self.inner.write(Seq(seq), batch).await.unwrap();
    }

    pub(crate) async fn checkpoint(&mut self, seq: u64, lane: &Lane) {
        let state = Json::from_value(&json!(seq));
        let checkpoint = match lane {
            Lane::Stream(stream) => Checkpoint::stream(stream.clone(), state),
            Lane::Global => Checkpoint::global(StateKind::Global, state),
        };
        self.inner
            .checkpoint(Seq(seq), Arc::new(checkpoint))
            .await
            .unwrap();
    }

    pub(crate) async fn committed(&mut self, lane: &Lane, seq: u64) {
        self.inner.committed(&self.mark(lane, seq)).await.unwrap();
    }

    /// A mark of this run.
    pub(crate) fn mark(&self, lane: &Lane, seq: u64) -> Mark {
        Mark {
            epoch: self.epoch,
            lane: lane.clone(),
            seq: Seq(seq),
        }
    }
}

/// The lane of a stream.
pub(crate) fn lane(stream: &str) -> Lane {
    Lane::Stream(StreamId::new(stream))
}

/// A record of any fields.
pub(crate) enum Record {
    Value(Value),
    /// Its key.
    Deleted(Value),
}

fn rows(records: &[Record]) -> Rows {
    let mut buffer = Vec::new();
    let mut rows = RowsBuilder::default();
    for record in records {
        let (Record::Value(value) | Record::Deleted(value)) = record;
        let start = buffer.len();
        buffer.extend_from_slice(value.to_string().as_bytes());
        let text = Span::new(start, buffer.len()).unwrap();
        let (after, key, operation) = match record {
            Record::Value(_) => (text, Span::NONE, Operation::Create),
            Record::Deleted(_) => (Span::NONE, text, Operation::Delete),
        };
        rows.push(RowSpans {
            after,
            key,
            operation,
            emitted_at: 1_700_000_000_000,
            ..RowSpans::default()
        });
    }
    rows.finish(Bytes::from(buffer), None)
}

/// Records with these ids.
pub(crate) fn batch(stream: &str, ids: Range<u64>) -> Batch {
    let mut buffer = Vec::new();
    let mut rows = RowsBuilder::default();
    for id in ids {
        let start = buffer.len();
        // Some take more than one line in CSV.
        let mark = if id % 3 == 0 { r#"\n\""# } else { "" };
        buffer.extend_from_slice(format!(r#"{{"id":{id},"name":"n{mark}{id}"}}"#).as_bytes());
        rows.push_line(
            Span::new(start, buffer.len()).unwrap(),
            1_700_000_000_000,
            Span::NONE,
        );
    }
    let rows = rows.finish(Bytes::from(buffer), None);
    Batch {
        stream: StreamId::new(stream),
        body: Body::Rows(rows),
    }
}

/// The visible files of a stream, in order, those of its partitions too.
pub(crate) fn files(root: &Path, folder: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let inner = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.extend(self::files(root, inner));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The visible ids of a stream, in the order of files and rows.
pub(crate) fn ids(root: &Path, folder: &str) -> Vec<u64> {
    files(root, folder)
        .iter()
        .flat_map(|file| file_ids(file))
        .collect()
}

fn file_ids(path: &Path) -> Vec<u64> {
    if path.extension().is_some_and(|e| e == "parquet") {
        return parquet_column(path, "id")
            .into_iter()
            .map(|id| u64::try_from(id).unwrap())
            .collect();
    }
    let is_csv = path.file_name().unwrap().to_str().unwrap().contains(".csv");
    if is_csv {
        let text = text(path);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let at = reader.headers().unwrap().iter().position(|n| n == "id");
        return reader
            .records()
            .map(|record| record.unwrap()[at.unwrap()].parse().unwrap())
            .collect();
    }
    lines(path)
        .iter()
        .map(|line| line["id"].as_u64().unwrap())
        .collect()
}

/// The lines of a JSON Lines file of any compression.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    text(path)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The text of a file of any compression.
pub(crate) fn text(path: &Path) -> String {
    let file = File::open(path).unwrap();
    let mut text = String::new();
    match path.extension().unwrap().to_str().unwrap() {
        "gz" => flate2::read::GzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap(),
        "zst" => zstd::Decoder::new(file)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap(),
        _ => { file }.read_to_string(&mut text).unwrap(),
    };
    text
}

/// A column of integers.
fn parquet_column(path: &Path, name: &str) -> Vec<i64> {
    let mut values = Vec::new();
    for batch in parquet_batches(path) {
        let column = batch.column_by_name(name).unwrap();
        let column = column
            .as_any()
            .downcast_ref::<arrow_array::Int64Array>()
            .unwrap();
        values.extend(column.values());
    }
    values
}

/// A Parquet file's batches.
pub(crate) fn parquet_batches(path: &Path) -> Vec<arrow_array::RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader
        .build()
        .unwrap()
        .map(|batch| batch.unwrap())
        .collect()
}

/// Copies a folder, so that several recoveries can start from the same crash.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
