//! A fault for each check that sources and destinations share.

use std::time::Duration;

use crossdock_conduit::wire::description::{Described, Param};
use crossdock_conduit::wire::handshake::{COOKIE, COOKIE_VALUE, MULTIPLEX, VERSIONS};
use crossdock_conformance::conduit::{Answer, Hello, Question};
use crossdock_launch::Exit;

use super::double::{Fault, State, refused};

/// A line that says another thing.
macro_rules! line {
    ($text:expr) => {
        Fault::Hello(|_, hello| hello.line = Some($text.to_owned()))
    };
}

/// Questions of this kind fail.
macro_rules! fails {
    ($question:pat) => {
        fails!($question, _state, true)
    };
    ($question:pat, $state:ident, $when:expr) => {
        Fault::Answer(|$state, question, answer| {
            if matches!(question, $question) && $when {
                *answer = Answer::Refused(refused(2, "oh no"));
            }
        })
    };
}

/// Another description.
macro_rules! described {
    ($change:expr) => {
        Fault::Answer(|_, _, answer| {
            if let Answer::Described(described) = answer {
                let change: fn(&mut Described) = $change;
                change(described);
            }
        })
    };
}

/// Another parameter, on both sides.
macro_rules! parameter {
    ($change:expr) => {
        described!(|described| {
            for side in [&mut described.source, &mut described.destination] {
                let change: fn(&mut Param) = $change;
                side.values_mut().for_each(change);
            }
        })
    };
}

fn serves_anyway(state: &State, hello: &mut Hello) {
    if state.env(COOKIE) != Some(COOKIE_VALUE) {
        hello.line = Some("1|2|unix|/nowhere|grpc|".to_owned());
        hello.exit = None;
    }
}

fn every_configuration(_: &mut State, question: &Question, answer: &mut Answer) {
    if matches!(question, Question::Configure(_)) {
        *answer = Answer::Done;
    }
}

