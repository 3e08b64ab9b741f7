//! The pipeline file as it is written, version 1: what its keys are called, what they mean and
//! which types they have. The JSON Schema comes from here, and with it every check of structure.
//!
//! Field types are as wide as the file's forms; [`crate::build`] makes the plan's own of them.

mod data_channel;
mod mapper;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};

use crossdock_core::store::RefreshMode;
use crossdock_core::{DestinationSyncMode, SyncMode};

pub(crate) use data_channel::DataChannel;
pub(crate) use mapper::Mapper;

use crate::notification::Occasion;
use crate::quantity::{DURATION_PATTERN, SIZE_PATTERN};
use crate::setting::{
    CountMismatch, Mode, RejectedRecords, Route, SchemaChanges, SchemaCheck, UnreadableRecords,
};

/// A Crossdock pipeline file: what to move from where to where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Crossdock pipeline file")]
pub(crate) struct File {
    /// The version of the file's form.
    #[schemars(schema_with = "version_one")]
    #[expect(dead_code, reason = "the dialect was told by it before")]
    version: IgnoredAny,
    /// Settings for all pipelines of the file.
    pub(crate) settings: Option<Settings>,
    /// Whom to tell how runs went, of every pipeline of the file.
    #[schemars(length(min = 1))]
    pub(crate) notifications: Option<Vec<Notification>>,
    /// The pipelines.
    #[schemars(length(min = 1))]
    pub(crate) pipelines: Vec<Pipeline>,
}

/// One source, its streams, and where they go.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pipeline {
    /// The pipeline's name, under which its state is kept: letters, digits, `.`, `_` and `-`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"))]
    pub(crate) id: String,
    /// Where the records come from.
    pub(crate) source: Connector,
    /// The streams to move. Without it: all, incrementally where the source can. Where several
    /// entries match a stream, a later entry's keys override an earlier one's.
    #[schemars(length(min = 1))]
    pub(crate) streams: Option<Vec<Stream>>,
    /// Where the records go. Either this or `destinations`.
    pub(crate) destination: Option<Connector>,
    /// Several places where the records go, each of which gets all of them.
    #[schemars(length(min = 1))]
    pub(crate) destinations: Option<Vec<Connector>>,
    /// What every record goes through on its way, in this order.
    #[serde(default)]
    pub(crate) processors: Vec<Processor>,
    /// Which namespace the streams have at the destination. Without it: the source's.
    pub(crate) namespace: Option<Namespace>,
    /// Put before each stream's name at the destination.
    pub(crate) prefix: Option<String>,
    /// Keeps records that a destination refuses, so that the run goes on without them. Without it, the
    /// first refusal ends the run.
    pub(crate) dead_letters: Option<DeadLetters>,
    /// Whom to tell how runs of this pipeline went, beside those that the file names for all.
    #[schemars(length(min = 1))]
    pub(crate) notifications: Option<Vec<Notification>>,
    /// Settings of this pipeline, which override those of the file key by key.
    pub(crate) settings: Option<Settings>,
}

/// A processor: changes records, leaves them out, or makes several of one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Processor {
    /// Which one.
    #[schemars(extend("examples" = ["field.set", "filter", "dataflow.mask"]))]
    pub(crate) processor: String,
    /// What it is called in messages. Without it: its number.
    pub(crate) id: Option<String>,
    /// A template that comes out as `true` or `false`; records for which it is false pass by.
    #[schemars(extend("examples" = ["{{ eq .Metadata.GetCollection \"users\" }}"]))]
    pub(crate) condition: Option<String>,
    /// The same as a condition of DataFlow, in place of `condition`.
    #[schemars(extend("examples" = ["$.status == 'paid' && metadata.table != 'test'"]))]
    pub(crate) when: Option<String>,
    /// The streams whose records go through it, by name, in which `*` stands for any text. Without it: all.
    #[schemars(length(min = 1), extend("examples" = [["users", "orders_*"]]))]
    pub(crate) streams: Option<Vec<String>>,
    /// Its settings. Those of DataFlow's transformations and of Airbyte's mappers have types; of all others they
    /// are texts.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
}

