//! The first line, the variables before it, and the end of the process.

use std::sync::Arc;
use std::time::Duration;

use crossdock_conduit::wire::handshake::{Address, COOKIE, MULTIPLEX, SOCKET_DIR, VERSIONS};

use super::exchange::Exchange;
use super::peer::Answer;
use super::script::Script;
use super::subject::{Subject, specify};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "handshake/line" Must "go-plugin, handshake" "the first line on stdout is a handshake with a version, an address and the transport grpc"
    "print `1|2|unix|PATH|grpc|` when the server listens, and nothing on stdout before it" line;
    "handshake/fields" Should "go-plugin, handshake" "the line has no more fields than were asked for, and no spaces around them"
    "write six fields as Go does; the seventh only if PLUGIN_MULTIPLEX_GRPC is set" fields;
    "handshake/reachable" Must "go-plugin, handshake" "a connection can be made to the address as soon as the line is there"
    "listen first, then print the line" reachable;
    "handshake/loopback" Should "go-plugin, handshake" "an address of TCP is one of loopback"
    "bind 127.0.0.1: the server is not encrypted and asks nobody who he is" loopback;
    "handshake/prompt" Should "go-plugin, StartTimeout" "the line is there within five seconds"
    "Conduit starts all connectors one after the other at its own start; do slow work in Open" prompt;
    "handshake/version-offered" Must "go-plugin, PLUGIN_PROTOCOL_VERSIONS" "the version is one of those that the host offers, whatever their order"
    "take the highest that both know; the order of the list is random" version_offered;
    "handshake/version-1" Should "conduit-connector-protocol, connector.v1" "a host that offers only version 1 gets version 1"
    "serve both versions: hosts before Conduit 0.11 know only the first" version_1;
    "handshake/version-2" Should "conduit-connector-protocol, connector.v2" "a host that offers only version 2 gets version 2"
    "serve version 2: it has batches" version_2;
    "handshake/highest" Should "go-plugin, PLUGIN_PROTOCOL_VERSIONS" "of several versions the highest is taken, in either order of the list"
    "compare numbers, not places in the list" highest;
    "handshake/no-overlap" Should "go-plugin, PLUGIN_PROTOCOL_VERSIONS" "a host that offers only unknown versions gets a line, or the process ends"
    "serve the lowest version and let the host tell the mismatch, or end with words on stderr" no_overlap;
    "handshake/no-versions" Should "go-plugin, PLUGIN_PROTOCOL_VERSIONS" "without PLUGIN_PROTOCOL_VERSIONS there is a line, or the process ends"
    "serve the lowest version, as go-plugin does" no_versions;
    "handshake/cookie" Should "go-plugin, magic cookie" "without the cookie it does not serve and ends with another exit code than 0"
    "end at once if CONDUIT_PLUGIN_MAGIC_COOKIE is not what Conduit sets" cookie;
    "handshake/cookie-wrong" Should "go-plugin, magic cookie" "with a wrong cookie it does not serve either"
    "compare the value, not only whether the variable is there" cookie_wrong;
    "handshake/cookie-told" Should "go-plugin, magic cookie" "without the cookie it says why it does not serve"
    "write a sentence to stderr for whoever starts it by hand" cookie_told;
    "handshake/multiplexing" Should "go-plugin, PLUGIN_MULTIPLEX_GRPC" "a host that asks for multiplexing finds in the seventh field whether there is any"
    "print `|false` or `|true` behind the sixth field if the variable is set" multiplexing;
    "handshake/socket-dir" Should "go-plugin, PLUGIN_UNIX_SOCKET_DIR" "a socket is made where PLUGIN_UNIX_SOCKET_DIR says"
    "hosts in containers share that folder only" socket_dir;
    "health/serving" Should "go-plugin, grpc.health.v1" "the health of the service `plugin` is SERVING"
    "register grpc.health.v1.Health; tools of go-plugin ask it" serving;
    "shutdown/returns" Must "go-plugin, GRPCController.Shutdown" "Shutdown returns, or the connection ends"
    "Conduit waits for it without a limit: answer, then end" shutdown_returns;
    "shutdown/exits" Should "go-plugin, Client.Kill" "the process ends within two seconds of Shutdown"
    "Conduit kills it after that, and what it still held is lost" shutdown_exits;
    "shutdown/code" Should "go-plugin, Client.Kill" "the process ends with exit code 0 after Shutdown"
    "nothing went wrong" shutdown_code;
    "shutdown/socket" Should "go-plugin, Serve" "the socket is gone after Shutdown"
    "close the listener and remove its file" shutdown_socket;
}

