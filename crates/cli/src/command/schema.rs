//! `crossdock schema`.

use crossdock_core::Error;

use crate::answer::Answer;

/// The JSON Schema of pipeline files.
pub(super) fn execute() -> Result<Answer, Error> {
    Answer::document(&crossdock_config::json_schema())
}
