//! The data channel of a connector as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_channel::{ChannelFormat, ChannelVersion, Transport};

/// How records pass between Crossdock and a connector of Airbyte. Airbyte keeps what a connector can do in the
/// metadata of its registry (`connectorIPCOptions`), which Crossdock does not ask: say here that it knows sockets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataChannel {
    /// `stdio`, or `sockets`. Without it: sockets if the connector's specification announces them.
    pub(crate) transport: Option<Transport>,
    /// How records are written on sockets.
    #[schemars(extend("default" = "protobuf"))]
    pub(crate) format: Option<ChannelFormat>,
    /// The version of the channel that the connector knows.
    #[schemars(extend("default" = "0.0.2"))]
    pub(crate) version: Option<ChannelVersion>,
    /// How many sockets. Without it: two for each processor.
    #[schemars(range(min = 1, max = 64))]
    pub(crate) sockets: Option<usize>,
}
