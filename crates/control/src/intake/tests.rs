use std::sync::Mutex;

use bytes::Bytes;
use crossdock_core::Stream;
use crossdock_core::batch::{Body, RowSpans, RowsBuilder, Span};
use crossdock_core::checkpoint::Lane;
use crossdock_core::json::Json;
use crossdock_processors::Wanted;
use serde_json::json;

use super::*;

/// A source that says what it was told to say, and notes what it is told.
struct Scripted {
    events: VecDeque<Result<Event>>,
    control: Arc<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    told: Mutex<Vec<String>>,
    stopped: tokio::sync::Notify,
}

impl Noted {
    fn note(&self, what: String) {
        self.told.lock().unwrap().push(what);
    }
}

#[async_trait]
impl SourceReader for Scripted {
    async fn next(&mut self) -> Result<Event> {
        match self.events.pop_front() {
            Some(event) => event,
            None => {
                self.control.stopped.notified().await;
                Ok(Event::End)
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        self.control.note("closed".into());
        Ok(())
    }
}

#[async_trait]
impl SourceControl for Noted {
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()> {
        self.note(format!("committed {}", checkpoint.state));
        Ok(())
    }

    fn stop(&self) {
        self.note("stop".into());
        self.stopped.notify_one();
    }
}

fn batch(stream: &str, texts: &[&str]) -> Event {
    let mut buffer = Vec::new();
    let mut rows = RowsBuilder::default();
    for text in texts {
        let start = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        rows.push(RowSpans {
            after: Span::new(start, buffer.len()).unwrap(),
            ..RowSpans::default()
        });
    }
    Event::Batch(Batch {
        stream: StreamId::new(stream),
        body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
    })
}

fn checkpoint(state: &str) -> Event {
    let state = Json::parse_text(state.to_owned()).unwrap();
    Event::Checkpoint(Checkpoint::global(StateKind::Position, state))
}

fn chain(plugin: &str, condition: &str, settings: &[(&str, &str)]) -> Chain {
    let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).into()));
    let wanted = Wanted {
        id: "x".into(),
        plugin: plugin.into(),
        condition: condition.into(),
        settings: settings.collect(),
        ..Wanted::default()
    };
    Chain::new(&[wanted]).unwrap()
}

/// A source `id` with these events, and its notes.
fn inlet(id: &str, events: Vec<Event>, drains: bool) -> (Inlet, Arc<Noted>) {
    let control = Arc::new(Noted::default());
    let reader = Scripted {
        events: events.into_iter().map(Ok).collect(),
        control: control.clone(),
    };
    let inlet = Inlet {
        id: id.into(),
        reader: Box::new(reader),
        drains,
        fields: Selection::default(),
        chain: Chain::default(),
        states: Vec::new(),
    };
    (inlet, control)
}

fn streams(names: &[&str]) -> Vec<Stream> {
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    names
        .iter()
        .map(|name| Stream::new(*name, schema.clone()))
        .collect()
}

fn way(chain: Chain, learns: bool) -> Way {
    Way {
        chain,
        streams: if learns {
            Vec::new()
        } else {
            streams(&["a", "b"])
        },
        learns,
    }
}

/// An event as a line.
fn shown(event: &Event) -> String {
    let texts = |batch: &Batch| {
        let Body::Rows(rows) = &batch.body else {
            panic!("rows")
        };
        let texts = (0..rows.len()).map(|at| String::from_utf8_lossy(rows.after(at)).into_owned());
        texts.collect::<Vec<_>>().join(" ")
    };
    match event {
        Event::Batch(batch) => format!("{}: {}", batch.stream, texts(batch)),
        Event::Checkpoint(checkpoint) => format!("checkpoint {}", checkpoint.state),
        Event::Schema(stream) => format!(
            "schema {} {}",
            stream.name, stream.json_schema["properties"]
        ),
        Event::Dropped {
            records, reason, ..
        } => format!("{records} {reason}"),
        Event::Refused(refused) => format!(
            "refused {} by {}: {}",
            texts(&refused.batch),
            refused.by,
            refused.reason
        ),
        Event::End => "end".into(),
        other => format!("{other:?}"),
    }
}

async fn all(intake: &mut Intake) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        lines.push(shown(&intake.next().await.unwrap()));
        if lines.last().is_some_and(|line| line == "end") {
            return lines;
        }
    }
}