async fn usual(it: &Subject) -> Outcome<Arc<Exchange>> {
    it.seen(specify("1,2")).await
}

async fn line(it: &Subject) -> Outcome {
    let seen = usual(it).await?;
    let fault = match (&seen.hello.line, seen.hello.exit) {
        (None, Some(exit)) => format!("there is none ({})", exit.in_words()),
        (None, None) => "there is none".to_owned(),
        (Some(line), _) => match crossdock_conduit::wire::handshake::Handshake::parse(line) {
            Ok(_) => return Ok(()),
            Err(fault) => fault.to_string(),
        },
    };
    broken(fault, seen.shown())
}

fn fields_of(seen: &Exchange) -> Vec<&str> {
    let line = seen.hello.line.as_deref().unwrap_or_default();
    line.split('|').collect()
}

async fn fields(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    let fields = fields_of(&seen);
    if fields.len() > 6 {
        return broken(format!("there are {} fields", fields.len()), seen.shown());
    }
    match fields.iter().find(|field| field.trim() != **field) {
        Some(field) => broken(format!("a field `{field}`"), seen.shown()),
        None => Ok(()),
    }
}

async fn reachable(it: &Subject) -> Outcome {
    let seen = usual(it).await?;
    match (&seen.hello.unreachable, seen.handshake()) {
        (Some(cause), _) => broken(cause.clone(), seen.shown()),
        (None, Some(_)) => Ok(()),
        (None, None) => skip("there is no handshake"),
    }
}

async fn loopback(it: &Subject) -> Outcome {
    let seen = usual(it).await?;
    match seen.handshake().map(|handshake| handshake.address) {
        None => skip("there is no handshake"),
        Some(Address::Tcp(address)) => {
            let loopback = ["127.", "localhost:", "[::1]:"];
            match loopback.iter().any(|start| address.starts_with(start)) {
                true => Ok(()),
                false => broken(format!("it is `{address}`"), seen.shown()),
            }
        }
        Some(Address::Unix(_)) => Ok(()),
    }
}

async fn prompt(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    match seen.hello.took > Duration::from_secs(5) {
        true => broken(
            format!("it took {} s", seen.hello.took.as_secs()),
            seen.shown(),
        ),
        false => Ok(()),
    }
}

async fn version(it: &Subject, offered: &str) -> Outcome<(Arc<Exchange>, u32)> {
    let seen = it.specify(offered).await?;
    let version = seen
        .handshake()
        .map_or(0, |handshake| handshake.version.number());
    Ok((seen, version))
}

async fn version_offered(it: &Subject) -> Outcome {
    for offered in ["1,2", "2,1"] {
        let seen = it.seen(specify(offered)).await?;
        let Some(line) = &seen.hello.line else {
            return skip("there is no handshake");
        };
        let version = line.split('|').nth(1).unwrap_or_default();
        if !["1", "2"].contains(&version) {
            return broken(
                format!("`{offered}` is offered, `{version}` is served"),
                seen.shown(),
            );
        }
    }
    Ok(())
}

async fn serves(it: &Subject, offered: &str, expected: u32) -> Outcome {
    match version(it, offered).await? {
        (_, version) if version == expected => Ok(()),
        (seen, version) => broken(
            format!("`{offered}` is offered, version {version} is served"),
            seen.shown(),
        ),
    }
}

async fn version_1(it: &Subject) -> Outcome {
    serves(it, "1", 1).await
}

async fn version_2(it: &Subject) -> Outcome {
    serves(it, "2", 2).await
}

async fn highest(it: &Subject) -> Outcome {
    let (_, known) = version(it, "2").await?;
    serves(it, "1,2", known).await?;
    serves(it, "2,1", known).await
}

