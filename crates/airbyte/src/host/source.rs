//! An Airbyte source, driven by its command line.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use crossdock_core::batch::BodyShape;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::Catalog;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceControl, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{Launcher, StopHandle};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::command::ask;
use super::connector::{Connector, Files, Ties, text};
use super::direct::{DirectChannel, Side};
use super::exit::{failure, truncated};
use super::peer::Peer;
use super::source_way::{Beside, Past, Way};
use crate::channel::{ChannelWish, Format, Incoming};
use crate::reading::{Reading, Step};
use crate::talk::{Talk, config_of};
use crate::trace_error::traced;
use crate::wire::protobuf::Wanted;
use crate::wire::{Message, catalog_for_source, input_file};

/// A source that speaks the Airbyte protocol, whatever launches it.
#[derive(Debug)]
pub struct AirbyteSource {
    connector: Connector,
    channel: ChannelWish,
}

impl AirbyteSource {
    /// The source that `launcher` brings to life.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>) -> Self {
        Self {
            connector: Connector::new(launcher),
            channel: ChannelWish::default(),
        }
    }

    /// Reads over this channel.
    #[must_use]
    pub fn on_channel(mut self, channel: ChannelWish) -> Self {
        self.channel = channel;
        self
    }

    /// The form of the sockets that it gets for its records, and how many are wished (`None`: two for each processor);
    /// `None`: it has stdin and stdout. `spec` is its own.
    #[must_use]
    pub fn sockets(&self, spec: &Spec) -> Option<(Format, Option<usize>)> {
        self.channel.format(&spec.extra)
    }

    /// Keeps specifications in `dir` instead of the user's cache directory; `None`: in memory.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.connector.set_cache_dir(dir);
        self
    }

    /// Opens it for a destination that it sends its records by itself, over `channel`. Events are all but the records:
    /// [`Event::Passed`] tells of those.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub async fn open_beside(
        &self,
        config: Value,
        opening: SourceOpening,
        channel: &DirectChannel,
    ) -> Result<Box<dyn SourceReader>> {
        let way = Way::Past(Past::new(channel, &opening.catalog));
        self.read(&config, opening, way).await
    }

    async fn read(
        &self,
        config: &Value,
        opening: SourceOpening,
        way: Way,
    ) -> Result<Box<dyn SourceReader>> {
        let started = async {
            let talk = self.connector.talk(config, &opening.session).await?;
            let mut files = Files::new("read")
                .add("config", text(config))
                .add("catalog", catalog_for_source(&opening.catalog));
            if let Some(state) = input_file(&opening.state)? {
                files = files.add("state", state);
            }
            let ties = Ties {
                sockets: way.sockets(),
                ..Ties::default()
            };
            let peer = self.connector.start_with(&talk, files, ties).await?;
            Ok::<_, Error>((peer, talk))
        };
        let (peer, talk) = started.await.map_err(|e| e.during("read"))?;
        let drop_unreadable = opening.session.limits.drop_unreadable_records;
        let mut reading = Reading::new(&opening.catalog, &opening.state, drop_unreadable);
        if let Way::Past(_) = way {
            reading = reading.past();
        }
        Ok(Box::new(Reader {
            control: Arc::new(Control {
                process: peer.stop_handle(),
                channel: way.past_us().cloned(),
                stopped: AtomicBool::new(false),
                wake: Notify::new(),
            }),
            reading,
            way,
            is_over: false,
            peer,
            talk,
            events: VecDeque::new(),
            messages: Vec::new(),
            steps: Vec::new(),
            deadline: None,
            spoke: false,
        }))
    }

    /// The specification, from the cache if this very connector was asked before. For validation
    /// and masking; a user who asks gets [`Source::spec`].
    pub async fn cached_spec(&self, session: &Session) -> Result<Spec> {
        self.connector
            .cached_spec(session)
            .await
            .map(with_capabilities)
    }
}

fn with_capabilities(mut spec: Spec) -> Spec {
    spec.source = SourceCapabilities {
        incremental: true,
        bounded: true,
        bounded_on_wish: false,
        drains: true,
        learns_streams: false,
        whole_states: false,
        deletes: false,
    };
    spec
}

#[async_trait]
impl Source for AirbyteSource {
    type Config = Value;

