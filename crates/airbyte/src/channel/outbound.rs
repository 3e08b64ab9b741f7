//! The source's end of the channel: one task per socket, which waits for the reader, encodes, and writes (§4.3).

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossdock_core::batch::{Body, Rows};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::medium::{DataChannel, Format};
use crate::wire::protobuf::FrameWriter;
use crate::wire::{RecordHead, keep_fields};

/// How long a reader may take to connect (§4.9).
const CONNECT: Duration = Duration::from_secs(15 * 60);
/// A socket without anything to say is tried so often, so that a reader that is gone is noticed (§4.3).
const PROBE: Duration = Duration::from_secs(5);
/// What may wait for all sockets, in bytes (P7).
const BUDGET: usize = 16 << 20;
/// What may wait for one of them, however many there are.
const LEAST_BUDGET: usize = 4 << 20;
/// About so much is written at once.
const PIECE: usize = 256 << 10;
/// So many records are worth a look at the columns' types, however long they seem.
const LEAST: usize = 256;

enum Item {
    Records {
        stream: StreamId,
        body: Box<Body>,
        partition: Arc<str>,
    },
    /// A message that is no record: its line.
    Line(Bytes),
}

struct Socket {
    queue: Option<mpsc::UnboundedSender<(Item, OwnedSemaphorePermit)>>,
    room: Arc<Semaphore>,
    budget: usize,
}

/// The sockets, and which stream goes over which. Dropped, it ends all of them.
pub(crate) struct Outbound {
    sockets: Vec<Socket>,
    streams: HashMap<StreamId, usize>,
    tasks: JoinSet<Result<()>>,
}

impl Outbound {
    /// Listens on all sockets. Records have the source's names, and are written with those at the target.
    pub(crate) fn listen(channel: &DataChannel, catalog: &ConfiguredCatalog) -> Result<Self> {
        let count = channel.paths.len().max(1);
        // A stream keeps to its socket, so that its records and states stay in order (P5).
        let numbered = catalog.streams.iter().enumerate();
        let streams: HashMap<_, _> = numbered
            .clone()
            .map(|(number, stream)| (stream.id(), number % count))
            .collect();
        let used = count.min(catalog.streams.len()).max(1);
        let budget = (BUDGET / used).max(LEAST_BUDGET);
        let mut sockets = Vec::new();
        let mut tasks = JoinSet::new();
        for (number, path) in channel.paths.iter().enumerate() {
            let own = numbered.clone().filter(|(at, _)| at % count == number);
            let encoders =
                own.map(|(_, stream)| (stream.id(), Encoder::new(channel.format, stream)));
            let listener = listen(path).map_err(|cause| {
                Error::new(&code::IO, "a socket of the data channel cannot be made")
                    .with("path", path.display())
                    .caused_by(cause)
            })?;
            let (queue, items) = mpsc::unbounded_channel();
            let room = Arc::new(Semaphore::new(budget));
            let pump = Pump {
                items,
                encoders: encoders.collect(),
                format: channel.format,
                out: Vec::with_capacity(2 * PIECE),
            };
            tasks.spawn(run(pump, listener, path.clone(), room.clone()));
            sockets.push(Socket {
                queue: Some(queue),
                room,
                budget,
            });
        }
        Ok(Self {
            sockets,
            streams,
            tasks,
        })
    }

    /// Sends records on their stream's socket, waiting for room.
    pub(crate) async fn records(
        &mut self,
        stream: &StreamId,
        body: Body,
        bytes: usize,
        partition: Arc<str>,
    ) -> Result<()> {
        let socket = self.streams.get(stream).copied().unwrap_or(0);
        let item = Item::Records {
            stream: stream.clone(),
            body: Box::new(body),
            partition,
        };
        self.send(socket, item, bytes).await
    }

    /// Sends a message that is no record: after the records of the stream that it is about.
    pub(crate) async fn line(&mut self, stream: Option<&StreamId>, line: Bytes) -> Result<()> {
        let socket = stream.and_then(|stream| self.streams.get(stream));
        let bytes = line.len();
        self.send(socket.copied().unwrap_or(0), Item::Line(line), bytes)
            .await
    }

