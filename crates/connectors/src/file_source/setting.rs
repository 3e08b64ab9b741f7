//! Settings that every file source has.

use std::collections::BTreeMap;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use encoding_rs::Encoding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list;

/// What becomes of a line that is not a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BadLines {
    /// The run fails and names file and line; what was committed before stays.
    #[default]
    Fail,
    /// The line is left out, logged with file and line, and counted.
    Skip,
    /// The same, and the line is a record of the stream `NAME_dead_letters`, with its file, its
    /// number, the reason and its text.
    DeadLetters,
}

/// How the files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// As the first bytes of each file say.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// As gzip.
    Gzip,
    /// As Zstandard.
    Zstd,
}

/// How many records of each stream are looked at to tell their types, unless set.
pub(crate) fn sample_records() -> usize {
    1000
}

/// The name and the path, folder or pattern of each stream.
pub(crate) type Patterns = Vec<(String, String)>;

/// The files of each stream, from `path` and `stream`, or from `streams`.
pub(crate) fn patterns(
    path: Option<&str>,
    stream: Option<&str>,
    streams: &BTreeMap<String, String>,
) -> Result<Patterns> {
    let wrong = |message: &str| {
        Err(Error::new(&code::CONFIG_INVALID, message)
            .hint("give `path`, or `streams` with a path for each stream's name"))
    };
    match (path, streams.is_empty()) {
        (None, true) => wrong("neither `path` nor `streams` says which files to read"),
        (Some(_), false) => wrong("`path` and `streams` cannot be used together"),
        (None, false) if stream.is_some() => wrong("`stream` names the files of `path` only"),
        (None, false) => Ok(streams.clone().into_iter().collect()),
        (Some(path), true) => {
            let name = stream.map_or_else(|| list::stream_name(path), ToOwned::to_owned);
            Ok(vec![(name, path.to_owned())])
        }
    }
}

/// The encoding of a label such as `windows-1252`; `None` for UTF-8, which is read as it is.
pub(crate) fn encoding(label: Option<&str>) -> Result<Option<&'static Encoding>> {
    let Some(label) = label else {
        return Ok(None);
    };
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding == encoding_rs::UTF_8 => Ok(None),
        Some(encoding) => Ok(Some(encoding)),
        None => Err(Error::new(
            &code::CONFIG_INVALID,
            format!("`{label}` is not a known encoding"),
        )
        .hint("use a name such as `utf-8`, `windows-1252`, `utf-16le` or `shift_jis`")),
    }
}