    async fn spec(&self, session: &Session) -> Result<Spec> {
        let spec = self.connector.fresh_spec(session).await;
        spec.map(with_capabilities).map_err(|e| e.during("spec"))
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        let checked = self.connector.check(&config, session).await;
        checked.map_err(|e| e.during("check"))
    }

    async fn discover(&self, config: Value, session: &Session) -> Result<Catalog> {
        let answer = async {
            let talk = self.connector.talk(&config, session).await?;
            let files = Files::new("discover").add("config", text(&config));
            let peer = self.connector.start(&talk, files).await?;
            ask(peer, &talk, Some(&config), |message| match message {
                Message::Catalog(catalog) => ControlFlow::Break(catalog),
                other => ControlFlow::Continue(other),
            })
            .await
        };
        answer.await.map_err(|e| e.during("discover"))
    }

    async fn open(&self, config: Value, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let session = &opening.session;
        let sockets = self.connector.channel(self.channel, session).await;
        let sockets = sockets.map_err(|e| e.during("read"))?;
        let limits = &session.limits;
        let beside = sockets.map(|sockets| {
            let channel = sockets.channel();
            let is_passed_on = match channel.format {
                Format::Protobuf(layout) => opening.verbatim == Some(layout.form()),
                Format::Jsonl => false,
            };
            let wanted = match opening.shape {
                // Whoever writes frames again as they are need not look into them.
                _ if is_passed_on && !opening.values => Wanted::Nothing,
                BodyShape::Columns => Wanted::Columns,
                BodyShape::Rows => Wanted::Rows,
            };
            Beside::connect(sockets, &opening.catalog, wanted, limits.max_line_bytes)
        });
        let way = beside.map_or(Way::Stdout, |beside| Way::Sockets(Box::new(beside)));
        self.read(&config, opening, way).await
    }
}

#[derive(Debug)]
struct Control {
    process: StopHandle,
    /// Where its records go straight to a destination, which is to know.
    channel: Option<DirectChannel>,
    stopped: AtomicBool,
    wake: Notify,
}

#[async_trait]
impl SourceControl for Control {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(()) // Airbyte sources are not told; they get the state at their next start.
    }

    fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            if let Some(channel) = &self.channel {
                channel.cut_short();
            }
            self.process.term();
            self.wake.notify_one();
        }
    }
}

struct Reader {
    peer: Peer,
    way: Way,
    /// The output is over.
    is_over: bool,
    talk: Talk,
    reading: Reading,
    control: Arc<Control>,
    events: VecDeque<Result<Event>>,
    messages: Vec<Message>,
    steps: Vec<Step>,
    /// When a source that was asked to stop is killed (P8).
    deadline: Option<Instant>,
    /// It has sent at least one message of the protocol.
    spoke: bool,
}

#[async_trait]
impl SourceReader for Reader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event.map_err(|e| self.talk.error(e).during("read"));
            }
            match self.read().await? {
                Heard::Output => self.digest(),
                Heard::Channel(incoming) => self.arrived(incoming),
                Heard::End => self.finish().await?,
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        self.peer.stop(self.talk.limits().grace).await
    }
}