/// What becomes of records that a destination refuses. Only destinations that tell which records they
/// refuse are concerned: those of Conduit and of DataFlow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetters {
    /// The file to which they are added, as JSON lines; seen from the directory in which Crossdock is
    /// started. Without it: a file of the pipeline's own, beside the store.
    pub(crate) path: Option<String>,
    /// A connector that keeps them instead of a file. `crossdock dlq` does not see what it keeps.
    pub(crate) destination: Option<Connector>,
    /// The last so many records of a destination are looked at. 0, the default: any number of refusals
    /// is put up with.
    #[serde(default)]
    pub(crate) window_size: u64,
    /// So many of them may be refused; one more ends the run.
    #[serde(default)]
    pub(crate) window_nack_threshold: u64,
}

/// A webhook that is told how runs went: it gets a JSON object by POST, whose `text` Slack and others show, and whose
/// `data` have what Airbyte's platform sends. A message that cannot be sent is a warning.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notification {
    /// The URL, `https://…` or `http://…`. It is a secret: `${env:NAME}` and `${file:PATH}` stand for values from
    /// outside, as in a connector's configuration.
    #[schemars(extend("examples" = ["${env:CROSSDOCK_WEBHOOK}"], "writeOnly" = true))]
    #[expect(
        dead_code,
        reason = "it is read from the located tree, where its secrets are"
    )]
    webhook: String,
    /// What to tell of. Without it: `sync_failure` and `connection_update_action_required`.
    #[schemars(length(min = 1))]
    pub(crate) on: Option<Vec<Occasion>>,
    /// How long one try may take.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "10s"))]
    pub(crate) timeout: Option<String>,
    /// How often it is tried in all.
    #[schemars(range(min = 1, max = 20), extend("default" = 5))]
    pub(crate) attempts: Option<u32>,
    /// The wait after the first try that failed. Each further one is twice as long, up to a minute.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "1s"))]
    pub(crate) backoff: Option<String>,
}

/// A connector and its configuration.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connector {
    /// Which connector: `native:NAME`, `airbyte:python:PACKAGE[==VERSION]`,
    /// `airbyte:docker:IMAGE[:TAG]`, `airbyte:exec:PROGRAM ARGUMENT…`, `conduit:exec:PROGRAM`,
    /// `conduit:NAME[@VERSION]` (a program in `./connectors`), `dataflow:TYPE` or `dataflow:exec:PROGRAM`. A program's relative path is seen from the
    /// directory in which Crossdock is started.
    #[schemars(extend("examples" = ["native:parquet", "airbyte:python:airbyte-source-faker"]))]
    pub(crate) connector: String,
    /// The connector's own configuration; `crossdock spec` prints what it expects. In strings,
    /// `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` (seen from this file's directory)
    /// stand for values from outside, and `$${` for `${` itself. Other relative paths are seen
    /// from the directory in which Crossdock is started.
    #[expect(
        dead_code,
        reason = "it is read from the located tree, where its secrets are"
    )]
    config: Option<Map<String, Value>>,
    /// How the container of an `airbyte:docker:…` connector is run. What stands here overrides what the
    /// environment variable `CROSSDOCK_DOCKER` says, key by key.
    pub(crate) docker: Option<Docker>,
    /// How records pass between Crossdock and a connector of Airbyte.
    pub(crate) data_channel: Option<DataChannel>,
}

