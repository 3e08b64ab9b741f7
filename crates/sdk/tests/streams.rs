//! A source of streams, as the contract sees it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_sdk::arrow_array::{ArrayRef, RecordBatch, StringArray};
use crossdock_sdk::core::batch::{BodyShape, Operation};
use crossdock_sdk::core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_sdk::core::erased::ErasedSource;
use crossdock_sdk::core::event::{Event, StreamStatus};
use crossdock_sdk::core::session::Session;
use crossdock_sdk::core::source::SourceOpening;
use crossdock_sdk::core::spec::Checked;
use crossdock_sdk::core::stream::StreamId;
use crossdock_sdk::{
    Connector, Context, Description, ErrorKind, JsonSchema, Output, Result, Secret, SourceStream,
    State, StreamOutput, StreamSource, Streams, failure, push,
};
use crossdock_testkit::{read, read_from, resumes_from_every_checkpoint};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::time::timeout;

/// What the test's source is told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many rows.
    rows: u64,
    /// Not used.
    #[serde(default)]
    key: Secret,
    /// The first stream fails after its second page.
    #[serde(default)]
    breaks: bool,
    /// The first stream ends only when it is told to.
    #[serde(default)]
    endless: bool,
}

struct Test;

#[async_trait]
impl StreamSource for Test {
    type Config = Config;
    type Client = Config;

    async fn connect(&self, config: Config, _: &Context) -> Result<Config> {
        match config.key.expose() {
            "wrong" => Err(failure::auth("the key was refused")),
            _ => Ok(config),
        }
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn check(&self, _: &Config) -> Result<()> {
        Ok(())
    }

    async fn streams(&self, _: &Config) -> Result<Streams<Config>> {
        Ok(Streams::new().with(Rows).with(Letters))
    }
}

#[derive(Serialize, JsonSchema)]
struct Row {
    id: u64,
    name: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct After {
    after: u64,
}

impl State for After {}

struct Rows;

#[async_trait]
impl SourceStream<Config> for Rows {
    type Record = Row;
    type State = After;

    fn describe(&self) -> Description {
        Description::new("rows")
            .namespace("n")
            .key(["id"])
            .cursor("id")
    }

    async fn read(
        &self,
        config: &Config,
        mut state: After,
        output: &mut StreamOutput<'_, Row, After>,
    ) -> Result<()> {
        output.estimate(config.rows - state.after).await?;
        while state.after < config.rows || config.endless {
            state.after += 1;
            let name = state.after.is_multiple_of(2).then(|| "é\n".to_owned());
            output
                .record(&Row {
                    id: state.after,
                    name,
                })
                .await?;
            if state.after.is_multiple_of(3) {
                output.checkpoint(&state).await?;
            }
            if config.breaks && state.after == 6 {
                return Err(failure::transient("the connection is lost"));
            }
        }
        output.checkpoint(&state).await
    }
}

/// Without a type, without a state.
struct Letters;

#[async_trait]
impl SourceStream<Config> for Letters {
    type Record = Value;
    type State = ();

    fn describe(&self) -> Description {
        Description::new("letters").schema(json!({"properties": {"letter": {"type": "string"}}}))
    }

