//! How far the files of a stream are read: the state, and what it means for a file as it is now.
//! Pure.

use std::collections::BTreeMap;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use super::list::Found;

/// The state of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Each file that was begun, by name.
    pub(crate) files: BTreeMap<String, Progress>,
    /// How far the cursor is, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// How far a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Its size in bytes when it was listed.
    pub(crate) size: u64,
    /// When it was written last, in milliseconds since the epoch.
    pub(crate) modified: i64,
    /// Where the next record begins in its decoded text.
    pub(crate) offset: u64,
    /// The line of that place, from 1.
    pub(crate) line: u64,
    /// Whether all of it was read.
    #[serde(default)]
    pub(crate) done: bool,
}

/// What to do with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All of it was read.
    Skip,
    /// Read it from its beginning.
    Anew,
    /// Read on at this offset and line.
    From(u64, u64),
    /// It has grown since all of it was read: read on, if what was read is still there.
    Grown(u64, u64),
}

impl Position {
    /// Reads a state that [`Position::to_state`] wrote.
    pub(crate) fn from_state(state: &Json) -> Result<Self> {
        serde_json::from_slice(state.bytes()).map_err(|cause| {
            // Beginning anew would double what was written.
            Error::new(
                &code::STATE_INVALID,
                "the state is not one of a file source",
            )
            .caused_by(cause)
        })
    }

    /// The state's text.
    pub(crate) fn to_state(&self) -> Result<Json> {
        serde_json::to_vec(self)
            .map(|text| Json::from_scanned(text.into()))
            .map_err(|cause| {
                Error::new(&code::INTERNAL, "a state cannot be written").caused_by(cause)
            })
    }

    /// Forgets files that are gone, so that a state does not grow for ever.
    pub(crate) fn keep(&mut self, found: &[Found]) {
        let names: std::collections::HashSet<_> = found.iter().map(|f| &f.name).collect();
        self.files.retain(|name, _| names.contains(name));
    }

    /// What to do with `found`.
    pub(crate) fn choose(&self, found: &Found) -> Choice {
        let Some(progress) = self.files.get(&found.name) else {
            return Choice::Anew;
        };
        let same = progress.size == found.size && progress.modified == found.modified;
        match (same, progress.done) {
            (true, true) => Choice::Skip,
            (true, false) => Choice::From(progress.offset, progress.line),
            (false, _) if found.size > progress.size => {
                Choice::Grown(progress.offset, progress.line)
            }
            (false, _) => Choice::Anew,
        }
    }

    /// Notes how far `found` is read.
    pub(crate) fn note(&mut self, found: &Found, (offset, line): (u64, u64), done: bool) {
        self.files.insert(
            found.name.clone(),
            Progress {
                size: found.size,
                modified: found.modified,
                offset,
                line,
                done,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(size: u64, modified: i64) -> Found {
        Found {
            path: "a.csv".into(),
            name: "a.csv".into(),
            size,
            modified,
        }
    }

    #[test]
    fn what_becomes_of_a_file() {
        let check = |done: bool, size: u64, modified: i64, expected: Choice| {
            let mut position = Position::default();
            position.note(&found(100, 7), (60, 4), done);
            let position = Position::from_state(&position.to_state().unwrap()).unwrap();
            assert_eq!(position.choose(&found(size, modified)), expected);
        };
        check(true, 100, 7, Choice::Skip);
        check(false, 100, 7, Choice::From(60, 4));
        check(true, 120, 8, Choice::Grown(60, 4));
        check(false, 120, 8, Choice::Grown(60, 4));
        check(true, 100, 8, Choice::Anew);
        check(true, 80, 8, Choice::Anew);
        assert_eq!(Position::default().choose(&found(1, 1)), Choice::Anew);
    }

    #[test]
    fn files_that_are_gone_are_forgotten() {
        let mut position = Position::default();
        position.note(&found(100, 7), (60, 4), true);
        position.keep(&[found(1, 1)]);
        assert_eq!(position.files.len(), 1);
        position.keep(&[]);
        assert_eq!(position, Position::default());
    }

    #[test]
    fn a_foreign_state_is_refused() {
        let state = Json::parse_text("{\"next\": 3}").unwrap();
        assert_eq!(
            Position::from_state(&state).unwrap_err().code().name,
            "protocol.state_invalid"
        );
    }
}
