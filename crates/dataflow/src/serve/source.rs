//! A source of the contract as a source of DataFlow.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::code;
use crossdock_core::convert::write_string;
use crossdock_core::erased::ErasedSource;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel};
use crossdock_core::served::{States, to_read};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceControl, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::log;
use crate::convert::writing::{Messages, Writing};
use crate::wire::{FORM, write_checkpoint};

/// The member of the configuration that names the streams to read; without it all are read.
const STREAMS: &str = "crossdock.streams";
/// Messages of a `read` without a limit.
const LIMIT: u64 = 1000;
/// How long a read without anything new may wait, if the processor does not say, and at most (§1.6).
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// Once a read has messages, how long it waits for more.
const MORE: Duration = Duration::from_millis(5);
/// What is written is sent off in pieces of about so many bytes.
const PIECE: usize = 64 << 10;
/// Events that are read ahead.
const AHEAD: usize = 2;

/// A source that is open.
pub(super) struct Source {
    events: mpsc::Receiver<Result<Event>>,
    control: Arc<dyn SourceControl>,
    task: JoinHandle<Result<()>>,
    closing: watch::Sender<bool>,
    grace: Duration,
    writing: Writing,
    max_wait: Duration,
    /// Messages that no read has taken yet, and how many of them one has.
    queue: Messages,
    taken: usize,
    /// An event that came too late for its read.
    held: Option<Event>,
    states: States,
    /// Messages so far, and those that are acknowledged.
    sent: u64,
    acknowledged: u64,
    /// Checkpoints that are not acknowledged, with the number of messages before each.
    waiting: VecDeque<(u64, Vec<Checkpoint>)>,
    is_over: bool,
    trouble: Option<Error>,
}

impl Source {
    pub(super) async fn open(
        source: Arc<dyn ErasedSource>,
        spec: &Spec,
        mut config: Value,
        options: &Map<String, Value>,
        name: String,
        session: &Session,
    ) -> Result<Self> {
        let chosen = config
            .as_object_mut()
            .and_then(|config| config.remove(STREAMS));
        let states = resumed(options)?;
        if let Checked::Failed(why) = source.check(config.clone(), session).await? {
            return Err(Error::new(&code::CONFIG_INVALID, why));
        }
        let catalog = if spec.source.learns_streams {
            // It tells of them as they come.
            ConfiguredCatalog::default()
        } else {
            let offered = source.discover(config.clone(), session).await?;
            to_read(offered.streams, chosen.as_ref())?
        };
        let opening = SourceOpening {
            // What is new is what the processor asks for again and again.
            bounded: false,
            connector: String::new(),
            pipeline: name,
            catalog: catalog.clone(),
            state: states.lanes(),
            shape: BodyShape::Rows,
            verbatim: Some(FORM),
            values: true,
            session: session.clone(),
        };
        let reader = source.open(config, opening).await?;
        let control = reader.control();
        let (sender, events) = mpsc::channel(AHEAD);
        let (closing, closed) = watch::channel(false);
        Ok(Self {
            events,
            control,
            task: tokio::spawn(pump(reader, sender, closed)),
            closing,
            grace: session.limits.grace,
            writing: Writing::new(&catalog),
            max_wait: max_wait(options),
            queue: Messages::default(),
            taken: 0,
            held: None,
            states,
            sent: 0,
            acknowledged: 0,
            waiting: VecDeque::new(),
            is_over: false,
            trouble: None,
        })
    }

    /// Writes at most `limit` messages and the checkpoints among them. Whether there is more: `Some(false)`
    /// is never again, `None` is not known. The outer error: nobody reads what is written.
    pub(super) async fn read(
        &mut self,
        limit: Option<u64>,
        out: &mut impl Write,
    ) -> io::Result<Result<Option<bool>>> {
        let limit = limit.unwrap_or(LIMIT).max(1);
        let deadline = Instant::now() + self.max_wait;
        let mut piece = Vec::with_capacity(2 * PIECE);
        let mut count = 0;
        loop {
            while count < limit && self.taken < self.queue.len() {
                piece.extend_from_slice(b"{\"type\":\"message\",");
                piece.extend_from_slice(self.queue.get(self.taken));
                piece.push(b'\n');
                self.taken += 1;
                self.sent += 1;
                count += 1;
                send(&mut piece, PIECE, out)?;
            }
            if self.taken < self.queue.len() {
                send(&mut piece, 0, out)?;
                return Ok(Ok(Some(true)));
            }
            if let Some(error) = self.trouble.take() {
                send(&mut piece, 0, out)?;
                // It is said again to whoever asks again.
                let again = Error::new(error.code(), error.message()).with_kind(error.kind());
                self.trouble = Some(again);
                return Ok(Err(error));
            }
            if self.is_over {
                send(&mut piece, 0, out)?;
                return Ok(Ok(Some(false)));
            }
            let until = match count {
                0 => deadline,
                _ => Instant::now() + MORE,
            };
            let event = match self.next(until).await {
                Ok(event) => event,
                Err(error) => {
                    self.trouble = Some(error);
                    continue;
                }
            };
            match event {
                // Nothing is there, and nothing is known of what comes.
                None => {
                    send(&mut piece, 0, out)?;
                    return Ok(Ok(None));
                }
                Some(Event::Checkpoint(checkpoint)) => self.checkpoint(checkpoint, &mut piece),
                Some(event @ Event::Batch(_)) if count >= limit => {
                    self.held = Some(event);
                    send(&mut piece, 0, out)?;
                    return Ok(Ok(Some(true)));
                }
                Some(event) => {
                    if let Err(error) = self.take(event) {
                        self.trouble = Some(error);
                    }
                }
            }
        }
    }

