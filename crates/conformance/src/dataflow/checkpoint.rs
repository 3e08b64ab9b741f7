//! Checkpoints: their form, and reading on from them.

use serde_json::{Value, json};

use super::read::{good, steady};
use super::subject::Subject;
use super::talk::{ANSWER, GRACE, Next, WRITE};
use super::whole::{self, LIMIT, Whole, missing};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "checkpoint/data" Must "Connector Protocol, Responses" "a checkpoint has `data`"
    "processors keep `data` as it is and hand it back" data;
    "checkpoint/text" Should "Connector Protocol, Lifecycle" "`data` of a checkpoint is a text"
    "as in the example of the page; JSON goes in with its quotes escaped" text;
    "checkpoint/resume" Should "Crossdock's profile of the protocol, A source" "from every checkpoint all messages after it are read"
    "a checkpoint covers the messages that were sent before it, and no others" resume;
    "checkpoint/heeded" Should "Crossdock's profile of the protocol, A source" "from the last checkpoint fewer messages are read than from the beginning"
    "look into `options.checkpoint` of `init`" heeded;
    "checkpoint/initial" Should "Crossdock's profile of the protocol, A source" "a checkpoint under `initialCheckpoint` is as good as one under `checkpoint`"
    "take either" initial;
    "checkpoint/as-json" Should "Crossdock's profile of the protocol, A source" "a checkpoint of JSON within a text may come back as JSON"
    "take text or JSON" as_json;
    "checkpoint/null" Should "Crossdock's profile of the protocol, A source" "a checkpoint that is null is none"
    "begin at the beginning" null;
    "checkpoint/foreign" Should "Crossdock's profile of the protocol, Errors" "a checkpoint of another connector is refused or passed over"
    "answer `init` or `connect` by an error; do not end" foreign;
    "checkpoint/killed" Should "Crossdock's profile of the protocol, A source" "nothing is lost where it is killed among its messages and goes on from its last checkpoint"
    "send a checkpoint only after the messages that it covers" killed;
}

/// From how many checkpoints, and after how many kills, is gone on where some are enough.
const FEW: usize = 6;

/// What was read, if it is the same each time and has checkpoints.
async fn marked(it: &Subject) -> Outcome<std::sync::Arc<Whole>> {
    let whole = steady(it).await?;
    match whole.checkpoints.is_empty() {
        true => skip("it sends no checkpoints"),
        false => Ok(whole),
    }
}

/// What was read, if it has checkpoints.
async fn sent(it: &Subject) -> Outcome<std::sync::Arc<Whole>> {
    let whole = good(it).await?;
    match whole.checkpoints.is_empty() {
        true => skip("it sends no checkpoints"),
        false => Ok(whole),
    }
}

/// What is read from there.
async fn from(it: &Subject, options: Value) -> Outcome<Whole> {
    let mut talk = it.open().await?;
    for command in [it.init(Some(options)), json!({"cmd": "connect"})] {
        let answer = talk.ask(&command, 2 * ANSWER).await;
        talk.expect(&answer, "ready", "going on from a checkpoint")?;
    }
    let whole = whole::read(talk).await;
    match &whole.failed {
        None => Ok(whole),
        Some(kind) => broken(
            format!("a `read` from a checkpoint was answered by {kind}"),
            whole.talk.lock().await.shown(),
        ),
    }
}

/// A checkpoint as it is handed back.
fn both(checkpoint: &Value) -> Value {
    json!({"checkpoint": checkpoint, "initialCheckpoint": checkpoint})
}

async fn data(it: &Subject) -> Outcome {
    let whole = sent(it).await?;
    match whole.checkpoints.iter().any(|(_, data)| data.is_null()) {
        false => Ok(()),
        true => broken(
            "a checkpoint has no `data`",
            whole.talk.lock().await.shown(),
        ),
    }
}

async fn text(it: &Subject) -> Outcome {
    let whole = sent(it).await?;
    match whole.checkpoints.iter().find(|(_, data)| !data.is_string()) {
        None => Ok(()),
        Some((_, data)) => broken(format!("`data` is {data}"), whole.talk.lock().await.shown()),
    }
}

/// What was read from a checkpoint has every message that the checkpoint does not cover.
async fn complete(whole: &Whole, covered: usize, resumed: &Whole) -> Outcome {
    let wanted = &whole.payloads()[covered..];
    match missing(wanted, &resumed.payloads()) {
        0 => Ok(()),
        lost => broken(
            format!(
                "from the checkpoint after {covered} messages, {lost} of {} did not come",
                wanted.len()
            ),
            resumed.talk.lock().await.shown(),
        ),
    }
}

