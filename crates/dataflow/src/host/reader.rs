//! A running read: reads are asked for, messages come in, commits are told to who wants to know.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::Span;
use crossdock_core::checkpoint::{Checkpoint, StateKind};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::json::Json;
use crossdock_core::source::{SourceControl, SourceReader};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::course::{Course, LIMIT, Next};
use super::failure;
use super::marks::Marks;
use super::peer::Peer;
use crate::convert::reading::Reading;
use crate::wire::{
    Line, MessageView, Response, classify, members_of, write_ack, write_ping, write_read,
};

/// Whether to end, and what was committed. For tasks beside the one that reads.
#[derive(Debug, Default)]
struct Control {
    stopped: AtomicBool,
    /// How many times something was committed.
    commits: AtomicU64,
    wake: Notify,
    sent: Mutex<Sent>,
}

/// What is to be acknowledged upstream: how many messages each checkpoint covers that is not committed.
#[derive(Debug, Default)]
struct Sent {
    /// Whether the source wants to know.
    acks: bool,
    waiting: VecDeque<(Json, u64)>,
    /// Messages that are committed and were not told.
    committed: u64,
}

impl Sent {
    fn committed(&mut self, state: &Json) {
        let Some(at) = self.waiting.iter().position(|(own, _)| own == state) else {
            return;
        };
        self.committed += self
            .waiting
            .drain(..=at)
            .map(|(_, count)| count)
            .sum::<u64>();
    }
}

