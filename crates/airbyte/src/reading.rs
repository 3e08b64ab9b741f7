//! What a source's messages mean, as a state machine without I/O: statuses are kept per stream and
//! synthesised where absent, states are judged, failures are attributed (§3.4, §3.7; §6, 4 and 11).

use std::collections::HashMap;

use crossdock_core::batch::{Batch, Body};
use crossdock_core::catalog::{ConfiguredCatalog, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::Error;
use crossdock_core::event::{Event, StreamStatus};
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use serde_json::json;

use crate::wire::{Message, StateMessage, StreamStatusTrace, Suspect, TraceError};

/// What follows from a message.
#[derive(Debug)]
pub(crate) enum Step {
    /// Tell the engine.
    Emit(Event),
    /// Tell the user.
    Warn(String),
    /// A stream failed, by the connector's own account.
    StreamFailed(StreamId, TraceError),
    /// The read is over.
    Fail(Error),
}

#[derive(Debug)]
struct Progress {
    id: StreamId,
    /// Commit points must be made up for it if it sends none (§3.4).
    needs_state: bool,
    status: Option<StreamStatus>,
    /// The source itself speaks of this stream's status.
    told: bool,
    stated: bool,
    failed: bool,
}

/// A read in progress.
#[derive(Debug)]
pub(crate) struct Reading {
    streams: Vec<Progress>,
    index: HashMap<StreamId, usize>,
    /// Which sort of states the sync uses. They must not be mixed.
    scope: Option<StateKind>,
    /// A state of the whole source is in force: a made-up state of a stream would replace it.
    resumed_whole: bool,
    cause: Option<TraceError>,
    stream_cause: Option<TraceError>,
    drop_unreadable: bool,
    strangers: Vec<StreamId>,
    /// Statuses that nobody tells are made up (§6, 11).
    synthesises: bool,
}

impl Reading {
    /// `resumed`: what the source was given to resume from.
    pub(crate) fn new(
        catalog: &ConfiguredCatalog,
        resumed: &[LaneState],
        drop_unreadable: bool,
    ) -> Self {
        let streams: Vec<_> = catalog
            .streams
            .iter()
            .map(|configured| Progress {
                id: configured.id(),
                needs_state: configured.sync_mode == SyncMode::FullRefresh
                    && configured.stream.is_resumable != Some(true),
                status: None,
                told: false,
                stated: false,
                failed: false,
            })
            .collect();
        Self {
            index: streams
                .iter()
                .enumerate()
                .map(|(i, s)| (s.id.clone(), i))
                .collect(),
            streams,
            scope: None,
            resumed_whole: resumed.iter().any(|s| s.kind != StateKind::Stream),
            cause: None,
            stream_cause: None,
            drop_unreadable,
            strangers: Vec::new(),
            synthesises: true,
        }
    }

    /// The connector's own reason for a failed run: of the whole before that of a stream.
    pub(crate) fn cause(&self) -> Option<&TraceError> {
        self.cause.as_ref().or(self.stream_cause.as_ref())
    }

    /// Takes records of a stream.
    pub(crate) fn records(&mut self, stream: StreamId, body: Body, steps: &mut Vec<Step>) {
        let Some(index) = self.find(&stream) else {
            if !self.strangers.contains(&stream) {
                steps.push(Step::Warn(format!(
                    "the source sends records of the stream {stream}, which was not asked for; they are dropped"
                )));
                self.strangers.push(stream.clone());
            }
            let batch = Batch { stream, body };
            steps.push(Step::Emit(Event::Dropped {
                records: batch.records() as u64,
                stream: Some(batch.stream),
                reason: "the stream is not in the catalog",
            }));
            return;
        };
        self.running(index, steps);
        steps.push(Step::Emit(Event::Batch(Batch {
            stream: self.streams[index].id.clone(),
            body,
        })));
    }

    fn find(&self, id: &StreamId) -> Option<usize> {
        self.index.get(id).copied().or_else(|| {
            // Some tools write the absent namespace as an empty one.
            (id.namespace.as_deref() == Some(""))
                .then(|| self.index.get(&StreamId::new(id.name.clone())).copied())?
        })
    }

    /// Takes a data message. Logs and configurations are not its affair.
    pub(crate) fn take(&mut self, message: Message, steps: &mut Vec<Step>) {
        match message {
            Message::Records { stream, rows } => self.records(stream, Body::Rows(rows), steps),
            Message::State(state) => self.state(state, steps),
            Message::Trace(trace) => {
                if let Some(error) = trace.error {
                    self.failed(error, steps);
                } else if let Some(status) = trace.stream_status {
                    self.status(&status, steps);
                } else if let Some(estimate) = trace.estimate {
                    steps.push(Step::Emit(Event::Estimate(estimate.estimate())));
                }
            }
            Message::Unreadable {
                suspect,
                excerpt,
                reason,
            } => {
                self.unreadable(suspect, &excerpt, reason, steps);
            }
            // Logs are dealt with elsewhere; the rest has no place in a read and is ignored (§3.2).
            Message::Log(_)
            | Message::Control(_)
            | Message::Spec(_)
            | Message::ConnectionStatus(_)
            | Message::Catalog(_)
            | Message::DestinationCatalog(_)
            | Message::Text(_) => {}
        }
    }

    /// Passes on what is said, and nothing else: a stream whose records come has no status by that.
    pub(crate) fn only_told(mut self) -> Self {
        self.synthesises = false;
        self
    }

    /// Makes up no states: nobody could send them to the destination (§4.8).
    pub(crate) fn past(mut self) -> Self {
        for progress in &mut self.streams {
            progress.needs_state = false;
        }
        self
    }

    /// A record is the proof that its stream runs.
    fn running(&mut self, index: usize, steps: &mut Vec<Step>) {
        if !self.synthesises {
            return;
        }
        let known = self.streams[index].status;
        if known.is_none() {
            self.set(index, StreamStatus::Started, steps);
        }
        if matches!(
            known,
            None | Some(StreamStatus::Started | StreamStatus::RateLimited { .. })
        ) {
            self.set(index, StreamStatus::Running, steps);
        }
    }

    fn set(&mut self, index: usize, status: StreamStatus, steps: &mut Vec<Step>) {
        let progress = &mut self.streams[index];
        let ends = |status| matches!(status, StreamStatus::Complete | StreamStatus::Incomplete);
        // What came over another socket may be late (§3.7: only a stream that runs may move on).
        let is_late = progress.status.is_some_and(ends) && !ends(status);
        if progress.status != Some(status) && !is_late {
            progress.status = Some(status);
            steps.push(Step::Emit(Event::Status {
                stream: progress.id.clone(),
                status,
            }));
        }
    }

    fn status(&mut self, trace: &StreamStatusTrace, steps: &mut Vec<Step>) {
        let (Some(index), Some(status)) = (self.find(&trace.stream_descriptor), trace.status())
        else {
            steps.push(Step::Warn(format!(
                "the source tells the status {} of the stream {}, which is not known",
                trace.status, trace.stream_descriptor
            )));
            return;
        };
        self.streams[index].told = true;
        self.set(index, status, steps);
    }

    fn state(&mut self, state: StateMessage, steps: &mut Vec<Step>) {
        if *self.scope.get_or_insert(state.kind) != state.kind {
            // Their order among each other is undefined, so neither could be committed (P3).
            let error = Error::new(&code::STATE_MIXED, "states of different kinds in one sync");
            steps.push(Step::Fail(error.with("lane", &state.lane)));
            return;
        }
        let mut checkpoint = state.checkpoint();
        if let Lane::Stream(stream) = &checkpoint.lane {
            let Some(index) = self.find(stream) else {
                steps.push(Step::Warn(format!(
                    "the source sends a state of the stream {stream}, which was not asked for; it is dropped"
                )));
                return;
            };
            self.streams[index].stated = true;
            checkpoint.lane = Lane::Stream(self.streams[index].id.clone());
        }
        steps.push(Step::Emit(Event::Checkpoint(checkpoint)));
    }

    fn failed(&mut self, error: TraceError, steps: &mut Vec<Step>) {
        let Some(stream) = &error.stream_descriptor else {
            self.cause.get_or_insert(error);
            return;
        };
        if let Some(index) = self.find(stream)
            && !std::mem::replace(&mut self.streams[index].failed, true)
        {
            let id = self.streams[index].id.clone();
            steps.push(Step::StreamFailed(id, error.clone()));
        }
        self.stream_cause.get_or_insert(error);
    }

    fn unreadable(&self, suspect: Suspect, excerpt: &str, reason: String, steps: &mut Vec<Step>) {
        let error = match suspect {
            Suspect::Record if self.drop_unreadable => {
                steps.push(Step::Warn(format!(
                    "a record that cannot be read is dropped ({reason}): {excerpt}"
                )));
                steps.push(Step::Emit(Event::Dropped {
                    stream: None,
                    records: 1,
                    reason: "the record cannot be read",
                }));
                return;
            }
            Suspect::Record => Error::new(&code::RECORD_UNREADABLE, "a record cannot be read"),
            Suspect::State => Error::new(&code::STATE_INVALID, "a state cannot be read"),
        };
        steps.push(Step::Fail(error.with("line", excerpt).caused_by(reason)));
    }

    /// The source ended well: completes what it left unsaid.
    pub(crate) fn complete(&mut self, steps: &mut Vec<Step>) {
        // A source that tells of one stream would tell of all. Old ones tell of none (§6, 11).
        let tells = self.streams.iter().any(|progress| progress.told);
        for index in 0..self.streams.len() {
            let progress = &self.streams[index];
            let done = progress.status == Some(StreamStatus::Complete);
            let incomplete = tells && !done;
            if !progress.failed && incomplete {
                // Exit 0 is not enough (§6, 4).
                let error = Error::new(
                    &code::STREAM_INCOMPLETE,
                    "the source ended well but left a stream incomplete",
                );
                steps.push(Step::Emit(Event::StreamFailed {
                    stream: progress.id.clone(),
                    error: error.with("stream", &progress.id),
                }));
            }
            if progress.failed || incomplete {
                self.set(index, StreamStatus::Incomplete, steps);
                continue;
            }
            let inject = progress.needs_state
                && !progress.stated
                && !self.scope.is_some_and(|kind| kind != StateKind::Stream)
                && !self.resumed_whole;
            if inject {
                let empty = Json::from_value(&json!({}));
                let checkpoint = Checkpoint::stream(progress.id.clone(), empty);
                steps.push(Step::Emit(Event::Checkpoint(checkpoint)));
            }
            self.set(index, StreamStatus::Complete, steps);
        }
    }
}

#[cfg(test)]
mod tests;
