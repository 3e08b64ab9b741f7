//! `read`: what it answers, and that nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::subject::Subject;
use super::talk::{ANSWER, WRITE};
use super::whole::{LIMIT, Whole, missing, read_by};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "read/done" Must "Connector Protocol, Lifecycle" "a `read` is answered by messages and then `done`"
    "say `done` after the last message, also where there was none" done;
    "read/one-answer" Must "Connector Protocol, Lifecycle" "after the `done` of a read nothing comes but checkpoints"
    "messages come before `done`; the next ones wait for the next `read`" one_answer;
    "read/without-limit" Must "Connector Protocol, Commands" "a `read` without a limit is answered, too"
    "choose a number of messages, e.g. 1000" without_limit;
    "read/limit" Should "Crossdock's profile of the protocol, A source" "`limit` is the most messages that a read has"
    "the next `read` takes the rest" limit;
    "read/limit-one" Should "Crossdock's profile of the protocol, A source" "a `limit` of 1 is kept"
    "keep what was read ahead for the next `read`" limit_one;
    "read/limit-loses-nothing" Must "Connector Protocol, Lifecycle" "reads one by one have the messages that larger reads have"
    "keep what a limit cut off for the next `read`" limit_loses_nothing;
    "read/bad-limit" Should "Crossdock's profile of the protocol, Errors" "a `limit` that is no number above 0 is refused by one error without `done`, and the process goes on"
    "answer by an error; an error ends the read" bad_limit;
    "read/unknown-members" Should "Crossdock's profile of the protocol, Lines" "members of `read` that are not known are passed over"
    "do not refuse what a newer processor says" unknown_members;
    "read/empty-in-time" Should "Crossdock's profile of the protocol, A source" "a read of which nothing comes ends within 5 s"
    "say `done` and let the processor ask again; it cannot close while it waits" empty_in_time;
    "read/more" Should "Crossdock's profile of the protocol, A source" "`more` in `done`, where there is one, is true or false"
    "leave it out where you do not know" more;
    "read/end-is-the-end" Should "Crossdock's profile of the protocol, A source" "after `\"more\": false` no message comes"
    "say it only where nothing can come any more" end_is_the_end;
    "read/slow-reader" Must "Connector Protocol, Lifecycle" "nothing is lost where stdout is read slowly"
    "write to stdout as to a pipe: wait until it takes more" slow_reader;
    "read/acknowledged" Should "Crossdock's profile of the protocol, A source" "a source that says `ack` in its features takes `ack` without an answer"
    "count it, and go on" acknowledged;
}

/// What was read, if it could be.
pub(super) async fn good(it: &Subject) -> Outcome<Arc<Whole>> {
    let whole = it.whole().await?;
    match &whole.failed {
        Some(kind) => skip(format!("a `read` is answered by {kind}")),
        None if whole.messages.is_empty() => skip("no message came"),
        None => Ok(whole),
    }
}

/// What was read, if it is the same each time.
pub(super) async fn steady(it: &Subject) -> Outcome<Arc<Whole>> {
    let whole = good(it).await?;
    let again = super::whole::read(it.connected().await?).await;
    let same = missing(&whole.payloads(), &again.payloads()) == 0;
    match same && whole.messages.len() == again.messages.len() {
        true => Ok(whole),
        false => skip(
            "two reads from the beginning have different messages; give a configuration whose data stay the same",
        ),
    }
}

async fn done(it: &Subject) -> Outcome {
    let whole = it.whole().await?;
    match &whole.failed {
        None => Ok(()),
        Some(kind) => {
            let talk = whole.talk.lock().await;
            broken(
                format!("a `read` was answered by {kind}, not by `done`"),
                talk.shown(),
            )
        }
    }
}

async fn one_answer(it: &Subject) -> Outcome {
    let whole = good(it).await?;
    match whole.late {
        false => Ok(()),
        true => broken(
            "something came after `done`",
            whole.talk.lock().await.shown(),
        ),
    }
}

async fn without_limit(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    let answer = talk.ask(&json!({"cmd": "read"}), WRITE).await;
    talk.expect(&answer, "done", "a `read` without a limit")
}

async fn limit(it: &Subject) -> Outcome {
    let whole = good(it).await?;
    match whole.counts.iter().find(|count| **count > LIMIT) {
        None => Ok(()),
        Some(count) => broken(
            format!("a read with `limit` {LIMIT} had {count} messages"),
            whole.talk.lock().await.shown(),
        ),
    }
}

async fn limit_one(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    for _ in 0..3 {
        let answer = talk.ask(&json!({"cmd": "read", "limit": 1}), WRITE).await;
        let count = answer.of("message").count();
        if count > 1 {
            return broken(
                format!("a read with `limit` 1 had {count} messages"),
                talk.shown(),
            );
        }
    }
    Ok(())
}

