//! One pipeline, run to its end: prepared once, then attempt after attempt while a new one can
//! help (§3.8).

mod attempt;
mod beginning;
mod clearing;
mod ending;
mod learning;
mod opening;
mod preparing;
mod route;
mod summary;
mod writers;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossdock_config::{Connector, Mode, Pipeline, Settings};
use crossdock_core::batch::{BodyShape, WireForm};
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::StateKind;
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{LogLevel, LogRecord};
use crossdock_core::registry::Registry;
use crossdock_core::secret::Masker;
use crossdock_core::store::Resume;
use crossdock_core::store::Store;
use crossdock_engine::Cancel;
use crossdock_engine::retry::{Endless, Failed, RetryPolicy, RetryState, Verdict};
use crossdock_engine::trace;
use tokio::sync::watch;
use tracing::{Instrument as _, Span};

pub use clearing::clear;
pub(crate) use preparing::prepare_all;
pub(crate) use route::{Course, NO_SOCKETS, decide as decide_course};
pub use summary::{StreamSummary, Summary};

use crate::connector::{FoundDestination, FoundSource};
use crate::generation;
use crate::prepare::{self, Ready};
use crate::schema_review::Review;
use crate::span;
use crate::ui::{Phase, Role, Ui};
use attempt::Attempt;

/// What a run needs beside its pipeline.
#[derive(Clone)]
pub struct Surroundings {
    /// The native connectors.
    pub registry: Registry,
    /// Where state is kept.
    pub store: Arc<dyn Store>,
    /// The folder for dead letters of pipelines that name no file for them.
    pub dead_letters: PathBuf,
    /// Whom to tell.
    pub ui: Arc<dyn Ui>,
    /// Becomes `Some` when somebody wants the end.
    pub cancel: watch::Receiver<Option<Cancel>>,
}

/// A source, found and configured.
pub(crate) struct PreparedSource {
    /// As the pipeline has it, with the reference that was found.
    pub(crate) connector: Connector,
    pub(crate) found: FoundSource,
    pub(crate) ready: Ready,
    /// What it is to read, before any processor.
    pub(crate) catalog: Arc<ConfiguredCatalog>,
}

/// A destination, found and configured.
pub(crate) struct PreparedDestination {
    /// As the pipeline has it, with the reference that was found.
    pub(crate) connector: Connector,
    pub(crate) found: FoundDestination,
    pub(crate) ready: Ready,
}

/// A pipeline whose connectors are found, configured and selected from.
pub(crate) struct Prepared {
    pub(crate) sources: Vec<PreparedSource>,
    pub(crate) destinations: Vec<PreparedDestination>,
    /// What comes out of sources and processors.
    pub(crate) catalog: ConfiguredCatalog,
    /// More streams and columns may come than the catalog has.
    pub(crate) learns: bool,
    /// The pipeline itself has processors.
    pub(crate) has_processors: bool,
    /// Masks the secrets of the pipeline's processors (P10).
    pub(crate) masker: Masker,
    /// Nothing is read: the streams are emptied.
    pub(crate) clears: Option<clearing::Clearing>,
}

impl Prepared {
    /// Whether the sources end by themselves, or because the run wants it.
    pub(crate) fn is_bounded(&self, settings: &Settings) -> bool {
        self.sources.iter().all(|source| {
            let source = &source.ready.spec.source;
            source.bounded || source.bounded_on_wish && settings.mode == Mode::Sync
        })
    }

    /// The shape that all destinations take without a conversion.
    pub(crate) fn shape(&self) -> BodyShape {
        let takes_columns =
            |one: &PreparedDestination| one.ready.spec.destination.shape == BodyShape::Columns;
        if !self.destinations.is_empty() && self.destinations.iter().all(takes_columns) {
            BodyShape::Columns
        } else {
            BodyShape::Rows
        }
    }

    /// Whether the sources' checkpoints are of a whole source: by what they say of themselves, or by what they
    /// resume from. Those of several are joined to one.
    pub(crate) fn whole_states(&self, resume: &Resume) -> bool {
        let says = |one: &PreparedSource| one.ready.spec.source.whole_states;
        self.sources.len() > 1
            || self.sources.iter().any(says)
            || resume
                .states
                .iter()
                .any(|state| state.kind != StateKind::Stream)
    }

    /// Whether a processor looks at records, before or after they are merged.
    pub(crate) fn processes(&self) -> bool {
        let connectors = self.sources.iter().map(|one| &one.connector);
        let mut all = connectors.chain(self.destinations.iter().map(|one| &one.connector));
        self.has_processors || all.any(|connector| !connector.processors.is_empty())
    }

    /// What this source is to read, of the run's `catalog` if that is known.
    fn own_catalog(
        &self,
        source: &PreparedSource,
        catalog: Option<&ConfiguredCatalog>,
        review: &Review,
    ) -> ConfiguredCatalog {
        let mut own = source.catalog.as_ref().clone();
        let is_processed = self.has_processors || !source.connector.processors.is_empty();
        review.narrow(&mut own, is_processed);
        if let Some(catalog) = catalog {
            generation::carry_over(&mut own, catalog);
        }
        own
    }

