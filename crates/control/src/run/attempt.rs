//! One attempt: takes the pipeline, opens both sides where the last commit left off, lets the
//! engine conduct, and records the end.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossdock_config::Pipeline;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::LaneState;
use crossdock_core::clock::Clock;
use crossdock_core::error::Result;
use crossdock_core::source::SourceReader;
use crossdock_core::store::{Lease, Resume, RunEnd, RunKind, RunStatus};
use crossdock_engine::life::Life;
use crossdock_engine::{Job, Report};
use tracing::{Instrument as _, Span};

use super::learning::{self, Held, LegReader, Slot};
use super::writers::Writers;
use super::{Prepared, PreparedDestination, Summary, Surroundings, engine_settings, interruptible};
use crate::generation;
use crate::schema_check::Findings;
use crate::schema_review::Review;
use crate::span;
use crate::ui::ProgressRelay;
use crate::way;

pub(super) struct Attempt<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) around: &'a Surroundings,
    pub(super) prepared: &'a Prepared,
    pub(super) clock: Arc<dyn Clock>,
    /// Where a source that learns its streams waits between two legs.
    pub(super) held: &'a Slot,
    /// What destinations stored in earlier runs does not count.
    pub(super) begins_anew: bool,
    /// What each source resumed from when the run began: windows are behind that.
    pub(super) begun: &'a OnceLock<Vec<Vec<LaneState>>>,
    /// What looks at records show.
    pub(super) findings: Arc<Findings>,
}