async fn limit_loses_nothing(it: &Subject) -> Outcome {
    let whole = steady(it).await?;
    let first: Vec<String> = whole.payloads().into_iter().take(2 * LIMIT).collect();
    let mut talk = it.connected().await?;
    let mut one_by_one = Vec::new();
    // Some reads may be empty.
    for _ in 0..4 * LIMIT {
        if one_by_one.len() >= first.len() {
            break;
        }
        let answer = talk.ask(&json!({"cmd": "read", "limit": 1}), WRITE).await;
        one_by_one.extend(
            answer
                .of("message")
                .map(|message| message["data"].to_string()),
        );
        if !answer.is("done") {
            break;
        }
    }
    match missing(&first, &one_by_one) {
        0 => Ok(()),
        lost => broken(
            format!("of the first {} messages {lost} did not come", first.len()),
            talk.shown(),
        ),
    }
}

async fn bad_limit(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    for limit in ["0", "-1", "\"many\""] {
        let line = format!("{{\"cmd\":\"read\",\"limit\":{limit}}}");
        talk.refuses(&line, &format!("a `limit` of {limit}"))
            .await?;
    }
    Ok(())
}

async fn unknown_members(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    let command = json!({"cmd": "read", "limit": 1, "conformance": {"messages": []}});
    let answer = talk.ask(&command, WRITE).await;
    talk.expect(&answer, "done", "a `read` with another member")
}

async fn empty_in_time(it: &Subject) -> Outcome {
    let whole = good(it).await?;
    if !whole.exhausted {
        return skip("its messages do not end; give a configuration that reads less");
    }
    let mut talk = whole.talk.lock().await;
    // A little more, for the way.
    let answer = talk
        .ask(&json!({"cmd": "read"}), Duration::from_secs(6))
        .await;
    match answer.last {
        Some(_) => Ok(()),
        None => broken(
            format!("after 6 s there is {}", answer.kind()),
            talk.shown(),
        ),
    }
}

async fn more(it: &Subject) -> Outcome {
    let whole = good(it).await?;
    let odd = |done: &&Value| done.get("more").is_some_and(|more| !more.is_boolean());
    match whole.ends.iter().find(odd) {
        None => Ok(()),
        Some(done) => broken(
            format!("`more` is {}", done["more"]),
            whole.talk.lock().await.shown(),
        ),
    }
}

async fn end_is_the_end(it: &Subject) -> Outcome {
    let whole = good(it).await?;
    if whole.ends.last().is_none_or(|done| done["more"] != false) {
        return skip("it never says `\"more\": false`");
    }
    let mut talk = whole.talk.lock().await;
    let answer = talk
        .ask(&json!({"cmd": "read", "limit": LIMIT}), ANSWER)
        .await;
    match answer.of("message").count() {
        0 => Ok(()),
        count => broken(format!("{count} messages came"), talk.shown()),
    }
}

async fn slow_reader(it: &Subject) -> Outcome {
    let whole = steady(it).await?;
    let mut talk = it.connected().await?;
    talk.tell(&json!({"cmd": "read"})).await;
    talk.pause(Duration::from_secs(2)).await;
    let answer = talk.answer(WRITE).await;
    talk.expect(&answer, "done", "a `read` that was listened to late")?;
    let after = talk.ping().await;
    let mut slow = Whole::new(talk);
    slow.add(&answer, &after);
    let more = read_by(slow.talk.into_inner(), None).await;
    let mut came: Vec<String> = slow
        .messages
        .iter()
        .map(|m| m["data"].to_string())
        .collect();
    came.extend(more.payloads());
    match missing(&whole.payloads(), &came) {
        0 => Ok(()),
        lost => broken(
            format!("{lost} messages did not come"),
            more.talk.lock().await.shown(),
        ),
    }
}

async fn acknowledged(it: &Subject) -> Outcome {
    let mut talk = it.open().await?;
    let ready = talk.ask(&it.init(None), ANSWER).await;
    let features = ready
        .last
        .as_ref()
        .and_then(|ready| ready["features"].as_array());
    if !features.is_some_and(|features| features.contains(&json!("ack"))) {
        return skip("it does not say `ack` in its features");
    }
    talk.ask(&json!({"cmd": "connect"}), 2 * ANSWER).await;
    let answer = it.works(&mut talk).await;
    let count = answer.of("message").count();
    talk.tell(&json!({"cmd": "ack", "count": count})).await;
    talk.is_well().await?;
    let answer = it.works(&mut talk).await;
    talk.expect(&answer, "done", "a `read` after `ack`")
}
