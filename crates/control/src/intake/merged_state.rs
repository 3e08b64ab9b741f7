//! The states of several sources in one. Pure.
//!
//! ```json
//! {"crossdock.sources": {"ID": [{"lane": …, "kind": …, "state": …}]}}
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, StateKind};
use crossdock_core::json::Json;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merged {
    #[serde(rename = "crossdock.sources")]
    sources: BTreeMap<String, Vec<Part>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Part {
    lane: Lane,
    kind: StateKind,
    state: Json,
}

fn parse(state: &Json) -> Option<Merged> {
    serde_json::from_slice(state.bytes()).ok()
}

/// The state of the whole.
pub(super) fn merged<'a>(parts: impl Iterator<Item = (&'a str, &'a [LaneState])>) -> Json {
    let part = |state: &LaneState| Part {
        lane: state.lane.clone(),
        kind: state.kind,
        state: state.state.clone(),
    };
    let sources = parts.map(|(id, states)| (id.to_owned(), states.iter().map(part).collect()));
    let merged = Merged {
        sources: sources.collect(),
    };
    let text = serde_json::to_vec(&merged).unwrap_or_else(|_| b"null".to_vec());
    Json::from_scanned(text.into())
}

/// Each source's own states. States of a time when there was one source are the first one's.
pub(crate) fn split(states: &[LaneState], ids: &[&str]) -> Vec<Vec<LaneState>> {
    let mut own = vec![Vec::new(); ids.len()];
    for state in states {
        let merged = match state.lane {
            Lane::Global => parse(&state.state),
            Lane::Stream(_) => None,
        };
        match merged {
            Some(mut merged) => {
                for (own, id) in own.iter_mut().zip(ids) {
                    let parts = merged.sources.remove(*id).unwrap_or_default();
                    own.extend(parts.into_iter().map(|part| LaneState {
                        lane: part.lane,
                        kind: part.kind,
                        state: part.state,
                    }));
                }
            }
            None => own[0].push(state.clone()),
        }
    }
    own
}

/// What each source was told of as committed.
#[derive(Debug)]
pub(super) struct Told(Mutex<Vec<BTreeMap<Lane, Json>>>);

impl Told {
    pub(super) fn new(sources: usize) -> Self {
        Self(Mutex::new(vec![BTreeMap::new(); sources]))
    }

    /// What is news to which source.
    pub(super) fn news(&self, ids: &[&str], state: &Json) -> Vec<(usize, Checkpoint)> {
        let Some(mut merged) = parse(state) else {
            return Vec::new();
        };
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            for part in merged.sources.remove(*id).unwrap_or_default() {
                let known = told[at].insert(part.lane.clone(), part.state.clone());
                if known.as_ref() != Some(&part.state) {
                    let checkpoint = Checkpoint {
                        lane: part.lane,
                        kind: part.kind,
                        state: part.state,
                        source_count: None,
                        wire: None,
                        awaited: false,
                    };
                    news.push((at, checkpoint));
                }
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::stream::StreamId;

    fn state(lane: Lane, text: &str) -> LaneState {
        LaneState {
            lane,
            kind: StateKind::Position,
            state: Json::parse_text(text.to_owned()).unwrap(),
        }
    }

    #[test]
    fn states_come_apart_again() {
        let a = [state(Lane::Global, "\"x\"")];
        let b = [state(
            Lane::Stream(StreamId::new("s")),
            "12345678901234567890",
        )];
        let whole = merged([("a", a.as_slice()), ("b", &b)].into_iter());
        let whole = [state(Lane::Global, &whole.to_string())];
        assert_eq!(split(&whole, &["b", "a"]), [b.to_vec(), a.to_vec()]);
        assert_eq!(split(&whole, &["a"]), [a.to_vec()]);
        assert_eq!(split(&whole, &["new"]), [vec![]]);
        // One source became two: what there was is the first one's.
        assert_eq!(split(&b, &["a", "b"]), [b.to_vec(), vec![]]);
    }

    #[test]
    fn only_news_is_told() {
        let told = Told::new(2);
        let at = |a: &str, b: &str| {
            let (a, b) = ([state(Lane::Global, a)], [state(Lane::Global, b)]);
            let whole = merged([("a", a.as_slice()), ("b", &b)].into_iter());
            let news = told.news(&["a", "b"], &whole).into_iter();
            news.map(|(at, c)| format!("{at}{}", c.state))
                .collect::<Vec<_>>()
        };
        assert_eq!(at("1", "1"), ["01", "11"]);
        assert_eq!(at("1", "2"), ["12"]);
        assert_eq!(at("1", "2"), [""; 0]);
    }
}