impl Reader {
    /// Waits for output, or for the order to stop.
    async fn read(&mut self) -> Result<Heard> {
        loop {
            let channel_is_over = self.way.is_over();
            if self.is_over && channel_is_over {
                return Ok(Heard::End);
            }
            let deadline = self.deadline;
            let expired = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The order first: a source that floods must not keep it from being heard.
                biased;
                () = self.control.wake.notified() => {
                    self.deadline = Some(Instant::now() + self.talk.limits().grace);
                }
                () = expired => {
                    self.peer.kill();
                    self.deadline = None;
                }
                more = self.peer.next(&mut self.messages), if !self.is_over => {
                    self.is_over = !more?;
                    if self.is_over {
                        self.way.writer_ended();
                    }
                    return Ok(Heard::Output);
                }
                incoming = self.way.next() => {
                    self.talk.alive();
                    if let Some(incoming) = incoming? {
                        return Ok(Heard::Channel(incoming));
                    }
                }
            }
        }
    }

    /// Turns what came over the channel into events.
    fn arrived(&mut self, incoming: Vec<Incoming>) {
        let Way::Sockets(beside) = &mut self.way else {
            return;
        };
        self.spoke = true;
        let mut taken = Ok(());
        for incoming in incoming {
            let taking = beside
                .arrivals
                .take(incoming, &mut self.reading, &mut self.steps);
            if taking.is_err() {
                taken = taking;
                break;
            }
        }
        for step in &mut self.steps {
            if let Step::Emit(Event::Checkpoint(checkpoint)) = step {
                // That all of its records have come was seen by their partitions; in the order of arrival there may
                // be some of the next one's before it.
                checkpoint.source_count = None;
            }
        }
        self.act();
        if let Err(error) = taken {
            self.events.push_back(Err(error));
        }
    }

    /// Turns what was read into events.
    fn digest(&mut self) {
        for message in self.messages.drain(..) {
            self.spoke |= !matches!(message, Message::Text(_));
            match message {
                Message::Log(log) => self.talk.logged(&log),
                Message::Text(text) => self.talk.printed(&text),
                Message::Control(control) => {
                    if let Some(config) = config_of(control) {
                        self.talk.new_config(config); // At once, before what follows it (§1.6).
                    }
                }
                data => {
                    if let Message::Trace(trace) = &data
                        && let Some(error) = &trace.error
                    {
                        self.talk.traced(error);
                        if let (Way::Past(past), None) = (&self.way, &error.stream_descriptor) {
                            past.channel.failing(Side::Source);
                        }
                    }
                    if !self.way.counts(&data) {
                        continue;
                    }
                    match (&mut self.way, data) {
                        (Way::Past(past), Message::State(state)) => {
                            match past.tally.in_order(state) {
                                Ok(states) => states.into_iter().for_each(|state| {
                                    self.reading.take(Message::State(state), &mut self.steps);
                                }),
                                Err(error) => self.steps.push(Step::Fail(error)),
                            }
                        }
                        (_, data) => self.reading.take(data, &mut self.steps),
                    }
                }
            }
        }
        self.act();
    }

    fn act(&mut self) {
        for step in self.steps.drain(..) {
            match step {
                Step::Emit(Event::Checkpoint(checkpoint)) => match &self.way {
                    Way::Past(past) => match past.tally.covered(checkpoint) {
                        Ok(events) => self.events.extend(events.into_iter().flatten().map(Ok)),
                        Err(error) => self.events.push_back(Err(error)),
                    },
                    _ => self.events.push_back(Ok(Event::Checkpoint(checkpoint))),
                },
                Step::Emit(event) => self.events.push_back(Ok(event)),
                Step::Warn(text) => self.talk.warn(&text),
                Step::StreamFailed(stream, error) => {
                    let error = traced(&self.talk, &error);
                    self.events
                        .push_back(Ok(Event::StreamFailed { stream, error }));
                }
                Step::Fail(error) => self.events.push_back(Err(error)),
            }
        }
    }

    /// The output is over: judges the end.
    async fn finish(&mut self) -> Result<()> {
        let end = self.peer.end().await?;
        if let Way::Past(past) = &self.way {
            past.channel.ended(Side::Source, &end);
        }
        if self.control.stopped.load(Ordering::SeqCst) {
            // We asked for it, so its exit and half a line mean nothing.
            self.events.push_back(Ok(Event::End));
            return Ok(());
        }
        if !end.success() {
            if let Way::Past(past) = &self.way
                && !(past.channel)
                    .is_to_blame(Side::Source, self.talk.limits().grace)
                    .await
            {
                // The destination's own reason is what the run fails with.
                return std::future::pending().await;
            }
            self.events
                .push_back(Err(failure(&self.talk, &end, self.reading.cause())));
            return Ok(());
        }
        if let Some(error) = truncated(&self.talk, &end) {
            self.events.push_back(Err(error));
            return Ok(());
        }
        if !self.spoke {
            // An empty stream of an old connector may end in silence, but not without a log line.
            let error = Error::new(
                &code::CONNECTOR_NO_ANSWER,
                "the source ended well but sent no message",
            );
            self.events.push_back(Err(error));
            return Ok(());
        }
        if let Err(error) = self.way.finish() {
            self.events.push_back(Err(error));
            return Ok(());
        }
        self.reading.complete(&mut self.steps);
        self.act();
        self.events.push_back(Ok(Event::End));
        Ok(())
    }
}

/// What a reader waited for.
enum Heard {
    /// Something was said on stdout, or it is over.
    Output,
    Channel(Vec<Incoming>),
    End,
}
