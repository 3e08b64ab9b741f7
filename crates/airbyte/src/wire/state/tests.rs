use super::*;

fn parse(payload: &str) -> Result<StateMessage, String> {
    let line = Bytes::from(format!("{{\"type\":\"STATE\",\"state\":{payload}}}\n"));
    let payload = line.slice(24..line.len() - 2);
    StateMessage::parse(&line, &payload)
}

#[test]
fn the_three_forms_are_read() {
    let check = |payload: &str, lane: Lane, kind: StateKind, state: &str, count: Option<u64>| {
        let message = parse(payload).unwrap();
        assert_eq!((&message.lane, message.kind), (&lane, kind), "{payload}");
        assert_eq!(message.state.bytes(), state, "{payload}");
        assert_eq!(message.source.record_count, count, "{payload}");
    };
    let users = || Lane::Stream(StreamId::new("users"));
    check(
        r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"seed":1}},"sourceStats":{"recordCount":20.0}}"#,
        users(),
        StateKind::Stream,
        r#"{"seed":1}"#,
        Some(20),
    );
    check(
        r#"{"type":"STREAM","data":{"old":1},"stream":{"stream_descriptor":{"name":"users","namespace":null}}}"#,
        users(),
        StateKind::Stream,
        "null",
        None,
    );
    check(
        r#"{"stream":{"stream_descriptor":{"name":"users"},"stream_state":{}},"id":4,"new":1}"#,
        users(),
        StateKind::Stream,
        "{}",
        None,
    );
    check(
        r#"{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[]},"sourceStats":{"recordCount":1.5}}"#,
        Lane::Global,
        StateKind::Global,
        r#"{"shared_state":null,"stream_states":[]}"#,
        None,
    );
    check(
        r#"{"data":{"a":12345678901234567890123}}"#,
        Lane::Global,
        StateKind::Legacy,
        r#"{"a":12345678901234567890123}"#,
        None,
    );
    for broken in [
        r#"{"type":"STREAM"}"#,
        r#"{"type":"GLOBAL"}"#,
        r#"{"type":"ODD"}"#,
        "[]",
        r#"{"type":"STREAM","stream":{"stream_state":{}}}"#,
        r#"{"data":NaN}"#,
    ] {
        assert!(parse(broken).is_err(), "{broken}");
    }
}

#[test]
fn states_are_sent_on_with_id_and_count() {
    let check = |checkpoint: &Checkpoint, stream: Option<&StreamId>, expected: &str| {
        let mut out = Vec::new();
        let stamp = Stamp {
            id: 3,
            record_count: 9,
            stream,
            partition: None,
        };
        write_state(checkpoint, &stamp, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    };
    let target = StreamId::with_namespace("n", "t");
    let received = |payload: &str| parse(payload).unwrap().checkpoint();
    check(
        &received(
            r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"a": 1.10}},"x":{}}"#,
        ),
        None,
        r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"a": 1.10}},"x":{},"id":3,"sourceStats":{"recordCount":9}}}"#,
    );
    check(
        &received(
            r#"{"id":77,"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{}},"sourceStats":{"recordCount":5.0}}"#,
        ),
        Some(&target),
        r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"t","namespace":"n"},"stream_state":{}},"sourceStats":{"recordCount":5.0},"id":3}}"#,
    );
    let injected = Checkpoint::stream(StreamId::new("s"), Json::from_value(&json!({})));
    check(
        &injected,
        None,
        r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"s"},"stream_state":{}},"id":3,"sourceStats":{"recordCount":9}}}"#,
    );
    let mut foreign = Checkpoint::global(StateKind::Position, Json::from_value(&json!("p")));
    foreign.wire = Some(Bytes::from_static(b"\x00\x01"));
    check(
        &foreign,
        None,
        r#"{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"position":"p"},"stream_states":[]},"id":3,"sourceStats":{"recordCount":9}}}"#,
    );
}

#[test]
fn the_input_file_has_the_form_of_the_state() {
    let check = |states: &[(Lane, StateKind, &str)], expected: Option<&str>| {
        let states: Vec<_> = states
            .iter()
            .map(|(lane, kind, state)| LaneState {
                lane: lane.clone(),
                kind: *kind,
                state: Json::parse_text((*state).to_owned()).unwrap(),
            })
            .collect();
        let file = input_file(&states).unwrap();
        assert_eq!(
            file.map(|f| String::from_utf8(f).unwrap()).as_deref(),
            expected
        );
    };
    let lane = |name: &str| Lane::Stream(StreamId::new(name));
    check(&[], None);
    check(&[(lane("a"), StateKind::Stream, "null")], None);
    check(
        &[
            (lane("a"), StateKind::Stream, "{\"x\":1}"),
            (lane("b"), StateKind::Stream, "{}"),
        ],
        Some(concat!(
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"x":1}}},"#,
            r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"b"},"stream_state":{}}}]"#
        )),
    );
    check(
        &[(Lane::Global, StateKind::Global, r#"{"stream_states":[]}"#)],
        Some(r#"[{"type":"GLOBAL","global":{"stream_states":[]}}]"#),
    );
    check(
        &[(Lane::Global, StateKind::Legacy, r#"{"a":1}"#)],
        Some(r#"{"a":1}"#),
    );
    let position = LaneState {
        lane: Lane::Global,
        kind: StateKind::Position,
        state: Json::parse_text("1").unwrap(),
    };
    assert_eq!(
        input_file(&[position]).unwrap_err().code().name,
        "protocol.state_invalid"
    );
}
