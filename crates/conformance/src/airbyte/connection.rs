//! `check`: the answer to whether a configuration works.

use std::sync::Arc;

use crossdock_core::secret::secret_values;
use serde_json::{Map, Value, json};

use super::subject::Subject;
use super::{Exchange, Invocation, lines};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "check/succeeds" Must "Airbyte Protocol, check" "`check` of a configuration that works says SUCCEEDED once and ends with exit code 0"
    "print one CONNECTION_STATUS" succeeds;
    "check/only-messages" Should "Airbyte Protocol, AirbyteMessage" "every line on stdout of `check` is a message"
    "write logs as LOG messages, and everything else to stderr" only_messages;
    "check/logs" Should "AirbyteLogMessage" "every LOG of `check` has a known level and a message"
    "one of FATAL, ERROR, WARN, INFO, DEBUG, TRACE" logs;
    "check/refuses-nothing" Must "Airbyte Protocol, check" "a configuration without the required properties does not succeed"
    "validate the configuration against the specification before it is used" refuses_nothing;
    "check/refuses-wrong-types" Must "Airbyte Protocol, check" "a configuration with a value of a wrong type does not succeed"
    "validate the configuration against the specification before it is used" refuses_wrong_types;
    "check/says-why" Must "AirbyteConnectionStatus, message" "FAILED comes with a message"
    "users see this text and nothing else" says_why;
    "check/failed-is-an-answer" Should "Airbyte Protocol, check" "a refused configuration is an answer (FAILED, exit code 0), not a crash"
    "FAILED with a message; an error is for what the user cannot mend" failed_is_an_answer;
    "check/unknown-properties" Must "Airbyte Protocol, backward compatibility" "properties that the specification does not know do no harm"
    "platforms add some of their own; do not forbid additional properties at run time" unknown_properties;
    "check/hides-secrets" Must "Connector specification reference, airbyte_secret" "a secret of the configuration is never printed"
    "mask the values of airbyte_secret in logs and in errors" hides_secrets;
    "check/again" Should "Airbyte Protocol, check" "a second `check` says the same"
    "`check` must change nothing that it depends on" again;
}

/// The exchange of `check` with the configuration that works.
async fn works(it: &Subject) -> Outcome<Arc<Exchange>> {
    it.exchange(it.with_config("check")?).await
}

/// The exchange of `check` with one that cannot work.
async fn nothing(it: &Subject) -> Outcome<Arc<Exchange>> {
    it.without_required("check").await
}

/// What it says of the configuration.
fn status(exchange: &Exchange) -> &str {
    let answer = exchange.of("CONNECTION_STATUS").next();
    answer.map_or("", |answer| answer.text("/status"))
}

async fn succeeds(it: &Subject) -> Outcome {
    let exchange = works(it).await?;
    let answers = exchange.of("CONNECTION_STATUS").count();
    if answers != 1 {
        return broken(format!("there are {answers} answers"), exchange.shown(None));
    }
    match status(&exchange) {
        "SUCCEEDED" if exchange.succeeded() => Ok(()),
        "SUCCEEDED" => broken(exchange.ended(), exchange.shown(None)),
        other => broken(format!("it says {other}"), exchange.shown(None)),
    }
}

async fn only_messages(it: &Subject) -> Outcome {
    lines::are_messages(&*works(it).await?)
}

async fn logs(it: &Subject) -> Outcome {
    lines::logs(&*works(it).await?)
}

async fn refuses_nothing(it: &Subject) -> Outcome {
    refused(&*nothing(it).await?)
}

fn refused(exchange: &Exchange) -> Outcome {
    match status(exchange) {
        "FAILED" => Ok(()),
        "" if exchange.exit.is_some_and(|exit| !exit.success()) => Ok(()),
        "" => broken("there is no answer", exchange.shown(None)),
        other => broken(format!("it says {other}"), exchange.shown(None)),
    }
}

async fn refuses_wrong_types(it: &Subject) -> Outcome {
    let schema = it.schema().await?;
    let config = it.config()?;
    let typed = |name: &&String| {
        let of = &schema["properties"][name.as_str()]["type"];
        ["string", "integer", "number", "boolean"]
            .iter()
            .any(|known| of == known)
    };
    let Some(name) = config
        .as_object()
        .and_then(|config| config.keys().find(typed))
    else {
        return skip("the configuration has no property of a plain type");
    };
    let mut wrong = config.clone();
    wrong[name.as_str()] = json!({"not": ["of", "this", "type"]});
    refused(
        &*it.exchange(Invocation::new("check").file("config", &wrong))
            .await?,
    )
}

async fn says_why(it: &Subject) -> Outcome {
    let exchange = nothing(it).await?;
    let told = match exchange.of("CONNECTION_STATUS").next() {
        Some(answer) => answer.text("/message"),
        None => exchange
            .error()
            .map_or("", |error| error.text("/error/message")),
    };
    match told.trim() {
        "" => broken("there is no reason", exchange.shown(None)),
        _ => Ok(()),
    }
}

async fn failed_is_an_answer(it: &Subject) -> Outcome {
    let exchange = nothing(it).await?;
    match status(&exchange) {
        "FAILED" if exchange.succeeded() => Ok(()),
        "FAILED" => broken(exchange.ended(), exchange.shown(None)),
        _ => broken("there is no FAILED", exchange.shown(None)),
    }
}

async fn unknown_properties(it: &Subject) -> Outcome {
    it.accepted().await?;
    let mut config = it.config()?.clone();
    config["__injected_by_a_platform"] = json!({"id": 1});
    let exchange = it
        .exchange(Invocation::new("check").file("config", &config))
        .await?;
    match status(&exchange) {
        "SUCCEEDED" => Ok(()),
        _ => broken("it does not say SUCCEEDED", exchange.shown(None)),
    }
}

/// What stands for each secret, so that it is found wherever it is printed.
const PLANTED: &str = "planted-5ecret-of-the-battery";

async fn hides_secrets(it: &Subject) -> Outcome {
    let schema = it.schema().await?;
    let config = it.config()?;
    let secrets = secret_values(&schema, config);
    if secrets.is_empty() {
        return skip("the configuration has no secret");
    }
    let planted = planted(&schema, config);
    let wrong = it
        .exchange(Invocation::new("check").file("config", &planted))
        .await?;
    let right = works(it).await?;
    let long = secrets
        .iter()
        .map(String::as_str)
        .filter(|secret| secret.len() >= 4);
    for (exchange, secrets) in [(wrong, vec![PLANTED]), (right, long.collect())] {
        let texts = exchange.lines.iter().chain(&exchange.stderr);
        let shown = texts
            .into_iter()
            .any(|text| secrets.iter().any(|secret| text.contains(secret)));
        if shown {
            return broken("a secret is printed", Vec::new());
        }
    }
    Ok(())
}

/// The configuration with another text for each secret at its top.
fn planted(schema: &Value, config: &Value) -> Value {
    let secret = |name: &str| schema["properties"][name]["airbyte_secret"] == true;
    let members = config.as_object().into_iter().flatten();
    let planted = members.map(|(name, value)| match value {
        Value::String(_) if secret(name) => (name.clone(), json!(PLANTED)),
        value => (name.clone(), value.clone()),
    });
    Value::Object(planted.collect::<Map<_, _>>())
}

async fn again(it: &Subject) -> Outcome {
    let first = works(it).await?;
    let second = it.again(&first.invocation).await?;
    match status(&first) == status(&second) {
        true => Ok(()),
        false => broken(
            format!("then it says {}", status(&second)),
            second.shown(None),
        ),
    }
}
