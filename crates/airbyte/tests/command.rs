//! `spec`, `check`, `discover`.

use std::time::Duration;

use crossdock_core::ErrorKind;
use crossdock_core::catalog::DestinationSyncMode;
use crossdock_core::destination::Destination;
use crossdock_core::source::Source;
use crossdock_core::spec::Checked;
use serde_json::{Value, json};

use crate::rig::Rig;

const SUCCEEDED: &str =
    "{\"type\":\"CONNECTION_STATUS\",\"connectionStatus\":{\"status\":\"SUCCEEDED\"}}\n";
const FAILED: &str = "{\"type\":\"CONNECTION_STATUS\",\"connectionStatus\":{\"status\":\"FAILED\",\"message\":\"wrong hunter22\"}}\n";

#[tokio::test]
async fn a_specification_is_told_and_remembered() {
    let rig = Rig::new(|_| {});
    let spec = Destination::spec(Rig::destination(), &rig.session)
        .await
        .unwrap();
    let modes = [DestinationSyncMode::Append, DestinationSyncMode::Overwrite];
    assert_eq!(
        spec.supported_destination_sync_modes.as_deref(),
        Some(&modes[..])
    );
    assert_eq!(spec.destination.sync_modes, modes);
    assert_eq!(spec.destination.wire_forms, ["airbyte/jsonl"]);
    assert_eq!(spec.extra["supportsDBT"], false);
    assert!(rig.ears.log().contains("about to answer"));
    let source = Rig::source();
    source.cached_spec(&rig.session).await.unwrap();
    let before = rig.ears.log();
    assert!(
        source
            .cached_spec(&rig.session)
            .await
            .unwrap()
            .source
            .bounded
    );
    assert_eq!(rig.ears.log(), before, "the connector was started again");
}

async fn check(steps: Value) -> (Result<Checked, crossdock_core::Error>, Rig) {
    let rig = Rig::new(|_| {});
    let config = json!({"check": steps, "password": "hunter22"});
    let checked = Source::check(Rig::source(), config, &rig.session).await;
    (checked, rig)
}

#[tokio::test]
async fn the_first_answer_counts_whatever_the_exit() {
    let (checked, rig) = check(json!([
        ["raw", "JVM warning hunter22\n"],
        ["raw", SUCCEEDED],
        ["raw", FAILED],
        ["exit", 1],
    ]))
    .await;
    assert_eq!(checked.unwrap(), Checked::Succeeded);
    assert!(rig.ears.log().contains("Info JVM warning ****"));
    let (checked, _) = check(json!([["error", "no", "config_error"], ["raw", FAILED]])).await;
    assert_eq!(checked.unwrap(), Checked::Failed("wrong ****".into()));
}

#[tokio::test]
async fn without_an_answer_the_reason_is_the_connectors_own_else_its_exit() {
    let expect = async |steps: Value, code: &str, kind: ErrorKind, message: &str| {
        let error = check(steps).await.0.unwrap_err();
        assert_eq!((error.code().name, error.kind()), (code, kind), "{error:?}");
        assert!(error.message().contains(message), "{error:?}");
        assert_eq!(error.operation(), Some("check"));
        assert!(!format!("{error:?}").contains("hunter22"));
        error
    };
    expect(
        json!([
            ["error", "bad hunter22", "config_error"],
            ["error", "later"],
            ["exit", 1]
        ]),
        "connector.failed",
        ErrorKind::Config,
        "bad ****",
    )
    .await;
    let error = expect(
        json!([["stderr", "usage: hunter22", 1], ["exit", 2]]),
        "connector.exit",
        ErrorKind::Connector,
        "exit code 2",
    )
    .await;
    assert!(format!("{error:?}").contains("usage: ****"));
    expect(
        json!([["exit", 127]]),
        "connector.no_entrypoint",
        ErrorKind::Config,
        "127",
    )
    .await;
    expect(
        json!([["exit", 3]]),
        "connector.out_of_memory",
        ErrorKind::Connector,
        "3",
    )
    .await;
    expect(
        json!([["kill", 9]]),
        "connector.killed",
        ErrorKind::Connector,
        "SIGKILL",
    )
    .await;
    let error = expect(
        json!([["raw", "hello\n"]]),
        "connector.no_answer",
        ErrorKind::Protocol,
        "without an answer",
    )
    .await;
    assert!(format!("{error:?}").contains("hello"));
    expect(
        json!([["raw", "{\"type\":\"CONNECTION_STATUS\",\"conn"]]),
        "protocol.line_truncated",
        ErrorKind::Protocol,
        "middle of a message",
    )
    .await;
}

#[tokio::test]
async fn a_connector_that_never_answers_is_ended() {
    let rig = Rig::new(|limits| {
        limits.command_timeout = Duration::from_millis(700);
        limits.grace = Duration::from_millis(200);
    });
    let source = Rig::source();
    // The specification has the same limit, so it is asked for with patience, and remembered.
    source.cached_spec(&Rig::new(|_| {}).session).await.unwrap();
    let config = json!({"check": [["deaf"], ["sleep", 600]]});
    let error = source.check(config, &rig.session).await.unwrap_err();
    assert_eq!(error.code().name, "connector.timeout");
}

#[tokio::test]
async fn an_answer_counts_though_the_connector_lingers() {
    let rig = Rig::new(|limits| limits.grace = Duration::from_millis(300));
    for steps in [
        json!([["raw", SUCCEEDED], ["deaf"], ["sleep", 600]]),
        json!([["raw", SUCCEEDED], ["hold", 600]]),
    ] {
        let config = json!({"check": steps});
        let checked = Source::check(Rig::source(), config, &rig.session).await;
        assert_eq!(checked.unwrap(), Checked::Succeeded);
    }
}

#[tokio::test]
async fn the_last_new_configuration_is_passed_on_if_it_is_new() {
    let rig = Rig::new(|_| {});
    let discover = async |steps: Value| {
        let config = json!({"discover": steps});
        let catalog = Rig::source()
            .discover(config.clone(), &rig.session)
            .await
            .unwrap();
        assert_eq!(catalog.streams.len(), 1);
        config
    };
    let answer =
        "{\"type\":\"CATALOG\",\"catalog\":{\"streams\":[{\"name\":\"a\",\"json_schema\":{}}]}}\n";
    discover(json!([["control", {"token": 1}], ["raw", answer], ["control", {"token": 2}]])).await;
    assert_eq!(rig.ears.new_configs(), [json!({"token": 2})]);
}

#[tokio::test]
async fn a_data_activation_destination_tells_its_objects() {
    let rig = Rig::new(|_| {});
    let answer = "{\"type\":\"DESTINATION_CATALOG\",\"destination_catalog\":{\"operations\":[{\"object_name\":\"lead\",\"sync_mode\":\"update\",\"json_schema\":{}}]}}\n";
    let config = json!({"discover": [["raw", answer]]});
    let catalog = Rig::destination()
        .discover(config, &rig.session)
        .await
        .unwrap();
    assert_eq!(catalog.operations[0].object_name, "lead");
}
