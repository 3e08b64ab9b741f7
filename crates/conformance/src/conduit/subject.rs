//! The connector that is checked: its exchanges, each made once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossdock_conduit::wire::description::{Described, Param};
use tokio::sync::Mutex;

use super::exchange::Exchange;
use super::peer::{Answer, Config, Down, Peer, Process, Question, Up};
use super::script::{Acks, MOST, Script, Step};
use crate::store::ReadBack;
use crate::{From, Line, Outcome, Places, Reach, Role, skip};

/// Nothing more is received after so many records: a source may have a lot on its way when it is stopped.
const MOST_AFTER_STOP: usize = 100_000;

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For an answer. Go connectors wait up to a minute in Stop and in Teardown.
    pub answer: Duration,
    /// For the first record of a source, and for acks.
    pub first: Duration,
    /// For a further record, and to see that nothing comes.
    pub quiet: Duration,
    /// How long a slow host does not receive.
    pub pause: Duration,
    /// For the end of the process after Shutdown; Conduit kills after two seconds.
    pub exit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(75),
            first: Duration::from_secs(8),
            quiet: Duration::from_secs(1),
            pause: Duration::from_secs(2),
            exit: Duration::from_secs(3),
        }
    }
}

/// A connector of Conduit under test.
pub struct Subject {
    peer: Box<dyn Peer>,
    /// What it is checked as.
    pub(super) role: Role,
    config: Option<Config>,
    patience: Patience,
    /// From where it is gone on.
    pub(super) places: Places,
    /// What it stored.
    pub(super) store: ReadBack,
    seen: Mutex<Vec<(Script, Arc<Exchange>)>>,
}

impl Subject {
    /// A connector, and a configuration that works if there is one.
    #[must_use]
    pub fn new(
        peer: Box<dyn Peer>,
        role: Role,
        config: Option<Config>,
        patience: Patience,
    ) -> Self {
        Self {
            peer,
            role,
            config,
            patience,
            places: Places::default(),
            store: ReadBack::new(None),
            seen: Mutex::default(),
        }
    }

    /// The same, with a battery that goes so far.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.places = reach.places;
        self.store = ReadBack::new(reach.store);
        self
    }

    /// What comes of this script, whether it can be talked to or not; the same one is not played twice.
    pub(super) async fn seen(&self, script: Script) -> Outcome<Arc<Exchange>> {
        let mut seen = self.seen.lock().await;
        if let Some((_, exchange)) = seen.iter().find(|(of, _)| *of == script) {
            return Ok(exchange.clone());
        }
        let exchange = Arc::new(self.play(&script).await?);
        seen.push((script, exchange.clone()));
        Ok(exchange)
    }

    /// What comes of this script with a connector that can be talked to.
    pub(super) async fn exchange(&self, script: Script) -> Outcome<Arc<Exchange>> {
        talked(self.seen(script).await?)
    }

    /// The same, played anew.
    pub(super) async fn again(&self, script: &Script) -> Outcome<Arc<Exchange>> {
        talked(Arc::new(self.play(script).await?))
    }

    async fn play(&self, script: &Script) -> Outcome<Exchange> {
        let process = self.peer.start(&script.env).await?;
        let mut play = Play {
            process,
            patience: self.patience,
            role: self.role,
            seen: Exchange::default(),
        };
        play.begin();
        if play.seen.hello.line.is_some() {
            for step in &script.steps {
                play.step(step).await;
            }
        }
        play.seen.stderr = play.process.stderr();
        play.seen.stdout = play.process.stdout();
        Ok(play.seen)
    }

    /// Specify as Conduit asks it, these versions being offered, and the end of that process.
    pub(super) async fn specify(&self, versions: &str) -> Outcome<Arc<Exchange>> {
        self.exchange(specify(versions)).await
    }

    /// What it says that it is.
    pub(super) async fn described(&self) -> Outcome<Described> {
        match self.specify("1,2").await?.answer("Specify") {
            Some(Answer::Described(described)) => Ok(described.clone()),
            _ => skip("Specify is not answered"),
        }
    }

    /// The parameters of its role.
    pub(super) async fn parameters(&self) -> Outcome<Vec<(String, Param)>> {
        let described = self.described().await?;
        let parameters = match self.role {
            Role::Source => described.source,
            Role::Destination => described.destination,
        };
        Ok(parameters.into_iter().collect())
    }

    /// The configuration that works.
    pub(super) fn config(&self) -> Outcome<Config> {
        match &self.config {
            Some(config) => Ok(config.clone()),
            None => skip("it needs a configuration that works (--config)"),
        }
    }

    /// A read from this position, each record acknowledged, with a full stop.
    pub(super) fn reading(&self, versions: &str, position: &Bytes, acks: Acks) -> Outcome<Script> {
        let script = Script::new(versions).running(&self.config()?, position);
        let script = script.then([
            Step::Read(acks, MOST),
            Step::Listen,
            Step::Stop,
            Step::Drain,
        ]);
        Ok(script.ended())
    }

    /// The exchange of the usual read from the beginning, with records in it.
    pub(super) async fn read(&self, versions: &str) -> Outcome<Arc<Exchange>> {
        let script = self.reading(versions, &Bytes::new(), Acks::Each)?;
        with_records(self.exchange(script).await?)
    }
}