impl Attempt<'_> {
    fn kind(&self) -> RunKind {
        match self.prepared.clears {
            Some(_) => RunKind::Clear,
            None => RunKind::Sync,
        }
    }

    /// An error means that nothing was read. Whatever happens, the pipeline is given free.
    pub(super) async fn run(&self) -> Result<Summary> {
        let store = &self.around.store;
        let lease = store.begin_as(&self.pipeline.id, self.kind()).await?;
        self.around.ui.began(&self.pipeline.id, lease.run);
        Span::current().record("crossdock.run", lease.run);
        let result = self.conduct(&lease).await;
        let end = match &result {
            Ok(summary) => summary.run_end(),
            Err(error) => RunEnd {
                error: Some(self.prepared.masked_text(error)),
                error_kind: Some(error.kind()),
                ..RunEnd::new(RunStatus::Failed)
            },
        };
        if let Some((code, reason)) = &end.error {
            let ui = &self.around.ui;
            ui.failed(&self.pipeline.id, &format!("{reason} [{code}]"));
        }
        // The books are not the run: what it did stands, and its own error comes first.
        match (store.finish(&lease, end).await, result) {
            (Err(unfinished), Ok(mut summary)) => {
                self.around.ui.warning(&self.pipeline.id, &unfinished);
                summary.warnings.push(unfinished);
                Ok(summary)
            }
            (_, result) => result,
        }
    }

    async fn conduct(&self, lease: &Lease) -> Result<Summary> {
        let mut resume = self.around.store.resume(&self.pipeline.id).await?;
        self.recall(lease, &mut resume).await?;
        if !self.prepared.learns {
            let (catalog, review) = self.reviewed(lease).await?;
            return self.leg(lease, &resume, (catalog, review), None).await;
        }
        let mut held = match learning::take(self.held) {
            Some(held) => held,
            None => self.hold(&resume).await?,
        };
        let began = Instant::now();
        let heard = interruptible(&self.around.cancel, held.listen()).await;
        let listened = began.elapsed();
        let configured = heard.and_then(|has_records| {
            let capabilities = self.prepared.capabilities();
            let catalog = learning::configure(self.pipeline, held.streams(), &capabilities)?;
            Ok((has_records, catalog))
        });
        match configured {
            Ok((true, catalog)) => {
                let told = (catalog, Review::default());
                let mut summary = self.leg(lease, &resume, told, Some(held)).await?;
                summary.elapsed += listened;
                Ok(summary)
            }
            ended => {
                if let Err(error) = held.close().await {
                    tracing::warn!(%error, "the source did not close tidily");
                }
                ended.map(|_| Summary::nothing(self.pipeline, lease.run))
            }
        }
    }

    /// Opens sources that tell of streams while they run, to be listened to before there is a catalog.
    async fn hold(&self, resume: &Resume) -> Result<Held> {
        let review = Review::default();
        let (life, reader) = self
            .open_sources(&resume.states, None, &review, None)
            .await?;
        Ok(Held::new(reader, life, self.known(), self.pipeline))
    }

    /// Moves the streams of `catalog`, from the source that is held or one that is opened.
    async fn leg(
        &self,
        lease: &Lease,
        resume: &Resume,
        (mut catalog, review): (ConfiguredCatalog, Review),
        held: Option<Held>,
    ) -> Result<Summary> {
        let beginning = self.begin(lease, resume, &mut catalog, &review).await?;
        let direct = self.direct(&catalog, &review, resume)?;
        let (wiring, acks) = crossdock_engine::wire(self.prepared.destinations.len());
        let mut writers = Writers::default();
        let opened = async {
            let direct = direct.as_ref();
            self.open_destinations((lease, resume), &catalog, direct, acks, &mut writers)
                .await?;
            match held {
                Some(held) => {
                    let life = held.life.clone();
                    let reader = LegReader::new(held, self.held.clone());
                    Ok((life, Box::new(reader) as Box<dyn SourceReader>))
                }
                None => {
                    self.open_sources(&beginning.states, Some(&catalog), &review, direct)
                        .await
                }
            }
        };
        let (source_life, source) = match opened.await {
            Ok(opened) => opened,
            Err(error) => {
                writers.close().await;
                return Err(error);
            }
        };
        let report = self
            .execute(lease, (source, source_life), writers, wiring, &catalog)
            .await;
        let mut summary = Summary::new(self.pipeline, lease.run, report, |e| {
            self.prepared.masked(e)
        });
        for stream in &mut summary.streams {
            let mask = |text: &str| self.prepared.mask(text);
            stream.schema = self.findings.of(&stream.counts.stream, mask);
        }
        summary.kind = self.kind();
        summary.schema_changes = review.changes;
        for warning in &summary.warnings {
            self.around.ui.warning(&self.pipeline.id, warning);
        }
        Ok(summary)
    }

    async fn execute(
        &self,
        lease: &Lease,
        (source, source_life): (Box<dyn SourceReader>, Arc<Life>),
        writers: Writers,
        wiring: crossdock_engine::pump::Wiring,
        catalog: &ConfiguredCatalog,
    ) -> Report {
        let job = Job {
            source,
            source_drains: way::has_way(self.pipeline)
                || self
                    .prepared
                    .sources
                    .iter()
                    .all(|one| one.ready.spec.source.drains),
            destinations: writers.open,
            refusing: {
                let destinations = self.prepared.destinations.iter();
                let refuses = |one: &PreparedDestination| {
                    one.ready.spec.destination.refuses_records
                        || !one.connector.processors.is_empty()
                };
                destinations.map(refuses).collect()
            },
            dead_letters: writers.letters,
            streams: catalog.streams.iter().map(ConfiguredStream::id).collect(),
            store: self.around.store.clone(),
            lease: lease.clone(),
            completes: generation::completed(catalog),
            source_life,
            destination_lives: writers.lives,
            watcher: Arc::new(ProgressRelay {
                pipeline: self.pipeline.id.clone(),
                ui: self.around.ui.clone(),
            }),
            cancel: self.around.cancel.clone(),
            clock: self.clock.clone(),
            settings: {
                let mut settings = engine_settings(&self.pipeline.settings);
                if !self.prepared.is_bounded(&self.pipeline.settings) {
                    // Silence is what most of its life is made of.
                    settings.patience.source = Duration::MAX;
                }
                settings
            },
        };
        crossdock_engine::execute(wiring, job)
            .instrument(span::moving())
            .await
    }
}