async fn ends_or_serves(it: &Subject, script: Script) -> Outcome {
    let seen = it.seen(script).await?;
    match (seen.handshake(), seen.hello.exit) {
        (None, None) => broken("it neither serves nor ends", seen.shown()),
        _ => Ok(()),
    }
}

async fn no_overlap(it: &Subject) -> Outcome {
    ends_or_serves(it, Script::new("98,99")).await
}

async fn no_versions(it: &Subject) -> Outcome {
    ends_or_serves(it, Script::new("1,2").without(VERSIONS)).await
}

async fn not_served(it: &Subject, script: Script) -> Outcome<Arc<Exchange>> {
    let seen = it.seen(script).await?;
    match (&seen.hello.line, seen.hello.exit) {
        (Some(_), _) => broken("it serves", seen.shown()),
        (None, Some(exit)) if exit.success() => broken("it ends with exit code 0", seen.shown()),
        (None, None) => broken("it does not end", seen.shown()),
        (None, Some(_)) => Ok(seen),
    }
}

fn no_cookie() -> Script {
    Script::new("1,2").without(COOKIE)
}

async fn cookie(it: &Subject) -> Outcome {
    not_served(it, no_cookie()).await.map(drop)
}

async fn cookie_wrong(it: &Subject) -> Outcome {
    let script = Script::new("1,2").env(COOKIE, "another");
    not_served(it, script).await.map(drop)
}

async fn cookie_told(it: &Subject) -> Outcome {
    let seen = it.seen(no_cookie()).await?;
    if seen.hello.line.is_some() {
        return skip("it serves");
    }
    match seen.stderr.iter().any(|line| !line.trim().is_empty()) {
        true => Ok(()),
        false => broken("it says nothing", seen.shown()),
    }
}

async fn multiplexing(it: &Subject) -> Outcome {
    let seen = it.seen(Script::new("1,2").env(MULTIPLEX, "true")).await?;
    match fields_of(&seen).get(6).map(|field| field.trim()) {
        Some("true" | "false") => Ok(()),
        _ => broken("there is no such field", seen.shown()),
    }
}

async fn socket_dir(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    let Some(Address::Unix(usual)) = seen.handshake().map(|h| h.address) else {
        return skip("it listens on TCP");
    };
    // Some folder that is there and in which it does not listen anyway.
    let mut folders = ["/dev/shm", "/var/tmp"].iter();
    let folder =
        folders.find(|folder| !usual.starts_with(folder) && std::path::Path::new(folder).is_dir());
    let Some(folder) = folder else {
        return skip("there is no other folder for it");
    };
    let script = specify("1,2").env(SOCKET_DIR, folder);
    let seen = it.exchange(script).await?;
    match seen.handshake().map(|h| h.address) {
        Some(Address::Unix(path)) if path.starts_with(folder) => Ok(()),
        _ => broken(format!("it is not in {folder}"), seen.shown()),
    }
}

async fn serving(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    match seen.answer("Health") {
        Some(Answer::Health(1)) => Ok(()),
        Some(answer) => broken(answer.to_string(), seen.shown()),
        None => skip("it was not asked"),
    }
}

async fn shutdown_returns(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    match seen.answer("Shutdown") {
        Some(Answer::Silence(_)) => broken("it does not return", seen.shown()),
        Some(Answer::Refused(refused)) if !refused.broken && refused.code == 12 => {
            broken(refused.to_string(), seen.shown())
        }
        _ => Ok(()),
    }
}

async fn shutdown_exits(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    match seen.exit {
        Some(_) => Ok(()),
        None => broken("it still runs", seen.shown()),
    }
}

async fn shutdown_code(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    match seen.exit {
        None => skip("it does not end"),
        Some(exit) if exit.success() => Ok(()),
        Some(exit) => broken(exit.in_words(), seen.shown()),
    }
}

async fn shutdown_socket(it: &Subject) -> Outcome {
    let seen = it.specify("1,2").await?;
    if !seen.exit.is_some_and(|exit| exit.success()) {
        return skip("it does not end by itself");
    }
    match seen.handshake().map(|h| h.address) {
        Some(Address::Unix(path)) if path.exists() => {
            broken(format!("{} is still there", path.display()), seen.shown())
        }
        Some(Address::Unix(_)) => Ok(()),
        _ => skip("it listens on TCP"),
    }
}
