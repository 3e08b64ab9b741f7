//! What a command comes down to: data, text, and what failed. Commands never print data; they
//! answer, and the printer prints.

use crossdock_core::{Error, code};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::exit;

/// The answer of a command.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// For the envelope.
    pub(crate) data: Option<Box<RawValue>>,
    /// For stdout, without `--json`. Each line ends.
    pub(crate) text: String,
    /// What failed, in order.
    pub(crate) errors: Vec<Error>,
    /// Standard output was used for records, so the envelope goes to stderr.
    pub(crate) stdout_taken: bool,
}

impl Answer {
    /// Data for programs and its text for people.
    pub(crate) fn new(data: &impl Serialize, text: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            data: Some(raw(data)?),
            text: text.into(),
            ..Self::default()
        })
    }

    /// A JSON document: itself as data, and printed prettily for people.
    pub(crate) fn document(document: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string_pretty(document).map_err(not_json)?;
        Self::new(document, text + "\n")
    }

    /// Adds what failed.
    pub(crate) fn failed(mut self, errors: impl IntoIterator<Item = Error>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Standard output holds records.
    pub(crate) fn after_records(mut self) -> Self {
        self.stdout_taken = true;
        self
    }

    /// The failure that decides the exit code.
    pub(crate) fn worst(&self) -> Option<&Error> {
        // Of equally grave ones the first, which is likely the cause of the others.
        self.errors
            .iter()
            .rev()
            .max_by_key(|error| exit::gravity(exit::of(error.kind())))
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        Self::default().failed([error])
    }
}

fn raw(data: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(data).map_err(not_json)
}

fn not_json(cause: serde_json::Error) -> Error {
    Error::new(&code::INTERNAL, "an answer could not be written as JSON").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_and_then_the_first_failure_decides() {
        let answer = Answer::default().failed([
            Error::new(&code::STORE_LOCKED, "busy"),
            Error::new(&code::CONNECTOR_FAILED, "first"),
            Error::new(&code::CONNECTOR_FAILED, "second"),
        ]);
        assert_eq!(answer.worst().map(Error::message), Some("first"));
    }
}
