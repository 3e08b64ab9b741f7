//! How it takes configurations, right ones and wrong ones.

use std::sync::Arc;

use crossdock_conduit::wire::proto::config::v1::validation::Type as Rule;

use super::exchange::Exchange;
use super::peer::{Answer, Config, Question};
use super::script::Script;
use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "configure/accepted" Must "conduit-connector-protocol, Configure" "the configuration that works is accepted"
    "Conduit refuses to make the connector otherwise" accepted;
    "configure/accepted-1" Must "conduit-connector-protocol, connector.v1 Configure" "the configuration that works is accepted in version 1, too"
    "decode the map alike in both versions" accepted_1;
    "configure/known" Should "conduit-connector-sdk, config" "every key of the configuration that works is a parameter of the specification"
    "write down every parameter: users and tools know no others" known;
    "configure/missing" Should "conduit-commons, validation required" "a configuration without a required parameter is refused"
    "check it in Configure, so that the mistake is heard of when the pipeline is made" missing;
    "configure/missing-named" Should "conduit-commons, validation required" "the refusal names the parameter that lacks"
    "put the name into the error" missing_named;
    "configure/invalid" Should "conduit-commons, config.Validate" "a value that its parameter's type or validations forbid is refused"
    "apply your own specification in Configure" invalid;
    "configure/unknown" Should "conduit-connector-sdk, config" "a parameter that the specification does not have is refused"
    "else a misspelt name is silently without effect" unknown;
    "configure/trimmed" Should "conduit-connector-sdk, config" "white space around a value does not count"
    "trim values before they are checked" trimmed;
    "configure/refused-alive" Must "conduit, connector lifecycle" "after a refused configuration Teardown and Shutdown are still answered"
    "return an error; do not end the process" refused_alive;
}

/// Configured with this, and ended: what Conduit does to check a configuration.
fn validation(versions: &str, config: Config) -> Script {
    Script::new(versions)
        .ask(Question::Configure(config))
        .torn_down()
}

async fn accepted(it: &Subject) -> Outcome {
    let script = validation("1,2", it.config()?);
    it.exchange(script).await?.answered("Configure")
}

async fn accepted_1(it: &Subject) -> Outcome {
    let script = validation("1", it.config()?);
    it.exchange(script).await?.answered("Configure")
}

/// Whether a name of a parameter, with `*` for one part, is this one.
fn is_name(parameter: &str, name: &str) -> bool {
    let mut parts = name.split('.');
    let fits = parameter
        .split('.')
        .all(|of| parts.next().is_some_and(|part| of == "*" || of == part));
    fits && parts.next().is_none()
}

async fn known(it: &Subject) -> Outcome {
    let parameters = it.parameters().await?;
    let config = it.config()?;
    let known = |name: &str| parameters.iter().any(|(of, _)| is_name(of, name));
    match config.keys().find(|name| !known(name)) {
        Some(name) => broken(
            format!("`{name}` is none"),
            it.specify("1,2").await?.shown(),
        ),
        None => Ok(()),
    }
}

/// The configuration that works without one required parameter, and the name of that.
async fn lacking(it: &Subject) -> Outcome<(String, Config)> {
    let mut config = it.config()?;
    let parameters = it.parameters().await?;
    let required = parameters.iter().find(|(name, param)| {
        let rule = param
            .rules
            .iter()
            .any(|(kind, _)| *kind == Rule::Required as i32);
        // A default takes the place of what lacks.
        rule && param.default.is_empty() && config.contains_key(name)
    });
    let Some((name, _)) = required else {
        return skip("no parameter is required");
    };
    config.remove(name);
    Ok((name.clone(), config))
}

/// A refusal; `says` is what was wrong.
async fn refusal(it: &Subject, config: Config, says: &str) -> Outcome<(Arc<Exchange>, String)> {
    let seen = it.exchange(validation("1,2", config)).await?;
    match seen.answer("Configure") {
        Some(Answer::Refused(refused)) if !refused.broken => {
            Ok((seen.clone(), refused.text.clone()))
        }
        Some(answer) => broken(format!("{says}: {answer}"), seen.shown()),
        None => skip("it was not asked"),
    }
}

async fn missing(it: &Subject) -> Outcome {
    let (name, config) = lacking(it).await?;
    refusal(it, config, &format!("without `{name}`"))
        .await
        .map(drop)
}

async fn missing_named(it: &Subject) -> Outcome {
    let (name, config) = lacking(it).await?;
    match refusal(it, config, "").await {
        Ok((_, text)) if text.contains(&name) => Ok(()),
        Ok((seen, text)) => broken(format!("it says `{text}` without `{name}`"), seen.shown()),
        Err(_) => skip("there is no refusal"),
    }
}

async fn invalid(it: &Subject) -> Outcome {
    let mut config = it.config()?;
    for (name, param) in it.parameters().await? {
        let listed = param
            .rules
            .iter()
            .any(|(kind, _)| *kind == Rule::Inclusion as i32);
        let typed = [2, 3, 4, 6].contains(&param.kind);
        if (listed || typed) && !name.contains('*') {
            config.insert(name.clone(), "conformance-no-such-value".to_owned());
            return refusal(it, config, &format!("a wrong `{name}`"))
                .await
                .map(drop);
        }
    }
    skip("no parameter has a type or a list that a value could break")
}

async fn unknown(it: &Subject) -> Outcome {
    let mut config = it.config()?;
    config.insert("conformance.no.such.parameter".to_owned(), "1".to_owned());
    refusal(it, config, "an unknown parameter").await.map(drop)
}

async fn trimmed(it: &Subject) -> Outcome {
    let mut config = it.config()?;
    let parameters = it.parameters().await?;
    if accepted(it).await.is_err() {
        return skip("Configure failed");
    }
    let number = parameters.iter().find(|(name, param)| {
        [2, 3, 4].contains(&param.kind) && config.contains_key(name) || {
            [2, 3, 4].contains(&param.kind) && !param.default.is_empty() && !name.contains('*')
        }
    });
    let Some((name, param)) = number else {
        return skip("no parameter is a number or a bool");
    };
    let value = config.get(name).unwrap_or(&param.default);
    let spaced = format!(" {value} ");
    config.insert(name.clone(), spaced);
    it.exchange(validation("1,2", config))
        .await?
        .answered("Configure")
}

async fn refused_alive(it: &Subject) -> Outcome {
    let config = match lacking(it).await {
        Ok((_, config)) => config,
        Err(_) => {
            let mut config = it.config()?;
            config.insert("conformance.no.such.parameter".to_owned(), "1".to_owned());
            config
        }
    };
    let seen = it.exchange(validation("1,2", config)).await?;
    if seen.answer("Configure").is_none_or(Answer::is_ok) {
        return skip("nothing was refused");
    }
    seen.answered("Teardown")
}
