//! How a source ends when somebody wants it to, or when nobody listens.

use super::subject::{Mode, Subject};
use super::{Until, command_line};
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "ending/asked" Must "Airbyte's platform, cancellation" "a read that is asked to end (SIGTERM) ends within ten seconds"
    "do not ignore the signal, and do not wait for a whole page or table" asked;
    "ending/nobody-listens" Must "Airbyte's platform, cancellation" "a read whose stdout is closed ends"
    "end when a write fails, quietly" nobody_listens;
    "ending/slow-reader" Must "Airbyte Protocol, messages over stdout" "a slow reader gets every message"
    "wait while the pipe is full, and flush before the end" slow_reader;
    "ending/failure-told" Must "AirbyteErrorTraceMessage" "a read that fails says why, and ends with a code other than 0"
    "a TRACE of type ERROR with a message for users" failure_told;
    "ending/failure-kind" Should "AirbyteErrorTraceMessage, failure_type" "the error of a wrong configuration is a config_error"
    "platforms try others again and again" failure_kind;
}

/// A read that is interrupted so, after its first message or after each, ends.
async fn ends(it: &Subject, until: fn(usize) -> Until) -> Outcome {
    let whole = it.full_refresh().await?;
    for place in it.places.among(whole.lines.len(), 1) {
        let read = whole.invocation.clone().until(until(place + 1));
        let exchange = it.exchange(read).await?;
        if exchange.exit.is_none() {
            return broken("it went on", exchange.shown(None));
        }
    }
    Ok(())
}

async fn asked(it: &Subject) -> Outcome {
    ends(it, Until::Asked).await
}

async fn nobody_listens(it: &Subject) -> Outcome {
    ends(it, Until::Closed).await
}

async fn slow_reader(it: &Subject) -> Outcome {
    let whole = it.full_refresh().await?;
    let read = whole.invocation.clone().until(Until::EndSlowly);
    let slow = it.exchange(read).await?;
    let (quick, then) = (whole.of("RECORD").count(), slow.of("RECORD").count());
    match quick == then && slow.exit == whole.exit {
        true => Ok(()),
        false => broken(
            format!(
                "{quick} records, and {then} when it is read slowly; {}",
                slow.ended()
            ),
            slow.shown(None),
        ),
    }
}

/// A read that cannot work.
async fn failure(it: &Subject) -> Outcome<std::sync::Arc<super::Exchange>> {
    it.without_required("check").await?;
    let streams = it.streams().await?;
    let read = it.read(&streams, Mode::FullRefresh)?;
    let catalog = read.content("catalog").unwrap_or_default();
    let catalog = String::from_utf8_lossy(catalog).into_owned();
    let broken = super::Invocation::new("read")
        .text("config", "{}")
        .text("catalog", &catalog);
    it.exchange(broken).await
}

async fn failure_told(it: &Subject) -> Outcome {
    let exchange = failure(it).await?;
    command_line::fails(&exchange)?;
    match exchange.error() {
        Some(error) if !error.text("/error/message").is_empty() => Ok(()),
        _ => broken("there is no TRACE of an error", exchange.shown(None)),
    }
}

async fn failure_kind(it: &Subject) -> Outcome {
    let exchange = failure(it).await?;
    let kind = exchange
        .error()
        .map_or("", |error| error.text("/error/failure_type"));
    match kind {
        "config_error" => Ok(()),
        "" => broken("it has no failure_type", exchange.shown(None)),
        other => broken(format!("it is a {other}"), exchange.shown(None)),
    }
}
