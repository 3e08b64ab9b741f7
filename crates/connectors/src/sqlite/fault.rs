//! Database errors that name the file and what was tried.

use std::path::Path;

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// Turns a database's error into ours: what was `doing`, in which file.
pub(crate) fn fault(doing: &'static str, path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    move |cause| {
        let message = format!("could not {doing}");
        let error = match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Error::new(&code::DATABASE_LOCKED, message)
            }
            Some(ErrorCode::NotADatabase) => Error::new(
                &code::DATABASE_UNUSABLE,
                "the file is not a SQLite database",
            ),
            Some(ErrorCode::DatabaseCorrupt) => {
                Error::new(&code::DATABASE_UNUSABLE, "the database is damaged").hint(
                    "restore it from a backup; `sqlite3 FILE .recover` saves what can be read",
                )
            }
            Some(ErrorCode::CannotOpen) => Error::new(&code::DATABASE_UNUSABLE, message),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Error::new(&code::DATABASE_FAILED, message)
                    .with_kind(ErrorKind::Config)
                    .hint("give this user the right to write the file and its folder")
            }
            Some(ErrorCode::DiskFull) => Error::new(&code::DATABASE_FAILED, message)
                .hint("free some space, or choose a path on another disk"),
            Some(ErrorCode::TooBig) => Error::new(&code::DATA_INVALID, message)
                .hint("a value or a row is larger than SQLite can keep (1 GB)"),
            _ => Error::new(&code::DATABASE_FAILED, message),
        };
        error.with("path", path.display()).caused_by(cause)
    }
}
