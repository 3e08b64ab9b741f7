//! Which states are on their way through the destination, and what an echoed one proves (§3.4).
//!
//! Matching is by `id` where the destination kept it, else by content: type, descriptor and state,
//! compared as values, since destinations print JSON anew (§6, 9).

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crossdock_core::checkpoint::{Lane, Seq, StateKind};
use crossdock_core::destination::Ack;
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use serde_json::Value;

use crate::wire::StateMessage;

/// States above this size are not kept for comparison, only their digest (§6, 13).
const SMALL: usize = 4 << 10;

/// Above this many states on their way, every second of a lane is forgotten (P7): an echo of a later
/// one covers it.
const THIN_ABOVE: usize = 1 << 16;

/// Above this many, only digests are kept.
const MANY: usize = 1024;

/// What is remembered of a state for the comparison by content.
#[derive(Debug)]
enum Content {
    Text(Json),
    Digest(u64),
    /// The destination returns ids, so contents are not looked at.
    Forgotten,
}

#[derive(Debug)]
struct Sent {
    id: i64,
    seq: Seq,
    /// The lane by the source's names: what is acknowledged.
    lane: Lane,
    /// The lane by the destination's names: what comes back.
    target: Lane,
    kind: StateKind,
    content: Content,
    /// Records of each stream since the previous state of the lane.
    records: BTreeMap<StreamId, u64>,
}

/// What an echo means.
#[derive(Debug, Default)]
pub(super) struct Echoed {
    /// In this order.
    pub(super) acks: Vec<Ack>,
    /// What is odd about it.
    pub(super) warning: Option<String>,
}

/// The states that were sent and not yet returned, and the counts that go with them.
#[derive(Debug, Default)]
pub(super) struct EchoBook {
    last_id: i64,
    waiting: VecDeque<Sent>,
    /// How many were left when states were forgotten last; 0: none ever were.
    thinned_to: usize,
    /// Since the last state of the stream.
    by_stream: BTreeMap<StreamId, u64>,
    /// Since the last state of the whole source.
    by_source: BTreeMap<StreamId, u64>,
    returns_ids: bool,
    /// Each lane has numbers of its own (§4.6).
    by_lane: bool,
    /// States that came back before it was known that they are on their way: the source tells of them by another way
    /// than it sends them. `None`: that cannot be.
    early: Option<Early>,
}

#[derive(Debug, Default)]
struct Early {
    states: VecDeque<StateMessage>,
    /// The last number that is known to be on its way, by lane.
    known: BTreeMap<Lane, i64>,
}

impl Early {
    /// Keeps a state that nobody knows of yet; whether it is one.
    fn keep(&mut self, state: &StateMessage) -> bool {
        let known = self.known.get(&state.lane).copied().unwrap_or(0);
        let is_early = state.id.is_some_and(|id| id > known);
        if is_early {
            self.states.push_back(state.clone());
        }
        is_early
    }

    /// A state is on its way: itself, if it has come back.
    fn take(&mut self, lane: &Lane, id: i64) -> Option<StateMessage> {
        self.known.insert(lane.clone(), id);
        let is_it = |state: &StateMessage| state.id == Some(id) && state.lane == *lane;
        let at = self.states.iter().position(is_it)?;
        self.states.remove(at)
    }
}

impl EchoBook {
    /// Of states that are numbered by whoever sends them, in each lane from 1.
    pub(super) fn by_lane() -> Self {
        Self {
            by_lane: true,
            ..Self::default()
        }
    }

    /// Of states that go past the engine: they may come back before the engine hears of them.
    pub(super) fn beside() -> Self {
        Self {
            early: Some(Early::default()),
            ..Self::by_lane()
        }
    }