    async fn send(&mut self, number: usize, item: Item, bytes: usize) -> Result<()> {
        let gone = || Error::new(&code::INTERNAL, "there is no such socket");
        let socket = self.sockets.get_mut(number).ok_or_else(gone)?;
        let permits = u32::try_from(bytes.clamp(1, socket.budget)).unwrap_or(1);
        let room = socket.room.clone();
        if let (Ok(permit), Some(queue)) = (room.acquire_many_owned(permits).await, &socket.queue)
            && queue.send((item, permit)).is_ok()
        {
            return Ok(());
        }
        // The one that failed has ended, so it is the first to say so.
        Err(self.joined().await.err().unwrap_or_else(closed))
    }

    /// Writes what is left and closes every socket: that is the end of the data (§4.3). If one fails, nobody waits
    /// for the others, to which nobody may ever connect.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        for socket in &mut self.sockets {
            socket.queue = None;
        }
        self.joined().await
    }

    /// Waits for all tasks, or for the first that fails.
    async fn joined(&mut self) -> Result<()> {
        while let Some(joined) = self.tasks.join_next().await {
            joined.map_err(|cause| {
                Error::new(&code::INTERNAL, "the task of a socket died").caused_by(cause)
            })??;
        }
        Ok(())
    }
}

fn closed() -> Error {
    Error::new(&code::CONNECTOR_EXIT, "the data channel is closed")
}

/// Listens there. A file that an earlier run left is in the way (§4.3).
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Writes everything to the one reader that connects.
async fn run(
    mut pump: Pump,
    listener: UnixListener,
    path: std::path::PathBuf,
    room: Arc<Semaphore>,
) -> Result<()> {
    let ran = async {
        let accepted = timeout(CONNECT, listener.accept()).await;
        // One reader is all there is for.
        drop(listener);
        let failed = |message: &str| Error::new(&code::IO, message).with("path", path.display());
        let mut socket = match accepted {
            Ok(Ok((socket, _))) => socket,
            Ok(Err(cause)) => {
                let error = failed("nobody could connect to a socket of the data channel");
                return Err(error.caused_by(cause));
            }
            Err(_) => {
                let message = "nobody connected to a socket of the data channel";
                return Err(Error::new(&code::CONNECTOR_TIMEOUT, message)
                    .with("path", path.display())
                    .with("limit", format!("{} s", CONNECT.as_secs())));
            }
        };
        // More than is usual may wait for the reader, so that both need not take turns. A kernel that gives less is as
        // good.
        let _ = set_socket_send_buffer_size(&socket, 4 * PIECE);
        pump.run(&mut socket).await?;
        let _ = socket.shutdown().await;
        Ok(())
    };
    let ran = ran.await;
    // Whoever waits for room must learn that there will be none.
    room.close();
    ran
}

struct Pump {
    items: mpsc::UnboundedReceiver<(Item, OwnedSemaphorePermit)>,
    encoders: HashMap<StreamId, Encoder>,
    format: Format,
    out: Vec<u8>,
}

