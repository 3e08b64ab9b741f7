//! One attempt: takes the pipeline, opens both sides where the last commit left off, lets the
//! engine conduct, and records the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_config::Pipeline;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::LaneState;
use crossdock_core::clock::Clock;
use crossdock_core::destination::{Acknowledge, DestinationOpening, DestinationWriter};
use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use crossdock_core::store::{Commit, Lease, Resume, RunEnd, RunStatus};
use crossdock_engine::dead_letter::{DeadLetters, Tolerance};
use crossdock_engine::life::Life;
use crossdock_engine::{Job, Report};
use tracing::{Instrument as _, Span};

use super::ending::ending;
use super::learning::{self, Held, LegReader, Slot};
use super::{Prepared, Summary, Surroundings, engine_settings, interruptible};
use crate::dead_letter::{self, Office};
use crate::fields;
use crate::generation;
use crate::recall::recall;
use crate::span::{self, asked, spanned};
use crate::ui::ProgressRelay;

pub(super) struct Attempt<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) around: &'a Surroundings,
    pub(super) prepared: &'a Prepared,
    pub(super) clock: Arc<dyn Clock>,
    /// Where a source that learns its streams waits between two legs.
    pub(super) held: &'a Slot,
}

impl Attempt<'_> {
    /// An error means that nothing was read. Whatever happens, the pipeline is given free.
    pub(super) async fn run(&self) -> Result<Summary> {
        let store = &self.around.store;
        let lease = store.begin(&self.pipeline.id).await?;
        self.around.ui.began(&self.pipeline.id, lease.run);
        Span::current().record("crossdock.run", lease.run);
        let result = self.conduct(&lease).await;
        let end = match &result {
            Ok(summary) => summary.run_end(),
            Err(error) => {
                let error = self.prepared.masked_text(error);
                RunEnd {
                    status: RunStatus::Failed,
                    error: Some(error),
                    streams: Vec::new(),
                }
            }
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
        if !self.prepared.source_ready.spec.source.learns_streams {
            let catalog = self.prepared.catalog.clone();
            return self.leg(lease, &resume, catalog, None).await;
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
                let mut summary = self.leg(lease, &resume, catalog, Some(held)).await?;
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

    /// Opens a source that learns its streams, to be listened to before there is a catalog.
    async fn hold(&self, resume: &Resume) -> Result<Held> {
        let (life, session) = self.alive(&self.prepared.source_ready.session);
        let source = self.open_source(
            resume.states.clone(),
            self.prepared.catalog.clone(),
            session,
        );
        let known = self
            .prepared
            .catalog
            .streams
            .iter()
            .map(|s| s.stream.clone());
        Ok(Held::new(
            source.await?,
            life,
            known.collect(),
            self.pipeline,
        ))
    }

    async fn open_source(
        &self,
        state: Vec<LaneState>,
        catalog: ConfiguredCatalog,
        session: Session,
    ) -> Result<Box<dyn SourceReader>> {
        let selects = self.pipeline.streams.iter().any(|s| s.fields.is_some());
        let opening = SourceOpening {
            pipeline: self.pipeline.id.clone(),
            shape: self.prepared.shape(),
            // Fields are taken out of values, so lines cannot stay as they came.
            verbatim: self.prepared.verbatim().filter(|_| !selects),
            // A dead letter shows its record.
            values: selects || self.prepared.looks_inside() || self.pipeline.dead_letters.is_some(),
            catalog,
            state,
            session,
        };
        let config = self.prepared.source_ready.config();
        let span = asked!("open source", self.pipeline.source.reference);
        let open = spanned(span, self.prepared.source.source.open(config, opening));
        let source = interruptible(&self.around.cancel, open).await?;
        Ok(ending(source, &self.pipeline.settings))
    }

    /// Moves the streams of `catalog`, from the source that is held or one that is opened.
    async fn leg(
        &self,
        lease: &Lease,
        resume: &Resume,
        mut catalog: ConfiguredCatalog,
        held: Option<Held>,
    ) -> Result<Summary> {
        let store = &self.around.store;
        let beginning = generation::begin(&mut catalog, resume, lease.run);
        if !beginning.clear.is_empty() {
            store.clear(lease, beginning.clear).await?;
        }
        if !beginning.generations.is_empty() {
            store.set_generations(lease, beginning.generations).await?;
        }
        store.save_catalog(lease, catalog.clone()).await?;
        let (wiring, acks) = crossdock_engine::wire(self.prepared.destinations.len());
        let mut writers = Writers::default();
        let opened = async {
            self.open_destinations(lease, resume, &catalog, acks, &mut writers)
                .await?;
            match held {
                Some(held) => {
                    let life = held.life.clone();
                    let reader = LegReader::new(held, self.held.clone());
                    Ok((life, Box::new(reader) as Box<dyn SourceReader>))
                }
                None => {
                    let (life, session) = self.alive(&self.prepared.source_ready.session);
                    let source = self.open_source(beginning.states, catalog.clone(), session);
                    Ok((life, source.await?))
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
        let summary = Summary::new(self.pipeline, lease.run, report, |e| {
            self.prepared.masked(e)
        });
        for warning in &summary.warnings {
            self.around.ui.warning(&self.pipeline.id, warning);
        }
        Ok(summary)
    }

    async fn open_destinations(
        &self,
        lease: &Lease,
        resume: &Resume,
        catalog: &ConfiguredCatalog,
        acks: Vec<Arc<dyn Acknowledge>>,
        writers: &mut Writers,
    ) -> Result<()> {
        let connectors = self.pipeline.destinations.iter();
        let destinations = self.prepared.destinations.iter().zip(connectors);
        for (((found, ready), connector), acks) in destinations.zip(acks) {
            let (life, session) = self.alive(&ready.session);
            let opening = DestinationOpening {
                catalog: catalog.clone(),
                pipeline: self.pipeline.id.clone(),
                epoch: lease.epoch,
                marks: resume.marks.clone(),
                marks_decide: self.prepared.destinations.len() > 1,
                acks,
                session,
            };
            let span = asked!("open destination", connector.reference);
            let open = spanned(span, found.destination.open(ready.config(), opening));
            let writer = interruptible(&self.around.cancel, open).await?;
            writers.open.push(if found.selects_fields() {
                writer
            } else {
                fields::selecting(writer, catalog)
            });
            writers.lives.push(life);
        }
        Ok(())
    }

    /// Asks a transactional destination how far the data is. Only where it is the only one:
    /// another destination's data may end elsewhere.
    async fn recall(&self, lease: &Lease, resume: &mut Resume) -> Result<()> {
        let [(found, ready)] = self.prepared.destinations.as_slice() else {
            return Ok(());
        };
        if !ready.spec.destination.transactional_checkpoint {
            return Ok(());
        }
        let ask = found
            .destination
            .stored(ready.config(), &self.pipeline.id, &ready.session);
        let stored = interruptible(&self.around.cancel, ask).await?;
        let recalled = recall(resume, stored, lease.epoch);
        let store = &self.around.store;
        if !recalled.generations.is_empty() {
            store.set_generations(lease, recalled.generations).await?;
        }
        if !recalled.states.is_empty() {
            let commit = Commit {
                states: recalled.states,
                ..Commit::default()
            };
            store.commit(lease, commit).await?;
        }
        Ok(())
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
            source_drains: self.prepared.source_ready.spec.source.drains,
            destinations: writers.open,
            refusing: {
                let capabilities = self.prepared.capabilities();
                capabilities.iter().map(|c| c.refuses_records).collect()
            },
            dead_letters: self.dead_letters(lease),
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
                if !self.prepared.source_ready.spec.source.bounded {
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

    fn dead_letters(&self, lease: &Lease) -> Option<DeadLetters> {
        let wanted = self.pipeline.dead_letters.as_ref()?;
        let connectors = self.pipeline.destinations.iter();
        let destinations = connectors.zip(&self.prepared.destinations);
        let office = Office {
            path: dead_letter::path(self.pipeline, &self.around.dead_letters),
            pipeline: self.pipeline.id.clone(),
            run: lease.run,
            destinations: destinations
                .map(|(connector, (_, ready))| {
                    (connector.reference.to_string(), ready.masker.clone())
                })
                .collect(),
        };
        Some(DeadLetters {
            tolerance: Tolerance {
                window: wanted.window_size,
                threshold: wanted.window_nack_threshold,
            },
            office: Box::new(office),
        })
    }

    fn alive(&self, session: &Session) -> (Arc<Life>, Session) {
        let life = Life::new(session.observer.clone(), self.clock.clone());
        (life.clone(), session.observed_by(life))
    }
}

#[derive(Default)]
struct Writers {
    open: Vec<Box<dyn DestinationWriter>>,
    lives: Vec<Arc<Life>>,
}

impl Writers {
    /// Ends what was opened when something else could not be.
    async fn close(&mut self) {
        for writer in &mut self.open {
            if let Err(error) = writer.close().await {
                tracing::warn!(%error, "a destination did not close tidily");
            }
        }
    }
}
