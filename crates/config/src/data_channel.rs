//! How records pass between Crossdock and a connector of Airbyte, as a user says it.

use schemars::JsonSchema;
use serde::Deserialize;

/// The data channel of a connector of Airbyte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataChannel {
    /// Which way. `None`: sockets if the connector announces them in its specification.
    pub transport: Option<Transport>,
    /// How records are written on sockets.
    pub format: ChannelFormat,
    /// The layout of frames.
    pub version: ChannelVersion,
    /// How many sockets. `None`: two for each processor.
    pub sockets: Option<usize>,
}

/// The way of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Stdin and stdout, which every connector knows.
    Stdio,
    /// Unix domain sockets.
    Sockets,
}

/// How records are written on sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelFormat {
    /// Frames of protobuf.
    #[default]
    Protobuf,
    /// Lines of JSON.
    Jsonl,
}

/// The version of the channel, which decides how values stand in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ChannelVersion {
    /// The first one.
    #[serde(rename = "0.0.1")]
    First,
    /// The present one.
    #[default]
    #[serde(rename = "0.0.2")]
    Present,
}
