//! What a connector does with words and files that are not as they should be.

use std::sync::Arc;

use super::subject::Subject;
use super::{Exchange, Invocation};
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "command-line/unknown-command" Must "Airbyte Protocol, the connector's commands" "an unknown command ends with a code other than 0"
    "print the usage to stderr and end with code 2" unknown_command;
    "command-line/no-command" Should "Airbyte Protocol, the connector's commands" "no command at all ends with a code other than 0"
    "print the usage to stderr and end with code 2" no_command;
    "command-line/no-config" Must "Airbyte Protocol, `check --config`" "`check` without --config ends with a code other than 0 and without an answer"
    "a missing option is an error of usage, not of the configuration" no_config;
    "command-line/config-not-there" Must "Airbyte Protocol, `check --config`" "a configuration file that is not there is told as an error"
    "a TRACE of type ERROR that names the file, and exit code 1" config_not_there;
    "command-line/config-not-json" Must "Airbyte Protocol, `check --config`" "a configuration file that is not JSON is told as an error"
    "a TRACE of type ERROR that names the file, and exit code 1" config_not_json;
}

async fn unknown_command(it: &Subject) -> Outcome {
    fails(&*it.exchange(Invocation::new("conform")).await?)
}

async fn no_command(it: &Subject) -> Outcome {
    let mut nothing = Invocation::new("");
    nothing.words.clear();
    fails(&*it.exchange(nothing).await?)
}

async fn no_config(it: &Subject) -> Outcome {
    let exchange = it.exchange(Invocation::new("check")).await?;
    fails(&exchange)?;
    match exchange.of("CONNECTION_STATUS").next() {
        Some(answer) => broken("there is an answer", exchange.shown(Some(answer.line))),
        None => Ok(()),
    }
}

/// Nobody has such a file.
const NOWHERE: &str = "/nowhere/crossdock/config.json";

async fn config_not_there(it: &Subject) -> Outcome {
    let invocation = Invocation::new("check").word("--config").word(NOWHERE);
    tells(&it.exchange(invocation).await?)
}

async fn config_not_json(it: &Subject) -> Outcome {
    let invocation = Invocation::new("check").text("config", "{\"not\": ");
    tells(&it.exchange(invocation).await?)
}

/// It ends with a code other than 0.
pub(super) fn fails(exchange: &Exchange) -> Outcome {
    match exchange.exit {
        Some(exit) if !exit.success() => Ok(()),
        _ => broken(exchange.ended(), exchange.shown(None)),
    }
}

/// It says what is wrong: with an error, or where it has to answer, with the answer.
fn tells(exchange: &Arc<Exchange>) -> Outcome {
    if let Some(answer) = exchange.of("CONNECTION_STATUS").next() {
        return match answer.text("/status") {
            "FAILED" => Ok(()),
            _ => broken("it says SUCCEEDED", exchange.shown(Some(answer.line))),
        };
    }
    fails(exchange)?;
    match exchange.error() {
        Some(_) => Ok(()),
        None => broken("there is no TRACE of an error", exchange.shown(None)),
    }
}