/// How a connector's container is run.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Docker {
    /// The network: `host`, `none`, or the name of one of Docker's. Without it: Docker's default.
    #[schemars(extend("examples" = ["host", "none"]))]
    pub(crate) network: Option<String>,
    /// The memory that the container may use; swap does not come on top. Without it: all there is.
    #[serde(default)]
    #[schemars(schema_with = "size")]
    pub(crate) memory: Option<Value>,
    /// How many processors it may use, e.g. `1.5`. Without it: all there are.
    #[schemars(range(min = 0.01))]
    pub(crate) cpus: Option<Number>,
    /// What is mounted into it, each as `SOURCE:TARGET` or `SOURCE:TARGET:ro`. The source is a folder or file
    /// that begins with `/` or `.` (seen from the directory in which Crossdock is started), or the name of a
    /// volume of Docker's. The image's user needs the right to use it.
    #[schemars(extend("examples" = [["./out:/local"]]))]
    pub(crate) volumes: Option<Vec<String>>,
    /// Environment variables of the container. References to values from outside stand as in `config`.
    #[expect(
        dead_code,
        reason = "it is read from the located tree, where its secrets are"
    )]
    #[schemars(extend("examples" = [{"JAVA_OPTS": "-Xmx2g"}]))]
    env: Option<Map<String, Value>>,
}

/// Which streams are moved, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    /// The stream's name; `*` stands for any text.
    #[schemars(extend("examples" = ["users", "orders_*", "*"]))]
    pub(crate) name: String,
    /// The stream's namespace at the source. Without it: any.
    pub(crate) namespace: Option<String>,
    /// How the source reads it.
    #[serde(default)]
    #[schemars(schema_with = "sync_mode")]
    pub(crate) sync_mode: Option<SyncMode>,
    /// How the destination writes it.
    #[serde(default)]
    #[schemars(schema_with = "destination_sync_mode")]
    pub(crate) destination_sync_mode: Option<DestinationSyncMode>,
    /// The fields that make a record unique: `id`, `[id, region]`, or paths into nested fields,
    /// `[[id], [address, city]]`.
    #[serde(default)]
    #[schemars(schema_with = "primary_key")]
    pub(crate) primary_key: Option<Value>,
    /// The field that tells what is new: `updated_at`, or the path of a nested one,
    /// `[meta, updated_at]`.
    #[serde(default)]
    #[schemars(schema_with = "cursor_field")]
    pub(crate) cursor_field: Option<Value>,
    /// How far before the end of the last run the next one begins, so that records which came late are read: a
    /// duration (`1d`) where the cursor is a date or time, a number where it is one. Only with `append_dedup`,
    /// which keeps one row of those that are read again.
    #[serde(default)]
    #[schemars(schema_with = "lookback", transform = without_default)]
    pub(crate) lookback: Option<Value>,
    /// The top-level fields to keep. Without it: all.
    #[schemars(length(min = 1))]
    pub(crate) fields: Option<Vec<String>>,
    /// What its records go through before anything else, in this order: mappers as Airbyte's API has them.
    pub(crate) mappers: Option<Vec<Mapper>>,
    /// As in `settings`, for this stream.
    #[serde(default)]
    #[schemars(schema_with = "refresh_mode")]
    pub(crate) refresh: Option<RefreshMode>,
    /// As in `settings`, for this stream.
    pub(crate) schema_changes: Option<SchemaChanges>,
    /// As in `settings`, for this stream.
    pub(crate) backfill: Option<bool>,
}

/// Which namespace the streams have at the destination.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Namespace {
    /// How it is found.
    pub(crate) definition: NamespaceDefinition,
    /// With `custom`: the namespace, in which `${SOURCE_NAMESPACE}` stands for the source's.
    #[schemars(extend("examples" = ["${SOURCE_NAMESPACE}_raw"]))]
    pub(crate) format: Option<String>,
}

/// How the namespace at the destination is found.
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamespaceDefinition {
    /// As at the source.
    Source,
    /// None: the destination uses the one it is configured with.
    Destination,
    /// By `format`.
    Custom,
}

