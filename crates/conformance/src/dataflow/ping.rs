//! `ping`, in each state.

use super::subject::Subject;
use super::talk::Talk;
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "ping/connected" Must "Connector Protocol, Commands" "`ping` is answered by `pong` once it is connected"
    "answer without asking the system behind it" connected;
    "ping/after-work" Must "Connector Protocol, Commands" "`ping` is answered by `pong` after a read or a write"
    "answer it whenever no command is open" after_work;
    "ping/new" Should "Crossdock's profile of the protocol, Life" "`ping` is answered by `pong` before `init`"
    "answer it whenever no command is open" new;
    "ping/initialised" Should "Crossdock's profile of the protocol, Life" "`ping` is answered by `pong` between `init` and `connect`"
    "answer it whenever no command is open" initialised;
    "ping/often" Must "Connector Protocol, Commands" "many `ping`s are each answered once"
    "one command, one answer" often;
}

async fn pongs(mut talk: Talk) -> Outcome {
    talk.is_well().await
}

async fn connected(it: &Subject) -> Outcome {
    pongs(it.connected().await?).await
}

async fn after_work(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    it.works(&mut talk).await;
    pongs(talk).await
}

async fn new(it: &Subject) -> Outcome {
    pongs(it.open().await?).await
}

async fn initialised(it: &Subject) -> Outcome {
    pongs(it.initialised().await?).await
}

async fn often(it: &Subject) -> Outcome {
    let mut talk = it.connected().await?;
    for _ in 0..20 {
        talk.is_well().await?;
    }
    // One `pong` too many stands for that of the next `ping`, so it is seen only now.
    match talk.unasked().await {
        false => Ok(()),
        true => broken("there were more answers than `ping`s", talk.shown()),
    }
}