#[tokio::test]
async fn a_checkpoint_of_one_source_is_one_of_all() {
    let (one, of_one) = inlet(
        "one",
        vec![batch("a", &["{}"]), checkpoint("1"), Event::End],
        true,
    );
    let (two, of_two) = inlet(
        "two",
        vec![checkpoint("7"), checkpoint("8"), Event::End],
        true,
    );
    let mut intake = Intake::new(vec![one, two], way(Chain::default(), false));
    let control = intake.control();
    let mut last = None;
    loop {
        match intake.next().await.unwrap() {
            Event::Checkpoint(checkpoint) => {
                assert_eq!(checkpoint.lane, Lane::Global);
                control.committed(&checkpoint).await.unwrap();
                last = Some(checkpoint);
            }
            Event::End => break,
            _ => {}
        }
    }
    intake.close().await.unwrap();
    let told = |noted: &Noted| noted.told.lock().unwrap().join(", ");
    assert_eq!(told(&of_one), "committed 1, closed");
    assert_eq!(told(&of_two), "committed 7, committed 8, closed");
    let state = last.unwrap().state;
    let whole = LaneState {
        lane: Lane::Global,
        kind: StateKind::Position,
        state,
    };
    let parts = split(&[whole], &["two", "one"]);
    assert_eq!(
        (parts[0][0].state.to_string(), parts[1][0].state.to_string()),
        ("8".into(), "1".into())
    );
}

#[tokio::test]
async fn all_are_stopped_and_the_end_comes_after_the_last() {
    let (one, of_one) = inlet("one", vec![batch("a", &["{}"])], true);
    // This one cannot be asked, so it is not asked for more.
    let (two, of_two) = inlet("two", vec![], false);
    let mut intake = Intake::new(vec![one, two], way(Chain::default(), false));
    assert_eq!(shown(&intake.next().await.unwrap()), "a: {}");
    intake.control().stop();
    assert_eq!(all(&mut intake).await, ["end"]);
    intake.close().await.unwrap();
    assert_eq!(of_one.told.lock().unwrap().join(", "), "stop, closed");
    assert_eq!(of_two.told.lock().unwrap().join(", "), "closed");
}

#[tokio::test]
async fn a_source_that_fails_is_named() {
    let (mut one, _) = inlet("one", vec![], true);
    let control = Arc::new(Noted::default());
    one.reader = Box::new(Scripted {
        events: VecDeque::from([Err(Error::new(&code::IO, "scripted"))]),
        control: control.clone(),
    });
    let (two, _) = inlet("two", vec![], true);
    let mut intake = Intake::new(vec![one, two], way(Chain::default(), false));
    let error = intake.next().await.unwrap_err();
    assert_eq!(error.context(), [("source", "one".to_owned())]);
    intake.close().await.unwrap();
    assert_eq!(control.told.lock().unwrap().join(""), "closed");
}

#[tokio::test]
async fn processors_filter_refuse_and_change() {
    let records = batch("a", &[r#"{"id":1}"#, r#"{"id":2}"#, r#"{"id":"x"}"#]);
    let (mut one, _) = inlet("one", vec![records, checkpoint("1"), Event::End], true);
    one.chain = chain("filter", "{{ eq .Payload.After.id 1 }}", &[]);
    let convert = chain(
        "field.convert",
        "",
        &[("field", ".Payload.After.id"), ("type", "int")],
    );
    let mut intake = Intake::new(vec![one], way(convert, false));
    let expected = [
        "1 filtered by a processor",
        r#"refused {"id":"x"} by processors: `x` is no whole number of 64 bits"#,
        r#"a: {"id":2}"#,
        "checkpoint 1",
        "end",
    ];
    assert_eq!(all(&mut intake).await, expected);
    intake.close().await.unwrap();
}

#[tokio::test]
async fn records_of_a_stream_that_is_not_known_are_refused() {
    let (one, _) = inlet("one", vec![batch("a", &["{}"]), Event::End], true);
    let set = [
        ("field", ".Metadata[\"opencdc.collection\"]"),
        ("value", "other"),
    ];
    let mut intake = Intake::new(vec![one], way(chain("field.set", "", &set), false));
    let expected = "refused {} by processors: the collection was changed to `other`, and the source has no such stream";
    assert_eq!(all(&mut intake).await, [expected, "end"]);
    intake.close().await.unwrap();
}

#[tokio::test]
async fn streams_that_change_on_the_way_are_learnt() {
    let [stream] = <[Stream; 1]>::try_from(streams(&["a"])).unwrap();
    let events = vec![
        Event::Schema(stream),
        batch("a", &[r#"{"id":1,"t":"{\"x\":1.5}"}"#]),
        batch("a", &[r#"{"id":2,"t":"{\"x\":2}"}"#]),
        Event::End,
    ];
    let (mut one, _) = inlet("one", events, true);
    one.chain = chain("json.decode", "", &[("field", ".Payload.After.t")]);
    let collection = [
        ("field", ".Metadata[\"opencdc.collection\"]"),
        (
            "value",
            "{{ if eq .Payload.After.id 1 }}a{{ else }}b{{ end }}",
        ),
    ];
    let mut intake = Intake::new(vec![one], way(chain("field.set", "", &collection), true));
    let lines = all(&mut intake).await;
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(
        lines[0].starts_with(r#"schema a {"id":{"type":"integer"},"t":{"#),
        "{lines:#?}"
    );
    assert_eq!(lines[1], r#"a: {"id":1,"t":{"x":1.5}}"#);
    assert!(lines[2].starts_with("schema b {"), "{lines:#?}");
    assert_eq!(lines[3], r#"b: {"id":2,"t":{"x":2}}"#);
    intake.close().await.unwrap();
}
