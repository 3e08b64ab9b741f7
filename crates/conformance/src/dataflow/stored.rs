//! What stands in the system behind a sink, as a source of that system reads it.

use serde_json::{Value, json};

use super::subject::{Subject, message, write};
use super::talk::{ANSWER, GRACE, Talk, WRITE};
use super::write::working;
use crate::rule::checks;
use crate::store::{STORED, fragile};
use crate::{Outcome, broken};

checks! { Subject;
    "stored/closed" Must "Connector Protocol, Lifecycle" "every message of a `write` that was answered by `done` is stored after `close`"
    "write before you say `done`" closed;
    "stored/done" Should "Crossdock's profile of the protocol, A sink" "every message of a `write` is stored when it is answered by `done`, although the process is killed then"
    "say `done` once the messages are durable, not when they come" done;
    "stored/many" Must "Connector Protocol, Lifecycle" "all of 1000 messages of one `write` are stored after `close`"
    "write all of them, or answer by an error" many;
    "stored/text" Should "Crossdock's profile of the protocol, A sink" "a text of many scripts, with quotes and line ends, comes back as it was"
    "treat texts as UTF-8; escape, do not replace" text;
}

fn messages(marks: &[String]) -> Vec<Value> {
    let each = marks.iter().enumerate();
    let data = each.map(|(id, mark)| json!({"id": id + 1, "name": mark}).to_string());
    let of = |data: String| {
        let mut message = message(&data);
        message["metadata"]["table"] = json!(STORED);
        message
    };
    data.map(of).collect()
}

/// A process that has written what has these marks, and said `done`.
async fn written(it: &Subject, marks: &[String]) -> Outcome<Talk> {
    let mut talk = working(it).await?;
    let answer = talk.ask(&write(&messages(marks)), WRITE).await;
    talk.expect(&answer, "done", "a `write`")?;
    Ok(talk)
}

async fn close(talk: &mut Talk) {
    talk.ask(&json!({"cmd": "close"}), ANSWER).await;
    talk.close_input();
    talk.ended().await;
}

async fn are_there(it: &Subject, marks: &[String], talk: &Talk) -> Outcome {
    match it.store.stored(talk.shown()).await?.missing(marks) {
        None => Ok(()),
        Some(mark) => broken(
            format!("the message with `{mark}` is not stored"),
            talk.shown(),
        ),
    }
}

async fn stored(it: &Subject, count: usize) -> Outcome {
    let marks = it.store.marks(count)?;
    let mut talk = written(it, &marks).await?;
    close(&mut talk).await;
    are_there(it, &marks, &talk).await
}

async fn closed(it: &Subject) -> Outcome {
    stored(it, 3).await
}

async fn many(it: &Subject) -> Outcome {
    stored(it, 1000).await
}

async fn done(it: &Subject) -> Outcome {
    for count in 1..=3 {
        let marks = it.store.marks(count)?;
        let mut talk = written(it, &marks).await?;
        talk.kill();
        talk.ended_within(GRACE).await;
        are_there(it, &marks, &talk).await?;
    }
    Ok(())
}

async fn text(it: &Subject) -> Outcome {
    let marks = it.store.marks(1)?;
    let text = fragile(&marks[0]);
    let mut talk = written(it, std::slice::from_ref(&text)).await?;
    close(&mut talk).await;
    are_there(it, &marks, &talk).await?;
    match it.store.stored(talk.shown()).await?.has(&text) {
        true => Ok(()),
        false => broken("the text is stored as another one", talk.shown()),
    }
}