    /// Whether every state that was sent came back.
    pub(super) fn is_all_returned(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Counts records on their way.
    pub(super) fn count(&mut self, stream: &StreamId, records: u64) {
        for counts in [&mut self.by_stream, &mut self.by_source] {
            match counts.get_mut(stream) {
                Some(count) => *count += records,
                None => drop(counts.insert(stream.clone(), records)),
            }
        }
    }

    /// The number for the next state, and how many records it covers.
    pub(super) fn stamp(&self, lane: &Lane) -> (i64, u64) {
        let records = match lane {
            Lane::Stream(stream) => self.by_stream.get(stream).copied().unwrap_or(0),
            Lane::Global => self.by_source.values().sum(),
        };
        (self.last_id + 1, records)
    }

    /// Notes that the state `sent`, stamped by [`Self::stamp`], is on its way. `lane` is its lane
    /// by the source's names. Returns what follows if it has come back already.
    pub(super) fn send(&mut self, seq: Seq, lane: Lane, sent: &StateMessage) -> Echoed {
        self.last_id += 1;
        let id = sent.id.filter(|_| self.by_lane).unwrap_or(self.last_id);
        let records = match &lane {
            Lane::Stream(stream) => self.by_stream.remove_entry(stream).into_iter().collect(),
            Lane::Global => std::mem::take(&mut self.by_source),
        };
        let many = self.waiting.len() > MANY;
        // Only the lane's last one can be whole still: those before it were dealt with when it came.
        if let Some(earlier) = self
            .waiting
            .iter_mut()
            .rev()
            .find(|earlier| earlier.lane == lane)
            && let Content::Text(text) = &earlier.content
        {
            if self.returns_ids {
                earlier.content = Content::Forgotten;
            } else if text.bytes().len() > SMALL || many {
                earlier.content = Content::Digest(digest(text));
            }
        }
        // With very many lanes little can be forgotten: then it is tried less and less often.
        if self.waiting.len() >= THIN_ABOVE.max(2 * self.thinned_to) {
            self.thin();
        }
        self.waiting.push_back(Sent {
            id,
            seq,
            lane,
            target: sent.lane.clone(),
            kind: sent.kind,
            content: Content::Text(sent.state.clone()),
            records,
        });
        let early = self.early.as_mut();
        let returned = early.and_then(|early| early.take(&sent.lane, id));
        returned.map_or_else(Echoed::default, |state| self.echo(&state))
    }

    /// Forgets every second state of each lane; the lane's next one takes over its records.
    fn thin(&mut self) {
        let mut kept: VecDeque<Sent> = VecDeque::new();
        let mut carried: BTreeMap<Lane, Option<BTreeMap<StreamId, u64>>> = BTreeMap::new();
        // From the newest to the oldest, so that the last one of each lane stays.
        for sent in std::mem::take(&mut self.waiting).into_iter().rev() {
            match carried.get_mut(&sent.lane) {
                Some(forgotten @ None) => {
                    *forgotten = Some(sent.records);
                    continue;
                }
                Some(forgotten) => {
                    let records = forgotten.take();
                    merge(&mut kept, &sent.lane, records);
                }
                None => drop(carried.insert(sent.lane.clone(), None)),
            }
            kept.push_front(sent);
        }
        for (lane, records) in carried {
            merge(&mut kept, &lane, records);
        }
        self.thinned_to = kept.len().max(1);
        self.waiting = kept;
    }

    /// The destination returned a state.
    pub(super) fn echo(&mut self, message: &StateMessage) -> Echoed {
        let found = match message.id {
            Some(id) => {
                self.returns_ids = true;
                let is_meant =
                    |sent: &Sent| sent.id == id && (!self.by_lane || sent.target == message.lane);
                let exact = self.waiting.iter().position(is_meant);
                // A forgotten one covers at least what was kept before it on its lane.
                exact.or_else(|| {
                    let covers = |sent: &Sent| sent.id < id && sent.target == message.lane;
                    let known = self.thinned_to > 0 && id <= self.last_id;
                    self.waiting.iter().rposition(covers).filter(|_| known)
                })
            }
            None => self.by_content(message),
        };
        let Some(index) = found else {
            if let Some(early) = &mut self.early
                && early.keep(message)
            {
                return Echoed::default();
            }
            let invented = message.id.is_some_and(|id| id > self.last_id || id < 1);
            if self.thinned_to > 0 && !invented {
                // Most likely one that was forgotten here; a later one covers it.
                return Echoed::default();
            }
            let warning = match message.id {
                Some(id) if id > self.last_id || id < 1 => {
                    format!("the destination returned a state with the id {id}, which it never got")
                }
                Some(id) => format!(
                    "the destination returned the state with the id {id} again, or after a later one"
                ),
                None => format!(
                    "the destination returned a state of {} that no state on its way equals: never sent, sent back twice, or after a later one",
                    message.lane
                ),
            };
            return Echoed {
                acks: Vec::new(),
                warning: Some(warning),
            };
        };
        // It covers everything before it on its lane: earlier states need not come back.
        let lane = self.waiting[index].lane.clone();
        let seq = self.waiting[index].seq;
        let own: u64 = self.waiting[index].records.values().sum();
        let mut covered: BTreeMap<StreamId, u64> = BTreeMap::new();
        let mut at = 0;
        self.waiting.retain(|sent| {
            let keep = at > index || sent.lane != lane;
            at += 1;
            if !keep {
                for (stream, records) in &sent.records {
                    *covered.entry(stream.clone()).or_default() += records;
                }
            }
            keep
        });
        let rejected = message.destination.rejected_record_count.unwrap_or(0);
        let all: u64 = covered.values().sum();
        // Of what went past the engine it is only known for single streams.
        let is_known = self.early.is_none() || lane != Lane::Global;
        let warning = message
            .destination
            .record_count
            .filter(|_| is_known)
            .map(|count| count.saturating_add(rejected))
            .filter(|count| self.thinned_to == 0 && *count != own && *count != all)
            .map(|count| {
                format!(
                    "the destination counts {count} records for a state of {lane} that covers {own}"
                )
            });
        let mut acks = Vec::new();
        if rejected > 0 {
            let stream = match &lane {
                Lane::Stream(stream) => Some(stream.clone()),
                // It does not say of which stream; the one with most records is the best guess.
                Lane::Global => covered
                    .into_iter()
                    .max_by_key(|(_, records)| *records)
                    .map(|(stream, _)| stream),
            };
            acks.extend(stream.map(|stream| Ack::RejectedCount {
                stream,
                records: rejected,
            }));
        }
        // P1: this is where a destination's word that data is durable enters.
        acks.push(Ack::UpTo { lane, seq });
        Echoed { acks, warning }
    }

    fn by_content(&self, message: &StateMessage) -> Option<usize> {
        let wanted = digest(&message.state);
        self.waiting.iter().position(|sent| {
            sent.kind == message.kind
                && sent.target == message.lane
                && match &sent.content {
                    Content::Text(text) => *text == message.state || digest(text) == wanted,
                    Content::Digest(digest) => *digest == wanted,
                    Content::Forgotten => false,
                }
        })
    }
}

/// Equal for values that mean the same: whatever the order of keys, `5` or `5.0`, null or absent.
fn digest(json: &Json) -> u64 {
    let mut hasher = DefaultHasher::new();
    mix(&json.to_value().unwrap_or(Value::Null), &mut hasher);
    hasher.finish()
}

fn mix(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0u8.hash(hasher),
        Value::Bool(value) => (1u8, value).hash(hasher),
        Value::Number(number) => {
            let whole = number
                .as_i64()
                .map(i128::from)
                .or(number.as_u64().map(i128::from));
            let float = number.as_f64().unwrap_or(f64::NAN);
            match whole {
                Some(whole) => (2u8, whole).hash(hasher),
                #[expect(clippy::cast_possible_truncation, reason = "a whole number within i64")]
                None if float.fract() == 0.0 && float.abs() < 9.0e18 => {
                    (2u8, i128::from(float as i64)).hash(hasher);
                }
                None => (3u8, float.to_bits()).hash(hasher),
            }
        }
        Value::String(text) => (4u8, text).hash(hasher),
        Value::Array(items) => {
            (5u8, items.len()).hash(hasher);
            items.iter().for_each(|item| mix(item, hasher));
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(_, v)| !v.is_null()).collect();
            members.sort_by_key(|(key, _)| *key);
            (6u8, members.len()).hash(hasher);
            for (key, value) in members {
                key.hash(hasher);
                mix(value, hasher);
            }
        }
    }
}

/// Adds the records of a forgotten state to the oldest kept one of its lane, which followed it.
fn merge(kept: &mut VecDeque<Sent>, lane: &Lane, records: Option<BTreeMap<StreamId, u64>>) {
    let next = kept.iter_mut().find(|sent| sent.lane == *lane);
    if let (Some(next), Some(records)) = (next, records) {
        for (stream, count) in records {
            *next.records.entry(stream).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests;
