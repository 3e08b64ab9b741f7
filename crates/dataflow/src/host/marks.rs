//! States of a source that sends no checkpoints: how many reads are done, and the last checkpoint of an
//! earlier run, if it ever sent one. Pure.
//!
//! Each is another, so that a commit of one is never taken for the commit of the next.

use std::collections::HashMap;

use bytes::Bytes;
use crossdock_core::json::Json;
use serde_json::value::RawValue;

const READS: &str = "crossdock.reads";
const CHECKPOINT: &str = "crossdock.checkpoint";

/// How far a source is.
#[derive(Debug, Default)]
pub(super) struct Marks {
    reads: u64,
    /// What the source said last of where it is, as its text: it gets every digit of it back.
    checkpoint: Option<Json>,
}

impl Marks {
    /// As an earlier run left it.
    pub(super) fn resumed(state: &Json) -> Self {
        let of_ours = || {
            let members: HashMap<&str, &RawValue> = serde_json::from_slice(state.bytes()).ok()?;
            let reads = members.get(READS)?.get().parse().ok()?;
            let checkpoint = members.get(CHECKPOINT).map(|value| value.get().to_owned());
            Some(Self {
                reads,
                checkpoint: checkpoint.map(|text| Json::from_scanned(text.into())),
            })
        };
        of_ours().unwrap_or_else(|| Self {
            reads: 0,
            checkpoint: Some(state.clone()).filter(|state| !state.is_null()),
        })
    }

    /// What the source is given back.
    pub(super) fn checkpoint(&self) -> Option<&Json> {
        self.checkpoint.as_ref()
    }

    /// The source has sent a checkpoint.
    pub(super) fn came_to(&mut self, state: &Json) {
        self.checkpoint = Some(state.clone());
    }

    /// The state after one more read without a checkpoint.
    pub(super) fn next(&mut self) -> Json {
        self.reads += 1;
        let checkpoint = self.checkpoint.as_ref();
        let checkpoint =
            checkpoint.map_or_else(String::new, |text| format!(",\"{CHECKPOINT}\":{text}"));
        let text = format!("{{\"{READS}\":{}{checkpoint}}}", self.reads);
        Json::from_scanned(Bytes::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_given_back_as_it_came_and_marks_are_counted() {
        let resumed = |text: &str| Marks::resumed(&Json::parse_text(text.to_owned()).unwrap());
        let long = r#"{"lsn":123456789012345678901234567890}"#;
        let mut none = Marks::default();
        assert_eq!(none.checkpoint(), None);
        assert_eq!(none.next().to_string(), r#"{"crossdock.reads":1}"#);
        let state = none.next();
        assert_eq!(state.to_string(), r#"{"crossdock.reads":2}"#);
        let mut again = Marks::resumed(&state);
        assert_eq!(again.checkpoint(), None);
        assert_eq!(again.next().to_string(), r#"{"crossdock.reads":3}"#);
        assert_eq!(resumed("null").checkpoint(), None);
        for text in [r#""opaque""#, long, "7", "[1]"] {
            let mut known = resumed(text);
            assert_eq!(known.checkpoint().unwrap().to_string(), text);
            let next = known.next();
            assert_eq!(Marks::resumed(&next).checkpoint(), known.checkpoint());
        }
    }
}
