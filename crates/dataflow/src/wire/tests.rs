//! The lines of the page, byte for byte where we write, and what else is taken.

use super::*;

fn line(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

/// The page's message, with its members in the page's order.
const FOO: Written<'_> = Written {
    data: br#"{"id":1,"name":"foo"}"#,
    metadata: br#"{"kafka_partition":0,"kafka_offset":42}"#,
    timestamp: 1_705_314_600_000,
};
const FOO_TEXT: &str = r#""data":"{\"id\":1,\"name\":\"foo\"}","metadata":{"kafka_partition":0,"kafka_offset":42},"timestamp":"2024-01-15T10:30:00Z"}"#;

#[test]
fn commands_are_written_as_on_the_page() {
    let config = br#"{"brokers":["b:9092"]}"#;
    let check = |written: String, expected: &str| assert_eq!(written, format!("{expected}\n"));
    check(
        line(|out| write_init(out, Role::Source, "kafka", config, Some(b"{}"))),
        r#"{"cmd":"init","role":"source","type":"kafka","config":{"brokers":["b:9092"]},"options":{}}"#,
    );
    check(
        line(|out| write_init(out, Role::Sink, "kafka", config, None)),
        r#"{"cmd":"init","role":"sink","type":"kafka","config":{"brokers":["b:9092"]}}"#,
    );
    check(line(write_connect), r#"{"cmd":"connect"}"#);
    check(line(|out| write_read(out, None)), r#"{"cmd":"read"}"#);
    check(
        line(|out| write_read(out, Some(500))),
        r#"{"cmd":"read","limit":500}"#,
    );
    check(line(write_close), r#"{"cmd":"close"}"#);
    check(line(write_ping), r#"{"cmd":"ping"}"#);
    check(line(|out| write_ack(out, 7)), r#"{"cmd":"ack","count":7}"#);
    let mut write = WriteCommand::default();
    write.push(&FOO);
    write.push_members(FOO_TEXT.as_bytes());
    assert_eq!(write.len(), 2);
    check(
        String::from_utf8(write.finish()).unwrap(),
        &format!(r#"{{"cmd":"write","messages":[{{{FOO_TEXT},{{{FOO_TEXT}]}}"#),
    );
    check(
        String::from_utf8(WriteCommand::default().finish()).unwrap(),
        r#"{"cmd":"write","messages":[]}"#,
    );
}

#[test]
fn responses_are_written_as_on_the_page() {
    let announced = || Ready {
        features: vec!["ack".to_owned(), "failed".to_owned()],
        max_line_bytes: Some(1 << 20),
    };
    let check = |written: String, expected: &str| assert_eq!(written, format!("{expected}\n"));
    check(
        line(|out| write_ready(out, &Ready::default())),
        r#"{"type":"ready"}"#,
    );
    check(
        line(|out| write_ready(out, &announced())),
        r#"{"type":"ready","features":["ack","failed"],"maxLineBytes":1048576}"#,
    );
    check(
        line(|out| write_source_message(out, &FOO)),
        &format!(r#"{{"type":"message",{FOO_TEXT}"#),
    );
    check(
        line(|out| write_done(out, Finished::default())),
        r#"{"type":"done"}"#,
    );
    check(
        line(|out| write_done(out, Finished { more: Some(false) })),
        r#"{"type":"done","more":false}"#,
    );
    let failure = Failure {
        message: "connect refused".to_owned(),
        code: "connection_error".to_owned(),
        failed: None,
    };
    check(
        line(|out| write_error(out, &failure)),
        r#"{"type":"error","message":"connect refused","code":"connection_error"}"#,
    );
    let failure = Failure {
        code: String::new(),
        failed: Some(vec![0, 3]),
        ..failure
    };
    check(
        line(|out| write_error(out, &failure)),
        r#"{"type":"error","message":"connect refused","failed":[0,3]}"#,
    );
    check(
        line(|out| write_checkpoint(out, br#""{\"lastReadOrderByValue\":1}""#)),
        r#"{"type":"checkpoint","data":"{\"lastReadOrderByValue\":1}"}"#,
    );
    check(line(write_pong), r#"{"type":"pong"}"#);
}

fn command(text: &str) -> Result<Command, String> {
    Command::read(text.as_bytes()).map_err(|fault| fault.to_string())
}

#[test]
fn commands_are_read() {
    let text =
        r#"{"cmd":"init","role":"sink","type":"p","config":{"a":1},"options":null,"new":{}}"#;
    let Ok(Command::Init(init)) = command(text) else {
        panic!("{:?}", command(text));
    };
    assert_eq!((init.role, init.kind.as_str()), (Role::Sink, "p"));
    assert_eq!(&text[init.config], r#"{"a":1}"#);
    assert_eq!(init.options, None);
    assert_eq!(
        command(r#"{"cmd":"read","limit":5}"#),
        Ok(Command::Read { limit: Some(5) })
    );
    assert_eq!(
        command(r#"{"cmd":"read"}"#),
        Ok(Command::Read { limit: None })
    );
    assert_eq!(command(r#" { "cmd" : "ping" } "#), Ok(Command::Ping));
    assert_eq!(
        command(r#"{"cmd":"sing"}"#),
        Ok(Command::Unknown("sing".to_owned()))
    );
    let text = format!(r#"{{"cmd":"write","messages":[{{{FOO_TEXT} , {{"data":""}}]}}"#);
    let Ok(Command::Write(messages)) = command(&text) else {
        panic!("{:?}", command(&text));
    };
    assert_eq!(messages.len(), 2);
    let mut out = Vec::new();
    assert_eq!(
        messages[0].payload(text.as_bytes(), &mut out),
        Ok(Payload::Text)
    );
    assert_eq!(out, FOO.data);
    for (broken, why) in [
        ("{}", "a line has no `cmd`"),
        (r#"{"type":"init"}"#, "a line has no `cmd`"),
        (
            r#"{"cmd":"read","limit":0}"#,
            "the `limit` of `read` is no whole number above 0",
        ),
        (r#"{"cmd":"write"}"#, "`write` has no `messages`"),
        (
            r#"{"cmd":"write","messages":[{}]}"#,
            "a message has no `data`",
        ),
        (
            r#"{"cmd":"init","role":"both","type":"p","config":{}}"#,
            "the `role` of `init` is neither source nor sink",
        ),
        (
            r#"{"cmd":"init","role":"sink","type":"p","config":{a}}"#,
            "the `config` of `init` is no object",
        ),
        (r#"{"cmd":"ping"}{"#, "something stands after the object"),
    ] {
        assert_eq!(command(broken), Err(why.to_owned()), "{broken}");
    }
}

fn response(text: &str) -> Result<Response, String> {
    Response::read(text.as_bytes()).map_err(|fault| fault.to_string())
}

#[test]
fn responses_are_read() {
    assert_eq!(
        response(r#"{"type":"ready","features":["ack",7],"maxLineBytes":65536}"#),
        Ok(Response::Ready(Ready {
            features: vec!["ack".to_owned(), "7".to_owned()],
            max_line_bytes: Some(65536),
        }))
    );
    for (text, more) in [
        (r#"{"type":"done"}"#, None),
        (r#"{"type":"done","more":true}"#, Some(true)),
        (r#"{"type":"done","more":"perhaps"}"#, None),
    ] {
        assert_eq!(response(text), Ok(Response::Done(Finished { more })));
    }
    let failure = |code: &str, failed: Option<Vec<u32>>| {
        Ok(Response::Error(Failure {
            message: "m".to_owned(),
            code: code.to_owned(),
            failed,
        }))
    };
    let text = r#"{"type":"error","message":"m"}"#;
    assert_eq!(response(text), failure("", None));
    let text = r#"{"type":"error","message":"m","code":42,"failed":[1]}"#;
    assert_eq!(response(text), failure("42", Some(vec![1])));
    for data in [r#""{\"a\":1}""#, r#"{"a":[1, 2]}"#, "null"] {
        let text = format!(r#"{{"type":"checkpoint","data":{data}}}"#);
        let Ok(Response::Checkpoint(range)) = response(&text) else {
            panic!("{text}");
        };
        assert_eq!(&text[range], data);
    }
    assert_eq!(
        response(r#"{"type":"log","data":1}"#),
        Ok(Response::Unknown("log".to_owned()))
    );
    assert_eq!(
        response(r#"{"type":"message"}"#),
        Err("a message has no `data`".to_owned())
    );
    assert_eq!(
        response(r#"{"type":"message","data":"","metadata":[]}"#),
        Err("the `metadata` of a message are no object".to_owned())
    );
    assert!(response("{").is_err());
}

type Payloads = Result<(Payload, Vec<u8>), String>;

/// The payload, metadata and time of a message.
fn message(text: &str) -> (Payloads, Option<String>, Option<i64>) {
    let Ok(Response::Message(view)) = response(text) else {
        panic!("{:?}", response(text));
    };
    let line = text.as_bytes();
    let mut out = Vec::new();
    let kind = view.payload(line, &mut out);
    let metadata = view
        .metadata(line)
        .map(|m| String::from_utf8_lossy(m).into_owned());
    (
        kind.map(|kind| (kind, out))
            .map_err(|fault| fault.to_string()),
        metadata,
        view.timestamp(line),
    )
}

#[test]
fn payloads_come_in_every_form() {
    let check = |text: &str, kind: Payload, payload: &[u8]| {
        let (found, ..) = message(text);
        assert_eq!(found, Ok((kind, payload.to_vec())), "{text}");
    };
    check(
        r#"{"type":"message","data":"a\u00e9\ud83d\ude00\n"}"#,
        Payload::Text,
        "aé😀\n".as_bytes(),
    );
    check(
        r#"{"type":"message","data":{ "a" : [1, " x"] }}"#,
        Payload::Text,
        br#"{"a":[1," x"]}"#,
    );
    check(r#"{"type":"message","data":null}"#, Payload::Text, b"null");
    check(
        r#"{"data":"/w==","metadata":{"dataflow.encoding":"base64"},"type":"message"}"#,
        Payload::Bytes,
        b"\xff",
    );
    for (text, why) in [
        (
            r#"{"type":"message","data":"\ud800"}"#,
            "the `data` of a message are no valid text",
        ),
        (
            r#"{"type":"message","data":"?","metadata":{"dataflow.encoding":"base64"}}"#,
            "the `data` of a message are no base64",
        ),
    ] {
        assert_eq!(message(text).0, Err(why.to_owned()), "{text}");
    }
    let (_, metadata, time) = message(&format!(r#"{{"type":"message",{FOO_TEXT}"#));
    assert_eq!(metadata.unwrap().as_bytes(), FOO.metadata);
    assert_eq!(time, Some(FOO.timestamp));
    let (_, metadata, time) = message(
        r#"{"type":"message","data":"","metadata":null,"timestamp":"2024-01-15T11:30:00.25+01:00"}"#,
    );
    assert_eq!(metadata, None);
    assert_eq!(time, Some(FOO.timestamp + 250));
    assert_eq!(
        message(r#"{"type":"message","data":"","timestamp":"soon"}"#).2,
        None
    );
}

#[test]
fn bytes_that_are_no_text_come_back() {
    for metadata in ["", "{}", r#"{"a":1}"#] {
        let written = Written {
            data: b"\xff\x00",
            metadata: metadata.as_bytes(),
            timestamp: 1,
        };
        let text = line(|out| write_source_message(out, &written));
        let (payload, found, time) = message(text.trim_end());
        assert_eq!(
            payload,
            Ok((Payload::Bytes, b"\xff\x00".to_vec())),
            "{text}"
        );
        assert!(found.unwrap().ends_with(r#""dataflow.encoding":"base64"}"#));
        assert_eq!(time, Some(1));
    }
}

#[test]
fn a_checkpoint_that_is_no_json_is_refused() {
    for data in ["{a:1}", "\"\\x\"", "NaN", "[1"] {
        let text = format!("{{\"type\":\"checkpoint\",\"data\":{data}}}");
        assert!(response(&text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn foreign_lines_never_panic(text in "[{}\\[\\]\",:a-z\\\\0-9 ]{0,60}") {
        let _ = Command::read(text.as_bytes());
        if let Ok(Response::Message(view)) = Response::read(text.as_bytes()) {
            let _ = view.payload(text.as_bytes(), &mut Vec::new());
            let _ = view.timestamp(text.as_bytes());
        }
    }

    #[test]
    fn every_text_comes_back(data in ".*") {
        let written = Written { data: data.as_bytes(), metadata: b"", timestamp: 0 };
        let text = line(|out| write_source_message(out, &written));
        let (payload, ..) = message(text.trim_end());
        proptest::prop_assert_eq!(payload, Ok((Payload::Text, data.into_bytes())));
    }
}
