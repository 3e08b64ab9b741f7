//! States of a source that sends no checkpoints: how many reads are done, and the last checkpoint of an
//! earlier run, if it ever sent one. Pure.
//!
//! Each is another, so that a commit of one is never taken for the commit of the next.

use crossdock_core::error::Result;
use crossdock_core::json::Json;
use serde_json::{Value, json};

const READS: &str = "crossdock.reads";
const CHECKPOINT: &str = "crossdock.checkpoint";

/// How far a source is.
#[derive(Debug, Default)]
pub(super) struct Marks {
    reads: u64,
    /// What the source said last of where it is.
    checkpoint: Option<Value>,
}

impl Marks {
    /// As an earlier run left it.
    pub(super) fn resumed(state: &Json) -> Result<Self> {
        let value = state.to_value()?;
        Ok(match value.get(READS).and_then(Value::as_u64) {
            Some(reads) => Self {
                reads,
                checkpoint: value
                    .get(CHECKPOINT)
                    .filter(|value| !value.is_null())
                    .cloned(),
            },
            None => Self {
                reads: 0,
                checkpoint: Some(value).filter(|value| !value.is_null()),
            },
        })
    }

    /// What the source is given back.
    pub(super) fn checkpoint(&self) -> Option<&Value> {
        self.checkpoint.as_ref()
    }

    /// The source has sent a checkpoint.
    pub(super) fn came_to(&mut self, state: &Json) {
        // One that cannot be read is none of ours.
        self.checkpoint = state.to_value().ok();
    }

    /// The state after one more read without a checkpoint.
    pub(super) fn next(&mut self) -> Json {
        self.reads += 1;
        let mut state = json!({READS: self.reads});
        if let Some(checkpoint) = &self.checkpoint {
            state[CHECKPOINT] = checkpoint.clone();
        }
        Json::from_value(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_given_back_as_it_came_and_marks_are_counted() {
        let resumed = |text: &str| Marks::resumed(&Json::parse_text(text.to_owned()).unwrap());
        let mut none = Marks::default();
        assert_eq!(none.checkpoint(), None);
        assert_eq!(none.next().to_string(), r#"{"crossdock.reads":1}"#);
        let state = none.next();
        assert_eq!(state.to_string(), r#"{"crossdock.reads":2}"#);
        let mut again = Marks::resumed(&state).unwrap();
        assert_eq!(again.checkpoint(), None);
        assert_eq!(again.next().to_string(), r#"{"crossdock.reads":3}"#);
        assert_eq!(resumed("null").unwrap().checkpoint(), None);
        for text in [r#""opaque""#, r#"{"lsn":"0/1"}"#, "7"] {
            let mut known = resumed(text).unwrap();
            assert_eq!(known.checkpoint().unwrap().to_string(), text);
            let next = known.next();
            assert_eq!(
                Marks::resumed(&next).unwrap().checkpoint(),
                known.checkpoint()
            );
        }
    }
}