    /// What each destination can do.
    pub(crate) fn capabilities(&self) -> Vec<DestinationCapabilities> {
        let ready = self.destinations.iter().map(|one| &one.ready);
        ready.map(|ready| ready.spec.destination.clone()).collect()
    }

    /// A wire form that a destination writes as it is.
    pub(crate) fn verbatim(&self) -> Option<WireForm> {
        let mut forms = self
            .destinations
            .iter()
            .flat_map(|one| &one.ready.spec.destination.wire_forms);
        forms.next().copied()
    }

    /// Whether a destination looks inside records that keep their lines.
    pub(crate) fn looks_inside(&self) -> bool {
        let verbatim = self.verbatim();
        let relays = |one: &PreparedDestination| {
            verbatim.is_some_and(|form| one.ready.spec.destination.wire_forms.contains(&form))
        };
        !self.destinations.iter().all(relays)
    }

    fn maskers(&self) -> impl Iterator<Item = &Masker> {
        let sources = self.sources.iter().map(|one| &one.ready.masker);
        let destinations = self.destinations.iter().map(|one| &one.ready.masker);
        sources.chain(destinations).chain([&self.masker])
    }

    /// Masks with the secrets of every connector.
    pub(crate) fn masked(&self, error: Error) -> Error {
        self.maskers().fold(error, prepare::masked)
    }

    /// Code and message of an error, masked, for the store.
    pub(crate) fn masked_text(&self, error: &Error) -> (String, String) {
        let text = self.mask(&summary::in_one_line(error));
        (error.code().name.to_owned(), text)
    }

    /// The same of any text.
    fn mask(&self, text: &str) -> String {
        self.maskers().fold(text.to_owned(), |text, masker| {
            masker.mask(&text).into_owned()
        })
    }
}

/// Runs a pipeline. An error means that it could not even begin; everything after is told in the
/// summary.
pub async fn run(pipeline: &Pipeline, around: &Surroundings) -> Result<Summary> {
    within(span::pipeline(pipeline), conduct(pipeline, around)).await
}

async fn conduct(pipeline: &Pipeline, around: &Surroundings) -> Result<Summary> {
    around.ui.phase(&pipeline.id, &Phase::Preparing);
    let prepare = Box::pin(prepare_all(pipeline, around));
    let prepared = interruptible(&around.cancel, prepare).await?;
    if !pipeline.settings.resume {
        forget(pipeline, around).await?;
    }
    attempts(pipeline, around, &prepared).await
}

/// Attempt after attempt while a new one can help.
async fn attempts(
    pipeline: &Pipeline,
    around: &Surroundings,
    prepared: &Prepared,
) -> Result<Summary> {
    let mut cancel = around.cancel.clone();
    let policy = policy(&pipeline.settings, prepared.is_bounded(&pipeline.settings));
    let mut retries = RetryState::default();
    let mut number = 0;
    let mut total: Option<Summary> = None;
    let held = learning::Slot::default();
    let begun = OnceLock::new();
    let mut is_leg = false;
    loop {
        // A leg goes on with what the attempt began.
        number += u32::from(!is_leg);
        around
            .ui
            .phase(&pipeline.id, &Phase::Syncing { attempt: number });
        let attempt = Attempt {
            pipeline,
            around,
            prepared,
            clock: clock(),
            held: &held,
            begins_anew: !pipeline.settings.resume && number == 1,
            begun: &begun,
            findings: Arc::default(),
        };
        let began = Instant::now();
        let summary = within(span::attempt(number), attempt.run()).await;
        let lasted = began.elapsed();
        let (failure, progress) = match summary {
            // The attempt did not come so far as to read anything.
            Err(error) => (prepared.masked(error), false),
            Ok(mut summary) => {
                if let Some(earlier) = total.take() {
                    summary.add_earlier(&earlier);
                }
                let progress = summary.committed_something;
                let failure = summary.take_error();
                is_leg = failure.is_none() && learning::is_waiting(&held);
                summary.attempts = number;
                total = Some(summary);
                match failure {
                    None if is_leg => continue,
                    None => break,
                    Some(error) => (error, progress),
                }
            }
        };
        is_leg = false;
        learning::close(&held).await;
        let failed = Failed {
            progress,
            lasted,
            jitter: fastrand::f64(),
        };
        let verdict = retries.failed(&failure, failed, &policy);
        let wait = match verdict {
            // Whoever holds the pipeline may do so for long: that is for the user to decide.
            _ if *failure.code() == code::PIPELINE_BUSY => return give_up(total, failure),
            Verdict::Retry(wait) if around.cancel.borrow().is_none() => wait,
            _ => return give_up(total, failure),
        };
        let waiting = Phase::Waiting {
            error: failure.message().to_owned(),
            seconds: wait.as_secs(),
        };
        around.ui.phase(&pipeline.id, &waiting);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = cancelled(&mut cancel) => return give_up(total, failure),
        }
    }
    let total =
        total.ok_or_else(|| Error::new(&code::INTERNAL, "a run ended without a summary"))?;
    tell_schemas(&total, around);
    Ok(total)
}

