//! A destination of tables, as the contract sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_sdk::core::catalog::{ConfiguredStream, Stream};
use crossdock_sdk::core::checkpoint::Seq;
use crossdock_sdk::core::destination::Ending;
use crossdock_sdk::core::stream::StreamId;
use crossdock_sdk::{
    BatchLimits, Connector, Context, JsonSchema, Refused, Result, Row, Table, TableDestination,
    failure,
};
use crossdock_testkit::Writing;
use serde::Deserialize;
use serde_json::{Value, json};

/// Nothing to set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

/// Notes what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, what: String) {
        self.0.lock().expect("a lock").push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("a lock"))
    }

    async fn open(&self) -> Writing {
        let connector = Connector::new("notes", "1.0.0").tables(self.clone());
        let destination = connector.destination_half().expect("a destination");
        let streams = ["b", "a", "bad"].map(|name| {
            let mut stream = ConfiguredStream::new(Stream::new(name, json!({})));
            stream.target = (name == "a").then(|| StreamId::new("other"));
            stream
        });
        let opened = Writing::open(&*destination, &json!({}), streams.into()).await;
        assert_eq!(self.take(), ["begin b", "begin other", "begin bad"]);
        opened.expect("a writer")
    }
}

#[async_trait]
impl TableDestination for Notes {
    type Config = Config;
    type Client = ();

    fn limits(&self) -> BatchLimits {
        BatchLimits {
            rows: 2,
            bytes: 600,
            age: Duration::from_secs(5),
        }
    }

    async fn connect(&self, _: Config, _: &Context) -> Result<()> {
        Ok(())
    }

    async fn check(&self, (): &()) -> Result<()> {
        Ok(())
    }

    async fn begin(&self, (): &(), table: &Table) -> Result<()> {
        self.note(format!("begin {}", table.name));
        Ok(())
    }

    async fn write(&self, (): &(), table: &Table, rows: &[Row]) -> Result<Vec<Refused>> {
        if table.name == "bad" {
            return Err(failure::transient("no"));
        }
        let ids = rows
            .iter()
            .map(|row| row.parse::<Value>().expect("JSON")["id"].clone());
        self.note(format!("{} {}", table.name, ids.collect::<Value>()));
        Ok(Vec::new())
    }

    async fn complete(&self, (): &(), table: &Table) -> Result<()> {
        self.note(format!("complete {}", table.name));
        Ok(())
    }
}

fn rows(ids: std::ops::Range<u64>) -> Vec<Value> {
    ids.map(|id| json!({"id": id})).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_written() {
    let notes = Notes::default();
    let mut writing = notes.open().await;
    writing.rows("a", &rows(0..1)).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let last = writing.rows("b", &rows(1..2)).await.expect("taken");
    assert_eq!(notes.take(), [""; 0]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(notes.take(), ["other [0]", "b [1]"]);
    assert_eq!(writing.durable(), last);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(notes.take(), [""; 0]);
    // A state alone is acknowledged, too.
    let state = writing.checkpoint().await.expect("taken");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(writing.durable(), state);
}

#[tokio::test(start_paused = true)]
async fn what_is_enough_is_written_in_calls_of_some_rows() {
    let notes = Notes::default();
    let mut writing = notes.open().await;
    let last = writing.rows("a", &rows(10..15)).await.expect("taken");
    assert_eq!(notes.take(), [""; 0]);
    assert!(writing.durable() < last);
    let last = writing.rows("a", &rows(15..21)).await.expect("taken");
    let expected = [
        "[10,11]", "[12,13]", "[14,15]", "[16,17]", "[18,19]", "[20]",
    ];
    assert_eq!(notes.take(), expected.map(|ids| format!("other {ids}")));
    assert_eq!(writing.durable(), last);
    writing.finish(Ending::Complete).await.expect("a good end");
    let mut completed = notes.take();
    completed.sort();
    assert_eq!(completed, ["complete b", "complete bad", "complete other"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_by_itself_is_told() {
    let notes = Notes::default();
    let mut writing = notes.open().await;
    writing.rows("bad", &rows(0..1)).await.expect("taken");
    let error = writing.broken().await;
    assert_eq!(error.message(), "no");
    assert_eq!(writing.durable(), Seq(0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_failed_completes_nothing() {
    let notes = Notes::default();
    let mut writing = notes.open().await;
    writing.rows("a", &rows(0..1)).await.expect("taken");
    let error = writing
        .rows("bad", &rows(100..120))
        .await
        .expect_err("it fails");
    assert_eq!(error.message(), "no");
    let notes_then = notes.take();
    assert_eq!(notes_then, ["other [0]"]);
    // What is missing is not acknowledged with what comes later (P1).
    writing.flush().await.expect_err("rows are missing");
    assert_eq!(writing.durable(), Seq(0));
    writing
        .finish(Ending::Complete)
        .await
        .expect_err("rows are missing");
    assert_eq!(notes.take(), [""; 0]);
}
