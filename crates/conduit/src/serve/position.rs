//! The position of a served source's record: what to resume from after it.
//!
//! A JSON object: `s`, the states of the last checkpoint that covers no later record, and `n`, how many
//! records came since, this one among them. Of a record that a checkpoint follows at once `n` is 0. So
//! positions are never empty, each is its own, and a resume reads again at most what came after the
//! checkpoint.

use crossdock_core::checkpoint::{Checkpoint, LaneState};
use crossdock_core::served::States;
use serde::{Deserialize, Serialize};

use crossdock_core::fault::Fault;

#[derive(Serialize, Deserialize)]
struct Wire {
    s: States,
    n: u64,
}

/// The states so far, and what came since.
#[derive(Debug, Default)]
pub(super) struct Positions {
    states: States,
    /// The text of `states`, made once for all records that share it.
    prefix: String,
    since: u64,
}

impl Positions {
    /// Where a position says that reading stands. The empty one is the beginning.
    pub(super) fn read(position: &[u8]) -> Result<Self, Fault> {
        if position.is_empty() {
            return Ok(Self::new(States::default()));
        }
        let wire: Wire = serde_json::from_slice(position)
            .map_err(|_| Fault::new("the position was not made by this connector"))?;
        Ok(Self::new(wire.s))
    }

    fn new(states: States) -> Self {
        let mut this = Self {
            states,
            ..Self::default()
        };
        this.set_prefix();
        this
    }

    fn set_prefix(&mut self) {
        let states = self.states.to_json();
        self.prefix = format!("{{\"s\":{states},\"n\":");
    }

    /// What a source resumes from.
    pub(super) fn states(&self) -> Vec<LaneState> {
        self.states.lanes()
    }

    /// The position of the next record.
    pub(super) fn next(&mut self) -> Vec<u8> {
        self.since += 1;
        self.text(self.since)
    }

    /// The position of the last record before this checkpoint.
    pub(super) fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Vec<u8> {
        self.states.take(checkpoint);
        self.set_prefix();
        self.since = 0;
        self.text(0)
    }

    fn text(&self, since: u64) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.prefix.len() + 12);
        text.extend_from_slice(self.prefix.as_bytes());
        text.extend_from_slice(itoa::Buffer::new().format(since).as_bytes());
        text.push(b'}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::checkpoint::StateKind;
    use crossdock_core::json::Json;
    use crossdock_core::stream::StreamId;

    #[test]
    fn positions_are_their_own_and_lead_back() {
        let mut positions = Positions::read(b"").unwrap();
        let stream = |name: &str, n: u32| {
            Checkpoint::stream(
                StreamId::new(name),
                Json::parse_text(format!("{{\"n\":{n}}}")).unwrap(),
            )
        };
        let mut seen = vec![positions.next(), positions.next()];
        seen.push(positions.checkpoint(&stream("a", 3)));
        seen.push(positions.next());
        seen.push(positions.checkpoint(&stream("b", 4)));
        seen.push(positions.checkpoint(&stream("a", 5)));
        assert_eq!(seen[0], br#"{"s":[],"n":1}"#);
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), seen.len());
        let check = |at: usize, expected: &[(&str, &str)]| {
            let states = Positions::read(&seen[at]).unwrap().states();
            let got: Vec<_> = states
                .iter()
                .map(|s| (s.lane.to_string(), s.state.to_string()))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(l, s)| ((*l).to_owned(), (*s).to_owned()))
                .collect();
            assert_eq!(got, expected, "{at}");
        };
        check(1, &[]);
        check(2, &[("a", "{\"n\":3}")]);
        check(3, &[("a", "{\"n\":3}")]);
        check(5, &[("b", "{\"n\":4}"), ("a", "{\"n\":5}")]);
        let whole = Checkpoint::global(StateKind::Position, Json::null());
        let last = positions.checkpoint(&whole);
        assert_eq!(Positions::read(&last).unwrap().states().len(), 1);
        assert!(Positions::read(b"12").is_err());
    }
}