/// Specify, health and the end.
pub(super) fn specify(versions: &str) -> Script {
    Script::new(versions)
        .ask(Question::Specify)
        .ask(Question::Health)
        .ask(Question::Shutdown)
        .then([Step::Exit])
}

/// Nothing to say of records if there are none.
pub(super) fn with_records(exchange: Arc<Exchange>) -> Outcome<Arc<Exchange>> {
    exchange.ran()?;
    match exchange.records().is_empty() {
        true => skip("no record came within the patience"),
        false => Ok(exchange),
    }
}

fn talked(exchange: Arc<Exchange>) -> Outcome<Arc<Exchange>> {
    match exchange.handshake() {
        Some(_) if exchange.hello.unreachable.is_none() => Ok(exchange),
        _ => skip("it cannot be talked to (see `handshake/line`)"),
    }
}

/// A script while it is played.
struct Play {
    process: Box<dyn Process>,
    patience: Patience,
    role: Role,
    seen: Exchange,
}

impl Play {
    fn begin(&mut self) {
        self.seen.hello = self.process.hello().clone();
        self.seen.exit = self.seen.hello.exit;
        match self.seen.hello.line.clone() {
            Some(line) => self.note(From::Connector, line),
            None => self.note(From::Event, self.seen.ended()),
        }
    }