/// Puts into the log which records are not as announced.
fn tell_schemas(summary: &Summary, around: &Surroundings) {
    for stream in &summary.streams {
        if let Some(found) = &stream.schema {
            let record = LogRecord {
                level: LogLevel::Info,
                message: format!("{}: {}", stream.counts.stream, found.in_one_line()),
                stack_trace: None,
            };
            around.ui.log(Role::Source, &record);
        }
    }
}

/// Takes the state away that earlier runs left, so that this one begins at the beginning.
async fn forget(pipeline: &Pipeline, around: &Surroundings) -> Result<()> {
    let known = around.store.pipelines().await?;
    if known.contains(&pipeline.id) {
        around.store.reset(&pipeline.id, None).await?;
    }
    Ok(())
}

/// Runs within a span, which fails as the run does.
async fn within(span: Span, run: impl Future<Output = Result<Summary>>) -> Result<Summary> {
    let ended = Box::pin(run.instrument(span.clone())).await;
    let error = ended
        .as_ref()
        .map_or_else(Some, |summary| summary.error.as_ref());
    error
        .into_iter()
        .for_each(|error| trace::failed(&span, error));
    ended
}

fn give_up(total: Option<Summary>, failure: Error) -> Result<Summary> {
    match total {
        Some(mut summary) => {
            summary.error = Some(failure);
            Ok(summary)
        }
        None => Err(failure),
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

async fn cancelled(cancel: &mut watch::Receiver<Option<Cancel>>) {
    if cancel.wait_for(Option::is_some).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Does `what` unless somebody wants the end before it is done; what it started ends with it (P8).
pub(crate) async fn interruptible<T>(
    cancel: &watch::Receiver<Option<Cancel>>,
    what: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut cancel = cancel.clone();
    tokio::select! {
        done = what => done,
        () = cancelled(&mut cancel) => {
            Err(Error::new(&code::CANCELLED, "cancelled before the first record"))
        }
    }
}

fn policy(settings: &Settings, is_bounded: bool) -> RetryPolicy {
    let retries = &settings.retries;
    RetryPolicy {
        complete_in_a_row: retries.complete_failures,
        complete_in_all: retries.complete_failures_total,
        partial_in_a_row: retries.partial_failures,
        partial_in_all: retries.partial_failures_total,
        backoff: retries.backoff,
        backoff_factor: retries.backoff_factor,
        backoff_max: retries.backoff_max,
        window: retries.window,
        endless: match () {
            // Asked to end by itself it is a job like any other.
            () if settings.until_idle.is_some() || settings.max_records.is_some() => Endless::No,
            () if retries.is_endless => Endless::Yes,
            () if is_bounded || retries.is_counted => Endless::No,
            () => Endless::OnceMoved,
        },
    }
}

/// The part of the budget that may be under way between source and destinations. More would not
/// make a run faster, only larger; the rest is for what destinations collect.
pub(crate) fn queue_bytes(settings: &Settings) -> usize {
    (settings.memory_budget / 128).max(64 << 10)
}

/// See [`crossdock_engine::Settings`].
pub(crate) fn engine_settings(settings: &Settings) -> crossdock_engine::Settings {
    use crossdock_config::{CountMismatch, RejectedRecords};
    crossdock_engine::Settings {
        queue_bytes: queue_bytes(settings),
        commit_interval: settings.commit_interval.min(Duration::from_secs(60 * 60)),
        patience: crossdock_engine::stall::Patience {
            source: settings.source_silence,
            destination: settings.destination_silence,
            // The connector's host keeps the same limit and knows more of what went wrong: it speaks first.
            finish: settings.finish_timeout.saturating_add(settings.grace),
            checkpoint: settings.checkpoint_silence,
        },
        strictness: crossdock_engine::Strictness {
            count_mismatch_fails: settings.count_mismatch == CountMismatch::Fail,
            rejected_fails: settings.rejected_records == RejectedRecords::Fail,
        },
        grace: settings.grace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_tried_for_ever() {
        let check = |change: fn(&mut Settings), is_bounded, expected| {
            let mut settings = Settings::default();
            change(&mut settings);
            assert_eq!(policy(&settings, is_bounded).endless, expected);
        };
        check(|_| {}, true, Endless::No);
        check(|_| {}, false, Endless::OnceMoved);
        check(|s| s.retries.is_counted = true, false, Endless::No);
        check(|s| s.retries.is_endless = true, true, Endless::Yes);
        let asked: fn(&mut Settings) = |s| {
            s.retries.is_endless = true;
            s.max_records = Some(1);
        };
        check(asked, false, Endless::No);
    }
}