    async fn read(
        &self,
        _: &Config,
        (): (),
        output: &mut StreamOutput<'_, Value, ()>,
    ) -> Result<()> {
        output.record(&json!({"letter": "a"})).await?;
        let letters: ArrayRef = Arc::new(StringArray::from(vec![Some("c"), None]));
        let columns = RecordBatch::try_from_iter_with_nullable([("letter", letters, true)]);
        output.columns(columns.expect("columns")).await?;
        output.deleted(&json!({"letter": "b"})).await
    }
}

fn source() -> Arc<dyn ErasedSource> {
    let connector = Connector::new("test", "1.2.3").streams(Test);
    connector.source_half().expect("a source")
}

#[tokio::test]
async fn streams_are_read_one_after_another() {
    let read = read(&*source(), &json!({"rows": 7})).await;
    assert!(read.error.is_none() && read.failed.is_empty(), "{read:?}");
    let ids: Vec<_> = read
        .of("n.rows")
        .iter()
        .map(|row| row["id"].clone())
        .collect();
    assert_eq!(json!(ids), json!([1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(read.of("n.rows")[1]["name"], "é\n");
    assert_eq!(
        json!(read.of("letters")),
        json!([{"letter": "a"}, {"letter": "c"}, {"letter": null}, {"letter": "b"}])
    );
    assert_eq!(
        read.operations["letters"],
        [&[Operation::Create; 3][..], &[Operation::Delete]].concat()
    );
    let complete = read
        .statuses
        .values()
        .all(|status| *status == StreamStatus::Complete);
    assert!(complete && read.statuses.len() == 2, "{:?}", read.statuses);
    let counts: Vec<usize> = read
        .checkpoints
        .iter()
        .map(|(_, records)| *records)
        .collect();
    assert_eq!(counts, [3, 6, 7], "each covers what came before it");
}

/// Two streams, each of which goes on only when the other one is read as well.
struct Pair;

#[async_trait]
impl StreamSource for Pair {
    type Config = Config;
    type Client = Barrier;

    async fn connect(&self, _: Config, _: &Context) -> Result<Barrier> {
        Ok(Barrier::new(2))
    }

    async fn check(&self, _: &Barrier) -> Result<()> {
        Ok(())
    }

    async fn streams(&self, _: &Barrier) -> Result<Streams<Barrier>> {
        let half = |name, fails| Half { name, fails };
        Ok(Streams::new()
            .with(half("left", false))
            .with(half("right", false))
            .with(half("broken", true)))
    }

    fn concurrency(&self) -> usize {
        2
    }
}

struct Half {
    name: &'static str,
    fails: bool,
}

#[async_trait]
impl SourceStream<Barrier> for Half {
    type Record = Row;
    type State = After;

    fn describe(&self) -> Description {
        Description::new(self.name).key(["id"]).cursor("id")
    }

    async fn read(
        &self,
        other: &Barrier,
        mut state: After,
        output: &mut StreamOutput<'_, Row, After>,
    ) -> Result<()> {
        if self.fails {
            return Err(failure::transient("the connection is lost"));
        }
        while state.after < 5 {
            other.wait().await;
            state.after += 1;
            let (id, name) = (state.after, None);
            output.record(&Row { id, name }).await?;
            output.checkpoint(&state).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn streams_are_read_at_the_same_time_if_that_is_wished() {
    let connector = Connector::new("pair", "1.2.3").streams(Pair);
    let source = connector.source_half().expect("a source");
    let config = json!({"rows": 0});
    let first = timeout(Duration::from_secs(60), read(&*source, &config)).await;
    let first = first.expect("each waits for the other one");
    assert!(first.error.is_none(), "{first:?}");
    for name in ["left", "right"] {
        assert_eq!(first.of(name).len(), 5);
        assert_eq!(first.statuses[name], StreamStatus::Complete);
    }
    // Each checkpoint covers what its own stream had before it.
    assert_eq!(first.checkpoints.len(), 10);
    assert_eq!(first.failed["broken"].kind(), ErrorKind::Transient);
    let again = read_from(&*source, &config, first.states()).await;
    assert!(again.of("left").is_empty() && again.of("right").is_empty());
}

#[tokio::test]
async fn nothing_is_lost_from_any_state_on() {
    let again = resumes_from_every_checkpoint(&*source(), &json!({"rows": 10})).await;
    // The stream without a state.
    assert_eq!(again, 0);
}

#[tokio::test]
async fn a_stream_that_fails_does_not_keep_the_others() {
    let read = read(&*source(), &json!({"rows": 9, "breaks": true})).await;
    assert!(read.error.is_none(), "{read:?}");
    assert_eq!(read.failed["n.rows"].kind(), ErrorKind::Transient);
    assert_eq!(read.statuses["n.rows"], StreamStatus::Incomplete);
    assert_eq!(read.of("n.rows").len(), 6);
    assert_eq!(read.statuses["letters"], StreamStatus::Complete);
    let rest = read_from(&*source(), &json!({"rows": 9}), read.states()).await;
    assert_eq!(rest.of("n.rows").len(), 3);
}

#[tokio::test]
async fn a_state_of_another_form_is_refused() {
    let whole = read(&*source(), &json!({"rows": 3})).await;
    let mut states = whole.states();
    states[0].state = crossdock_sdk::core::Json::from_value(&json!({"page": 3}));
    let read = read_from(&*source(), &json!({"rows": 3}), states).await;
    assert_eq!(read.failed["n.rows"].code().name, "protocol.state_invalid");
    assert_eq!(read.of("n.rows"), &[] as &[Value]);
}

#[tokio::test]
async fn the_configuration_is_described_and_checked() {
    let source = source();
    let session = Session::default();
    let spec = source.spec(&session).await.expect("a spec");
    let schema = &spec.connection_specification;
    assert_eq!(schema["required"], json!(["rows"]));
    assert_eq!(
        schema["properties"]["rows"]["description"],
        "How many rows."
    );
    assert_eq!(schema["properties"]["key"]["airbyte_secret"], true);
    let check = async |config: Value| source.check(config, &session).await;
    let good = check(json!({"rows": 1})).await.expect("an answer");
    assert_eq!(good, Checked::Succeeded);
    let bad = check(json!({"rows": 1, "key": "wrong"}))
        .await
        .expect("an answer");
    assert_eq!(bad, Checked::Failed("the key was refused".to_owned()));
    let error = check(json!({"rows": 1, "kee": 1}))
        .await
        .expect_err("unknown");
    assert!(error.in_one_line().contains("kee"), "{error:?}");
}

#[tokio::test]
async fn the_catalog_has_what_was_described() {
    let source = source();
    let found = source
        .discover(json!({"rows": 1}), &Session::default())
        .await;
    let found = serde_json::to_value(found.expect("a catalog")).expect("JSON");
    let rows = &found["streams"][0];
    assert_eq!(rows["namespace"], "n");
    assert_eq!(rows["source_defined_primary_key"], json!([["id"]]));
    assert_eq!(
        rows["supported_sync_modes"],
        json!(["full_refresh", "incremental"])
    );
    assert_eq!(rows["json_schema"]["properties"]["id"]["type"], "integer");
    assert_eq!(
        found["streams"][1]["supported_sync_modes"],
        json!(["full_refresh"])
    );
}

#[tokio::test]
async fn a_source_ends_at_its_next_state_when_it_is_asked_to() {
    let source = source();
    let config = json!({"rows": 1, "endless": true});
    let session = Session::default();
    let found = source
        .discover(config.clone(), &session)
        .await
        .expect("a catalog");
    let streams = found
        .streams
        .into_iter()
        .map(ConfiguredStream::new)
        .collect();
    let opening = SourceOpening {
        catalog: ConfiguredCatalog {
            streams,
            ..ConfiguredCatalog::default()
        },
        pipeline: "p".to_owned(),
        connector: String::new(),
        state: Vec::new(),
        shape: BodyShape::Rows,
        verbatim: None,
        values: true,
        bounded: false,
        session,
    };
    let mut reader = source.open(config, opening).await.expect("a reader");
    let control = reader.control();
    let (mut records, mut covered) = (0, 0);
    loop {
        match reader.next().await.expect("an event") {
            Event::Batch(batch) => records += batch.records(),
            Event::Checkpoint(checkpoint) => {
                covered += checkpoint.source_count.expect("a count");
                control.stop();
            }
            Event::End => break,
            _ => {}
        }
    }
    reader.close().await.expect("the end");
    assert_eq!(records as u64, covered, "what was read is covered");
    assert!(records > 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_hear_is_given_up() {
    let opening = SourceOpening {
        catalog: ConfiguredCatalog::default(),
        pipeline: "p".to_owned(),
        connector: String::new(),
        state: Vec::new(),
        shape: BodyShape::Rows,
        verbatim: None,
        values: true,
        bounded: false,
        session: Session::default(),
    };
    let mut reader = push(&opening, |mut output: Output| async move {
        let stream = StreamId::new("s");
        output.record(&stream, &json!({"id": 1})).await?;
        std::future::pending().await
    });
    let began = tokio::time::Instant::now();
    let first = reader.next().await.expect("an event");
    assert!(
        matches!(&first, Event::Batch(batch) if batch.records() == 1),
        "{first:?}"
    );
    assert!(
        began.elapsed().as_millis() <= 200,
        "a record does not wait for others"
    );
    reader.control().stop();
    let end = reader.next().await.expect("an event");
    assert!(matches!(end, Event::End), "{end:?}");
    assert_eq!(began.elapsed().as_secs(), 5, "half of the grace period");
    reader.close().await.expect("the end");
}
