//! `write`: what it answers, in which order, and after what.

use serde_json::{Value, json};

use super::subject::{Subject, message, row, write};
use super::talk::{GRACE, Talk, WRITE};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "write/done" Must "Connector Protocol, Lifecycle" "a `write` of a message as on the page is answered by `done`"
    "say `done` once the messages are durable" done;
    "write/empty" Should "Crossdock's profile of the protocol, A sink" "a `write` without messages is answered by `done`"
    "there is nothing to do, so say `done`" empty;
    "write/many" Must "Connector Protocol, Lifecycle" "a `write` of 1000 messages is answered by one `done`"
    "one answer for the whole `write`, not one for each message" many;
    "write/sequence" Must "Connector Protocol, Lifecycle" "one `write` after the other is answered by one `done` each"
    "one command, one answer" sequence;
    "write/same-twice" Should "Crossdock's profile of the protocol, A sink" "the same messages may be written twice"
    "write by key, or append; after a crash processors send again what was not confirmed" same_twice;
    "write/killed" Should "Crossdock's profile of the protocol, A sink" "after a kill within a `write` the same messages are taken by the next process"
    "leave nothing behind that a new process stumbles over, such as a lock" killed;
    "write/no-messages" Should "Crossdock's profile of the protocol, Errors" "a `write` without `messages` is refused, and the process goes on"
    "answer by an error with the code `invalid_command`" no_messages;
    "write/no-list" Should "Crossdock's profile of the protocol, Errors" "a `write` whose `messages` are no list is refused, and the process goes on"
    "answer by an error with the code `invalid_command`" no_list;
    "write/no-message" Should "Crossdock's profile of the protocol, Errors" "a `write` of something that is no message is refused, and the process goes on"
    "answer by an error" no_message;
    "write/after-error" Should "Crossdock's profile of the protocol, A sink" "after a `write` that was refused the next one is carried out"
    "forget the messages that were refused" after_error;
    "write/failed" Should "Crossdock's profile of the protocol, A sink" "`failed` in an error, where there is one, has places of messages of that `write`"
    "count from 0, in the order of `messages`" failed;
    "write/unknown-members" Should "Crossdock's profile of the protocol, Lines" "members of `write` and of messages that are not known are passed over"
    "do not refuse what a newer processor says" unknown_members;
    "close/after-writes" Must "Connector Protocol, Lifecycle" "`close` after several writes is answered by `done`"
    "everything is durable already; release what is open" close_after_writes;
}

/// Writes these messages, which are taken, and goes on.
pub(super) async fn takes(talk: &mut Talk, messages: &[Value], what: &str) -> Outcome {
    let answer = talk.ask(&write(messages), WRITE).await;
    talk.expect(&answer, "done", what)?;
    if !answer.before.is_empty() {
        return broken(format!("{what} had more than one answer"), talk.shown());
    }
    talk.is_well().await
}

/// A process that takes messages as on the page; skipped if there is none.
pub(super) async fn working(it: &Subject) -> Outcome<Talk> {
    let mut talk = it.connected().await?;
    let answer = it.works(&mut talk).await;
    match answer.is("done") {
        true => Ok(talk),
        false => skip(format!("a `write` is answered by {}", answer.kind())),
    }
}

async fn done(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    takes(&mut talk, &[row(1)], "a `write`").await
}

async fn empty(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    takes(&mut talk, &[], "a `write` without messages").await
}

async fn many(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    let messages: Vec<Value> = (0..1000).map(row).collect();
    takes(&mut talk, &messages, "a `write` of 1000 messages").await
}

async fn sequence(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    for number in 0..20 {
        let messages = [row(2 * number), row(2 * number + 1)];
        takes(&mut talk, &messages, "one `write` of many").await?;
    }
    Ok(())
}

async fn same_twice(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    for what in ["a `write`", "the same `write` again"] {
        takes(&mut talk, &[row(7), row(8)], what).await?;
    }
    Ok(())
}

async fn killed(it: &Subject) -> Outcome {
    let messages: Vec<Value> = (0..200).map(row).collect();
    let command = write(&messages).to_string();
    // In the middle of the line, and while the messages are written.
    for bytes in [command.len() / 2, command.len()] {
        let mut talk = working(it).await?;
        let mut sent = command.as_bytes()[..bytes].to_vec();
        if bytes == command.len() {
            sent.push(b'\n');
        }
        talk.send(
            &sent,
            format!("{bytes} of {} bytes of a `write`", command.len()),
        )
        .await;
        talk.kill();
        talk.ended_within(GRACE).await;
        let mut next = it.connected().await?;
        takes(
            &mut next,
            &messages,
            "the `write` of a process that was killed",
        )
        .await?;
    }
    Ok(())
}

async fn no_messages(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    talk.refuses("{\"cmd\":\"write\"}", "a `write` without `messages`")
        .await
}

async fn no_list(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    let line = "{\"cmd\":\"write\",\"messages\":{\"data\":\"{}\"}}";
    talk.refuses(line, "a `write` whose `messages` are an object")
        .await
}

async fn no_message(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    let line = "{\"cmd\":\"write\",\"messages\":[7]}";
    talk.refuses(line, "a `write` of a number").await
}

async fn after_error(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    let answer = talk
        .ask(&write(&[row(3), json!("no message")]), WRITE)
        .await;
    if !answer.is("error") {
        return skip(format!(
            "a message that is a text is answered by {}",
            answer.kind()
        ));
    }
    takes(&mut talk, &[row(3)], "a `write` after one that was refused").await
}

async fn failed(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    let messages = [
        row(1),
        json!({"data": 7, "metadata": 7}),
        json!("no message"),
    ];
    let answer = talk.ask(&write(&messages), WRITE).await;
    let error = answer.last.as_ref().filter(|_| answer.is("error"));
    let Some(failed) = error.and_then(|error| error.get("failed")) else {
        return skip("no error says which messages failed");
    };
    let place = |at: &Value| at.as_u64().is_some_and(|at| at < messages.len() as u64);
    let places = failed.as_array();
    match places.is_some_and(|places| !places.is_empty() && places.iter().all(place)) {
        true => Ok(()),
        false => broken(format!("`failed` is {failed}"), talk.shown()),
    }
}

async fn unknown_members(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    let mut message = message("{\"id\":1}");
    message["conformance"] = json!({"data": "{}"});
    let mut command = write(&[message]);
    command["conformance"] = json!([1]);
    let answer = talk.ask(&command, WRITE).await;
    talk.expect(&answer, "done", "a `write` with other members")?;
    talk.is_well().await
}

async fn close_after_writes(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    for number in 0..3 {
        talk.ask(&write(&[row(number)]), WRITE).await;
    }
    let answer = talk.ask(&json!({"cmd": "close"}), WRITE).await;
    talk.expect(&answer, "done", "`close`")
}
