//! A fault for each check of a source, and of a destination.

use bytes::Bytes;
use crossdock_conduit::wire::proto::connector::Ack;
use crossdock_conduit::wire::proto::opencdc::v1::data::Data as Kind;
use crossdock_conduit::wire::proto::opencdc::v1::{Data, Record};
use crossdock_conformance::Role;
use crossdock_conformance::conduit::{Answer, Down, Question, Up};

use super::double::{Fault, Moment, record, refused};
use crate::memory::in_ascii;

/// Another record in place of each.
macro_rules! record {
    ($change:expr) => {
        Fault::Down(|_, down| {
            if let Down::Records(records) = down {
                let change: fn(&mut Record) = $change;
                records.iter_mut().for_each(change);
            }
        })
    };
}

/// Another thing on Run, in this case.
macro_rules! instead {
    ($what:expr) => {
        instead!(_state, true, $what)
    };
    ($state:ident, $when:expr, $what:expr) => {
        Fault::Down(|$state, down| {
            if $when {
                *down = $what;
            }
        })
    };
}

/// Questions of this kind get another answer.
macro_rules! answers {
    ($question:pat, $answer:expr) => {
        answers!($question, _state, true, $answer)
    };
    ($question:pat, $state:ident, $when:expr, $answer:expr) => {
        Fault::Answer(|$state, question, answer| {
            if matches!(question, $question) && $when {
                *answer = $answer;
            }
        })
    };
}

fn oh_no() -> Answer {
    Answer::Refused(refused(2, "oh no"))
}

fn failed() -> Down {
    Down::Failed(refused(2, "oh no"))
}

pub(super) fn of(check: &str, role: Role) -> Option<Fault> {
    match role {
        Role::Source => source(check),
        Role::Destination => destination(check),
    }
}

fn structured() -> Option<Data> {
    Some(Data {
        data: Some(Kind::StructuredData(prost_types::Struct::default())),
    })
}

fn at_number(positions: &[u8], records: &mut Vec<Record>) {
    records.retain(|record| !positions.contains(&record.position[0]));
}

fn source(check: &str) -> Option<Fault> {
    Some(match check {
        "record/position" => record!(|record| record.position.clear()),
        "record/position-unique" => record!(|record| record.position = Bytes::from_static(b"7")),
        "record/operation" => record!(|record| record.operation = 0),
        "record/metadata" => record!(|record| record.metadata.clear()),
        "record/version" => record!(|record| set(record, "opencdc.version", "2")),
        "record/read-at" => record!(|record| set(record, "opencdc.readAt", "1700000000")),
        "record/created-at" => record!(|record| set(record, "opencdc.createdAt", "2026-01-01")),
        "record/collection" => record!(|record| set(record, "opencdc.collection", "")),
        "record/foreign" => record!(|record| set(record, "conduit.dlq.nack.error", "")),
        "record/after" => record!(|record| record.payload = None),
        "record/delete" => record!(|record| record.key = None),
        "record/before" => record!(|record| {
            if let Some(payload) = &mut record.payload {
                payload.before = payload.after.take();
            }
        }),
        "record/schema" => record!(|record| set(record, "opencdc.payload.schema.version", "0")),
        "record/schema-raw" => record!(|record| {
            if let Some(payload) = &mut record.payload {
                payload.after = structured();
            }
        }),
        "run/readable" => instead!(Down::Unreadable("not UTF-8".to_owned())),
        "run/readable-1" => instead!(state, state.version == 1, Down::Silence),
        "run/no-empty" => instead!(state, state.received == 4, Down::Records(Vec::new())),
        "run/no-end" => instead!(state, state.received == 9, Down::End),
        "run/acks-each" => Fault::Taken(|state, _| state.sent < 3),
        "run/acks-together" => Fault::Taken(|state, _| state.sent < 3),
        "run/no-acks" => instead!(state, state.received > state.acked, Down::Silence),
        "run/slow-host" => Fault::Down(|state, down| {
            // What comes while nobody receives is dropped.
            if let Down::Records(records) = down
                && state.paused
            {
                at_number(b"0", records);
            }
        }),
        "run/same-versions" => Fault::Down(|state, down| {
            if let (Down::Records(records), 1) = (down, state.version) {
                records.iter_mut().for_each(|record| record.key = None);
            }
        }),
        "run/batch-size" => Fault::Down(|_, down| {
            if let Down::Records(records) = down {
                records.extend(records.clone());
            }
        }),
        "run/half-closed" => instead!(state, state.has_asked("Stop"), failed()),
        "stop/last-position" => {
            answers!(
                Question::Stop(_),
                Answer::Position(Bytes::from_static(b"none"))
            )
        }
        "stop/nothing-after" => {
            answers!(
                Question::Stop(_),
                Answer::Position(Bytes::from_static(b"3"))
            )
        }
        "stop/at-once" => answers!(Question::Stop(_), oh_no()),
        "stop/acks-after" => instead!(state, state.has_asked("Stop"), failed()),
        "open/refused-order" => answers!(Question::Open(_), Answer::Done),
        "resume/opens" => Fault::Answer(|_, question, answer| {
            if has(question, b"4") {
                *answer = oh_no();
            }
        }),
        "resume/complete" => Fault::Down(|state, down| {
            if let Down::Records(records) = down
                && state.opened_at() == b"4"
            {
                at_number(b"5", records);
            }
        }),
        "resume/nothing-again" => Fault::Down(|state, down| {
            if let Down::Records(records) = down
                && !state.opened_at().is_empty()
            {
                let at = String::from_utf8_lossy(state.opened_at());
                if let Ok(number) = at.parse() {
                    records.insert(0, record(number));
                }
            }
        }),
        "resume/last" => instead!(state, state.opened_at() == b"8", Down::End),
        "resume/versions" => answers!(Question::Open(_), state, state.version == 1, oh_no()),
        "resume/garbage" => Fault::Answer(|_, question, answer| {
            if has(question, b"conformance: no position") {
                let mut gone = refused(14, "the connection is gone");
                gone.broken = true;
                *answer = Answer::Refused(gone);
            }
        }),
        _ => return None,
    })
}

