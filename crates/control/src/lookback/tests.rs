use std::time::Duration;

use crossdock_core::catalog::{Lookback, Stream};
use serde_json::json;

use super::*;

/// A stream of this name with the cursor `at` and a window.
fn stream(name: &str, by: Lookback) -> ConfiguredStream {
    let mut stream = ConfiguredStream::new(Stream::new(name, json!({})));
    stream.cursor_field = Some(vec!["at".into()]);
    stream.lookback = Some(by);
    stream
}

fn day() -> Lookback {
    Lookback::Time(Duration::from_secs(24 * 60 * 60))
}

fn json(text: &str) -> Json {
    Json::parse_text(text.to_owned()).unwrap()
}

fn of_stream(text: &str) -> LaneState {
    LaneState {
        lane: Lane::Stream(StreamId::new("a")),
        kind: StateKind::Stream,
        state: json(text),
    }
}

fn of_whole(kind: StateKind, text: &str) -> LaneState {
    LaneState {
        lane: Lane::Global,
        kind,
        state: json(text),
    }
}

/// The state after the move, or why there is none.
fn shown(state: &LaneState, by: Lookback, origin: Origin) -> String {
    let catalog = ConfiguredCatalog {
        streams: vec![stream("a", by)],
        ..ConfiguredCatalog::default()
    };
    let states = std::slice::from_ref(state);
    match moved(states, states, &catalog, origin) {
        Ok(states) => states[0].state.to_string(),
        Err(error) => {
            assert_eq!(error.code().name, "catalog.lookback");
            let message = error.message();
            message.rsplit("moved back: ").next().unwrap().to_owned()
        }
    }
}

