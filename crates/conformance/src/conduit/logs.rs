//! What it writes beside its answers: stdout and stderr.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::exchange::Exchange;
use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "logs/typed" Must "go-plugin, logEntry" "@message, @level and @timestamp of a log line are texts"
    "another type there ends the whole Conduit process" typed;
    "logs/json" Should "go-plugin, logEntry" "lines on stderr are JSON objects with @level"
    "other lines are logged at debug only; write them as hclog does" json;
    "logs/level" Should "go-plugin, logEntry" "levels are trace, debug, info, warn or error"
    "lines of another level are logged at debug, unread" level;
    "logs/timestamp" Should "go-plugin, logEntry" "@timestamp is a time of RFC 3339 with six digits of fraction"
    "with another form the line is not parsed" timestamp;
    "logs/short" Should "go-plugin, Client.logStderr" "no line on stderr is longer than 64 KiB"
    "longer ones are cut and not parsed" short;
    "logs/stdout" Should "go-plugin, handshake" "nothing but the handshake is written to stdout"
    "write logs to stderr" stdout;
    "logs/no-panic" Must "go-plugin, Client.logStderr" "no line says that the program panicked"
    "find out which call makes it panic; the exchange shows the last ones" no_panic;
}

/// The exchanges that are looked at: with the configuration if there is one.
async fn looked_at(it: &Subject) -> Outcome<Vec<Arc<Exchange>>> {
    let mut all = vec![it.specify("1,2").await?];
    if it.config().is_ok() {
        // What it says after a configuration that it refused no host would ever hear.
        let whole = super::life::whole(it).await?;
        if whole.ran().is_ok() {
            all.push(whole);
        }
    }
    Ok(all)
}

/// Says of the first line of stderr that has a fault what it is.
async fn each_line(it: &Subject, fault: impl Fn(&str) -> Option<String>) -> Outcome {
    for seen in looked_at(it).await? {
        if let Some(fault) = seen.stderr.iter().find_map(|line| fault(line)) {
            return broken(fault, seen.shown());
        }
    }
    Ok(())
}

fn members(line: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(line).ok()
}

async fn typed(it: &Subject) -> Outcome {
    each_line(it, |line| {
        let members = members(line)?;
        let mut keys = ["@message", "@level", "@timestamp"].into_iter();
        let key = keys.find(|key| members.get(*key).is_some_and(|value| !value.is_string()))?;
        Some(format!("{key} is {}", members[key]))
    })
    .await
}

async fn json(it: &Subject) -> Outcome {
    each_line(it, |line| {
        let whole = members(line).is_some_and(|m| m.contains_key("@level"));
        let empty = line.trim().is_empty();
        (!whole && !empty).then(|| "a line that is none".to_owned())
    })
    .await
}

async fn level(it: &Subject) -> Outcome {
    each_line(it, |line| {
        let members = members(line)?;
        let level = members.get("@level")?.as_str()?;
        let known = ["trace", "debug", "info", "warn", "error"].contains(&level);
        (!known).then(|| format!("a level `{level}`"))
    })
    .await
}

async fn timestamp(it: &Subject) -> Outcome {
    each_line(it, |line| {
        let members = members(line)?;
        let time = members.get("@timestamp")?.as_str()?;
        let form = "dddd-dd-ddTdd:dd:dd.dddddd";
        let fits = time.len() > form.len()
            && time.is_ascii()
            && time.chars().zip(form.chars()).all(|(is, form)| match form {
                'd' => is.is_ascii_digit(),
                other => is == other,
            })
            && (&time[form.len()..] == "Z" || time.len() == form.len() + 6);
        (!fits).then(|| format!("@timestamp is `{time}`"))
    })
    .await
}

async fn short(it: &Subject) -> Outcome {
    each_line(it, |line| {
        (line.len() > 64 << 10).then(|| format!("a line of {} bytes", line.len()))
    })
    .await
}

async fn stdout(it: &Subject) -> Outcome {
    for seen in looked_at(it).await? {
        if let Some(line) = seen.stdout.first() {
            return broken(format!("a line `{line}`"), seen.shown());
        }
    }
    Ok(())
}

async fn no_panic(it: &Subject) -> Outcome {
    each_line(it, |line| {
        let panicked = line.starts_with("panic: ") || line.starts_with("fatal error: ");
        (panicked || line.contains("panicked at")).then(|| "it panicked".to_owned())
    })
    .await
}
