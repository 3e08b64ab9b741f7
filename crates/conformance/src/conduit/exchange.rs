//! What came of a script: all that was asked, answered, sent and received.

use crossdock_conduit::wire::handshake::Handshake;
use crossdock_conduit::wire::proto::connector::Ack;
use crossdock_conduit::wire::proto::opencdc::v1::Record;
use crossdock_launch::Exit;

use super::peer::{Answer, Down, Hello, Question};
use crate::{From, Line, Outcome, broken, skip};

/// How many lines of an exchange stand in a finding, at most.
const SHOWN: usize = 16;

/// All of one process.
#[derive(Default)]
pub(super) struct Exchange {
    pub(super) hello: Hello,
    pub(super) answers: Vec<(Question, Answer)>,
    /// What was sent to a destination.
    pub(super) sent: Vec<Record>,
    /// Whether a message was not taken.
    pub(super) jammed: bool,
    /// What a source sent, message by message.
    pub(super) messages: Vec<Vec<Record>>,
    /// What a destination sent, message by message.
    pub(super) acks: Vec<Vec<Ack>>,
    /// Acks that came before there was a record, or after all had one.
    pub(super) unasked: usize,
    /// How Run ended, if it did by itself.
    pub(super) end: Option<Down>,
    /// Whether it was said before that nothing more will be sent.
    pub(super) half_closed: bool,
    /// How many records had come when Stop was asked.
    pub(super) stopped: Option<usize>,
    /// How the process ended; `None`: it did not within the time.
    pub(super) exit: Option<Exit>,
    pub(super) stdout: Vec<String>,
    pub(super) stderr: Vec<String>,
    pub(super) lines: Vec<Line>,
}

impl Exchange {
    /// The handshake, if there is one that can be used.
    pub(super) fn handshake(&self) -> Option<Handshake> {
        Handshake::parse(self.hello.line.as_deref()?).ok()
    }

    /// The answer to the first question of this name.
    pub(super) fn answer(&self, name: &str) -> Option<&Answer> {
        let mut answers = self.answers.iter();
        answers
            .find(|(question, _)| question.name() == name)
            .map(|(_, answer)| answer)
    }

    /// The question of this name was answered well.
    pub(super) fn answered(&self, name: &str) -> Outcome {
        match self.answer(name) {
            Some(answer) if answer.is_ok() => Ok(()),
            Some(answer) => broken(format!("{name}: {answer}"), self.shown()),
            None => skip(format!("{name} was not asked")),
        }
    }

    /// Nothing to say if it could not be brought to run.
    pub(super) fn ran(&self) -> Outcome {
        for name in ["Configure", "Open"] {
            match self.answer(name) {
                Some(answer) if answer.is_ok() => {}
                _ => return skip(format!("it cannot be brought to run: {name} failed")),
            }
        }
        Ok(())
    }

    /// Run did not end by itself.
    pub(super) fn stayed(&self) -> Outcome {
        let seen = match &self.end {
            None => return Ok(()),
            Some(Down::Failed(refused)) => format!("Run ended with {refused}"),
            Some(Down::Unreadable(why)) => format!("a message cannot be read: {why}"),
            Some(_) => "Run ended by itself".to_owned(),
        };
        broken(seen, self.shown())
    }

    pub(super) fn records(&self) -> Vec<&Record> {
        self.messages.iter().flatten().collect()
    }

    pub(super) fn all_acks(&self) -> Vec<&Ack> {
        self.acks.iter().flatten().collect()
    }

    /// How it ended, for a person.
    pub(super) fn ended(&self) -> String {
        match self.exit {
            None => "the process still runs".to_owned(),
            Some(exit) => exit.in_words(),
        }
    }

    /// The last lines for a person.
    pub(super) fn shown(&self) -> Vec<Line> {
        let first = self.lines.len().saturating_sub(SHOWN);
        let mut shown = Vec::new();
        if first > 0 {
            shown.push(Line::new(From::Event, format!("{first} lines")));
        }
        shown.extend(self.lines[first..].iter().cloned());
        let stderr = self.stderr.iter().rev().take(SHOWN / 2).rev();
        shown.extend(stderr.map(|text| Line::new(From::Stderr, text.as_str())));
        shown
    }
}

impl Question {
    /// Its name in version 2.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Specify => "Specify",
            Self::Configure(_) => "Configure",
            Self::Open(_) => "Open",
            Self::Stop(_) => "Stop",
            Self::Teardown => "Teardown",
            Self::Created(_) => "LifecycleOnCreated",
            Self::Updated(..) => "LifecycleOnUpdated",
            Self::Deleted(_) => "LifecycleOnDeleted",
            Self::Health => "Health",
            Self::Shutdown => "Shutdown",
        }
    }
}
