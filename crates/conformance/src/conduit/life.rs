//! Lifecycle calls, and Teardown from wherever.

use std::sync::Arc;

use bytes::Bytes;

use super::exchange::Exchange;
use super::peer::{Answer, Question};
use super::sample::{Sample, writing};
use super::script::{Acks, Script, Step};
use super::subject::Subject;
use crate::Role;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "lifecycle/created" Must "conduit-connector-protocol, LifecycleOnCreated" "LifecycleOnCreated is answered after Configure, or is not implemented"
    "do nothing and return if there is nothing to do" created;
    "lifecycle/updated" Must "conduit-connector-protocol, LifecycleOnUpdated" "LifecycleOnUpdated is answered after Configure, or is not implemented"
    "do nothing and return if there is nothing to do" updated;
    "lifecycle/deleted" Must "conduit-connector-protocol, LifecycleOnDeleted" "LifecycleOnDeleted is answered in a fresh process without Configure, or is not implemented"
    "take the configuration from the request: it is the only call that comes" deleted;
    "open/answers" Must "conduit-connector-protocol, Open" "Open is answered"
    "connect here; an error keeps the pipeline from starting" open;
    "open/answers-1" Must "conduit-connector-protocol, connector.v1 Start" "Start, the Open of version 1, is answered"
    "serve it as Open" open_1;
    "teardown/fresh" Must "conduit, connector lifecycle" "Teardown is answered in a fresh process"
    "clean up what is there: fields may not be set yet" fresh;
    "teardown/configured" Must "conduit, connector lifecycle" "Teardown is answered after Configure alone"
    "Conduit does this whenever it checks a configuration" configured;
    "teardown/opened" Must "conduit, connector lifecycle" "Teardown is answered after Open, without Run"
    "close what Open opened" opened;
    "teardown/running" Must "conduit, funnel (architecture v2)" "Teardown is answered, with an error at most, while Run is open and Stop was never asked"
    "end Run in Teardown: the new architecture never sends Stop; the Go SDK gives up after a minute, with an error" running;
    "teardown/after-all" Must "conduit, connector lifecycle" "Teardown is answered after Stop and the end of Run"
    "close what Open opened" after_all;
    "teardown/exit" Should "go-plugin, Client.Kill" "after a whole life the process ends with exit code 0"
    "end tasks that still hold the process" exit;
    "run/cancelled" Must "conduit, stream cancel" "after Run was cancelled without Stop, Teardown is answered"
    "a cancelled stream is how Conduit ends every Run: it is no error" cancelled;
}

/// A whole life: a read, or a write.
pub(super) async fn whole(it: &Subject) -> Outcome<Arc<Exchange>> {
    let script = match it.role {
        Role::Source => it.reading("1,2", &Bytes::new(), Acks::Each)?,
        Role::Destination => writing("1,2", &it.config()?, Sample::Usual),
    };
    it.exchange(script).await
}

fn optional(seen: &Exchange, name: &str) -> Outcome {
    match seen.answer(name) {
        // Connectors older than these calls do not have them.
        Some(Answer::Refused(refused)) if refused.code == 12 => Ok(()),
        _ => seen.answered(name),
    }
}

async fn created(it: &Subject) -> Outcome {
    let config = it.config()?;
    let script = Script::new("1,2").ask(Question::Configure(config.clone()));
    let script = script.ask(Question::Created(config)).torn_down();
    optional(&*it.exchange(script).await?, "LifecycleOnCreated")
}

async fn updated(it: &Subject) -> Outcome {
    let config = it.config()?;
    let script = Script::new("1,2").ask(Question::Configure(config.clone()));
    let script = script
        .ask(Question::Updated(config.clone(), config))
        .torn_down();
    optional(&*it.exchange(script).await?, "LifecycleOnUpdated")
}

async fn deleted(it: &Subject) -> Outcome {
    let script = Script::new("1,2")
        .ask(Question::Deleted(it.config()?))
        .torn_down();
    let seen = it.exchange(script).await?;
    optional(&seen, "LifecycleOnDeleted")?;
    seen.answered("Teardown")
}

fn opening(it: &Subject, versions: &str) -> Outcome<Script> {
    let script = Script::new(versions).ask(Question::Configure(it.config()?));
    Ok(script.ask(Question::Open(Bytes::new())).torn_down())
}

async fn opens(it: &Subject, versions: &str) -> Outcome {
    let seen = it.exchange(opening(it, versions)?).await?;
    match seen.answer("Configure") {
        Some(answer) if answer.is_ok() => seen.answered("Open"),
        _ => skip("Configure failed"),
    }
}

async fn open(it: &Subject) -> Outcome {
    opens(it, "1,2").await
}

async fn open_1(it: &Subject) -> Outcome {
    opens(it, "1").await
}

async fn fresh(it: &Subject) -> Outcome {
    it.exchange(Script::new("1,2").torn_down())
        .await?
        .answered("Teardown")
}

async fn configured(it: &Subject) -> Outcome {
    let script = Script::new("1,2")
        .ask(Question::Configure(it.config()?))
        .torn_down();
    it.exchange(script).await?.answered("Teardown")
}

async fn opened(it: &Subject) -> Outcome {
    it.exchange(opening(it, "1,2")?).await?.answered("Teardown")
}

/// What is done between the beginning and the end of these lives.
fn some(it: &Subject) -> Step {
    match it.role {
        Role::Source => Step::Read(Acks::Each, 1),
        Role::Destination => Step::Send(Sample::One.records()),
    }
}

async fn running(it: &Subject) -> Outcome {
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    let seen = it.exchange(script.then([some(it)]).torn_down()).await?;
    seen.ran()?;
    match seen.answer("Teardown") {
        Some(Answer::Refused(refused)) if !refused.broken => Ok(()),
        _ => seen.answered("Teardown"),
    }
}

async fn after_all(it: &Subject) -> Outcome {
    let seen = whole(it).await?;
    seen.ran()?;
    seen.answered("Teardown")
}

async fn exit(it: &Subject) -> Outcome {
    let seen = whole(it).await?;
    seen.ran()?;
    match seen.exit {
        Some(exit) if exit.success() => Ok(()),
        _ => broken(seen.ended(), seen.shown()),
    }
}

async fn cancelled(it: &Subject) -> Outcome {
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    let seen = it.exchange(script.then([some(it)]).ended()).await?;
    if seen.ran().is_err() {
        return skip("it cannot be brought to run");
    }
    seen.answered("Teardown")
}
