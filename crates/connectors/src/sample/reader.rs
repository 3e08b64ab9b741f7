//! The order of events of a sample read: stream after stream, each STARTED, RUNNING, batches and
//! checkpoints, COMPLETE.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Rows, RowsBuilder, Span};
use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Estimate, Event, StreamStatus};
use crossdock_core::json::Json;
use crossdock_core::source::{SourceControl, SourceOpening, SourceReader};
use crossdock_core::stream::StreamId;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::config::{Config, FailAfter, Failure, Shape};
use super::record::Columns;
use super::typed::Typed;
use crate::semantics::name::hash;
use crate::stop::Stop;

/// A stream and how far it is.
struct Progress {
    stream: StreamId,
    /// Mixed into every value.
    key: u64,
    next: u64,
    /// The record after the last checkpoint; `None` before the first one.
    checkpointed: Option<u64>,
    began: u64,
}

/// See the module's documentation.
pub(crate) struct SampleReader {
    config: Config,
    columns: Columns,
    /// Makes the records that have types.
    typed: Typed,
    streams: VecDeque<Progress>,
    events: VecDeque<Event>,
    emitted: u64,
    started: Option<Instant>,
    begun: bool,
    failed: bool,
    control: Arc<Stop>,
}

/// The number of the next record, from a state that an earlier read emitted.
fn resume(states: &[LaneState], stream: &StreamId) -> Result<Option<u64>> {
    let lane = Lane::Stream(stream.clone());
    let Some(state) = states.iter().find(|s| s.lane == lane && !s.state.is_null()) else {
        return Ok(None);
    };
    let value = state.state.to_value()?;
    match value.get("next").and_then(serde_json::Value::as_u64) {
        Some(next) => Ok(Some(next)),
        // Beginning anew would double what was written.
        None => Err(Error::new(
            &code::STATE_INVALID,
            "the state is not of the form `{\"next\": n}`",
        )
        .with("stream", stream)),
    }
}

impl SampleReader {
    pub(crate) fn new(config: Config, opening: &SourceOpening) -> Result<Self> {
        let columns = Columns::new(config.columns);
        let mut streams = VecDeque::new();
        for configured in &opening.catalog.streams {
            let stream = configured.id();
            let resumed = resume(&opening.state, &stream)?;
            streams.push_back(Progress {
                key: config.seed ^ hash(&[&stream.name]),
                stream,
                next: resumed.unwrap_or(0),
                checkpointed: resumed,
                began: resumed.unwrap_or(0),
            });
        }
        Ok(Self {
            typed: Typed::new(&columns),
            columns,
            streams,
            events: VecDeque::new(),
            emitted: 0,
            started: None,
            begun: false,
            failed: false,
            control: Arc::new(Stop::default()),
            config,
        })
    }

    /// How many records the next batch may have at most.
    fn batch_limit(&self) -> u64 {
        let mut limit = self.config.batch_records;
        if self.config.rate > 0 {
            // Ten batches a second at least, so that a slow stream flows.
            limit = limit.min((self.config.rate / 10).max(1));
        }
        if let Some(FailAfter { records, .. }) = self.config.fail_after
            && !self.failed
        {
            limit = limit.min(records.saturating_sub(self.emitted));
        }
        limit
    }

    /// Works out what comes next and queues it.
    async fn advance(&mut self) -> Result<()> {
        if self.control.is_wished() {
            // Drain: what was read is covered, and that is all.
            if let Some(progress) = self.streams.front_mut()
                && let Some(checkpoint) = checkpoint(&self.config, progress)
            {
                self.events.push_back(checkpoint);
            }
            self.events.push_back(Event::End);
            return Ok(());
        }
        let Some(progress) = self.streams.front() else {
            self.events.push_back(Event::End);
            return Ok(());
        };
        if !self.begun {
            self.begun = true;
            self.begin(
                progress.stream.clone(),
                self.config.count.saturating_sub(progress.next),
            );
            return Ok(());
        }
        if let Some(fail) = self.config.fail_after
            && !self.failed
            && self.emitted >= fail.records
        {
            return self.fail(fail).await;
        }
        if progress.next >= self.config.count {
            self.complete();
            return Ok(());
        }
        self.pace().await;
        self.batch()
    }

