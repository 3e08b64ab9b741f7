//! The generator source.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, RowsBuilder};
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::{Catalog, Stream, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, StateKind};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::json::Json;
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceControl, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use serde_json::{Map, json};
use tokio::time::{Instant, timeout_at};

use super::config::{Collection, Config, duration};
use super::pace::Pace;
use super::record::Maker;
use crate::stop::Stop;

/// The stream of records of no collection.
const NAMELESS: &str = "generator";
/// Records in a batch, at most.
const BATCH: u64 = 1000;

/// Makes up records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Generator;

/// What a configuration comes down to. The error says what is wrong with it.
fn plan(config: &Config) -> Result<(Vec<Maker>, Pace), String> {
    let mut makers = Vec::new();
    if let Some(format) = &config.format {
        let nameless = Collection {
            operations: config.operations.clone(),
            format: format.clone(),
        };
        makers.push(Maker::new("", &nameless)?);
    }
    for (name, collection) in &config.collections {
        let maker = Maker::new(name, collection);
        makers.push(maker.map_err(|why| format!("the collection `{name}`: {why}"))?);
    }
    if makers.is_empty() {
        return Err(
            "there is no collection: set `format.type` or `collections.NAME.format.type`".into(),
        );
    }
    let time = duration(&config.read_time)?;
    if !time.is_zero() && config.rate > 0.0 {
        return Err("`rate` and `readTime` are both given".into());
    }
    let rate = if time.is_zero() {
        config.rate
    } else {
        1.0 / time.as_secs_f64()
    };
    let (sleep, burst) = (&config.burst.sleep_time, &config.burst.generate_time);
    let pace = Pace::new(rate, duration(sleep)?, duration(burst)?);
    Ok((makers, pace))
}

fn invalid(why: String) -> Error {
    Error::new(&code::CONFIG_INVALID, why)
}

fn stream_name(maker: &Maker) -> &str {
    match maker.collection.as_str() {
        "" => NAMELESS,
        name => name,
    }
}

#[async_trait]
impl Source for Generator {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_source::<Config>(SourceCapabilities {
            incremental: true,
            bounded: false,
            bounded_on_wish: false,
            drains: true,
            learns_streams: false,
            whole_states: true,
            deletes: true,
        }))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        Ok(match plan(&config) {
            Ok(_) => Checked::Succeeded,
            Err(why) => Checked::Failed(why),
        })
    }

    async fn discover(&self, config: Config, _: &Session) -> Result<Catalog> {
        let (makers, _) = plan(&config).map_err(invalid)?;
        let streams = makers.iter().map(|maker| Stream {
            supported_sync_modes: vec![SyncMode::Incremental],
            source_defined_cursor: Some(true),
            ..Stream::new(stream_name(maker), maker.schema())
        });
        Ok(Catalog {
            streams: streams.collect(),
            extra: Map::new(),
        })
    }

    async fn open(&self, config: Config, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let (mut makers, pace) = plan(&config).map_err(invalid)?;
        let wanted = |maker: &Maker| {
            let id = StreamId::new(stream_name(maker));
            opening
                .catalog
                .streams
                .iter()
                .any(|stream| stream.id() == id)
        };
        makers.retain(wanted);
        let mut made = 0;
        for state in &opening.state {
            let value = state.state.to_value()?;
            made = value
                .get("made")
                .and_then(serde_json::Value::as_u64)
                .ok_or_else(|| {
                    Error::new(
                        &code::STATE_INVALID,
                        "the state is not of the form `{\"made\": n}`",
                    )
                })?;
        }
        let marks = match opening.connector.as_str() {
            "" => String::new(),
            id => format!(
                r#","conduit.source.connector.id":{}"#,
                json!(format!("{}:{id}", opening.pipeline))
            ),
        };
        Ok(Box::new(Reader {
            left: match config.record_count {
                0 => u64::MAX,
                count => count.saturating_sub(made),
            },
            makers,
            pace,
            made,
            since: Instant::now(),
            in_this_read: 0,
            marks,
            events: VecDeque::new(),
            stop: Arc::default(),
        }))
    }
}

struct Reader {
    makers: Vec<Maker>,
    pace: Pace,
    /// Records made, in all runs.
    made: u64,
    left: u64,
    since: Instant,
    in_this_read: u64,
    marks: String,
    events: VecDeque<Event>,
    stop: Arc<Stop>,
}

impl Reader {
    fn make(&mut self, count: u64) -> Result<()> {
        let full = || Error::new(&code::RECORD_TOO_LARGE, "a batch became larger than 4 GiB");
        let now = SystemClock.now_ms();
        let mut of: Vec<(Vec<u8>, RowsBuilder)> = Vec::new();
        of.resize_with(self.makers.len(), Default::default);
        for _ in 0..count {
            let at = fastrand::usize(..self.makers.len());
            let (buffer, rows) = &mut of[at];
            rows.push(
                self.makers[at]
                    .record(now, &self.marks, buffer)
                    .ok_or_else(full)?,
            );
        }
        for (maker, (buffer, mut rows)) in self.makers.iter().zip(of) {
            if !rows.is_empty() {
                self.events.push_back(Event::Batch(Batch {
                    stream: StreamId::new(stream_name(maker)),
                    body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
                }));
            }
        }
        self.made += count;
        self.in_this_read += count;
        self.left -= count;
        let state = Json::from_value(&json!({"made": self.made}));
        self.events.push_back(Event::Checkpoint(Checkpoint::global(
            StateKind::Position,
            state,
        )));
        Ok(())
    }
}

#[async_trait]
impl SourceReader for Reader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if self.left == 0 || self.makers.is_empty() || self.stop.is_wished() {
                return Ok(Event::End);
            }
            let now = self.since.elapsed();
            match self
                .pace
                .allowed(now, self.in_this_read)
                .min(self.left)
                .min(BATCH)
            {
                0 => {
                    let again = self.since + self.pace.again(now);
                    // Woken by the wish, or it is time.
                    let _ = timeout_at(again, self.stop.wished()).await;
                }
                count => self.make(count)?,
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.stop.clone()
    }
}
