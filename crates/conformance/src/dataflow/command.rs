//! Commands that cannot be carried out: each is answered by one error, and the process goes on.

use serde_json::{Value, json};

use super::subject::{Subject, row, write};
use super::talk::ANSWER;
use crate::Role;
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "errors/message" Must "Connector Protocol, Responses" "an error has a `message`"
    "say in a sentence what is wrong; it is what users see" message;
    "errors/code" Should "Crossdock's profile of the protocol, Errors" "the `code` of an error, where there is one, is a word or a number"
    "processors tell by it whether to try again" code;
    "commands/unknown" Should "Crossdock's profile of the protocol, Lines" "a command that is not known is answered by an error, and the process goes on"
    "answer by an error with the code `unknown_command`" unknown;
    "commands/malformed" Should "Crossdock's profile of the protocol, Errors" "a line that is no JSON is answered by an error, and the process goes on"
    "answer by an error with the code `invalid_command`" malformed;
    "commands/no-cmd" Should "Crossdock's profile of the protocol, Errors" "an object without `cmd` is answered by an error, and the process goes on"
    "answer by an error with the code `invalid_command`; `type` alone makes no command" no_cmd;
    "commands/no-object" Should "Crossdock's profile of the protocol, Errors" "JSON that is no object is answered by an error, and the process goes on"
    "answer by an error with the code `invalid_command`" no_object;
    "connect/before-init" Should "Crossdock's profile of the protocol, Errors" "`connect` before `init` is answered by an error, and the process goes on"
    "answer by an error with the code `not_connected`" connect_before_init;
    "connect/needed" Should "Crossdock's profile of the protocol, Errors" "`read` or `write` before `connect` is answered by an error, and the process goes on"
    "answer by an error with the code `not_connected`" connect_needed;
    "commands/other-role" Should "Crossdock's profile of the protocol, Errors" "a source refuses `write` and a sink refuses `read`, and the process goes on"
    "answer by an error with the code `unsupported_role`" other_role;
    "commands/work-after-error" Should "Crossdock's profile of the protocol, Errors" "a command that was refused leaves the connection as it was"
    "do not give the connection up over a wrong command" work_after_error;
}

/// The error by which it answers an unknown command.
async fn error(it: &Subject) -> Outcome<(Value, Vec<crate::Line>)> {
    let mut talk = it.initialised().await?;
    let answer = talk.ask(&json!({"cmd": "no-such-command"}), ANSWER).await;
    match answer.last.as_ref().filter(|_| answer.is("error")) {
        Some(error) => Ok((error.clone(), talk.shown())),
        None => crate::skip("it answers no command by an error that can be looked at"),
    }
}

async fn message(it: &Subject) -> Outcome {
    let (error, shown) = error(it).await?;
    match error["message"].as_str() {
        Some(message) if !message.trim().is_empty() => Ok(()),
        Some(_) => broken("the message is empty", shown),
        None => broken("there is no message", shown),
    }
}

async fn code(it: &Subject) -> Outcome {
    let (error, shown) = error(it).await?;
    match error.get("code") {
        None | Some(Value::Null | Value::Number(_)) => Ok(()),
        Some(Value::String(code)) if !code.is_empty() => Ok(()),
        Some(code) => broken(format!("the code is {code}"), shown),
    }
}

async fn unknown(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    let line = "{\"cmd\":\"no-such-command\"}";
    talk.refuses(line, "a command that is not known").await
}

async fn malformed(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    talk.refuses("{\"cmd\":\"pi", "a line that is no JSON")
        .await
}

async fn no_cmd(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    talk.refuses("{\"type\":\"ping\"}", "an object without `cmd`")
        .await
}

async fn no_object(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    talk.refuses("[\"ping\"]", "a list").await
}

async fn connect_before_init(it: &Subject) -> Outcome {
    let mut talk = it.open().await?;
    talk.refuses("{\"cmd\":\"connect\"}", "`connect` before `init`")
        .await
}

async fn connect_needed(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    let what = "a command that needs a connection";
    talk.refuses(&it.work().to_string(), what).await
}

async fn other_role(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    let (command, what) = match it.role {
        Role::Source => (write(&[row(1)]), "`write` to a source"),
        Role::Destination => (json!({"cmd": "read", "limit": 1}), "`read` from a sink"),
    };
    talk.refuses(&command.to_string(), what).await
}

async fn work_after_error(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    talk.ask(&json!({"cmd": "no-such-command"}), ANSWER).await;
    let answer = it.works(&mut talk).await;
    talk.expect(&answer, "done", "a command after one that was refused")
}
