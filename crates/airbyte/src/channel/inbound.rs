//! The destination's end of the channel: one task per socket, which connects, reads, and decodes (§4.3).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::batch::Body;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::line::LineBuffer;
use crossdock_core::stream::StreamId;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::medium::{DataChannel, Format};
use super::split::by_partition;
use crate::wire::protobuf::{FrameBuffer, FrameDecoder, Framed, Wanted};
use crate::wire::{Decoder, Message};

/// How long a writer may take to make its sockets (§4.3).
const APPEAR: Duration = Duration::from_secs(15 * 60);
/// How often that is looked at, at first and at most.
const LOOKS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(100)];
/// How long it is looked for once another socket is at its end, so that its writer has most likely ended.
const LATE: Duration = Duration::from_secs(2);
/// Reads of a socket that may wait for their turn (P7).
const AHEAD: usize = 2;

/// What came over a socket.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Records of one stream and one partition.
    Records {
        stream: StreamId,
        partition: Arc<str>,
        body: Body,
    },
    /// Anything else.
    Message(Message),
}

/// All sockets as one.
pub(crate) struct Inbound {
    incoming: mpsc::Receiver<Result<Vec<Incoming>>>,
    has_end: Arc<watch::Sender<bool>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Inbound {
    /// Connects to all sockets once they are there.
    pub(crate) fn connect(
        channel: &DataChannel,
        catalog: &ConfiguredCatalog,
        wanted: Wanted,
        max_bytes: usize,
    ) -> Self {
        let (sender, incoming) = mpsc::channel(AHEAD * channel.paths.len().max(1));
        let (tell, _) = watch::channel(false);
        let tell = Arc::new(tell);
        let tasks = channel.paths.iter().map(|path| {
            let reading = Reading {
                path: path.clone(),
                buffer: Buffer::new(channel.format, catalog, wanted, max_bytes),
                sender: sender.clone(),
                has_end: tell.clone(),
            };
            tokio::spawn(reading.run())
        });
        Self {
            tasks: tasks.collect(),
            incoming,
            has_end: tell,
        }
    }

    /// The writer has ended: sockets that it has not made by now are not waited for much longer.
    pub(crate) fn writer_ended(&self) {
        self.has_end.send_replace(true);
    }

    /// What came next; `None` when all sockets are at their end. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Incoming>>> {
        self.incoming.recv().await.transpose()
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// One socket.
struct Reading {
    path: PathBuf,
    buffer: Buffer,
    sender: mpsc::Sender<Result<Vec<Incoming>>>,
    /// One of the sockets is at its end, or the writer has ended.
    has_end: Arc<watch::Sender<bool>>,
}

impl Reading {
    async fn run(mut self) {
        let read = self.read().await;
        self.has_end.send_replace(true);
        if let Err(error) = read {
            let error = error.with("path", self.path.display());
            // With nobody to hear it, there is nobody to tell.
            let _ = self.sender.send(Err(error)).await;
        }
    }

    async fn read(&mut self) -> Result<()> {
        let Some(mut socket) = self.connect().await? else {
            return Ok(());
        };
        loop {
            let count = socket
                .read_buf(self.buffer.space())
                .await
                .map_err(|cause| {
                    Error::new(&code::IO, "the data channel cannot be read").caused_by(cause)
                })?;
            let mut incoming = Vec::new();
            if count == 0 {
                self.buffer.finish(&mut incoming)?;
            } else {
                self.buffer.take(&mut incoming)?;
            }
            if !incoming.is_empty() && self.sender.send(Ok(incoming)).await.is_err() {
                return Ok(()); // Nobody wants it.
            }
            if count == 0 {
                return Ok(());
            }
        }
    }

    /// Waits until the writer listens. `None`: it has ended without ever doing so on this socket; whether
    /// something is missing by that, the states tell.
    async fn connect(&self) -> Result<Option<UnixStream>> {
        let mut deadline = Instant::now() + APPEAR;
        let mut has_end = self.has_end.subscribe();
        let mut is_late = *has_end.borrow_and_update();
        let mut pause = LOOKS[0];
        loop {
            match UnixStream::connect(&self.path).await {
                Ok(socket) => return Ok(Some(socket)),
                // It is not there, or is one that an earlier run left behind.
                Err(cause)
                    if matches!(
                        cause.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                    ) && Instant::now() < deadline => {}
                Err(_) if is_late => return Ok(None),
                Err(cause) => {
                    let message = "a socket of the data channel cannot be connected to";
                    return Err(Error::new(&code::CONNECTOR_TIMEOUT, message)
                        .hint("does the source know that it is to listen?")
                        .caused_by(cause));
                }
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(LOOKS[1]),
                _ = has_end.changed(), if !is_late => is_late = true,
            }
            if is_late {
                deadline = deadline.min(Instant::now() + LATE);
            }
        }
    }
}

/// From bytes to what they say.
enum Buffer {
    Frames(FrameBuffer, Box<FrameDecoder>, Vec<Framed>),
    Lines(LineBuffer, Box<Decoder>, Vec<Message>),
}

impl Buffer {
    fn new(format: Format, catalog: &ConfiguredCatalog, wanted: Wanted, max_bytes: usize) -> Self {
        match format {
            Format::Jsonl => Self::Lines(LineBuffer::new(max_bytes), Box::default(), Vec::new()),
            Format::Protobuf(layout) => Self::Frames(
                FrameBuffer::new(max_bytes),
                Box::new(FrameDecoder::new(layout, catalog, wanted)),
                Vec::new(),
            ),
        }
    }

    fn space(&mut self) -> &mut bytes::BytesMut {
        match self {
            Self::Frames(buffer, ..) => buffer.space(),
            Self::Lines(buffer, ..) => buffer.space(),
        }
    }

    fn take(&mut self, incoming: &mut Vec<Incoming>) -> Result<()> {
        let now = SystemClock.now_ms();
        match self {
            Self::Frames(buffer, decoder, framed) => {
                if let Some(frames) = buffer.take()? {
                    decoder.decode(&frames, now, framed)?;
                }
                incoming.extend(framed.drain(..).filter_map(|framed| match framed {
                    Framed::Records {
                        stream,
                        partition,
                        body,
                    } => Some(Incoming::Records {
                        stream,
                        partition,
                        body,
                    }),
                    Framed::Message(message) => Some(Incoming::Message(message)),
                    Framed::Probe => None,
                }));
            }
            Self::Lines(buffer, decoder, messages) => {
                let lines = buffer.take();
                let lines = lines
                    .map_err(|too_long| Error::new(&code::LINE_TOO_LONG, too_long.to_string()))?;
                if let Some(lines) = lines {
                    decoder.decode(&lines, now, messages);
                }
                lines_of(messages, incoming);
            }
        }
        Ok(())
    }

    /// Nothing more comes. Half a frame is an error (§4.9); half a line is told as one that cannot be read.
    fn finish(&mut self, incoming: &mut Vec<Incoming>) -> Result<()> {
        match self {
            Self::Frames(buffer, ..) => Ok(buffer.finish()?),
            Self::Lines(buffer, decoder, messages) => {
                if let Some(rest) = buffer.rest() {
                    decoder.decode(&rest, SystemClock.now_ms(), messages);
                }
                lines_of(messages, incoming);
                Ok(())
            }
        }
    }
}

fn lines_of(messages: &mut Vec<Message>, incoming: &mut Vec<Incoming>) {
    for message in messages.drain(..) {
        match message {
            Message::Records { stream, rows } => {
                for (partition, rows) in by_partition(&rows) {
                    incoming.push(Incoming::Records {
                        stream: stream.clone(),
                        partition,
                        body: Body::Rows(rows),
                    });
                }
            }
            message => incoming.push(Incoming::Message(message)),
        }
    }
}