    fn begin(&mut self, stream: StreamId, records: u64) {
        let status = |status| Event::Status {
            stream: stream.clone(),
            status,
        };
        let mut one = Vec::new();
        self.columns.write(&mut one, 0, 0);
        let bytes = records.saturating_mul(one.len() as u64);
        let estimate = Estimate {
            stream: Some(stream.clone()),
            records: Some(records),
            bytes: Some(bytes),
        };
        self.events.push_back(status(StreamStatus::Started));
        self.events.push_back(Event::Estimate(estimate));
        self.events.push_back(status(StreamStatus::Running));
    }

    fn complete(&mut self) {
        if let Some(mut progress) = self.streams.pop_front() {
            self.begun = false;
            self.events.extend(checkpoint(&self.config, &mut progress));
            let status = StreamStatus::Complete;
            self.events.push_back(Event::Status {
                stream: progress.stream,
                status,
            });
        }
    }

    async fn fail(&mut self, fail: FailAfter) -> Result<()> {
        self.failed = true;
        let error = Error::new(
            &code::CONNECTOR_FAILED,
            "the sample source fails, as configured",
        )
        .with("records", fail.records)
        .hint("remove `fail_after` from the source's configuration");
        match fail.how {
            Failure::Error => Err(error),
            Failure::IncompleteStream => {
                if let Some(Progress { stream, .. }) = self.streams.pop_front() {
                    self.begun = false;
                    let status = StreamStatus::Incomplete;
                    self.events.push_back(Event::Status {
                        stream: stream.clone(),
                        status,
                    });
                    self.events.push_back(Event::StreamFailed { stream, error });
                }
                Ok(())
            }
            Failure::Hang => {
                self.control.wished().await;
                Ok(())
            }
        }
    }

    /// Waits until the rate allows more.
    async fn pace(&mut self) {
        let started = *self.started.get_or_insert_with(Instant::now);
        let due = self
            .emitted
            .saturating_mul(1000)
            .checked_div(self.config.rate);
        if let Some(due) = due.map(Duration::from_millis) {
            tokio::select! {
                () = sleep_until(started + due) => {}
                () = self.control.wished() => {}
            }
        }
    }

    fn batch(&mut self) -> Result<()> {
        let limit = self.batch_limit();
        let Some(progress) = self.streams.front_mut() else {
            return Ok(());
        };
        let every = self.config.checkpoint_every;
        // A batch ends where a checkpoint is due, at the same records in every run.
        let until_checkpoint = every - progress.next % every;
        let left = self.config.count - progress.next;
        let n = limit.min(left).min(until_checkpoint);
        let range = progress.next..progress.next + n;
        let body = match self.config.shape {
            Shape::Rows => Body::Rows(rows(&self.columns, progress.key, range)?),
            Shape::Columns => {
                let now = SystemClock.now_ms();
                Body::Columns(self.typed.columns(progress.key, range, now)?)
            }
        };
        progress.next += n;
        self.emitted += n;
        self.events.push_back(Event::Batch(Batch {
            stream: progress.stream.clone(),
            body,
        }));
        if progress.next % every == 0 {
            self.events.extend(checkpoint(&self.config, progress));
        }
        Ok(())
    }
}

/// The checkpoint after the records so far, unless there is nothing new to say.
fn checkpoint(config: &Config, progress: &mut Progress) -> Option<Event> {
    if !config.checkpoints || progress.checkpointed == Some(progress.next) {
        return None;
    }
    let state = Json::from_value(&json!({"next": progress.next}));
    let mut checkpoint = Checkpoint::stream(progress.stream.clone(), state);
    let since = progress.checkpointed.unwrap_or(progress.began);
    checkpoint.source_count = Some(progress.next - since);
    progress.checkpointed = Some(progress.next);
    Some(Event::Checkpoint(checkpoint))
}

fn rows(columns: &Columns, key: u64, range: std::ops::Range<u64>) -> Result<Rows> {
    let now = SystemClock.now_ms();
    let mut buffer = Vec::new();
    let mut rows = RowsBuilder::default();
    for index in range {
        let start = buffer.len();
        columns.write(&mut buffer, key, index);
        let span = Span::new(start, buffer.len()).ok_or_else(|| {
            Error::new(&code::RECORD_TOO_LARGE, "a batch exceeds 4 GiB")
                .hint("set a smaller `batch_records`")
        })?;
        rows.push_line(span, now, Span::NONE);
    }
    Ok(rows.finish(Bytes::from(buffer), None))
}

#[async_trait]
impl SourceReader for SampleReader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.advance().await?;
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }
}
