//! Why a connector failed: its own first ERROR trace, else the way its process ended (§2.3).

use crossdock_core::code;
use crossdock_core::error::Error;
use crossdock_launch::{Exit, Reason};

use crate::talk::Talk;
use crate::trace_error::traced;
use crate::wire::TraceError;

/// How a connector's run ended.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    /// How the process ended; `None` if it went on after its output had ended and had to be
    /// stopped, which the platform takes as a failure.
    pub(super) exit: Option<Exit>,
    /// Why, where whoever ran it for us knows more than its exit.
    pub(super) reason: Option<Reason>,
    /// The beginning of a message that was cut off by the end of the output.
    pub(super) truncated: Option<String>,
    /// The last lines on stderr.
    pub(super) stderr: Vec<String>,
}

impl End {
    pub(super) fn success(&self) -> bool {
        self.exit.is_some_and(Exit::success)
    }

    fn in_words(&self) -> String {
        self.exit.map_or_else(
            || "went on after closing its output and was stopped".to_owned(),
            Exit::in_words,
        )
    }
}

/// The error for a run that ended badly, with the connector's own reason if it gave one.
pub(super) fn failure(talk: &Talk, end: &End, cause: Option<&TraceError>) -> Error {
    if let Some(cause) = cause {
        return traced(talk, cause).with("exit", end.in_words());
    }
    if let Some(reason) = &end.reason {
        return talk.error(explained(reason.error(), talk, &end.stderr));
    }
    let code = match end.exit.map(Exit::code) {
        Some(127) => &code::CONNECTOR_NO_ENTRYPOINT,
        Some(137 | 143) => &code::CONNECTOR_KILLED,
        Some(3) => &code::CONNECTOR_OUT_OF_MEMORY,
        _ => &code::CONNECTOR_EXIT,
    };
    let message = match end.exit {
        Some(exit @ Exit::Signal(_)) => format!("the connector was {}", exit.in_words()),
        Some(exit) => format!("the connector failed with {}", exit.in_words()),
        None => format!("the connector {}", end.in_words()),
    };
    let mut failure = explained(Error::new(code, message), talk, &end.stderr);
    if let Some(start) = &end.truncated {
        failure = failure.with("unfinished line", start);
    }
    talk.error(failure)
}

/// The error with what the connector said last. One that said nothing is better looked at whole.
pub(super) fn explained(mut error: Error, talk: &Talk, stderr: &[String]) -> Error {
    let lines = talk.last_lines();
    let log = talk.last_error();
    if log.is_none()
        && stderr.is_empty()
        && lines.is_empty()
        && error.code() == &code::CONNECTOR_EXIT
    {
        return error.hint("run again with -vv to see everything that the connector says");
    }
    if let Some(last) = log {
        error = error.with("log", last);
    }
    if !stderr.is_empty() {
        error = error.with("stderr", stderr.join("\n"));
    }
    if !lines.is_empty() {
        error = error.with("output", lines.join("\n"));
    }
    error
}

/// The error for a run that ended well in the middle of a message; `None` if it did not.
pub(super) fn truncated(talk: &Talk, end: &End) -> Option<Error> {
    let start = end.truncated.as_ref()?;
    let error = Error::new(
        &code::LINE_TRUNCATED,
        "the output ended in the middle of a message",
    )
    .with("line", start);
    Some(talk.error(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::error::ErrorKind;
    use crossdock_core::session::Session;
    use serde_json::{Value, json};

    #[test]
    fn the_connectors_own_reason_is_the_cause_else_its_exit() {
        let schema = json!({"properties": {"key": {"airbyte_secret": true}}});
        let config = json!({"key": "hunter22"});
        let talk = Talk::new(&Session::default(), "c".into(), schema, &config);
        let check =
            |trace: Value, exit: Option<Exit>, name: &str, kind: ErrorKind, message: &str| {
                let end = End {
                    exit,
                    stderr: vec!["usage hunter22".into()],
                    ..End::default()
                };
                let trace: Option<TraceError> = serde_json::from_value(trace).unwrap();
                let error = failure(&talk, &end, trace.as_ref());
                assert_eq!((error.code().name, error.kind()), (name, kind));
                assert_eq!(error.message(), message);
                assert!(!format!("{error:?}").contains("hunter22"));
            };
        let null = Value::Null;
        check(
            json!({"message": "bad hunter22", "failure_type": "config_error"}),
            Some(Exit::Code(1)),
            "connector.failed",
            ErrorKind::Config,
            "bad ****",
        );
        check(
            json!({"message": "", "internal_message": "x", "failure_type": "transient_error"}),
            Some(Exit::Code(1)),
            "connector.failed",
            ErrorKind::Transient,
            "x",
        );
        check(
            null.clone(),
            Some(Exit::Code(2)),
            "connector.exit",
            ErrorKind::Connector,
            "the connector failed with exit code 2",
        );
        let codes = [
            (Exit::Code(127), "connector.no_entrypoint"),
            (Exit::Code(3), "connector.out_of_memory"),
            (Exit::Code(137), "connector.killed"),
            (Exit::Signal(9), "connector.killed"),
            (Exit::Code(143), "connector.killed"),
            (Exit::Signal(11), "connector.exit"),
        ];
        for (exit, name) in codes {
            let end = End {
                exit: Some(exit),
                ..End::default()
            };
            assert_eq!(failure(&talk, &end, None).code().name, name);
        }
        assert_eq!(
            failure(&talk, &End::default(), None).code().name,
            "connector.exit"
        );
    }

    #[test]
    fn what_was_said_last_stands_by_an_exit_without_a_reason() {
        let schema = json!({"properties": {"key": {"airbyte_secret": true}}});
        let config = json!({"key": "hunter22"});
        let talk = Talk::new(&Session::default(), "c".into(), schema, &config);
        let end = End {
            exit: Some(Exit::Code(2)),
            ..End::default()
        };
        let silent = failure(&talk, &end, None);
        assert!(silent.remedy().contains("-vv"), "{silent:?}");
        for n in 1..=7 {
            talk.printed(&format!("line {n} of hunter22"));
        }
        let error = failure(&talk, &end, None);
        assert_eq!(error.remedy(), code::CONNECTOR_EXIT.remedy);
        let output = error.context().iter().find(|(key, _)| *key == "output");
        let expected =
            "line 3 of ****\nline 4 of ****\nline 5 of ****\nline 6 of ****\nline 7 of ****";
        assert_eq!(output.map(|(_, text)| text.as_str()), Some(expected));
    }
}
