//! Parts of states: how far a stream was read, as a whole or in parts.

use std::collections::BTreeMap;

use crossdock_core::error::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::State;

/// The newest value of a cursor. What was [seen](Self::see) counts only when it is [settled](Self::settle), which is
/// when nothing older can come any more: after each page if the API sorts by the cursor, at the end if it does not. A
/// state with a cursor that was moved too early leaves records out; this one cannot be moved by accident.
///
/// In a state it is the settled value, or `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "Option<T>",
    into = "Option<T>",
    bound(serialize = "T: Clone + Serialize")
)]
pub struct Cursor<T> {
    settled: Option<T>,
    seen: Option<T>,
}

impl<T> Default for Cursor<T> {
    fn default() -> Self {
        Self::from(None)
    }
}

impl<T> From<Option<T>> for Cursor<T> {
    fn from(settled: Option<T>) -> Self {
        Self {
            settled,
            seen: None,
        }
    }
}

impl<T> From<Cursor<T>> for Option<T> {
    fn from(cursor: Cursor<T>) -> Self {
        cursor.settled
    }
}

impl<T: PartialOrd> Cursor<T> {
    /// Where the next read begins; `None`: at the beginning.
    pub fn get(&self) -> Option<&T> {
        self.settled.as_ref()
    }

    /// Notes the value of a record.
    pub fn see(&mut self, value: T) {
        let is_newer = |of: &Option<T>| of.as_ref().is_none_or(|old| *old < value);
        if is_newer(&self.seen) && is_newer(&self.settled) {
            self.seen = Some(value);
        }
    }

    /// Says that nothing older than what was seen can come any more.
    pub fn settle(&mut self) {
        if let Some(seen) = self.seen.take() {
            self.settled = Some(seen);
        }
    }
}

/// A state for each part of a stream, such as each repository of an organisation or each of a user's accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: serde::de::DeserializeOwned"))]
pub struct Partitions<S> {
    partitions: BTreeMap<String, S>,
}

impl<S> Default for Partitions<S> {
    fn default() -> Self {
        Self {
            partitions: BTreeMap::new(),
        }
    }
}

impl<S: Default> Partitions<S> {
    /// The state of a part; a new one is at its beginning.
    pub fn of(&mut self, partition: &str) -> &mut S {
        self.partitions.entry(partition.to_owned()).or_default()
    }

    /// Forgets all parts but these: a state does not grow with what is no more.
    pub fn keep<'a>(&mut self, partitions: impl IntoIterator<Item = &'a str>) {
        let mut kept = BTreeMap::new();
        for partition in partitions {
            if let Some((name, state)) = self.partitions.remove_entry(partition) {
                kept.insert(name, state);
            }
        }
        self.partitions = kept;
    }

    /// How many parts have a state.
    #[must_use]
    pub fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }
}

/// The version of the whole is that of its parts.
impl<S: State> State for Partitions<S> {
    const VERSION: u32 = S::VERSION;

    fn upgrade(version: u32, mut old: Value) -> Result<Self> {
        let mut partitions = BTreeMap::new();
        if let Value::Object(parts) = old["partitions"].take() {
            for (name, part) in parts {
                partitions.insert(name, S::upgrade(version, part)?);
            }
        }
        Ok(Self { partitions })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::state::{decode, encode};

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Day {
        day: Cursor<String>,
    }

    impl State for Day {
        const VERSION: u32 = 2;

        fn upgrade(_: u32, old: Value) -> Result<Self> {
            let day = old["since"].as_str().map(str::to_owned);
            Ok(Self { day: day.into() })
        }
    }

    #[test]
    fn a_cursor_moves_only_when_it_is_settled() {
        let mut cursor = Cursor::from(Some(5));
        for value in [7, 6, 3] {
            cursor.see(value);
        }
        assert_eq!(cursor.get(), Some(&5));
        assert_eq!(json!(cursor), json!(5));
        cursor.settle();
        assert_eq!(cursor.get(), Some(&7));
        cursor.see(6);
        cursor.settle();
        assert_eq!(cursor.get(), Some(&7), "it does not go back");
        let again: Cursor<i32> = serde_json::from_value(json!(7)).expect("a cursor");
        assert_eq!(again, cursor);
        let mut empty = Cursor::<i32>::default();
        empty.settle();
        assert_eq!(json!(empty), Value::Null);
    }

    #[test]
    fn parts_have_states_of_their_own() {
        let mut state = Partitions::<Day>::default();
        for (part, day) in [("a", "02"), ("b", "01"), ("a", "03")] {
            let cursor = &mut state.of(part).day;
            cursor.see(day.to_owned());
            cursor.settle();
        }
        let text = encode(&state).expect("a state");
        let expected =
            json!({"partitions": {"a": {"day": "03"}, "b": {"day": "01"}}, "state_version": 2});
        assert_eq!(text.to_value().expect("JSON"), expected);
        assert_eq!(decode::<Partitions<Day>>(&text).expect("the same"), state);
        state.keep(["b", "c"]);
        assert_eq!((state.len(), state.is_empty()), (1, false));
        assert_eq!(state.of("b").day.get().map(String::as_str), Some("01"));
        assert_eq!(state.of("a").day.get(), None, "it was forgotten");
        let old = crossdock_core::Json::from_value(&json!({"partitions": {"a": {"since": "09"}}}));
        let mut state = decode::<Partitions<Day>>(&old).expect("an older one");
        assert_eq!(state.of("a").day.get().map(String::as_str), Some("09"));
    }
}
