//! File errors that name the path and what was tried.

use std::io;
use std::path::Path;

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};

/// Turns an I/O error into ours: what was `doing`, on which path. A full disk may pass; a missing
/// permission does not without a person, so it is not retried.
pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |cause| {
        let kind = cause.kind();
        let error =
            Error::new(&code::IO, format!("could not {doing}")).with("path", path.display());
        let error = match kind {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => error
                .with_kind(ErrorKind::Config)
                .hint("give this user the right to write there, or choose another path"),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                error.hint("free some space, or choose a path on another disk")
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                error.with_kind(ErrorKind::Config).hint(
                    "a file stands where a folder is needed, or the reverse: choose another path",
                )
            }
            _ => error,
        };
        error.caused_by(cause)
    }
}

/// `Ok` where the file was gone already: deleting and publishing may be repeated.
pub(crate) fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_decide_retries() {
        let check = |kind: io::ErrorKind, retryable: bool| {
            let error = io("write the file", Path::new("/x"))(kind.into());
            assert_eq!(error.kind().is_retryable(), retryable, "{kind:?}");
            assert_eq!(error.code().name, "io");
            assert_eq!(error.context(), [("path", "/x".to_owned())]);
        };
        check(io::ErrorKind::StorageFull, true);
        check(io::ErrorKind::PermissionDenied, false);
        check(io::ErrorKind::Interrupted, true);
    }
}
