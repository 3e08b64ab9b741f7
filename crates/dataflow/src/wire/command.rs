//! What a processor says (§1.2).

use std::ops::Range;

use crossdock_core::convert::write_string;
use crossdock_core::fault::Fault;

use super::members::{each_item, each_member, is_null, number, string, valid};
use super::message::{MessageView, Written, write_message};

/// Which half a connector plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It reads.
    Source,
    /// It writes.
    Sink,
}

impl Role {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }
}

/// A line of a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take this configuration.
    Init(Init),
    /// Open what the configuration names.
    Connect,
    /// Say what there is.
    Read {
        /// At most so many messages; `None`: as many as it likes.
        limit: Option<u64>,
    },
    /// Write these messages, all or none.
    Write(Vec<MessageView>),
    /// Release everything; nothing follows.
    Close,
    /// Say something.
    Ping,
    /// So many messages more are durable (the profile's).
    Ack {
        /// How many.
        count: u64,
    },
    /// Something that neither the page nor the profile knows.
    Unknown(String),
}

/// The configuration that a connector is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// The half it is to play.
    pub role: Role,
    /// The connector's type, as in the manifest.
    pub kind: String,
    /// Where its configuration stands in the line: an object.
    pub config: Range<usize>,
    /// Where options of the run stand, if there are any: an object.
    pub options: Option<Range<usize>>,
}

impl Command {
    /// Reads a line that is an object.
    pub fn read(line: &[u8]) -> Result<Self, Fault> {
        let mut parts = Parts::default();
        each_member(line, 0..line.len(), |name, value| {
            match name {
                "cmd" => parts.cmd = Some(value),
                "role" => parts.role = Some(value),
                // Of `init`: nothing else has one.
                "type" => parts.kind = Some(value),
                "config" => parts.config = Some(value),
                "options" => parts.options = Some(value),
                "limit" => parts.limit = Some(value),
                "messages" => parts.messages = Some(value),
                "count" => parts.count = Some(value),
                _ => {}
            }
            Ok(())
        })?;
        let cmd = parts.cmd.as_ref().and_then(|cmd| string(line, cmd));
        let Some(cmd) = cmd else {
            return Err(Fault::new("a line has no `cmd`"));
        };
        Ok(match &*cmd {
            "init" => Self::Init(parts.init(line)?),
            "connect" => Self::Connect,
            "read" => Self::Read {
                limit: parts.limit(line)?,
            },
            "write" => Self::Write(parts.messages(line)?),
            "close" => Self::Close,
            "ping" => Self::Ping,
            "ack" => {
                let count = parts.count.and_then(|count| number(line, &count));
                let count = count.ok_or_else(|| Fault::new("`ack` has no `count`"))?;
                Self::Ack { count }
            }
            other => Self::Unknown(other.to_owned()),
        })
    }
}

/// Where the members stand.
#[derive(Default)]
struct Parts {
    cmd: Option<Range<usize>>,
    role: Option<Range<usize>>,
    kind: Option<Range<usize>>,
    config: Option<Range<usize>>,
    options: Option<Range<usize>>,
    limit: Option<Range<usize>>,
    messages: Option<Range<usize>>,
    count: Option<Range<usize>>,
}

impl Parts {
    fn init(self, line: &[u8]) -> Result<Init, Fault> {
        let role = self.role.as_ref().and_then(|role| string(line, role));
        let role = match role.as_deref() {
            Some("source") => Role::Source,
            Some("sink") => Role::Sink,
            _ => {
                return Err(Fault::new(
                    "the `role` of `init` is neither source nor sink",
                ));
            }
        };
        let kind = self.kind.as_ref().and_then(|kind| string(line, kind));
        let kind = kind.ok_or_else(|| Fault::new("`init` has no `type`"))?;
        let object = |value: &Range<usize>| valid(line, value, b'{').is_some();
        let config = self.config.filter(object);
        let config = config.ok_or_else(|| Fault::new("the `config` of `init` is no object"))?;
        let options = self.options.filter(|value| !is_null(line, value));
        if options.as_ref().is_some_and(|value| !object(value)) {
            return Err(Fault::new("the `options` of `init` are no object"));
        }
        Ok(Init {
            role,
            kind: kind.into_owned(),
            config,
            options,
        })
    }

