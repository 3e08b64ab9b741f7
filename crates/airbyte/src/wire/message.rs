//! The rare messages, typed (§1.4–§1.7). Properties that are not known here are kept.

use crossdock_core::event::{Estimate, LogLevel, StreamStatus};
use crossdock_core::stream::StreamId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use super::state::count;

/// LOG (§1.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// `FATAL`, `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: String,
    /// The text.
    pub message: String,
    /// A stack trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Log {
    /// The level; unknown ones are read as information.
    #[must_use]
    pub fn log_level(&self) -> LogLevel {
        match self.level.as_str() {
            "FATAL" => LogLevel::Fatal,
            "ERROR" => LogLevel::Error,
            "WARN" => LogLevel::Warn,
            "DEBUG" => LogLevel::Debug,
            "TRACE" => LogLevel::Trace,
            _ => LogLevel::Info,
        }
    }
}

/// TRACE (§1.5): one of the four bodies is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// `ERROR`, `ESTIMATE`, `STREAM_STATUS` or `ANALYTICS`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Milliseconds since the epoch, sometimes with a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted_at: Option<Number>,
    /// Body of `ERROR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TraceError>,
    /// Body of `ESTIMATE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<EstimateTrace>,
    /// Body of `STREAM_STATUS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_status: Option<StreamStatusTrace>,
    /// Body of `ANALYTICS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analytics: Option<Analytics>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Why a run is failing. It ends nothing by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceError {
    /// For users.
    #[serde(default)]
    pub message: String,
    /// For developers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_message: Option<String>,
    /// A stack trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    /// `system_error`, `config_error` or `transient_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_type: Option<String>,
    /// The stream that failed, where it is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_descriptor: Option<StreamId>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How much is to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateTrace {
    /// The stream's name.
    #[serde(default)]
    pub name: String,
    /// `STREAM` or `SYNC`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The stream's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Records in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_estimate: Option<Number>,
    /// Bytes in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_estimate: Option<Number>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl EstimateTrace {
    /// In the words of the contract.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let stream = (self.kind != "SYNC").then(|| StreamId {
            name: self.name.as_str().into(),
            namespace: self.namespace.as_deref().map(Into::into),
        });
        Estimate {
            stream,
            records: self.row_estimate.as_ref().and_then(count),
            bytes: self.byte_estimate.as_ref().and_then(count),
        }
    }
}

/// A stream's progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamStatusTrace {
    /// The stream.
    pub stream_descriptor: StreamId,
    /// `STARTED`, `RUNNING`, `COMPLETE` or `INCOMPLETE`.
    pub status: String,
    /// Why it runs as it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<StatusReason>>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A reason of a status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusReason {
    /// `RATE_LIMITED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The details of `RATE_LIMITED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limited: Option<RateLimit>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// When a quota is renewed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_reset: Option<Number>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl StreamStatusTrace {
    /// In the words of the contract; `None` for a status that is not known (§3.7).
    #[must_use]
    pub fn status(&self) -> Option<StreamStatus> {
        Some(match self.status.as_str() {
            "STARTED" => StreamStatus::Started,
            "RUNNING" => match self.reasons.as_deref() {
                Some([reason]) if reason.kind == "RATE_LIMITED" => {
                    let reset = reason
                        .rate_limited
                        .as_ref()
                        .and_then(|r| r.quota_reset.as_ref());
                    StreamStatus::RateLimited {
                        quota_reset: reset.and_then(count).and_then(|ms| i64::try_from(ms).ok()),
                    }
                }
                _ => StreamStatus::Running,
            },
            "COMPLETE" => StreamStatus::Complete,
            "INCOMPLETE" => StreamStatus::Incomplete,
            _ => return None,
        })
    }
}

/// Product telemetry: never affects a sync.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analytics {
    /// What is told.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// CONTROL (§1.6): the connector asks that its configuration be replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// `CONNECTOR_CONFIG`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted_at: Option<Number>,
    /// Body of `CONNECTOR_CONFIG`.
    #[serde(
        rename = "connectorConfig",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub connector_config: Option<ConnectorConfig>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The complete new configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectorConfig {
    /// An object.
    pub config: Value,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// CONNECTION_STATUS: the answer to `check`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// `SUCCEEDED` or `FAILED`.
    pub status: String,
    /// The reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// DESTINATION_CATALOG: the answer of a data-activation destination to `discover`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DestinationCatalog {
    /// What can be done with which objects.
    #[serde(default)]
    pub operations: Vec<DestinationOperation>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One way to write to one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DestinationOperation {
    /// The object.
    pub object_name: String,
    /// The destination sync mode.
    pub sync_mode: String,
    /// The accepted fields.
    #[serde(default)]
    pub json_schema: Value,
    /// Paths of the fields by which objects are matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching_keys: Option<Vec<Vec<String>>>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The line that tells a destination that the source is done with `stream` (§3.7).
#[must_use]
pub fn complete_trace(stream: &StreamId, emitted_at: i64) -> String {
    status_trace(stream, StreamStatus::Complete, emitted_at)
}

/// The line that tells the status of `stream` (§1.5, §3.7).
#[must_use]
pub fn status_trace(stream: &StreamId, status: StreamStatus, emitted_at: i64) -> String {
    let name = match status {
        StreamStatus::Started => "STARTED",
        StreamStatus::Running | StreamStatus::RateLimited { .. } => "RUNNING",
        StreamStatus::Complete => "COMPLETE",
        StreamStatus::Incomplete => "INCOMPLETE",
    };
    let mut body = json!({"stream_descriptor": stream, "status": name});
    if let StreamStatus::RateLimited { quota_reset } = status {
        let mut reason = json!({"type": "RATE_LIMITED"});
        if let Some(quota_reset) = quota_reset {
            reason["rate_limited"] = json!({"quota_reset": quota_reset});
        }
        body["reasons"] = json!([reason]);
    }
    let message = json!({"type": "TRACE", "trace": {
        "type": "STREAM_STATUS",
        "emitted_at": emitted_at,
        "stream_status": body,
    }});
    format!("{message}\n")
}
