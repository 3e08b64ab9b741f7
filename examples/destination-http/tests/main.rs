//! The destination against a store on this machine.

#[path = "api/mod.rs"]
mod api;

use std::sync::Arc;

use api::Tables;
use crossdock_sdk::DestinationSyncMode;
use crossdock_sdk::core::catalog::{ConfiguredStream, Stream};
use crossdock_sdk::core::checkpoint::Seq;
use crossdock_sdk::core::destination::{Ack, Ending};
use crossdock_sdk::core::erased::ErasedDestination;
use crossdock_sdk::core::session::Session;
use crossdock_sdk::core::spec::Checked;
use crossdock_testkit::Writing;
use crossdock_testkit::http::{Reply, Server};
use serde_json::{Value, json};

fn destination() -> Arc<dyn ErasedDestination> {
    let connector = destination_http::connector();
    connector.destination_half().expect("a destination")
}

async fn store() -> (Server, Value) {
    let server = Server::start().await;
    let config = json!({"url": server.url(), "key": api::KEY});
    (server, config)
}

fn stream(mode: DestinationSyncMode) -> ConfiguredStream {
    let mut stream = ConfiguredStream::new(Stream::new("people", json!({})));
    stream.destination_sync_mode = mode;
    stream.primary_key = Some(vec![vec!["id".to_owned()]]);
    stream.generation_id = Some(1);
    stream
}

async fn open(config: &Value, stream: ConfiguredStream) -> Writing {
    let opened = Writing::open(&*destination(), config, vec![stream]).await;
    opened.expect("a writer")
}

fn people(tables: &Tables) -> Value {
    json!(tables.of("people"))
}

#[tokio::test]
async fn rows_are_durable_when_it_says_so() {
    let (server, config) = store().await;
    let tables = api::serve(&server);
    let mut writing = open(&config, stream(DestinationSyncMode::Append)).await;
    writing
        .rows("people", &[json!({"id": 1}), json!({"id": 1})])
        .await
        .expect("taken");
    let covered = writing.checkpoint().await.expect("taken");
    assert_eq!(writing.durable(), Seq(0), "rows are gathered");
    assert_eq!(people(&tables), json!([]));
    writing.flush().await.expect("written");
    assert_eq!(writing.durable(), covered);
    assert_eq!(people(&tables), json!([{"id": 1}, {"id": 1}]));
    writing.finish(Ending::Complete).await.expect("a good end");
}

#[tokio::test]
async fn rows_with_a_key_are_there_once() {
    let (server, config) = store().await;
    let tables = api::serve(&server);
    let mut writing = open(&config, stream(DestinationSyncMode::AppendDedup)).await;
    let rows = [
        json!({"id": 1, "n": 1}),
        json!({"id": 2, "n": 1}),
        json!({"id": 1, "n": 2}),
    ];
    writing.rows("people", &rows).await.expect("taken");
    writing.flush().await.expect("written");
    assert_eq!(
        people(&tables),
        json!([{"id": 2, "n": 1}, {"id": 1, "n": 2}])
    );
    writing
        .deleted("people", &[json!({"id": 2})])
        .await
        .expect("taken");
    writing
        .rows("people", &[json!({"id": 1, "n": 3})])
        .await
        .expect("taken");
    writing.finish(Ending::Complete).await.expect("a good end");
    assert_eq!(people(&tables), json!([{"id": 1, "n": 3}]));
}

#[tokio::test]
async fn earlier_rows_go_only_when_the_new_ones_are_complete() {
    let (server, config) = store().await;
    let tables = api::serve(&server);
    let run = async |generation: i64, id: u64, ending: Ending| {
        let mut stream = stream(DestinationSyncMode::Overwrite);
        stream.generation_id = Some(generation);
        stream.minimum_generation_id = Some(generation);
        let mut writing = open(&config, stream).await;
        writing
            .rows("people", &[json!({"id": id})])
            .await
            .expect("taken");
        writing.finish(ending).await.expect("an end");
    };
    run(1, 1, Ending::Complete).await;
    run(2, 2, Ending::Incomplete).await;
    assert_eq!(people(&tables), json!([{"id": 1}, {"id": 2}]));
    run(2, 3, Ending::Complete).await;
    assert_eq!(people(&tables), json!([{"id": 2}, {"id": 3}]));
}

#[tokio::test]
async fn a_refused_row_is_told_and_the_others_are_written() {
    let (server, config) = store().await;
    let tables = api::serve(&server);
    let mut writing = open(&config, stream(DestinationSyncMode::Append)).await;
    let rows = [
        json!({"id": 1}),
        json!({"id": 2, "name": "nobody"}),
        json!({"id": 3}),
    ];
    let batch = writing.rows("people", &rows).await.expect("taken");
    let acks = writing.finish(Ending::Complete).await.expect("a good end");
    let Ack::Rejected {
        seq,
        indices,
        reason,
        ..
    } = &acks[0]
    else {
        panic!("{acks:?}");
    };
    assert_eq!((*seq, &indices[..]), (batch, &[1][..]));
    assert_eq!(reason, "nobody is not allowed");
    assert!(matches!(acks[1], Ack::UpTo { .. }), "{acks:?}");
    assert_eq!(people(&tables), json!([{"id": 1}, {"id": 3}]));
}

#[tokio::test]
async fn nothing_is_acknowledged_that_the_store_did_not_take() {
    let (server, config) = store().await;
    let mut broken = false;
    server.answer(move |asked| {
        broken |= asked.path.ends_with("/rows");
        broken.then(|| Reply::status(400).body("no room"))
    });
    api::serve(&server);
    let mut writing = open(&config, stream(DestinationSyncMode::Append)).await;
    writing
        .rows("people", &[json!({"id": 1})])
        .await
        .expect("taken");
    writing.checkpoint().await.expect("taken");
    let error = writing.flush().await.expect_err("no room");
    assert!(error.in_one_line().contains("no room"), "{error:?}");
    assert_eq!(writing.durable(), Seq(0));
}

#[tokio::test]
async fn a_wrong_key_is_told() {
    let (server, mut config) = store().await;
    api::serve(&server);
    config["key"] = "wrong".into();
    let checked = destination().check(config, &Session::default()).await;
    let Ok(Checked::Failed(says)) = checked else {
        panic!("{checked:?}");
    };
    assert!(says.contains("403"), "{says}");
}
