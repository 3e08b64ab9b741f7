//! `init` and `connect`.

use serde_json::{Value, json};

use super::subject::Subject;
use super::talk::{ANSWER, Talk};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "init/ready" Must "Connector Protocol, Lifecycle" "`init` is answered by `ready`"
    "take the configuration, and leave opening connections to `connect`" ready;
    "connect/ready" Must "Connector Protocol, Lifecycle" "`connect` is answered by `ready` where the configuration works"
    "open connections, then say `ready`; an `error` says what is wrong" connects;
    "lines/unasked" Must "Connector Protocol, Responses" "nothing is said before the first command, and nothing between commands"
    "write logs to stderr; an answer needs a command" unasked;
    "init/unknown-members" Should "Crossdock's profile of the protocol, Lines" "members of `init` and of `options` that are not known are passed over"
    "do not refuse what a newer processor says" unknown_members;
    "init/without-options" Should "Crossdock's profile of the protocol, Life" "`init` may come without `options`"
    "the example of a sink on the page has none" without_options;
    "init/twice" Should "Crossdock's profile of the protocol, Life" "a second `init` is an error, and the process goes on"
    "answer by an error; another configuration means another process" twice;
    "connect/twice" Should "Crossdock's profile of the protocol, Life" "a second `connect` is an error, and the process goes on"
    "answer by an error and keep the connection" connect_twice;
    "init/no-role" Should "Crossdock's profile of the protocol, Errors" "a `role` that is neither source nor sink is refused, and the process goes on"
    "answer by an error with the code `unsupported_role`" no_role;
    "init/another-type" Should "Crossdock's profile of the protocol, Lines" "an `init` with the type of another connector is answered, and the process goes on"
    "answer by `ready` or by an error; do not end" another_type;
    "init/bad-config" Should "Crossdock's profile of the protocol, Errors" "a configuration that is no object is refused, by `init` or by `connect`, and the process goes on"
    "answer by an error with the code `invalid_config`" bad_config;
    "init/announces" Should "Crossdock's profile of the protocol, Life" "`features` in `ready` is a list of words, and `maxLineBytes` a whole number above 0"
    "leave out what you do not announce" announces;
}

async fn ready(it: &Subject) -> Outcome {
    let mut talk = it.open().await?;
    let answer = talk.ask(&it.init(None), ANSWER).await;
    it.needs_config(&answer)?;
    talk.expect(&answer, "ready", "`init`")?;
    if !answer.before.is_empty() {
        return broken("more than one line was said", talk.shown());
    }
    talk.is_well().await
}

async fn connects(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    let answer = talk.ask(&json!({"cmd": "connect"}), 2 * ANSWER).await;
    it.needs_config(&answer)?;
    talk.expect(&answer, "ready", "`connect`")?;
    talk.is_well().await
}

async fn unasked(it: &Subject) -> Outcome {
    let mut new = it.open().await?;
    if new.unasked().await {
        return broken("something was said before the first command", new.shown());
    }
    let mut talk = it.connected().await?;
    if talk.unasked().await {
        return broken("something was said between commands", talk.shown());
    }
    Ok(())
}

/// It takes this `init`, and goes on.
async fn takes(it: &Subject, init: &Value) -> Outcome {
    // Whether it takes the usual one, or there is nothing to see here.
    drop(it.initialised().await?);
    let mut talk = it.open().await?;
    let answer = talk.ask(init, ANSWER).await;
    talk.expect(&answer, "ready", "`init`")?;
    talk.is_well().await
}

async fn unknown_members(it: &Subject) -> Outcome {
    let mut init = it.init(Some(json!({"conformanceOption": {"a": [1, null]}})));
    init["conformance"] = json!([{"cmd": "close"}]);
    takes(it, &init).await
}

async fn without_options(it: &Subject) -> Outcome {
    let mut init = it.init(None);
    if let Some(members) = init.as_object_mut() {
        members.remove("options");
    }
    takes(it, &init).await
}

async fn refused(talk: &mut Talk, command: &Value, what: &str) -> Outcome {
    let answer = talk.ask(command, 2 * ANSWER).await;
    talk.expect(&answer, "error", what)?;
    talk.is_well().await
}

async fn twice(it: &Subject) -> Outcome {
    let mut talk = it.initialised().await?;
    refused(&mut talk, &it.init(None), "a second `init`").await
}

async fn connect_twice(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    refused(&mut talk, &json!({"cmd": "connect"}), "a second `connect`").await
}

async fn no_role(it: &Subject) -> Outcome {
    let mut init = it.init(None);
    init["role"] = json!("neither");
    let mut talk = it.open().await?;
    refused(&mut talk, &init, "an `init` with the role `neither`").await
}

async fn another_type(it: &Subject) -> Outcome {
    let mut init = it.init(None);
    init["type"] = json!("conformance-no-such-type");
    let mut talk = it.open().await?;
    let answer = talk.ask(&init, ANSWER).await;
    if !answer.is("ready") {
        talk.expect(&answer, "error", "`init` with another type")?;
    }
    talk.is_well().await
}

async fn bad_config(it: &Subject) -> Outcome {
    let mut talk = it.open().await?;
    let mut init = it.init(None);
    init["config"] = json!("no object");
    let mut answer = talk.ask(&init, ANSWER).await;
    if answer.is("ready") {
        answer = talk.ask(&json!({"cmd": "connect"}), 2 * ANSWER).await;
    }
    talk.expect(&answer, "error", "a configuration that is a text")?;
    talk.is_well().await
}

async fn announces(it: &Subject) -> Outcome {
    let mut talk = it.open().await?;
    let answer = talk.ask(&it.init(None), ANSWER).await;
    let Some(ready) = answer.last.as_ref().filter(|_| answer.is("ready")) else {
        return skip("`init` is not answered by `ready`");
    };
    let words = |features: &Value| {
        let features = features.as_array();
        features.is_some_and(|features| features.iter().all(Value::is_string))
    };
    if ready
        .get("features")
        .is_some_and(|features| !words(features))
    {
        return broken("`features` is no list of words", talk.shown());
    }
    let longest = ready.get("maxLineBytes");
    if longest.is_some_and(|longest| longest.as_u64().is_none_or(|longest| longest == 0)) {
        return broken("`maxLineBytes` is no whole number above 0", talk.shown());
    }
    Ok(())
}