    fn limit(&self, line: &[u8]) -> Result<Option<u64>, Fault> {
        match self.limit.as_ref().filter(|value| !is_null(line, value)) {
            None => Ok(None),
            Some(value) => match number(line, value) {
                Some(limit) if limit > 0 => Ok(Some(limit)),
                _ => Err(Fault::new(
                    "the `limit` of `read` is no whole number above 0",
                )),
            },
        }
    }

    fn messages(self, line: &[u8]) -> Result<Vec<MessageView>, Fault> {
        let list = self
            .messages
            .ok_or_else(|| Fault::new("`write` has no `messages`"))?;
        let mut messages = Vec::new();
        each_item(line, list, |item| {
            messages.push(MessageView::read(line, item)?);
            Ok(())
        })?;
        Ok(messages)
    }
}

/// Appends `init`. `config` and `options` are objects.
pub fn write_init(
    out: &mut Vec<u8>,
    role: Role,
    kind: &str,
    config: &[u8],
    options: Option<&[u8]>,
) {
    out.extend_from_slice(b"{\"cmd\":\"init\",\"role\":\"");
    out.extend_from_slice(role.as_str().as_bytes());
    out.extend_from_slice(b"\",\"type\":");
    write_string(out, kind.as_bytes());
    out.extend_from_slice(b",\"config\":");
    out.extend_from_slice(config);
    if let Some(options) = options {
        out.extend_from_slice(b",\"options\":");
        out.extend_from_slice(options);
    }
    out.extend_from_slice(b"}\n");
}

/// Appends `connect`.
pub fn write_connect(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"cmd\":\"connect\"}\n");
}

/// Appends `read`.
pub fn write_read(out: &mut Vec<u8>, limit: Option<u64>) {
    match limit {
        None => out.extend_from_slice(b"{\"cmd\":\"read\"}\n"),
        Some(limit) => {
            out.extend_from_slice(format!("{{\"cmd\":\"read\",\"limit\":{limit}}}\n").as_bytes());
        }
    }
}

/// Appends `close`.
pub fn write_close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"cmd\":\"close\"}\n");
}

/// Appends `ping`.
pub fn write_ping(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"cmd\":\"ping\"}\n");
}

/// Appends `ack`, for a source that said it understands it.
pub fn write_ack(out: &mut Vec<u8>, count: u64) {
    out.extend_from_slice(format!("{{\"cmd\":\"ack\",\"count\":{count}}}\n").as_bytes());
}

/// A `write` that is being written.
#[derive(Debug, Default)]
pub struct WriteCommand {
    line: Vec<u8>,
    messages: usize,
}

impl WriteCommand {
    /// One with room for messages of so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            line: Vec::with_capacity(bytes + 64),
            messages: 0,
        }
    }

    fn next(&mut self) -> &mut Vec<u8> {
        match self.messages {
            0 => self
                .line
                .extend_from_slice(b"{\"cmd\":\"write\",\"messages\":["),
            _ => self.line.push(b','),
        }
        self.messages += 1;
        self.line.push(b'{');
        &mut self.line
    }

    /// Adds a message.
    pub fn push(&mut self, message: &Written<'_>) {
        write_message(self.next(), message);
        self.line.push(b'}');
    }

    /// Adds a message that was read: its members as they came, with the brace at their end.
    pub fn push_members(&mut self, members: &[u8]) {
        self.next().extend_from_slice(members);
    }

    /// How many messages it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The line.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.messages == 0 {
            self.line
                .extend_from_slice(b"{\"cmd\":\"write\",\"messages\":[");
        }
        self.line.extend_from_slice(b"]}\n");
        self.line
    }
}
