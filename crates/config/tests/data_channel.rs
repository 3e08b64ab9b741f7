//! How records pass between Crossdock and a connector of Airbyte.

use crossdock_config::{ChannelFormat, ChannelVersion, DataChannel, Transport};

use super::fixture::{Fake, parse};

fn read(connector: &str, channel: &str) -> Result<DataChannel, String> {
    let text = format!(
        "version: 1\npipelines:\n- id: p\n  destination: {{connector: native:null}}\n  source:\n    connector: {connector}\n    data_channel: {channel}\n"
    );
    let plan = parse(&text, &Fake::default()).map_err(|wrong| wrong.to_string())?;
    Ok(plan.pipelines[0].sources[0].data_channel)
}

#[test]
fn what_is_not_said_is_as_usual() {
    let check = |channel: &str, transport, format, version, sockets| {
        let expected = DataChannel {
            transport,
            format,
            version,
            sockets,
        };
        assert_eq!(read("airbyte:exec:./x", channel), Ok(expected), "{channel}");
    };
    use ChannelFormat::{Jsonl, Protobuf};
    use ChannelVersion::{First, Present};
    check("{}", None, Protobuf, Present, None);
    check(
        "{transport: stdio}",
        Some(Transport::Stdio),
        Protobuf,
        Present,
        None,
    );
    check(
        "{transport: sockets, format: jsonl, version: \"0.0.1\", sockets: 3}",
        Some(Transport::Sockets),
        Jsonl,
        First,
        Some(3),
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let check = |connector: &str, channel: &str, part: &str| {
        let refused = read(connector, channel).unwrap_err();
        assert!(refused.contains(part), "{refused}");
    };
    check("airbyte:exec:./x", "{transport: tcp}", "transport");
    check("airbyte:exec:./x", "{version: \"0.0.3\"}", "version");
    check("airbyte:exec:./x", "{sockets: 0}", "sockets");
    check("airbyte:exec:./x", "{socket: 1}", "did you mean `sockets`");
    check("conduit:exec:./x", "{}", "alone");
}
