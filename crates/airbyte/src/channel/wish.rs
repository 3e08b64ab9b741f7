//! Which channel a connector gets (§4.1). Pure.

use serde_json::{Map, Value};

use super::medium::Format;
use crate::wire::protobuf::Layout;

/// What whoever runs a connector wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelWish {
    /// Sockets if the connector's specification announces them, stdio otherwise.
    #[default]
    AsAnnounced,
    /// Stdin and stdout.
    Stdio,
    /// Sockets, whatever the specification says: Airbyte keeps what a connector can do in the metadata of its
    /// registry, so most specifications say nothing.
    Sockets {
        /// How records are written.
        format: Format,
        /// How many sockets. `None`: two for each processor.
        count: Option<usize>,
    },
}

impl ChannelWish {
    /// The form of the sockets that a connector with these further members of its specification gets, and how many
    /// are wished; `None`: it gets none.
    pub(crate) fn format(self, spec: &Map<String, Value>) -> Option<(Format, Option<usize>)> {
        match self {
            Self::Stdio => None,
            Self::Sockets { format, count } => Some((format, count)),
            Self::AsAnnounced => announced(spec).map(|format| (format, None)),
        }
    }
}

/// The member of a specification in which connectors of ours announce their channel, in the form of the registry's
/// metadata.
pub(crate) const OPTIONS: &str = "connectorIPCOptions";

/// The best channel of sockets that a specification announces; `None`: it announces none that is known here.
fn announced(spec: &Map<String, Value>) -> Option<Format> {
    let channel = spec.get(OPTIONS)?.get("dataChannel")?;
    let lists = |key: &str, wanted: &str| {
        let listed = channel.get(key).and_then(Value::as_array);
        listed.is_some_and(|listed| listed.iter().any(|one| one == wanted))
    };
    if !lists("supportedTransport", "SOCKET") {
        return None;
    }
    let version = channel.get("version")?.as_str()?;
    if lists("supportedSerialization", "PROTOBUF") {
        return Layout::of_version(version).map(Format::Protobuf);
    }
    lists("supportedSerialization", "JSONL").then_some(Format::Jsonl)
}

/// What our served connectors announce.
pub(crate) fn ours() -> Value {
    serde_json::json!({"dataChannel": {
        "version": Layout::V2.version(),
        "supportedSerialization": ["JSONL", "PROTOBUF"],
        "supportedTransport": ["STDIO", "SOCKET"],
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_announced_is_understood() {
        let check = |options: Value, expected: Option<Format>| {
            let mut spec = Map::new();
            spec.insert(OPTIONS.to_owned(), options);
            assert_eq!(announced(&spec), expected);
        };
        let channel = |version: &str, forms: &[&str], transports: &[&str]| json!({"dataChannel": {"version": version, "supportedSerialization": forms, "supportedTransport": transports}});
        check(ours(), Some(Format::Protobuf(Layout::V2)));
        check(
            channel("0.0.1", &["PROTOBUF"], &["SOCKET"]),
            Some(Format::Protobuf(Layout::V1)),
        );
        check(
            channel("0.0.2", &["JSONL"], &["SOCKET"]),
            Some(Format::Jsonl),
        );
        check(channel("0.0.2", &["PROTOBUF"], &["STDIO"]), None);
        check(channel("7", &["PROTOBUF"], &["SOCKET"]), None);
        check(json!({"dataChannel": 3}), None);
        assert_eq!(announced(&Map::new()), None);
    }
}