    /// The next event; `None`: there is none until then.
    async fn next(&mut self, until: Instant) -> Result<Option<Event>> {
        if let Some(event) = self.held.take() {
            return Ok(Some(event));
        }
        match timeout_at(until, self.events.recv()).await {
            Ok(Some(event)) => event.map(Some),
            // The task ends after the last event, and after an error.
            Ok(None) => Ok(Some(Event::End)),
            Err(_) => Ok(None),
        }
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Batch(batch) => {
                self.queue = self.writing.messages(&batch)?;
                self.taken = 0;
            }
            Event::StreamFailed { stream, error } => return Err(error.with("stream", stream)),
            Event::Dropped {
                records, reason, ..
            } => log::write(
                LogLevel::Warn,
                &format!("{records} records are left out: {reason}"),
            ),
            Event::End => self.is_over = true,
            _ => {}
        }
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint, out: &mut Vec<u8>) {
        self.states.take(&checkpoint);
        // Text, as on the page, with JSON inside.
        let mut data = Vec::new();
        write_string(&mut data, self.states.to_json().as_bytes());
        write_checkpoint(out, &data);
        match self.waiting.back_mut() {
            Some((sent, checkpoints)) if *sent == self.sent => checkpoints.push(checkpoint),
            _ => self.waiting.push_back((self.sent, vec![checkpoint])),
        }
    }

    /// So many messages more are durable (the profile's): the source hears of the checkpoints among them.
    pub(super) async fn acknowledged(&mut self, count: u64) {
        self.acknowledged = self.acknowledged.saturating_add(count).min(self.sent);
        while let Some((sent, _)) = self.waiting.front()
            && *sent <= self.acknowledged
            && let Some((_, checkpoints)) = self.waiting.pop_front()
        {
            for checkpoint in checkpoints {
                // It hears again of what it missed at its next start.
                let _ = self.control.committed(&checkpoint).await;
            }
        }
    }

    pub(super) async fn close(mut self) -> Result<()> {
        self.closing.send_replace(true);
        self.events.close();
        match timeout(self.grace, &mut self.task).await {
            Ok(Ok(closed)) => closed,
            Ok(Err(_)) => Ok(()),
            Err(_) => {
                self.task.abort();
                Ok(())
            }
        }
    }
}

/// Reads events until there are no more or nobody wants them, then closes the reader.
async fn pump(
    mut reader: Box<dyn SourceReader>,
    events: mpsc::Sender<Result<Event>>,
    mut closing: watch::Receiver<bool>,
) -> Result<()> {
    loop {
        let event = tokio::select! {
            event = reader.next() => event,
            // The future may be dropped, for `close` follows.
            _ = closing.wait_for(|closing| *closing) => break,
        };
        let is_last = matches!(event, Ok(Event::End) | Err(_));
        if events.send(event).await.is_err() || is_last {
            break;
        }
    }
    reader.close().await
}

/// Sends off what is written, if it is at least so much.
fn send(piece: &mut Vec<u8>, least: usize, out: &mut impl Write) -> io::Result<()> {
    if piece.len() > least {
        out.write_all(piece)?;
        out.flush()?;
        piece.clear();
    }
    Ok(())
}

/// What the processor kept: the text of a checkpoint, or the JSON in it.
fn resumed(options: &Map<String, Value>) -> Result<States> {
    let given = ["checkpoint", "initialCheckpoint"];
    let value = given.iter().find_map(|name| options.get(*name));
    let read = match value {
        None | Some(Value::Null) => return Ok(States::default()),
        Some(Value::String(text)) if text.is_empty() => return Ok(States::default()),
        Some(Value::String(text)) => serde_json::from_str(text),
        Some(value) => serde_json::from_value(value.clone()),
    };
    read.map_err(|cause| {
        Error::new(
            &code::STATE_INVALID,
            "the checkpoint was not made by this connector",
        )
        .caused_by(cause)
    })
}

fn max_wait(options: &Map<String, Value>) -> Duration {
    let said = options.get("maxWaitMs").and_then(Value::as_u64);
    said.map_or(WAITS[0], |ms| Duration::from_millis(ms).min(WAITS[1]))
}
