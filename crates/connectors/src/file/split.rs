//! Cuts a finished file in two at a row. Only needed when a run ends badly or is recovered while
//! files hold more than what is committed; it goes by the extension, since the leftovers may be of
//! another format than the one that this run writes.

use std::path::Path;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};

use super::{column_file, line_file};

/// Writes the first `rows` rows of `from` to `head`, and the others to `tail` if it is given.
pub(crate) fn split(
    from: &Path,
    extension: &str,
    rows: u64,
    head: &Path,
    tail: Option<&Path>,
) -> Result<()> {
    if extension == column_file::EXTENSION {
        return column_file::split(from, rows, head, tail);
    }
    match line_file::Lines::of(extension) {
        Some(form) => line_file::split(from, form, rows, head, tail),
        None => Err(Error::new(
            &code::STATE_INVALID,
            "a staged file has an extension that this version does not write",
        )
        .with("path", from.display())),
    }
}