impl Control {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SourceControl for Control {
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()> {
        {
            let mut sent = self.sent();
            if sent.acks {
                sent.committed(&checkpoint.state);
            }
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_one();
        Ok(())
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
}

pub(super) struct Reader {
    peer: Peer,
    reading: Reading,
    course: Course,
    control: Arc<Control>,
    events: VecDeque<Event>,
    marks: Marks,
    commits: u64,
    /// Messages since the last checkpoint.
    open: u64,
    /// When an open read is given up: its source was asked to stop, or has been silent for too long.
    deadline: Option<Instant>,
    asked: bool,
    /// Why it failed, until what came before is taken.
    trouble: Option<Error>,
}

impl Reader {
    pub(super) fn new(
        peer: Peer,
        reading: Reading,
        course: Course,
        marks: Marks,
        acks: bool,
    ) -> Self {
        let control = Control::default();
        control.sent().acks = acks;
        Self {
            peer,
            reading,
            course,
            control: Arc::new(control),
            events: VecDeque::new(),
            marks,
            commits: 0,
            open: 0,
            deadline: None,
            asked: false,
            trouble: None,
        }
    }

    fn ask(&mut self) {
        let mut command = Vec::new();
        let committed = std::mem::take(&mut self.control.sent().committed);
        if committed > 0 {
            write_ack(&mut command, committed);
        }
        write_read(&mut command, Some(LIMIT));
        self.peer.tell(command);
        self.course.read();
        self.lives();
    }

    /// The source has its time for the next word.
    fn lives(&mut self) {
        if !self.asked {
            self.deadline = Some(Instant::now() + self.peer.talk().limits().answers.read);
        }
    }

    fn mark(&mut self) {
        let state = self.marks.next();
        self.course.marked(Instant::now().into_std());
        self.checkpoint(state, self.course.waits());
    }

    /// The source says how far it has come.
    fn came_to(&mut self, state: Json) {
        self.marks.came_to(&state);
        self.checkpoint(state, false);
        self.course.checkpoint();
    }

    fn checkpoint(&mut self, state: Json, awaited: bool) {
        let count = std::mem::take(&mut self.open);
        let mut sent = self.control.sent();
        if sent.acks {
            sent.waiting.push_back((state.clone(), count));
        }
        drop(sent);
        let checkpoint = Checkpoint::global(StateKind::Position, state).awaited(awaited);
        self.events.push_back(Event::Checkpoint(checkpoint));
    }

    /// Waits until something happens that changes the course.
    async fn wait(&mut self, until: Option<std::time::Instant>) -> Result<()> {
        let is_reading = self.course.is_reading();
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline < now) {
            // While nobody listened it could not be heard.
            self.lives();
        }
        let until = until.map(Instant::from_std);
        let limit = match until {
            Some(until) => Some(until.min(now + self.peer.ping_interval())),
            None if is_reading => self.deadline,
            None => None,
        };
        let expired = async {
            match limit {
                Some(limit) => sleep_until(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The order first: a source that floods must not keep it from being heard.
            biased;
            () = self.control.wake.notified() => {}
            run = self.peer.step() => {
                return match run? {
                    Some(run) => self.digest(&run),
                    None => Err(self.peer.gone(is_reading.then_some("read")).await),
                };
            }
            () = expired => return self.expired(until).await,
        }
        Ok(())
    }

    async fn expired(&mut self, until: Option<Instant>) -> Result<()> {
        let answers = self.peer.talk().limits().answers;
        match until {
            Some(until) if until <= Instant::now() => {
                // Our own pause is nobody's silence.
                self.peer.talk().alive();
                self.course.expired(Instant::now().into_std());
            }
            Some(_) => {
                let mut command = Vec::new();
                write_ping(&mut command);
                self.peer.ask("ping", command, answers.ping).await?;
            }
            None if self.asked => {
                let text = "the source did not finish its last read in time";
                self.peer.talk().warn(text);
                self.course.over();
            }
            None => return Err(self.peer.silent("read", answers.read)),
        }
        Ok(())
    }

    fn orders(&mut self) {
        let commits = self.control.commits.load(Ordering::SeqCst);
        if std::mem::replace(&mut self.commits, commits) != commits {
            self.course.committed();
        }
        if !self.asked && self.control.stopped.load(Ordering::SeqCst) {
            self.asked = true;
            self.deadline = Some(Instant::now() + self.peer.talk().limits().grace);
            self.course.stop();
        }
    }

    /// Takes lines.
    fn digest(&mut self, run: &Bytes) -> Result<()> {
        self.lives();
        let now = SystemClock.now_ms();
        let mut start = 0;
        let mut taken = Ok(());
        for end in memchr::memchr_iter(b'\n', run) {
            let line = start..end;
            start = end + 1;
            if self.reading.relays() && self.relay(run, line.clone(), now) {
                continue;
            }
            taken = self.line(run, &run[line], now);
            if taken.is_err() {
                break;
            }
        }
        self.flush(Some(run));
        taken
    }

    /// Takes a message that can stay where it is. `false`: it is none.
    fn relay(&mut self, run: &[u8], line: std::ops::Range<usize>, now: i64) -> bool {
        let text = run[line.clone()].trim_ascii_end();
        let Some(members) = members_of(text) else {
            return false;
        };
        let is_text = std::str::from_utf8(text).is_ok();
        let is_whole = || match Response::read(text) {
            Ok(Response::Message(view)) => view.is_whole(text),
            _ => false,
        };
        let span = Span::new(line.start + members.start, line.start + members.end);
        match span {
            Some(span) if is_text && is_whole() && self.course.message() => {
                self.open += 1;
                self.reading.relay(span, now);
                true
            }
            _ => false,
        }
    }

    fn line(&mut self, run: &Bytes, line: &[u8], now: i64) -> Result<()> {
        let text = match classify(line) {
            Line::Object(text) => text,
            Line::Blank => return Ok(()),
            Line::Text(_) => return self.peer.hear(line).map(drop),
        };
        match Response::read(text) {
            Ok(Response::Message(view)) => self.message(run, text, &view, now),
            Ok(Response::Checkpoint(value)) => {
                self.flush(Some(run));
                // Not with the whole run for as long as somebody remembers it.
                self.came_to(Json::from_scanned(Bytes::copy_from_slice(&text[value])));
                Ok(())
            }
            Ok(Response::Done(finished)) => {
                self.flush(Some(run));
                match self.course.done(finished, Instant::now().into_std()) {
                    true => Ok(()),
                    false => Err(self.peer.out_of_place("no command", "`done`")),
                }
            }
            Ok(Response::Error(failure)) => {
                let error = failure::error(self.peer.talk(), &failure);
                Err(error.with("command", "read"))
            }
            Ok(Response::Ready(_)) => Err(self.peer.out_of_place("read", "`ready`")),
            // To a question that nobody waits for any longer.
            Ok(Response::Pong) => Ok(()),
            Ok(Response::Unknown(_)) => self.peer.hear(line).map(drop),
            Err(fault) => self.unreadable(text, &fault),
        }
    }

    fn message(&mut self, run: &Bytes, text: &[u8], view: &MessageView, now: i64) -> Result<()> {
        if !self.course.message() {
            return Err(self.peer.out_of_place("no command", "a message"));
        }
        self.open += 1;
        if self.reading.relays() {
            // It is completed, in a buffer of its own: what was relayed before it comes first.
            self.flush(Some(run));
        }
        let taken = self.reading.take(text, view, now);
        if self.reading.relays() {
            self.flush(None);
        }
        match taken {
            Ok(_) => Ok(()),
            Err(fault) => self.unreadable(text, &fault),
        }
    }

    /// A line that cannot be read is left out, and counted, if the user says so.
    fn unreadable(&mut self, text: &[u8], fault: &dyn std::fmt::Display) -> Result<()> {
        let error = self.peer.unreadable(text, fault);
        if !self.peer.talk().limits().drop_unreadable_records {
            return Err(error);
        }
        self.peer.talk().warn(&format!(
            "a message that cannot be read is dropped ({fault}): {}",
            String::from_utf8_lossy(&text[..text.len().min(200)])
        ));
        self.events.push_back(Event::Dropped {
            stream: None,
            records: 1,
            reason: "the record cannot be read",
        });
        Ok(())
    }

    /// Passes on what was taken.
    fn flush(&mut self, run: Option<&Bytes>) {
        let run = run.filter(|_| self.reading.relays());
        self.reading.finish(run, &mut self.events);
    }
}

#[async_trait]
impl SourceReader for Reader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            for state in self.peer.take_late() {
                self.came_to(state);
            }
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if let Some(error) = self.trouble.take() {
                return Err(self.peer.talk().error(error).during("read"));
            }
            self.orders();
            let going = match self.course.next() {
                Next::Read => {
                    self.ask();
                    continue;
                }
                Next::Mark => {
                    self.mark();
                    continue;
                }
                Next::End => return Ok(Event::End),
                Next::Listen(until) => self.wait(until).await,
            };
            if let Err(error) = going {
                // What came before counts (§1.6).
                self.trouble = Some(error);
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        let limits = self.peer.talk().limits();
        let patience = limits.answers.close.min(limits.grace / 2);
        let is_idle = !self.course.is_reading();
        self.peer.close(is_idle, patience).await
    }
}
