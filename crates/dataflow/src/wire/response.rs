//! What a connector says (§1.3).

use std::ops::Range;

use crossdock_core::convert::write_string;
use crossdock_core::fault::Fault;

use super::members::{each_item, each_member, is_null, number, string, text_of, valid_any};
use super::message::{MessageView, Written, write_message};

/// A line of a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The next command may come.
    Ready(Ready),
    /// A message of a source.
    Message(MessageView),
    /// The command is done.
    Done(Finished),
    /// It failed.
    Error(Failure),
    /// Where a source is after all messages before: where the value stands in the line.
    Checkpoint(Range<usize>),
    /// It is alive.
    Pong,
    /// Something that neither the page nor the profile knows.
    Unknown(String),
}

/// The answer to `init` and `connect`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// What it can beyond the page (the profile's).
    pub features: Vec<String>,
    /// The longest line that it reads, in bytes (the profile's); `None`: it does not say.
    pub max_line_bytes: Option<u64>,
}

impl Ready {
    /// Whether it announced this.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|own| own == feature)
    }

    /// Takes what a second answer says, too.
    pub fn join(&mut self, other: Self) {
        self.features.extend(other.features);
        self.max_line_bytes = other.max_line_bytes.or(self.max_line_bytes);
    }
}

/// The end of a command that went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Of a read (the profile's): whether there is more now; `false`: never again. `None`: it does not say.
    pub more: Option<bool>,
}

/// The end of a command that did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Why, for people.
    pub message: String,
    /// Of which kind; empty: it does not say.
    pub code: String,
    /// Of a write (the profile's): the messages that were refused, by index; all others are written.
    /// `None`: it does not say which.
    pub failed: Option<Vec<u32>>,
}

impl Response {
    /// Reads a line that is an object.
    pub fn read(line: &[u8]) -> Result<Self, Fault> {
        let mut parts = Parts::default();
        each_member(line, 0..line.len(), |name, value| {
            match name {
                "type" => parts.kind = Some(value),
                "message" => parts.message = Some(value),
                "code" => parts.code = Some(value),
                "features" => parts.features = Some(value),
                "maxLineBytes" => parts.max_line_bytes = Some(value),
                "failed" => parts.failed = Some(value),
                "more" => parts.more = Some(value),
                name => {
                    if name == "data" {
                        parts.data = Some(value.clone());
                    }
                    parts.view.member(name, value);
                }
            }
            Ok(())
        })?;
        let kind = parts.kind.as_ref().and_then(|kind| string(line, kind));
        let Some(kind) = kind else {
            return Err(Fault::new("a line has no `type`"));
        };
        Ok(match &*kind {
            "ready" => Self::Ready(Ready {
                features: parts.features(line)?,
                max_line_bytes: parts.max_line_bytes.and_then(|value| number(line, &value)),
            }),
            "message" => {
                parts.view.check(line)?;
                Self::Message(parts.view)
            }
            "done" => Self::Done(Finished {
                more: parts.more.and_then(|value| match &line[value] {
                    b"true" => Some(true),
                    b"false" => Some(false),
                    _ => None,
                }),
            }),
            "error" => Self::Error(parts.failure(line)?),
            "checkpoint" => match parts.data {
                Some(data) if valid_any(line, &data) => Self::Checkpoint(data),
                Some(_) => return Err(Fault::new("the `data` of a checkpoint are no JSON")),
                None => return Err(Fault::new("a checkpoint has no `data`")),
            },
            "pong" => Self::Pong,
            other => Self::Unknown(other.to_owned()),
        })
    }
}

/// Where the members stand.
#[derive(Default)]
struct Parts {
    kind: Option<Range<usize>>,
    message: Option<Range<usize>>,
    code: Option<Range<usize>>,
    features: Option<Range<usize>>,
    max_line_bytes: Option<Range<usize>>,
    failed: Option<Range<usize>>,
    more: Option<Range<usize>>,
    data: Option<Range<usize>>,
    view: MessageView,
}

impl Parts {
    fn features(&self, line: &[u8]) -> Result<Vec<String>, Fault> {
        let mut features = Vec::new();
        if let Some(list) = self.features.clone().filter(|value| !is_null(line, value)) {
            each_item(line, list, |item| {
                features.push(text_of(line, &item));
                Ok(())
            })?;
        }
        Ok(features)
    }

    fn failure(&self, line: &[u8]) -> Result<Failure, Fault> {
        let text = |value: &Option<Range<usize>>| match value {
            Some(value) if !is_null(line, value) => text_of(line, value),
            _ => String::new(),
        };
        let mut failure = Failure {
            message: text(&self.message),
            code: text(&self.code),
            failed: None,
        };
        if let Some(list) = self.failed.clone().filter(|value| !is_null(line, value)) {
            let mut failed = Vec::new();
            each_item(line, list, |item| {
                let index = number(line, &item).and_then(|index| u32::try_from(index).ok());
                failed.push(index.ok_or_else(|| Fault::new("`failed` has something but indices"))?);
                Ok(())
            })?;
            failure.failed = Some(failed);
        }
        Ok(failure)
    }
}

/// Appends `ready`; what is not announced is not named.
pub fn write_ready(out: &mut Vec<u8>, ready: &Ready) {
    out.extend_from_slice(b"{\"type\":\"ready\"");
    for (at, feature) in ready.features.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b",\"features\":[" } else { b"," });
        write_string(out, feature.as_bytes());
    }
    if !ready.features.is_empty() {
        out.push(b']');
    }
    if let Some(bytes) = ready.max_line_bytes {
        out.extend_from_slice(format!(",\"maxLineBytes\":{bytes}").as_bytes());
    }
    out.extend_from_slice(b"}\n");
}

/// Appends a message of a source.
pub fn write_source_message(out: &mut Vec<u8>, message: &Written<'_>) {
    out.extend_from_slice(b"{\"type\":\"message\",");
    write_message(out, message);
    out.extend_from_slice(b"}\n");
}

/// Appends `done`.
pub fn write_done(out: &mut Vec<u8>, finished: Finished) {
    out.extend_from_slice(match finished.more {
        None => b"{\"type\":\"done\"}\n".as_slice(),
        Some(true) => b"{\"type\":\"done\",\"more\":true}\n",
        Some(false) => b"{\"type\":\"done\",\"more\":false}\n",
    });
}

/// Appends `error`.
pub fn write_error(out: &mut Vec<u8>, failure: &Failure) {
    out.extend_from_slice(b"{\"type\":\"error\",\"message\":");
    write_string(out, failure.message.as_bytes());
    if !failure.code.is_empty() {
        out.extend_from_slice(b",\"code\":");
        write_string(out, failure.code.as_bytes());
    }
    if let Some(failed) = &failure.failed {
        let failed: Vec<String> = failed.iter().map(u32::to_string).collect();
        out.extend_from_slice(format!(",\"failed\":[{}]", failed.join(",")).as_bytes());
    }
    out.extend_from_slice(b"}\n");
}

/// Appends a checkpoint; `data` is one JSON value.
pub fn write_checkpoint(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(b"{\"type\":\"checkpoint\",\"data\":");
    out.extend_from_slice(data);
    out.extend_from_slice(b"}\n");
}

/// Appends `pong`.
pub fn write_pong(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"pong\"}\n");
}
