//! Reading a source from a place to its end.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::talk::{Answer, Talk, WRITE};

/// What is read at a time: little, so that there are many checkpoints.
pub(super) const LIMIT: usize = 20;
/// A longer source is read no further.
const MOST: usize = 500;

/// What was read.
pub(super) struct Whole {
    /// The messages.
    pub(super) messages: Vec<Value>,
    /// The checkpoints, each with the number of messages before it.
    pub(super) checkpoints: Vec<(usize, Value)>,
    /// The lines that ended a read.
    pub(super) ends: Vec<Value>,
    /// How many messages each read had.
    pub(super) counts: Vec<usize>,
    /// Whether there is nothing left.
    pub(super) exhausted: bool,
    /// The first answer that was no `done`.
    pub(super) failed: Option<String>,
    /// Whether anything but a checkpoint came between `done` and the next command.
    pub(super) late: bool,
    /// The conversation, which can go on.
    pub(super) talk: tokio::sync::Mutex<Talk>,
}

/// Reads by small limits until nothing is left.
pub(super) async fn read(talk: Talk) -> Whole {
    read_by(talk, Some(LIMIT)).await
}

/// Reads by this limit until nothing is left, or enough was read.
pub(super) async fn read_by(talk: Talk, limit: Option<usize>) -> Whole {
    let mut whole = Whole::new(talk);
    let mut empty = 0;
    while whole.messages.len() < MOST && !whole.exhausted && whole.failed.is_none() && empty < 5 {
        let command = match limit {
            Some(limit) => json!({"cmd": "read", "limit": limit}),
            None => json!({"cmd": "read"}),
        };
        let talk = whole.talk.get_mut();
        let answer = talk.ask(&command, WRITE).await;
        // What belongs to the read comes before the answer to the next command.
        let after = talk.ping().await;
        let before = whole.messages.len();
        whole.add(&answer, &after);
        empty = if whole.messages.len() == before {
            empty + 1
        } else {
            0
        };
    }
    whole
}

impl Whole {
    pub(super) fn new(talk: Talk) -> Self {
        Self {
            messages: Vec::new(),
            checkpoints: Vec::new(),
            ends: Vec::new(),
            counts: Vec::new(),
            exhausted: false,
            failed: None,
            late: false,
            talk: tokio::sync::Mutex::new(talk),
        }
    }

    /// Takes the answer to a read, and what came after it.
    pub(super) fn add(&mut self, answer: &Answer, after: &Answer) {
        let before = self.messages.len();
        for line in answer.before.iter().chain(&after.before) {
            self.take(line);
        }
        let count = self.messages.len() - before;
        self.counts.push(count);
        self.late |= after.before.iter().any(|line| line["type"] != "checkpoint");
        self.late |= !after.is("pong");
        match &answer.last {
            Some(done) if done["type"] == "done" => {
                let more = done["more"].as_bool();
                self.exhausted = more == Some(false) || count == 0 && more.is_none();
                self.ends.push(done.clone());
            }
            _ => self.failed = Some(answer.kind()),
        }
    }

    /// Takes a line of a read.
    pub(super) fn take(&mut self, line: &Value) {
        match line["type"].as_str() {
            Some("message") => self.messages.push(line.clone()),
            Some("checkpoint") => {
                self.checkpoints
                    .push((self.messages.len(), line["data"].clone()));
            }
            _ => {}
        }
    }

    /// The payloads, in their order.
    pub(super) fn payloads(&self) -> Vec<String> {
        self.messages
            .iter()
            .map(|message| message["data"].to_string())
            .collect()
    }
}

/// How many of these payloads are not among those.
pub(super) fn missing(wanted: &[String], there: &[String]) -> usize {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for payload in there {
        *left.entry(payload).or_default() += 1;
    }
    let lost = wanted
        .iter()
        .filter(|payload| match left.get_mut(payload.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
    lost.count()
}
