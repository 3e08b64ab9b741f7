//! Values that the tests share, and a store to put them into.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::checkpoint::{Lane, LaneState, Seq, StateKind};
use crossdock_core::code::Code;
use crossdock_core::store::{Commit, RunEnd, RunStatus, Store, StreamCounts};
use crossdock_core::{Json, Result, StreamId};
use crossdock_store::{Opening, SqliteStore};
use tempfile::TempDir;

/// A directory with a store's path in it.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("state.db");
        Self { directory, path }
    }

    pub(crate) fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.path).unwrap())
    }

    /// A store that does not wait long for others.
    pub(crate) fn open_impatient(&self) -> Result<SqliteStore> {
        let opening = Opening {
            busy_timeout: Duration::from_millis(50),
            ..Opening::default()
        };
        SqliteStore::open_with(&self.path, opening)
    }

    /// Deletes the files that keep two runs apart, as an eager cleaner might.
    pub(crate) fn lose_locks(&self) {
        std::fs::remove_dir_all(self.directory.path().join("state.db.locks")).unwrap();
    }
}

pub(crate) fn id(name: &str) -> StreamId {
    StreamId::new(name)
}

pub(crate) fn lane(name: &str) -> Lane {
    Lane::Stream(id(name))
}

pub(crate) fn state(name: &str, text: &str) -> LaneState {
    LaneState {
        lane: lane(name),
        kind: StateKind::Stream,
        state: json(text),
    }
}

pub(crate) fn whole(kind: StateKind, text: &str) -> LaneState {
    LaneState {
        lane: Lane::Global,
        kind,
        state: json(text),
    }
}

pub(crate) fn json(text: &str) -> Json {
    Json::parse_text(text.to_owned()).unwrap()
}

pub(crate) fn counts(name: &str, committed: u64) -> StreamCounts {
    StreamCounts {
        read: committed + 1,
        bytes: committed * 10,
        written: committed,
        committed,
        checkpoints: 1,
        ..StreamCounts::new(id(name))
    }
}

/// A commit of states only.
pub(crate) fn states(states: &[LaneState]) -> Commit {
    Commit {
        states: states.to_vec(),
        ..Commit::default()
    }
}

/// A commit of one mark only.
pub(crate) fn mark(name: &str, seq: u64) -> Commit {
    Commit {
        marks: vec![(lane(name), Seq(seq))],
        ..Commit::default()
    }
}

pub(crate) fn end(status: RunStatus) -> RunEnd {
    RunEnd::new(status)
}

/// Runs `p` once with these commits, one after the other.
pub(crate) async fn run(store: &dyn Store, commits: &[Commit]) {
    let lease = store.begin("p").await.unwrap();
    for commit in commits {
        store.commit(&lease, commit.clone()).await.unwrap();
    }
    store
        .finish(&lease, end(RunStatus::Succeeded))
        .await
        .unwrap();
}

/// The states of `p` as text, in the order of lanes.
pub(crate) async fn shown(store: &dyn Store) -> Vec<String> {
    let resume = store.resume("p").await.unwrap();
    let mut shown: Vec<String> = resume
        .states
        .iter()
        .map(|s| format!("{} {}", s.lane, s.state))
        .collect();
    shown.sort();
    shown
}

/// Asserts that this failed with `code`, and gives the error.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T>,
    code: &'static Code,
) -> crossdock_core::Error {
    let error = result.expect_err("was not refused");
    assert_eq!(error.code(), code, "{error:?}");
    error
}

/// The value of a context key.
#[track_caller]
pub(crate) fn context(error: &crossdock_core::Error, key: &str) -> String {
    let found = error.context().iter().find(|(k, _)| *k == key);
    found
        .unwrap_or_else(|| panic!("no `{key}` in {error:?}"))
        .1
        .clone()
}