/// Limits and choices. Durations are written as `500ms`, `10s`, `5m`, `2h`, `1d`, sizes as
/// `256MiB` or `64MB`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Memory for records on their way, over all queues of a run.
    #[serde(default)]
    #[schemars(schema_with = "size", extend("default" = "256MiB"))]
    pub(crate) memory_budget: Option<Value>,
    /// Longest line or message accepted from a connector.
    #[serde(default)]
    #[schemars(schema_with = "size", extend("default" = "256MiB"))]
    pub(crate) max_line_bytes: Option<Value>,
    /// Time from asking a connector's process to end until it is killed.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "10s"))]
    pub(crate) grace: Option<String>,
    /// Time that a connector has for `spec`, `check` and `discover`.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "9m"))]
    pub(crate) command_timeout: Option<String>,
    /// How long a source may say nothing at all.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "3h"))]
    pub(crate) source_silence: Option<String>,
    /// How long a destination may accept nothing.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "2h"))]
    pub(crate) destination_silence: Option<String>,
    /// How long a destination that has all data may hold back a checkpoint.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "24h"))]
    pub(crate) checkpoint_silence: Option<String>,
    /// Time that a destination has to finish after the last record.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "24h"))]
    pub(crate) finish_timeout: Option<String>,
    /// At most this long a durable checkpoint waits for others to be committed with it.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "200ms"))]
    pub(crate) commit_interval: Option<String>,
    /// Whether a source that polls (DataFlow's) is read until there is nothing new, or on and on. Other sources
    /// end or do not end by themselves.
    #[schemars(extend("default" = "sync"))]
    pub(crate) mode: Option<Mode>,
    /// Whether a run goes on where the last one ended. If not, every run begins at the beginning, and so forgets
    /// the state of the last.
    #[schemars(extend("default" = true))]
    pub(crate) resume: Option<bool>,
    /// Time that a connector has for an answer, where its protocol asks one question after another
    /// (DataFlow's).
    pub(crate) answers: Option<Answers>,
    /// A source that has sent nothing for so long is asked to end, and the run ends well: for sources
    /// without an end. Default: no such limit.
    #[serde(default)]
    #[schemars(schema_with = "duration", transform = without_default)]
    pub(crate) until_idle: Option<String>,
    /// A source that has sent so many records is asked to end, and the run ends well. A source that
    /// cannot be stopped at a record sends some more. Default: no such limit.
    #[schemars(range(min = 1))]
    pub(crate) max_records: Option<u64>,
    /// What to do with a line that looks like a record and cannot be read.
    #[schemars(extend("default" = "fail"))]
    pub(crate) unreadable_records: Option<UnreadableRecords>,
    /// What to do when the records read are not the records accounted for.
    #[schemars(extend("default" = "fail"))]
    pub(crate) count_mismatch: Option<CountMismatch>,
    /// What to do when a destination rejects records.
    #[schemars(extend("default" = "fail"))]
    pub(crate) rejected_records: Option<RejectedRecords>,
    /// Which way records go between two connectors of Airbyte that both have sockets. Without it they go from the
    /// source straight to the destination where nothing has to see them on the way, and through Crossdock otherwise.
    pub(crate) route: Option<Route>,
    /// Whether some records are held against the schemas of their streams. None is ever refused for that.
    #[schemars(extend("default" = "sampled"))]
    pub(crate) schema_check: Option<SchemaCheck>,
    /// What to do when the source has other streams, or its streams other fields, than in the last run. A change with
    /// which a stream cannot go on as it is configured pauses the pipeline in any case: its cursor is gone, or the key
    /// by which rows are replaced. `crossdock accept` takes a change. Sources that tell of their streams only while they
    /// run are not concerned.
    #[schemars(extend("default" = "propagate_fully"))]
    pub(crate) schema_changes: Option<SchemaChanges>,
    /// Whether a stream that gets new fields is read anew, in the mode that `refresh` says.
    #[schemars(extend("default" = false))]
    pub(crate) backfill: Option<bool>,
    /// What becomes of the rows of earlier copies when a stream is read anew because `crossdock refresh` asked for
    /// it and named no mode: with `merge` they stay beside the new ones, with `truncate` they go when the new copy
    /// is complete, if the destination keeps generations apart.
    #[serde(default)]
    #[schemars(schema_with = "refresh_mode", extend("default" = "merge"))]
    pub(crate) refresh: Option<RefreshMode>,
    /// How often a run that failed is tried again.
    pub(crate) retries: Option<Retries>,
    /// The file that keeps the state of all pipelines. Only in the settings of the file.
    pub(crate) store: Option<String>,
}

