//! The strangers of the benchmarks: an Airbyte source and an Airbyte destination in native code, and a parser.
//!
//! A real connector in Python moves a few megabytes per second, so it says nothing about the engine between two of
//! them. These peers cost as little as a connector can, speak the command line and the messages of the protocol, and
//! are programs of their own, so that the engine meets them as it meets any connector. They share no code with it.

pub mod dataflow;
mod line;
mod many;
pub mod parse;
mod request;
pub(crate) mod setting;
pub mod sink;
pub mod source;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde_json::{Value, json};

/// Standard output without a buffer or a lock, since the peers write in large pieces of their own making.
fn raw_stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Standard input without a buffer or a lock.
fn raw_stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Writes one message as one line in one write, as the protocol wants it.
fn say(out: &mut impl Write, message: &Value) -> io::Result<()> {
    let mut line = message.to_string();
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// Says that a stream's status has changed.
fn status(out: &mut impl Write, stream: &str, word: &str) -> io::Result<()> {
    let trace = json!({"type": "TRACE", "trace": {
        "type": "STREAM_STATUS",
        "emitted_at": 1_795_289_451_711_u64,
        "stream_status": {"stream_descriptor": {"name": stream}, "status": word},
    }});
    say(out, &trace)
}

/// What `spec` answers: every peer takes the same configuration.
fn spec() -> Value {
    json!({"type": "SPEC", "spec": {
        "protocol_version": "0.18.0",
        "supported_destination_sync_modes": ["append", "overwrite"],
        "connectionSpecification": setting::schema(),
    }})
}

/// What `check` answers: a peer that could read its configuration is ready.
fn succeeded() -> Value {
    json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}})
}

/// Turns the end of a peer into what a connector owes its host: an ERROR trace and exit code 1 for a failure, exit
/// code 2 and words on standard error for a bad command line. A closed pipe is the other side's story, not ours.
fn finish(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if error.downcast_ref::<request::Usage>().is_some() {
        let _ = writeln!(io::stderr(), "{error}");
        return ExitCode::from(2);
    }
    let closed = error
        .downcast_ref::<io::Error>()
        .is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe);
    if !closed {
        let trace = json!({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 0, "error": {
            "message": format!("{error:#}"), "failure_type": "system_error",
        }}});
        let _ = say(&mut io::stdout(), &trace);
    }
    ExitCode::FAILURE
}