#[test]
fn states_of_a_stream() {
    let check = |state: &str, expected: &str| {
        let found = shown(&of_stream(state), day(), Origin::Foreign);
        assert_eq!(found, expected, "{state}");
    };
    check(
        r#"{"at":"2024-01-02","n":12345678901234567890123}"#,
        r#"{"at":"2024-01-01","n":12345678901234567890123}"#,
    );
    check("null", "null");
    check("{}", "{}");
    check(r#"{"at":null}"#, r#"{"at":null}"#);
    check(r#"{"other":"2024-01-02"}"#, "its form is not known here");
    check(r#"{"slices":[]}"#, "its form is not known here");
    check("5", "it is no object");
    check(
        r#"{"at":5}"#,
        "the cursor is a number: write `lookback` as a number, in its unit",
    );
    // Of a source on Airbyte's SDK, by partition.
    check(
        r#"{"use_global_cursor":false,"states":[{"partition":{"id":1},"cursor":{"at":"2024-01-02"}},{"partition":{"id":2},"cursor":{"at":"2024-02-02"}}],"state":{"at":"2024-03-02"},"lookback_window":1,"parent_state":{}}"#,
        r#"{"use_global_cursor":false,"states":[{"partition":{"id":1},"cursor":{"at":"2024-01-01"}},{"partition":{"id":2},"cursor":{"at":"2024-02-01"}}],"state":{"at":"2024-03-01"},"lookback_window":1,"parent_state":{}}"#,
    );
    check(
        r#"{"states":[],"parent_state":{"p":{"at":"2024-01-02"}}}"#,
        "it holds the state of a parent stream",
    );
    check(
        r#"{"states":[{"partition":{}}]}"#,
        "its form is not known here",
    );
    // Of a database.
    check(
        r#"{"version":2,"state_type":"cursor_based","stream_name":"a","cursor_field":["at"],"cursor":"2024-01-02T00:00:00.000000","cursor_record_count":3}"#,
        r#"{"version":2,"state_type":"cursor_based","stream_name":"a","cursor_field":["at"],"cursor":"2024-01-01T00:00:00.000000"}"#,
    );
    check(
        r#"{"cursor_field":["id"],"cursor":"5"}"#,
        "it is one of the cursor `id`",
    );
    check(
        r#"{"state_type":"ctid","cursor_field":["at"]}"#,
        "the first read of the table is not at its end",
    );
}

#[test]
fn states_of_our_own_sources() {
    let check = |name: &str, by, state: &str, expected: &str| {
        let found = shown(&of_stream(state), by, Origin::of(Some(name)));
        assert_eq!(found, expected, "{name} {state}");
    };
    check(
        "sample",
        Lookback::Number(3),
        r#"{"next":10}"#,
        r#"{"next":7}"#,
    );
    check(
        "sample",
        Lookback::Number(30),
        r#"{"next":10}"#,
        r#"{"next":0}"#,
    );
    check(
        "sqlite",
        day(),
        r#"{"order":["at","rowid"],"after":[{"text":"2024-01-02"},{"integer":9}]}"#,
        r#"{"order":["at","rowid"],"after":[{"text":"2024-01-01"},{"integer":-9223372036854775808}]}"#,
    );
    check(
        "sqlite",
        Lookback::Number(4),
        r#"{"order":["at"],"after":[{"integer":9}]}"#,
        r#"{"order":["at"],"after":[{"integer":5}]}"#,
    );
    let null = r#"{"order":["at","rowid"],"after":["null",{"integer":9}]}"#;
    check("sqlite", day(), null, null);
    check(
        "sqlite",
        day(),
        r#"{"order":["rowid"],"after":[{"integer":9}]}"#,
        "it is one of another order",
    );
    check(
        "sqlite",
        day(),
        r#"{"order":["at"],"after":[{"real":9}]}"#,
        "the cursor is no integer and no text",
    );
    check(
        "csv",
        day(),
        r#"{"files":{"x":{}},"cursor":{"field":"at","from":"2024-01-02","greatest":"2024-01-02"}}"#,
        r#"{"files":{"x":{}},"cursor":{"field":"at","from":"2024-01-01","greatest":"2024-01-02"}}"#,
    );
    check(
        "csv",
        day(),
        r#"{"files":{}}"#,
        "the source reads files, and has no cursor",
    );
}

#[test]
fn states_of_the_whole_source() {
    let check = |kind, state: &str, expected: &str| {
        let found = shown(&of_whole(kind, state), day(), Origin::Foreign);
        assert_eq!(found, expected, "{state}");
    };
    check(
        StateKind::Global,
        r#"{"shared_state":{},"stream_states":[{"stream_descriptor":{"name":"b"},"stream_state":{"at":"2024-01-02"}},{"stream_descriptor":{"name":"a"},"stream_state":{"at":"2024-01-02"}}]}"#,
        r#"{"shared_state":{},"stream_states":[{"stream_descriptor":{"name":"b"},"stream_state":{"at":"2024-01-02"}},{"stream_descriptor":{"name":"a"},"stream_state":{"at":"2024-01-01"}}]}"#,
    );
    check(
        StateKind::Global,
        r#"{"shared_state":{"lsn":1},"stream_states":[]}"#,
        "it has a part that all streams share",
    );
    check(
        StateKind::Legacy,
        r#"{"a":{"at":"2024-01-02"},"b":{"at":"2024-01-02"}}"#,
        r#"{"a":{"at":"2024-01-01"},"b":{"at":"2024-01-02"}}"#,
    );
    check(
        StateKind::Legacy,
        r#"{"page":5}"#,
        "it is one of the whole source",
    );
    check(
        StateKind::Position,
        "5",
        "it is a position of the whole source",
    );
}

/// A second attempt goes on from what the first has committed.
#[test]
fn only_what_the_run_began_with_is_moved() {
    let catalog = ConfiguredCatalog {
        streams: vec![stream("a", day()), stream("b", day())],
        ..ConfiguredCatalog::default()
    };
    let b = |text: &str| LaneState {
        lane: Lane::Stream(StreamId::new("b")),
        ..of_stream(text)
    };
    let begun = [
        of_stream(r#"{"at":"2024-01-10"}"#),
        b(r#"{"at":"2024-01-09"}"#),
    ];
    // The first has come as far as the second was.
    let now = [
        of_stream(r#"{"at":"2024-01-09"}"#),
        b(r#"{ "at": "2024-01-09" }"#),
    ];
    let moved = moved(&now, &begun, &catalog, Origin::Foreign).unwrap();
    let texts: Vec<_> = moved.iter().map(|state| state.state.to_string()).collect();
    assert_eq!(texts, [r#"{"at":"2024-01-09"}"#, r#"{"at":"2024-01-08"}"#]);
}