/// Whether a question to open has a position with this in it.
fn has(question: &Question, part: &[u8]) -> bool {
    match question {
        Question::Open(position) => position.windows(part.len()).any(|window| window == part),
        _ => false,
    }
}

fn set(record: &mut Record, name: &str, value: &str) {
    record.metadata.insert(name.to_owned(), value.to_owned());
}

/// Another list of acks.
macro_rules! acks {
    ($change:expr) => {
        Fault::Down(|_, down| {
            if let Down::Acks(acks) = down {
                let change: fn(&mut Vec<Ack>) = $change;
                change(acks);
            }
        })
    };
}

fn destination(check: &str) -> Option<Fault> {
    Some(match check {
        // It acknowledges at once, and writes when it is torn down.
        "stored/acked" => Fault::Loss(|_, moment, rows| {
            if moment == Moment::Killed {
                rows.pop();
            }
        }),
        "stored/stopped" => Fault::Loss(|_, moment, rows| {
            if moment == Moment::TornDown {
                rows.pop();
            }
        }),
        "stored/version-1" => Fault::Loss(|state, _, rows| {
            if state.version == 1 {
                rows.pop();
            }
        }),
        "stored/many" => Fault::Loss(|_, moment, rows| {
            if let Moment::Sent(100..) = moment {
                rows.truncate(100);
            }
        }),
        "stored/text" => {
            Fault::Loss(|_, _, rows| rows.iter_mut().for_each(|(_, row)| in_ascii(row)))
        }
        "write/accepted" => acks!(|acks| {
            for ack in acks {
                ack.error = "oh no".to_owned();
            }
        }),
        "write/structured"
        | "write/raw"
        | "write/one"
        | "write/unicode"
        | "write/numbers"
        | "write/nested"
        | "write/no-key"
        | "write/no-payload"
        | "write/no-metadata"
        | "write/unknown-metadata"
        | "write/snapshot"
        | "write/update"
        | "write/delete"
        | "write/large"
        | "write/larger" => Fault::Down(|_, down| {
            if matches!(down, Down::Acks(_)) {
                *down = failed();
            }
        }),
        "write/many" | "write/duplicate" => acks!(|acks| acks.truncate(1)),
        "write/one-1" => instead!(state, state.version == 1, Down::Silence),
        "write/too-large" => instead!(Down::Silence),
        "acks/order" | "acks/order-many" => acks!(|acks| acks.reverse()),
        "acks/positions" => acks!(|acks| {
            for ack in acks {
                ack.position = String::from_utf8_lossy(&ack.position).into_owned().into();
            }
        }),
        "acks/no-more" => acks!(|acks| acks.push(acks[0].clone())),
        "acks/no-empty" => Fault::Down(|state, down| {
            if let Down::Acks(acks) = down
                && state.received == 0
            {
                state.kept = std::mem::take(acks);
            } else if matches!(down, Down::Silence) && !state.kept.is_empty() {
                *down = Down::Acks(std::mem::take(&mut state.kept));
            }
        }),
        "acks/not-unasked" => {
            instead!(state, state.sent == 0, Down::Acks(vec![Default::default()]))
        }
        "acks/same-versions" => Fault::Down(|state, down| {
            if let (Down::Acks(acks), 1) = (down, state.version) {
                acks[0].error = "oh no".to_owned();
            }
        }),
        "run/idle" => instead!(state, state.sent == 0, Down::End),
        "run/pipelined" | "run/slow-host" => Fault::Taken(|state, up| {
            let _: &Up = up;
            state.sent < 50
        }),
        "run/after" => instead!(state, state.sent > 1, Down::Silence),
        "run/half-closed" => Fault::Down(|_, down| {
            if matches!(down, Down::End) {
                *down = failed();
            }
        }),
        "stop/answers" | "stop/idle" => answers!(Question::Stop(_), oh_no()),
        "stop/flushes" => instead!(Down::Silence),
        "stop/nothing-after" => Fault::Down(|state, down| {
            if state.has_asked("Stop") && state.silences < 3 && matches!(down, Down::Silence) {
                state.silences += 1;
                *down = Down::Acks(vec![Default::default()]);
            }
        }),
        _ => return None,
    })
}
