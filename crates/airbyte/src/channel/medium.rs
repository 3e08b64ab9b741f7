//! What the environment says of the data channel (§4.2). Pure.

use std::path::PathBuf;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};

use crate::wire::protobuf::Layout;

const MEDIUM: &str = "DATA_CHANNEL_MEDIUM";
const FORMAT: &str = "DATA_CHANNEL_FORMAT";
const PATHS: &str = "DATA_CHANNEL_SOCKET_PATHS";
/// Ours: the protocol has the version in metadata that connectors do not see. Without it the present one is meant.
const VERSION: &str = "DATA_CHANNEL_VERSION";

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines of JSON, as over stdio (§4.5).
    Jsonl,
    /// Frames of protobuf (§4.4).
    Protobuf(Layout),
}

/// A channel of sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChannel {
    /// How records are written.
    pub format: Format,
    /// Where the sockets are; at least one.
    pub paths: Vec<PathBuf>,
}

impl DataChannel {
    /// The channel that the variables name; `None`: stdin and stdout.
    ///
    /// # Errors
    /// `config.invalid` for a value that is not known: whoever starts with it would wait for ever.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let known = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        match known(MEDIUM).as_deref() {
            None | Some("STDIO") => return Ok(None),
            Some("SOCKET") => {}
            Some(other) => return Err(unknown(MEDIUM, other, "STDIO, SOCKET")),
        }
        let format = match known(FORMAT).as_deref() {
            None | Some("JSONL") => Format::Jsonl,
            Some("PROTOBUF") => {
                let version = known(VERSION);
                let layout = match version.as_deref() {
                    None => Layout::V2,
                    Some(version) => Layout::of_version(version)
                        .ok_or_else(|| unknown(VERSION, version, "0.0.1, 0.0.2"))?,
                };
                Format::Protobuf(layout)
            }
            Some(other) => return Err(unknown(FORMAT, other, "JSONL, PROTOBUF")),
        };
        let paths = known(PATHS).unwrap_or_default();
        let paths: Vec<PathBuf> = paths
            .split(',')
            .map(str::trim)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .collect();
        if paths.is_empty() {
            let message = format!("{MEDIUM} is SOCKET, and {PATHS} names no socket");
            return Err(Error::new(&code::CONFIG_INVALID, message));
        }
        Ok(Some(Self { format, paths }))
    }

    /// The variables that say so to a connector.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let paths: Vec<_> = self
            .paths
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        let (format, version) = match self.format {
            Format::Jsonl => ("JSONL", None),
            Format::Protobuf(layout) => ("PROTOBUF", Some(layout.version())),
        };
        let mut variables = vec![
            (MEDIUM, "SOCKET".to_owned()),
            (FORMAT, format.to_owned()),
            (PATHS, paths.join(",")),
        ];
        variables.extend(version.map(|version| (VERSION, version.to_owned())));
        variables
    }
}

fn unknown(variable: &str, value: &str, known: &'static str) -> Error {
    let message = format!("{variable} is `{value}`, which is not known");
    Error::new(&code::CONFIG_INVALID, message).with("known", known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_what_is_meant() {
        let check = |variables: &[(&str, &str)],
                     expected: Result<Option<(Format, usize)>, &str>| {
            let get = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            match (DataChannel::of_environment(get), expected) {
                (Ok(channel), Ok(expected)) => {
                    assert_eq!(channel.map(|c| (c.format, c.paths.len())), expected);
                }
                (Err(error), Err(part)) => assert!(error.message().contains(part), "{error:?}"),
                (found, _) => panic!("{found:?}"),
            }
        };
        let socket = (MEDIUM, "SOCKET");
        let paths = (PATHS, "/a/1.sock, /a/2.sock");
        check(&[], Ok(None));
        check(&[(MEDIUM, "STDIO"), paths], Ok(None));
        check(&[socket, paths], Ok(Some((Format::Jsonl, 2))));
        let protobuf = (FORMAT, "PROTOBUF");
        check(
            &[socket, protobuf, paths],
            Ok(Some((Format::Protobuf(Layout::V2), 2))),
        );
        let old = (VERSION, "0.0.1");
        check(
            &[socket, protobuf, paths, old],
            Ok(Some((Format::Protobuf(Layout::V1), 2))),
        );
        check(&[(MEDIUM, "TCP")], Err("`TCP`"));
        check(&[socket, (FORMAT, "AVRO"), paths], Err("`AVRO`"));
        check(&[socket, protobuf, paths, (VERSION, "9")], Err("`9`"));
        check(&[socket], Err("names no socket"));
    }

    #[test]
    fn what_is_said_is_understood() {
        for format in [
            Format::Jsonl,
            Format::Protobuf(Layout::V1),
            Format::Protobuf(Layout::V2),
        ] {
            let channel = DataChannel {
                format,
                paths: vec!["/x/1".into(), "/x/2".into()],
            };
            let variables = channel.environment();
            let get = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.clone())
            };
            assert_eq!(DataChannel::of_environment(get).unwrap(), Some(channel));
        }
    }
}
