//! One attempt: takes the pipeline, opens both sides where the last commit left off, lets the
//! engine conduct, and records the end.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossdock_config::{Mode, Pipeline, Protocol, SchemaCheck};
use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::checkpoint::LaneState;
use crossdock_core::clock::Clock;
use crossdock_core::code;
use crossdock_core::destination::{Acknowledge, DestinationOpening, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use crossdock_core::store::{Lease, Resume, RunEnd, RunKind, RunStatus};
use crossdock_engine::dead_letter::{DeadLetterOffice, DeadLetters, Tolerance};
use crossdock_engine::life::Life;
use crossdock_engine::{Job, Report};
use tracing::{Instrument as _, Span};

use super::clearing::{self, Nothing};
use super::ending::ending;
use super::learning::{self, Held, LegReader, Slot};
use super::{
    Prepared, PreparedDestination, PreparedSource, Summary, Surroundings, engine_settings,
    interruptible,
};
use crate::connector::is_positional;
use crate::dead_letter::{self, ConnectorOffice, FileOffice, Writing};
use crate::fields::{self, Selection};
use crate::generation;
use crate::intake::{self, Inlet, Intake, Way};
use crate::lookback::{self, Origin};
use crate::outlet::Outlet;
use crate::schema_check::{Findings, checking};
use crate::schema_review::Review;
use crate::span::{self, asked, spanned};
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

    /// The streams that the destinations know before anything is read.
    fn known(&self) -> Vec<Stream> {
        let streams = self.prepared.catalog.streams.iter();
        streams.map(|s| s.stream.clone()).collect()
    }

    /// Opens sources that tell of streams while they run, to be listened to before there is a catalog.
    async fn hold(&self, resume: &Resume) -> Result<Held> {
        let review = Review::default();
        let (life, reader) = self.open_sources(&resume.states, None, &review).await?;
        Ok(Held::new(reader, life, self.known(), self.pipeline))
    }

    /// Opens all sources as one. `catalog` is that of the run, if it is known.
    async fn open_sources(
        &self,
        states: &[LaneState],
        catalog: Option<&ConfiguredCatalog>,
        review: &Review,
    ) -> Result<(Arc<Life>, Box<dyn SourceReader>)> {
        if let (Some(_), Some(catalog)) = (self.prepared.clears, catalog) {
            let (life, _) = self.alive(&Session::default());
            return Ok((life, Box::new(Nothing::of(catalog))));
        }
        let sources = &self.prepared.sources;
        let ids: Vec<&str> = sources
            .iter()
            .map(|one| one.connector.id.as_str())
            .collect();
        let states = intake::split(states, &ids);
        let begun = self.begun.get_or_init(|| states.clone());
        let mut inlets: Vec<Inlet> = Vec::new();
        let mut life = None;
        for ((source, states), begun) in sources.iter().zip(states).zip(begun) {
            let from = (states.as_slice(), begun.as_slice());
            match self.open_source(source, from, catalog, review).await {
                Ok((own, reader)) => {
                    life.get_or_insert(own);
                    inlets.push(Inlet {
                        id: source.connector.id.clone(),
                        reader,
                        drains: source.ready.spec.source.drains,
                        fields: Selection::of(&source.catalog),
                        chain: way::working(&source.connector.processors, &self.around.store)?,
                        states,
                    });
                }
                Err(error) => {
                    for mut inlet in inlets {
                        if let Err(error) = inlet.reader.close().await {
                            tracing::warn!(%error, "a source did not close tidily");
                        }
                    }
                    return Err(error);
                }
            }
        }
        let unwatched = || Life::new(Session::default().observer, self.clock.clone());
        let life = life.unwrap_or_else(unwatched);
        let reader = if way::has_way(self.pipeline) {
            let way = Way {
                chain: way::working(&self.pipeline.processors, &self.around.store)?,
                streams: self.known(),
                learns: self.prepared.learns,
            };
            Box::new(Intake::new(inlets, way)) as Box<dyn SourceReader>
        } else {
            let only = inlets.pop().map(|inlet| inlet.reader);
            only.ok_or_else(|| Error::new(&code::INTERNAL, "a pipeline has no source"))?
        };
        Ok((life, ending(reader, &self.pipeline.settings)))
    }

    async fn open_source(
        &self,
        source: &PreparedSource,
        (states, begun): (&[LaneState], &[LaneState]),
        catalog: Option<&ConfiguredCatalog>,
        review: &Review,
    ) -> Result<(Arc<Life>, Box<dyn SourceReader>)> {
        let (life, session) = self.alive(&source.ready.session);
        let selects = self.pipeline.streams.iter().any(|s| s.fields.is_some())
            || catalog.is_some_and(|all| all.streams.iter().any(|s| s.selected_fields.is_some()));
        let has_way = way::has_way(self.pipeline);
        let mut own = source.catalog.as_ref().clone();
        let is_processed = self.prepared.has_processors || !source.connector.processors.is_empty();
        review.narrow(&mut own, is_processed);
        if let Some(catalog) = catalog {
            generation::carry_over(&mut own, catalog);
        }
        let reference = &source.connector.reference;
        let native = (reference.protocol == Protocol::Native).then_some(&*reference.what);
        let states = lookback::moved(states, begun, &source.catalog, Origin::of(native))?;
        let processes = self.prepared.processes();
        let opening = SourceOpening {
            bounded: self.pipeline.settings.mode == Mode::Sync,
            pipeline: self.pipeline.id.clone(),
            connector: source.connector.id.clone(),
            shape: match has_way {
                // Processors look at rows.
                true => BodyShape::Rows,
                false => self.prepared.shape(),
            },
            // Fields are taken out of values, so lines cannot stay as they came.
            verbatim: (self.prepared.verbatim())
                .filter(|_| !selects)
                .filter(|form| !is_positional(form) || fields::are_same(&own, catalog)),
            // A dead letter shows its record, and a processor looks at it.
            values: selects
                || processes
                || self.prepared.looks_inside()
                || self.pipeline.dead_letters.is_some(),
            catalog: own,
            state: states,
            session,
        };
        let span = asked!("open source", source.connector.reference);
        let open = spanned(
            span,
            source.found.source.open(source.ready.config(), opening),
        );
        let reader = interruptible(&self.around.cancel, open).await?;
        let looks = self.pipeline.settings.schema_check == SchemaCheck::Sampled;
        // What a source learns of its streams it learns from the records.
        let reader = match looks && !source.ready.spec.source.learns_streams {
            true => checking(reader, &source.catalog, &self.findings),
            false => reader,
        };
        Ok((life, reader))
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
                    self.open_sources(&beginning.states, Some(&catalog), &review)
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

    async fn open_destinations(
        &self,
        lease: &Lease,
        resume: &Resume,
        catalog: &ConfiguredCatalog,
        acks: Vec<Arc<dyn Acknowledge>>,
        writers: &mut Writers,
    ) -> Result<()> {
        for (destination, acks) in self.prepared.destinations.iter().zip(acks) {
            let PreparedDestination {
                connector,
                found,
                ready,
            } = destination;
            let (life, session) = self.alive(&ready.session);
            let chain = way::working(&connector.processors, &self.around.store)?;
            let processes = !chain.is_empty();
            let before = catalog;
            let mut catalog = match processes {
                true => fields::selected(chain.configure(before)),
                false => before.clone(),
            };
            if self.prepared.clears.is_some() {
                clearing::replacing(&mut catalog, &ready.spec.destination)?;
            }
            let outlet = Outlet::new(chain, self.pipeline.dead_letters.is_some(), acks);
            let opening = DestinationOpening {
                whole_states: self.prepared.whole_states(resume),
                keeps_refused: self.pipeline.dead_letters.is_some(),
                connector: connector.id.clone(),
                catalog: catalog.clone(),
                pipeline: self.pipeline.id.clone(),
                epoch: lease.epoch,
                marks: resume.marks.clone(),
                marks_decide: self.prepared.destinations.len() > 1,
                keeps_marks: false,
                acks: outlet.acks(),
                session: session.clone(),
            };
            let span = asked!("open destination", connector.reference);
            let open = spanned(span, found.destination.open(ready.config(), opening));
            let writer = interruptible(&self.around.cancel, open).await?;
            let writer = if found.selects_fields() {
                writer
            } else {
                fields::selecting(writer, &catalog)
            };
            let writer = outlet.around(writer, session);
            writers.open.push(match processes {
                true => fields::selecting(writer, before),
                false => writer,
            });
            writers.lives.push(life);
        }
        writers.letters = self.dead_letters(lease).await?;
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

    async fn dead_letters(&self, lease: &Lease) -> Result<Option<DeadLetters>> {
        let Some(wanted) = &self.pipeline.dead_letters else {
            return Ok(None);
        };
        let destinations = self.prepared.destinations.iter();
        let destinations = destinations
            .map(|one| {
                (
                    one.connector.reference.to_string(),
                    one.ready.masker.clone(),
                )
            })
            .collect();
        let writing = Writing {
            pipeline: self.pipeline.id.clone(),
            run: lease.run,
            destinations,
            shows_seen: wanted.connector.is_some(),
        };
        let office: Box<dyn DeadLetterOffice> = match &wanted.connector {
            None => Box::new(FileOffice {
                path: dead_letter::path(self.pipeline, &self.around.dead_letters),
                writing,
            }),
            Some(connector) => {
                let around = (&self.around.registry, &self.around.ui);
                let settings = &self.pipeline.settings;
                let office =
                    ConnectorOffice::open(connector, settings, around, (writing, wanted.form));
                Box::new(interruptible(&self.around.cancel, office).await?)
            }
        };
        Ok(Some(DeadLetters {
            tolerance: Tolerance {
                window: wanted.window_size,
                threshold: wanted.window_nack_threshold,
            },
            office,
        }))
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
    letters: Option<DeadLetters>,
}

impl Writers {
    /// Ends what was opened when something else could not be.
    async fn close(&mut self) {
        for writer in &mut self.open {
            if let Err(error) = writer.close().await {
                tracing::warn!(%error, "a destination did not close tidily");
            }
        }
        if let Some(letters) = &mut self.letters
            && let Err(error) = letters.office.close().await
        {
            tracing::warn!(%error, "the destination of dead letters did not close tidily");
        }
    }
}
