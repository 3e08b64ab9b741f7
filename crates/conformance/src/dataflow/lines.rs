//! Lines as such, in both directions.

use serde_json::{Value, json};

use super::subject::Subject;
use super::talk::{ANSWER, Flaw, Talk, WRITE, shown};
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "lines/utf-8" Must "Connector Protocol, Protocol Format" "stdout is UTF-8"
    "encode payloads that are no text; JSON has no place for other bytes" utf8;
    "lines/objects" Must "Connector Protocol, Protocol Format" "every line on stdout is one JSON object"
    "write logs to stderr, and take care that libraries do so, too" objects;
    "lines/known-types" Should "Connector Protocol, Responses" "every line on stdout has a `type` of the page"
    "ready, message, done, error, checkpoint, pong; processors pass over or refuse others" known_types;
    "lines/line-feeds" Should "Crossdock's profile of the protocol, Lines" "lines end in a line feed alone"
    "write `\\n`, on every system" line_feeds;
    "lines/in-pieces" Must "Connector Protocol, Protocol Format" "a command that arrives in pieces is one command"
    "read until the end of the line; a read of a pipe gives what is there" in_pieces;
    "lines/any-spelling" Must "Connector Protocol, Protocol Format" "commands are JSON, whatever the order of members, spaces and escapes"
    "use a parser of JSON" any_spelling;
    "lines/carriage-returns" Should "Crossdock's profile of the protocol, Lines" "commands that end in `\\r\\n` are read"
    "a parser of JSON takes the `\\r` for a space" carriage_returns;
    "lines/blank" Should "Crossdock's profile of the protocol, Lines" "blank lines are passed over"
    "do not answer them: processors would take that for the answer to a command" blank;
    "lines/byte-order-mark" Should "Crossdock's profile of the protocol, Lines" "a byte order mark before the first command is passed over"
    "skip U+FEFF at the beginning of the input" byte_order_mark;
    "lines/long" Should "Crossdock's profile of the protocol, Lines" "a command of more than 64 KiB is read"
    "the default scanner of Go stops at 64 KiB: give it a larger buffer" long;
    "lines/very-long" Should "Crossdock's profile of the protocol, Lines" "a command of several megabytes is read"
    "readers take 64 MiB at least" very_long;
}

async fn without(it: &Subject, flaw: Flaw, seen: &str) -> Outcome {
    let talk = it.plain().await?;
    match talk.flaws.iter().find(|(kind, _)| *kind == flaw) {
        None => Ok(()),
        Some((_, at)) => broken(seen, talk.shown_at(*at)),
    }
}

async fn utf8(it: &Subject) -> Outcome {
    without(it, Flaw::NotUtf8, "a line is no UTF-8").await
}

async fn objects(it: &Subject) -> Outcome {
    without(it, Flaw::NotAnObject, "a line is no JSON object").await
}

async fn known_types(it: &Subject) -> Outcome {
    without(it, Flaw::UnknownType, "a line has no type of the page").await
}

async fn line_feeds(it: &Subject) -> Outcome {
    without(it, Flaw::CarriageReturn, "a line ends in `\\r`").await
}

async fn in_pieces(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    talk.send(b"{\"cmd\":", "{\"cmd\": (no end of line)").await;
    if talk.unasked().await {
        return broken("half a command was answered", talk.shown());
    }
    talk.send(b"\"ping\"}\n", "\"ping\"}").await;
    let answer = talk.answer(ANSWER).await;
    talk.expect(&answer, "pong", "a `ping` in two pieces")
}

async fn any_spelling(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    let line =
        "  { \"note\" : { \"cmd\" : \"close\" } , \"type\" : \"x\" , \"cmd\" : \"p\\u0069ng\" }  ";
    let answer = talk.ask_text(line).await;
    talk.expect(&answer, "pong", "a `ping` of unusual spelling")
}

/// It takes an `init` that is written so, and goes on.
async fn takes(it: &Subject, before: &str, after: &str) -> Outcome {
    drop(it.initialised().await?);
    let mut talk = it.open().await?;
    let init = it.init(None);
    let line = format!("{before}{init}{after}\n");
    talk.send(line.as_bytes(), shown(&init)).await;
    let answer = talk.answer(ANSWER).await;
    talk.expect(&answer, "ready", "an `init` of unusual form")?;
    let ping = format!("{{\"cmd\":\"ping\"}}{after}\n");
    talk.send(ping.as_bytes(), ping.trim_end()).await;
    let answer = talk.answer(ANSWER).await;
    talk.expect(&answer, "pong", "a `ping` after that")
}

async fn carriage_returns(it: &Subject) -> Outcome {
    takes(it, "", "\r").await
}

async fn byte_order_mark(it: &Subject) -> Outcome {
    takes(it, "\u{feff}", "").await
}

async fn blank(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    talk.send(b"\n \n\r\n", "(three blank lines)").await;
    if talk.unasked().await {
        return broken("blank lines were answered", talk.shown());
    }
    talk.is_well().await
}

/// It takes a `ping` with so much beside it.
async fn takes_long(talk: &mut Talk, bytes: usize) -> Outcome {
    let command: Value = json!({"cmd": "ping", "note": "x".repeat(bytes)});
    let answer = talk.ask(&command, WRITE).await;
    talk.expect(&answer, "pong", &format!("a `ping` of {bytes} bytes"))?;
    talk.is_well().await
}

async fn long(it: &Subject) -> Outcome {
    takes_long(&mut it.initialised().await?, 100 << 10).await
}

async fn very_long(it: &Subject) -> Outcome {
    takes_long(&mut it.initialised().await?, 5 << 20).await
}