async fn resume(it: &Subject) -> Outcome {
    let whole = marked(it).await?;
    for place in it.places.among(whole.checkpoints.len(), FEW) {
        let (covered, checkpoint) = &whole.checkpoints[place];
        let resumed = from(it, both(checkpoint)).await?;
        complete(&whole, *covered, &resumed).await?;
    }
    Ok(())
}

async fn heeded(it: &Subject) -> Outcome {
    let whole = marked(it).await?;
    let Some((_, last)) = whole.checkpoints.last() else {
        return skip("it sends no checkpoints");
    };
    if !whole.exhausted {
        return skip("its messages do not end; give a configuration that reads less");
    }
    let resumed = from(it, both(last)).await?;
    match resumed.messages.len() < whole.messages.len() {
        true => Ok(()),
        false => broken(
            "everything was read again",
            resumed.talk.lock().await.shown(),
        ),
    }
}

/// Options of another form have the effect of the usual ones.
async fn same(it: &Subject, other: impl Fn(&Value) -> Outcome<Value>) -> Outcome {
    let whole = marked(it).await?;
    let (_, middle) = &whole.checkpoints[whole.checkpoints.len() / 2];
    let options = other(middle)?;
    let usual = from(it, both(middle)).await?;
    let resumed = from(it, options).await?;
    match resumed.payloads() == usual.payloads() {
        true => Ok(()),
        false => broken(
            format!(
                "{} messages came, not {}",
                resumed.messages.len(),
                usual.messages.len()
            ),
            resumed.talk.lock().await.shown(),
        ),
    }
}

async fn initial(it: &Subject) -> Outcome {
    same(it, |checkpoint| {
        Ok(json!({"initialCheckpoint": checkpoint}))
    })
    .await
}

async fn as_json(it: &Subject) -> Outcome {
    same(it, |checkpoint| {
        let text = checkpoint.as_str().unwrap_or_default();
        match serde_json::from_str::<Value>(text) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(both(&value)),
            _ => skip("its checkpoints are no JSON within texts"),
        }
    })
    .await
}

async fn null(it: &Subject) -> Outcome {
    let whole = steady(it).await?;
    let resumed = from(it, both(&Value::Null)).await?;
    complete(&whole, 0, &resumed).await
}

async fn foreign(it: &Subject) -> Outcome {
    drop(it.connected().await?);
    let mut talk = it.open().await?;
    let strange = both(&json!("{\"conformance\":[\"no checkpoint of yours\"]}"));
    let commands = [
        it.init(Some(strange)),
        json!({"cmd": "connect"}),
        json!({"cmd": "read", "limit": 1}),
    ];
    for command in commands {
        let answer = talk.ask(&command, WRITE).await;
        if answer.is("error") {
            break;
        }
        if answer.last.is_none() {
            let seen = format!("with a strange checkpoint there is {}", answer.kind());
            return broken(seen, talk.shown());
        }
    }
    talk.is_well().await
}

async fn killed(it: &Subject) -> Outcome {
    let whole = steady(it).await?;
    let all = whole.payloads();
    for place in it.places.among(all.len(), FEW) {
        let after = place + 1;
        let mut came = Whole::new(it.connected().await?);
        while came.messages.len() < after && one_read(&mut came, after).await {}
        let first = came.payloads();
        let options = match came.checkpoints.last() {
            Some((_, checkpoint)) => both(checkpoint),
            None => json!({}),
        };
        let resumed = from(it, options).await?;
        let mut together = resumed.payloads();
        together.extend(first);
        let lost = missing(&all, &together);
        if lost > 0 {
            return broken(
                format!("after a kill at message {after}, {lost} messages never came"),
                resumed.talk.lock().await.shown(),
            );
        }
    }
    Ok(())
}

/// Reads on until so many messages are there, then kills it. Whether another read may bring more.
async fn one_read(came: &mut Whole, after: usize) -> bool {
    came.talk
        .get_mut()
        .tell(&json!({"cmd": "read", "limit": LIMIT}))
        .await;
    loop {
        let Next::Message(line) = came.talk.get_mut().next(WRITE).await else {
            return false;
        };
        came.take(&line);
        if came.messages.len() >= after {
            let talk = came.talk.get_mut();
            talk.kill();
            // What it had written before is lost with it.
            talk.ended_within(GRACE).await;
            return false;
        }
        match line["type"].as_str() {
            Some("done") => return true,
            Some("error") => return false,
            _ => {}
        }
    }
}