/// Time that a connector has for an answer.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    /// To take its configuration.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "30s"))]
    pub(crate) init: Option<String>,
    /// To connect.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "1m"))]
    pub(crate) connect: Option<String>,
    /// Of silence while it is read from.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "1m"))]
    pub(crate) read: Option<String>,
    /// To write a batch.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "5m"))]
    pub(crate) write: Option<String>,
    /// To close.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "30s"))]
    pub(crate) close: Option<String>,
    /// To say that it is alive.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "10s"))]
    pub(crate) ping: Option<String>,
}

/// How often a run that failed is tried again. A failure is complete where nothing was committed,
/// and partial otherwise. A source without an end (a stream) is tried for ever once it has moved
/// something, unless one of the four numbers is given; then each failure is waited for.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retries {
    /// Complete failures in a row that end the run. 1: no retry.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 3))]
    pub(crate) complete_failures: Option<u32>,
    /// Complete failures in total that end the run.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 5))]
    pub(crate) complete_failures_total: Option<u32>,
    /// Partial failures in a row that end the run.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 10))]
    pub(crate) partial_failures: Option<u32>,
    /// Partial failures in total that end the run.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 20))]
    pub(crate) partial_failures_total: Option<u32>,
    /// The wait after the first complete failure, of which up to a quarter is left out by chance. A partial failure is tried again at once.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "10s"))]
    pub(crate) backoff: Option<String>,
    /// Each further wait is this many times longer.
    #[schemars(range(min = 1, max = 1000), extend("default" = 3))]
    pub(crate) backoff_factor: Option<u32>,
    /// The longest wait.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "30m"))]
    pub(crate) backoff_max: Option<String>,
    /// An attempt that went so long and committed something makes earlier failures forgotten.
    #[serde(default)]
    #[schemars(schema_with = "duration", extend("default" = "5m"))]
    pub(crate) window: Option<String>,
}

fn version_one(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"const": 1})
}

fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": DURATION_PATTERN, "examples": ["10s", "5m", "2h"]})
}

fn lookback(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"], "pattern": DURATION_PATTERN, "minimum": 1,
        "examples": ["1d", "2h", 1000],
    })
}

/// For a value that has none: not even `null`.
fn without_default(schema: &mut Schema) {
    schema.remove("default");
}

fn size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"], "pattern": SIZE_PATTERN, "minimum": 1,
        "examples": ["256MiB", "64MB"],
    })
}

fn sync_mode(_: &mut SchemaGenerator) -> Schema {
    let modes = [SyncMode::FullRefresh, SyncMode::Incremental].map(SyncMode::as_str);
    json_schema!({"type": "string", "enum": modes})
}

fn destination_sync_mode(_: &mut SchemaGenerator) -> Schema {
    use DestinationSyncMode::{Append, AppendDedup, Overwrite, SoftDelete, Update};
    let modes = [Append, Overwrite, AppendDedup, Update, SoftDelete];
    let modes = modes.map(DestinationSyncMode::as_str);
    json_schema!({"type": "string", "enum": modes})
}

fn refresh_mode(_: &mut SchemaGenerator) -> Schema {
    let modes = [RefreshMode::Merge, RefreshMode::Truncate].map(RefreshMode::as_str);
    json_schema!({"type": "string", "enum": modes})
}

fn cursor_field(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ]})
}

fn primary_key(generator: &mut SchemaGenerator) -> Schema {
    let field = cursor_field(generator);
    json_schema!({"anyOf": [
        {"type": "string"},
        {"type": "array", "items": field, "minItems": 1},
    ]})
}
