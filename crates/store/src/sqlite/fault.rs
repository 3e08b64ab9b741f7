//! From SQLite's errors to ours.

use std::fmt;
use std::path::PathBuf;

use crossdock_core::code::Code;
use crossdock_core::{Error, code};
use rusqlite::ErrorCode;

/// Where a store is, for errors.
#[derive(Clone, Debug)]
pub(super) struct Place(Option<PathBuf>);

impl Place {
    pub(super) fn file(path: PathBuf) -> Self {
        Self(Some(path))
    }

    pub(super) fn memory() -> Self {
        Self(None)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => path.display().fmt(f),
            None => f.write_str("(in memory)"),
        }
    }
}

/// What goes wrong inside a job: SQLite's own error, or one of ours.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Coded(Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Coded(error)
    }
}

impl Fault {
    /// A row that cannot be what this program wrote.
    pub(super) fn unreadable(what: &'static str, found: &str) -> Self {
        Error::new(
            &code::STORE_CORRUPT,
            format!("the store holds a {what} that cannot be read"),
        )
        .with("found", found)
        .into()
    }

    /// The error that leaves the crate: with its code, and the place of the store.
    pub(super) fn into_error(self, place: &Place) -> Error {
        match self {
            Self::Coded(error) => error.with("store", place),
            Self::Sql(error) => {
                let (code, message) = explain(&error);
                Error::new(code, message)
                    .with("store", place)
                    .caused_by(error)
            }
        }
    }

    /// Whether another process holds the file.
    pub(super) fn is_busy(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        explain(error).0 == &code::STORE_LOCKED
    }
}

fn explain(error: &rusqlite::Error) -> (&'static Code, &'static str) {
    use rusqlite::Error as E;
    match error {
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..)
        | E::InvalidColumnType(..) => (
            &code::STORE_CORRUPT,
            "the store holds a value that cannot be read",
        ),
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (&code::STORE_LOCKED, "another process holds the store")
            }
            Some(ErrorCode::NotADatabase) => (&code::STORE_CORRUPT, "the file is not a store"),
            Some(ErrorCode::DatabaseCorrupt) => {
                (&code::STORE_CORRUPT, "the store's file is damaged")
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                (&code::STORE_UNAVAILABLE, "the store cannot be opened")
            }
            Some(ErrorCode::ReadOnly) => (&code::STORE_UNAVAILABLE, "the store cannot be written"),
            Some(ErrorCode::DiskFull) => (&code::STORE_FAILED, "the disk is full"),
            _ => (&code::STORE_FAILED, "the store could not do what was asked"),
        },
    }
}