    fn note(&mut self, from: From, text: impl Into<String>) {
        self.seen.lines.push(Line::new(from, text));
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(question) => self.ask(question.clone()).await,
            Step::Stop => {
                self.seen.stopped = Some(self.seen.records().len());
                let last = self.seen.sent.last().map(|record| record.position.clone());
                self.ask(Question::Stop(last.unwrap_or_default())).await;
            }
            Step::Run => {
                self.process.run().await;
                self.note(From::Battery, "Run");
            }
            Step::Read(acks, most) => self.read(*acks, *most).await,
            Step::Drain => self.drain().await,
            Step::Pause => {
                self.note(From::Event, "nothing is received for a while");
                self.process.pause(self.patience.pause).await;
            }
            Step::Send(records) => {
                let many = format!("{} records", records.len());
                self.note(From::Battery, many);
                self.seen.sent.extend(records.iter().cloned());
                let up = Up::Records(records.clone());
                if !self.process.send(&up, self.patience.first).await {
                    self.seen.jammed = true;
                    self.note(From::Event, "they are not taken");
                }
            }
            Step::Hear => {
                while self.seen.all_acks().len() < self.seen.sent.len()
                    && self.receive(self.patience.first).await
                {}
            }
            Step::Listen => {
                let before = self.seen.all_acks().len();
                self.receive(self.patience.quiet).await;
                self.seen.unasked += self.seen.all_acks().len() - before;
            }
            Step::HalfClose => {
                self.seen.half_closed = true;
                self.process.half_close().await;
                self.note(From::Battery, "nothing more will be sent on Run");
                while self.receive(self.patience.first).await {}
            }
            Step::Cancel => {
                self.process.cancel().await;
                self.note(From::Battery, "Run is cancelled");
            }
            Step::Kill => {
                self.process.kill();
                self.note(From::Event, "it is killed");
            }
            Step::Exit => {
                self.seen.exit = self.process.exit(self.patience.exit).await;
                self.note(From::Event, self.seen.ended());
            }
        }
    }

    async fn ask(&mut self, question: Question) {
        self.note(From::Battery, question.to_string());
        let answer = self.process.ask(&question, self.patience.answer).await;
        self.note(From::Connector, answer.to_string());
        self.seen.answers.push((question, answer));
    }

    /// Receives once; whether something came that may be followed by more.
    async fn receive(&mut self, limit: Duration) -> bool {
        if self.seen.end.is_some() {
            return false;
        }
        match self.process.receive(limit).await {
            Down::Silence => return false,
            Down::Records(records) => {
                let positions = records
                    .iter()
                    .map(|r| r.position.escape_ascii().to_string());
                let positions = positions.collect::<Vec<_>>().join(" ");
                self.note(
                    From::Connector,
                    format!("{} records: {positions}", records.len()),
                );
                self.seen.messages.push(records);
            }
            Down::Acks(acks) => {
                let each = acks
                    .iter()
                    .map(|a| format!("{} {}", a.position.escape_ascii(), a.error));
                let each = each.collect::<Vec<_>>().join(", ");
                self.note(From::Connector, format!("{} acks: {each}", acks.len()));
                self.seen.acks.push(acks);
            }
            end => {
                let text = match &end {
                    Down::Failed(refused) => format!("Run ends with {refused}"),
                    Down::Unreadable(why) => format!("a message that cannot be read: {why}"),
                    _ => "Run ends".to_owned(),
                };
                self.note(From::Connector, text);
                self.seen.end = Some(end);
                return false;
            }
        }
        true
    }

    async fn read(&mut self, acks: Acks, most: usize) {
        while self.seen.records().len() < most {
            let limit = match self.seen.messages.is_empty() {
                true => self.patience.first,
                false => self.patience.quiet,
            };
            if !self.receive(limit).await {
                return;
            }
            self.acknowledge(acks).await;
        }
    }

    /// Acknowledges the message that came last.
    async fn acknowledge(&mut self, acks: Acks) {
        let Some(message) = self.seen.messages.last() else {
            return;
        };
        let positions: Vec<Bytes> = message.iter().map(|r| r.position.clone()).collect();
        let ups: Vec<Up> = match acks {
            Acks::None => return,
            Acks::Together => vec![Up::Acks(positions)],
            Acks::Each => positions.into_iter().map(|p| Up::Acks(vec![p])).collect(),
        };
        for up in ups {
            if !self.process.send(&up, self.patience.first).await {
                self.seen.jammed = true;
                self.note(From::Event, "an ack is not taken");
            }
        }
    }

    async fn drain(&mut self) {
        if self.role == Role::Source {
            while self.receive(self.patience.quiet).await {
                self.acknowledge(Acks::Each).await;
                // One that goes on after Stop would never end.
                if self.seen.records().len() > MOST_AFTER_STOP {
                    return;
                }
            }
        } else {
            let before = self.seen.all_acks().len();
            while self.receive(self.patience.quiet).await {}
            let came = self.seen.all_acks().len();
            self.seen.unasked += came.saturating_sub(before.max(self.seen.sent.len()));
        }
    }
}