pub(super) fn of(check: &str) -> Option<Fault> {
    Some(match check {
        "handshake/line" => line!("1|2|unix|/nowhere"),
        "handshake/fields" => line!("1|2|unix|/nowhere|grpc||false"),
        "handshake/reachable" => {
            Fault::Hello(|_, hello| hello.unreachable = Some("nobody".to_owned()))
        }
        "handshake/loopback" => line!("1|2|tcp|192.168.0.1:80|grpc|"),
        "handshake/prompt" => Fault::Hello(|_, hello| hello.took = Duration::from_secs(6)),
        "handshake/version-offered" => line!("1|3|unix|/nowhere|grpc|"),
        "handshake/version-1" => line!("1|2|unix|/nowhere|grpc|"),
        "handshake/version-2" => line!("1|1|unix|/nowhere|grpc|"),
        "handshake/highest" => Fault::Hello(|state, hello| {
            // The first of the list.
            let first = state.env(VERSIONS).unwrap_or("1").split(',').next();
            hello.line = first.map(|version| format!("1|{version}|unix|/nowhere|grpc|"));
        }),
        "handshake/no-overlap" | "handshake/no-versions" => Fault::Hello(|state, hello| {
            if state
                .env(VERSIONS)
                .is_none_or(|offered| offered.starts_with('9'))
            {
                hello.line = None;
            }
        }),
        "handshake/cookie" | "handshake/cookie-wrong" => Fault::Hello(serves_anyway),
        "handshake/cookie-told" => Fault::NoWords,
        "handshake/multiplexing" => Fault::Hello(|state, hello| {
            if state.env(MULTIPLEX).is_some() {
                hello.line = Some("1|2|unix|/nowhere|grpc|".to_owned());
            }
        }),
        "handshake/socket-dir" => line!("1|2|unix|/nowhere/plugin|grpc|"),
        "health/serving" => Fault::Answer(|_, question, answer| {
            if matches!(question, Question::Health) {
                *answer = Answer::Health(2);
            }
        }),
        "shutdown/returns" => Fault::Answer(|_, question, answer| {
            if matches!(question, Question::Shutdown) {
                *answer = Answer::Silence(Duration::from_secs(1));
            }
        }),
        "shutdown/exits" | "teardown/exit" => Fault::Exit(None),
        "shutdown/code" => Fault::Exit(Some(Exit::Code(2))),
        "shutdown/socket" => line!("1|2|unix|/|grpc|"),
        "logs/typed" => Fault::Stderr(r#"{"@level":"info","@message":7}"#),
        "logs/json" => Fault::Stderr("hello"),
        "logs/level" => Fault::Stderr(r#"{"@level":"loud","@message":""}"#),
        "logs/timestamp" => Fault::Stderr(r#"{"@timestamp":"2026-01-01T00:00:00Z"}"#),
        "logs/short" => Fault::Long,
        "logs/stdout" => Fault::Stdout,
        "logs/no-panic" => Fault::Stderr("panic: oh"),
        "spec/answers" => fails!(Question::Specify),
        "spec/name" => described!(|described| described.name.push(' ')),
        "spec/version" => described!(|described| "(devel)".clone_into(&mut described.version)),
        "spec/words" => described!(|described| described.author.clear()),
        "spec/same-twice" => Fault::Answer(|_, _, answer| {
            if let Answer::Described(described) = answer {
                static TIMES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
                let times = TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                described.summary = times.to_string();
            }
        }),
        "spec/same-versions" => Fault::Answer(|state, _, answer| {
            if let (Answer::Described(described), 1) = (answer, state.version) {
                described.source.clear();
            }
        }),
        "spec/names" => described!(|described| {
            for side in [&mut described.source, &mut described.destination] {
                side.insert("a name".to_owned(), Param::default());
            }
        }),
        "spec/types" => parameter!(|param| param.kind = 0),
        "spec/descriptions" => parameter!(|param| param.description.clear()),
        "spec/validations" => parameter!(|param| param.rules.push((9, String::new()))),
        "spec/bounds" => parameter!(|param| param.rules.push((2, "many".to_owned()))),
        "spec/regex" => parameter!(|param| param.rules.push((6, "(".to_owned()))),
        "spec/lists" => parameter!(|param| param.rules.push((4, String::new()))),
        "spec/defaults" => parameter!(|param| "10".clone_into(&mut param.default)),
        "configure/accepted" => fails!(Question::Configure(_)),
        "configure/accepted-1" => fails!(Question::Configure(_), state, state.version == 1),
        "configure/known" => described!(|described| {
            described.source.remove("url");
            described.destination.remove("url");
        }),
        "configure/missing" | "configure/invalid" | "configure/unknown" => {
            Fault::Answer(every_configuration)
        }
        "configure/missing-named" => fails!(Question::Configure(_)),
        "configure/trimmed" => Fault::Answer(|_, question, answer| {
            let spaced = |config: &std::collections::BTreeMap<String, String>| {
                config.values().any(|value| value.starts_with(' '))
            };
            if matches!(question, Question::Configure(config) if spaced(config)) {
                *answer = Answer::Refused(refused(2, "no number"));
            }
        }),
        "configure/refused-alive"
        | "teardown/fresh"
        | "teardown/configured"
        | "teardown/opened"
        | "teardown/after-all"
        | "run/cancelled" => fails!(Question::Teardown),
        "teardown/running" => Fault::Answer(|_, question, answer| {
            if matches!(question, Question::Teardown) {
                *answer = Answer::Silence(Duration::from_secs(75));
            }
        }),
        "lifecycle/created" => fails!(Question::Created(_)),
        "lifecycle/updated" => fails!(Question::Updated(..)),
        "lifecycle/deleted" => fails!(Question::Deleted(_)),
        "open/answers" => fails!(Question::Open(_)),
        "open/answers-1" => fails!(Question::Open(_), state, state.version == 1),
        _ => return None,
    })
}
