//! How it ends: by `close`, by the end of stdin, by SIGTERM.

use serde_json::json;

use super::subject::Subject;
use super::talk::{ANSWER, Talk};
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "close/done" Must "Connector Protocol, Lifecycle" "`close` is answered by `done` once it is connected"
    "release everything, say `done`, and end" close_connected;
    "close/after-work" Must "Connector Protocol, Lifecycle" "`close` after a read or a write is answered by `done`, and the process ends with status 0"
    "another status is taken for a crash" close_after_work;
    "close/new" Should "Crossdock's profile of the protocol, Life" "`close` as the first command is answered by `done`, and the process ends with status 0"
    "there is nothing to release, so say `done`" close_new;
    "close/initialised" Should "Crossdock's profile of the protocol, Life" "`close` before `connect` is answered by `done`, and the process ends with status 0"
    "there is nothing to release, so say `done`" close_initialised;
    "close/twice" Should "Crossdock's profile of the protocol, Life" "a second `close` is answered by `done`, unless the process has ended"
    "closing what is closed is no error" close_twice;
    "close/final" Should "Crossdock's profile of the protocol, Life" "after `close` a `connect` is refused, unless the process has ended"
    "nothing comes after `close`; another run means another process" close_final;
    "exit/after-close" Should "Crossdock's profile of the protocol, Life" "after `close` the process ends by itself, with status 0"
    "do not wait for the end of stdin" after_close;
    "exit/input-ends-new" Should "Crossdock's profile of the protocol, Life" "the end of stdin before any command ends the process, with status 0"
    "take it for `close`" input_ends_new;
    "exit/input-ends" Should "Crossdock's profile of the protocol, Life" "the end of stdin ends a process that is connected, with status 0"
    "take it for `close`" input_ends;
    "exit/terminated" Should "Crossdock's profile of the protocol, Life" "SIGTERM ends the process within 10 s"
    "whoever is deaf to it is killed" terminated;
    "exit/terminated-status" Should "Crossdock's profile of the protocol, Life" "after SIGTERM the process ends with status 0"
    "handle the signal: end what is open, then exit with 0" terminated_status;
}

async fn close(talk: &mut Talk) -> Outcome {
    let answer = talk.ask(&json!({"cmd": "close"}), ANSWER).await;
    talk.expect(&answer, "done", "`close`")
}

/// Closes, ends its stdin, and waits for its end.
async fn closes_well(mut talk: Talk) -> Outcome {
    close(&mut talk).await?;
    talk.close_input();
    talk.ends_well().await
}

async fn close_connected(it: &Subject) -> Outcome {
    close(&mut it.connected().await?).await
}

async fn close_after_work(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    it.works(&mut talk).await;
    closes_well(talk).await
}

async fn close_new(it: &Subject) -> Outcome {
    closes_well(it.open().await?).await
}

async fn close_initialised(it: &Subject) -> Outcome {
    closes_well(it.initialised().await?).await
}

/// Says something after `close`: the answer, or the end of the process, which has to be a good one.
async fn after_farewell(it: &Subject, command: &str, answered: &str) -> Outcome {
    let mut talk = it.connected().await?;
    close(&mut talk).await?;
    let answer = talk.ask(&json!({"cmd": command}), ANSWER).await;
    match answer.last {
        Some(_) => talk.expect(&answer, answered, &format!("`{command}` after `close`")),
        None => talk.ends_well().await,
    }
}

async fn close_twice(it: &Subject) -> Outcome {
    after_farewell(it, "close", "done").await
}

async fn close_final(it: &Subject) -> Outcome {
    after_farewell(it, "connect", "error").await
}

async fn after_close(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    close(&mut talk).await?;
    talk.ends_well().await
}

async fn input_ends_new(it: &Subject) -> Outcome {
    let mut talk = it.open().await?;
    talk.close_input();
    talk.ends_well().await
}

async fn input_ends(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    it.works(&mut talk).await;
    talk.close_input();
    talk.ends_well().await
}

async fn terminated(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    talk.terminate();
    match talk.ended().await {
        Some(_) => Ok(()),
        None => broken("it did not end within 10 s", talk.shown()),
    }
}

async fn terminated_status(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    talk.terminate();
    talk.ends_well().await
}