impl Pump {
    async fn run(&mut self, socket: &mut UnixStream) -> Result<()> {
        loop {
            match timeout(PROBE, self.items.recv()).await {
                Ok(Some((item, _permit))) => {
                    self.send(item, socket).await?;
                    // What is there already goes with it.
                    while self.out.len() < PIECE
                        && let Ok((item, _permit)) = self.items.try_recv()
                    {
                        self.send(item, socket).await?;
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => match self.format {
                    Format::Jsonl => self.out.push(b'\n'),
                    Format::Protobuf(_) => FrameWriter::probe(&mut self.out),
                },
            }
            write(&mut self.out, socket).await?;
        }
    }

    /// Encodes an item, and writes whatever is enough for a piece.
    async fn send(&mut self, item: Item, socket: &mut UnixStream) -> Result<()> {
        let (stream, body, partition) = match item {
            Item::Line(line) => {
                match self.format {
                    Format::Jsonl => self.out.extend_from_slice(&line),
                    Format::Protobuf(_) => FrameWriter::message(&line, &mut self.out),
                }
                return Ok(());
            }
            Item::Records {
                stream,
                body,
                partition,
            } => (stream, body, partition),
        };
        let Some(encoder) = self.encoders.get_mut(&stream) else {
            let message = "a batch of a stream that is not in the catalog";
            return Err(Error::new(&code::INTERNAL, message).with("stream", stream));
        };
        let (Encoder::Frames(writer), Body::Columns(columns)) = (&mut *encoder, &*body) else {
            return encoder.encode(&body, &partition, &mut self.out);
        };
        // By pieces, which stay in the processor's caches on their way, and which the reader begins with at once.
        let records = columns.len();
        let step = (PIECE / (columns.bytes() / records.max(1)).max(1)).max(LEAST);
        for first in (0..records).step_by(step) {
            let range = first..records.min(first.saturating_add(step));
            writer.columns_range(columns, range, &partition, &mut self.out)?;
            if self.out.len() >= PIECE {
                write(&mut self.out, socket).await?;
            }
        }
        Ok(())
    }
}

async fn write(out: &mut Vec<u8>, socket: &mut UnixStream) -> Result<()> {
    socket.write_all(out).await.map_err(|cause| {
        let message = "the reader of the data channel went away";
        Error::new(&code::CONNECTOR_EXIT, message).caused_by(cause)
    })?;
    out.clear();
    out.shrink_to(4 * PIECE);
    Ok(())
}

/// Writes the records of one stream.
enum Encoder {
    Frames(Box<FrameWriter>),
    /// With the fields to keep, if not all are.
    Lines(RecordHead, Option<HashSet<String>>),
}

impl Encoder {
    fn new(format: Format, stream: &ConfiguredStream) -> Self {
        match format {
            Format::Jsonl => {
                let fields = stream.selected_fields.as_ref();
                let fields = fields.map(|fields| fields.iter().cloned().collect());
                Self::Lines(RecordHead::new(&stream.target_id()), fields)
            }
            Format::Protobuf(layout) => {
                let mut named = stream.clone();
                let target = stream.target_id();
                named.stream.name = target.name.to_string();
                named.stream.namespace = target.namespace.map(|namespace| namespace.to_string());
                Self::Frames(Box::new(FrameWriter::new(layout, &named)))
            }
        }
    }

    fn encode(&mut self, body: &Body, partition: &str, out: &mut Vec<u8>) -> Result<()> {
        match (self, body) {
            (Self::Frames(writer), Body::Rows(rows)) => writer.rows(rows, partition, out),
            (Self::Frames(writer), Body::Columns(columns)) => {
                writer.columns(columns, partition, out)
            }
            (Self::Lines(head, fields), Body::Rows(rows)) => {
                lines(head, fields.as_ref(), rows, partition, out)
            }
            (Self::Lines(head, fields), Body::Columns(columns)) => {
                let rows = columns_to_rows(columns, None)?;
                lines(head, fields.as_ref(), &rows, partition, out)
            }
        }
    }
}

/// Each record as a line that names its partition (§4.5).
fn lines(
    head: &RecordHead,
    fields: Option<&HashSet<String>>,
    rows: &Rows,
    partition: &str,
    out: &mut Vec<u8>,
) -> Result<()> {
    let tail = format!(
        ",\"partition_id\":{}}}}}\n",
        serde_json::Value::from(partition)
    );
    for index in 0..rows.len() {
        let data = match fields {
            Some(fields) if !rows.after(index).is_empty() => {
                let mut kept = Vec::new();
                keep_fields(rows.after(index), fields, &mut kept).map_err(|cause| {
                    Error::new(&code::DATA_INVALID, "a record's value is not a JSON object")
                        .caused_by(cause)
                })?;
                Some(kept)
            }
            _ => None,
        };
        head.write(rows, index, data.as_deref(), out);
        // In place of the end of the record and of the line.
        out.truncate(out.len().saturating_sub(b"}}\n".len()));
        out.extend_from_slice(tail.as_bytes());
    }
    Ok(())
}
