//! The opening of both sides of an attempt, and what stands between them and the engine.

use std::sync::Arc;

use crossdock_airbyte::DirectChannel;
use crossdock_config::{Mode, Protocol, SchemaCheck};
use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::{ConfiguredCatalog, Stream};
use crossdock_core::checkpoint::LaneState;
use crossdock_core::code;
use crossdock_core::destination::{Acknowledge, DestinationOpening};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use crossdock_core::store::{Lease, Resume};
use crossdock_engine::dead_letter::{DeadLetterOffice, DeadLetters, Tolerance};
use crossdock_engine::life::Life;

use super::attempt::Attempt;
use super::clearing::{self, Nothing};
use super::ending::ending;
use super::route::{self, Course};
use super::writers::Writers;
use super::{PreparedDestination, PreparedSource, interruptible};
use crate::connector::is_positional;
use crate::dead_letter::{self, ConnectorOffice, FileOffice, Writing};
use crate::fields::{self, Selection};
use crate::intake::{self, Inlet, Intake, Way};
use crate::lookback::{self, Origin};
use crate::outlet::Outlet;
use crate::schema_check::checking;
use crate::schema_review::Review;
use crate::span::{asked, spanned};
use crate::way;

impl Attempt<'_> {
    /// The streams that the destinations know before anything is read.
    pub(super) fn known(&self) -> Vec<Stream> {
        let streams = self.prepared.catalog.streams.iter();
        streams.map(|s| s.stream.clone()).collect()
    }

    /// The channel by which records of the run's `catalog` go past the engine; `None`: they go through it.
    pub(super) fn direct(
        &self,
        catalog: &ConfiguredCatalog,
        review: &Review,
        resume: &Resume,
    ) -> Result<Option<DirectChannel>> {
        let around = (catalog, review, resume);
        match route::decide(self.pipeline, self.prepared, around)? {
            Course::Direct(direct) => {
                tracing::debug!("records go straight from the source to the destination");
                direct.channel().map(Some)
            }
            Course::Through(reason) => {
                tracing::debug!(reason, "records go through the engine");
                Ok(None)
            }
        }
    }

    /// Opens all sources as one. `catalog` is that of the run, if it is known.
    pub(super) async fn open_sources(
        &self,
        states: &[LaneState],
        catalog: Option<&ConfiguredCatalog>,
        review: &Review,
        direct: Option<&DirectChannel>,
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
            let opened = self.open_source(source, from, catalog, (review, direct));
            match opened.await {
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
        (review, direct): (&Review, Option<&DirectChannel>),
    ) -> Result<(Arc<Life>, Box<dyn SourceReader>)> {
        let (life, session) = self.alive(&source.ready.session);
        let selects = self.pipeline.streams.iter().any(|s| s.fields.is_some())
            || catalog.is_some_and(|all| all.streams.iter().any(|s| s.selected_fields.is_some()));
        let has_way = way::has_way(self.pipeline);
        let own = self.prepared.own_catalog(source, catalog, review);
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
        let open = source.found.open(source.ready.config(), opening, direct);
        let open = spanned(span, open);
        let reader = interruptible(&self.around.cancel, open).await?;
        let looks = self.pipeline.settings.schema_check == SchemaCheck::Sampled;
        // What a source learns of its streams it learns from the records.
        let reader = match looks && !source.ready.spec.source.learns_streams {
            true => checking(reader, &source.catalog, &self.findings),
            false => reader,
        };
        Ok((life, reader))
    }

    pub(super) async fn open_destinations(
        &self,
        (lease, resume): (&Lease, &Resume),
        catalog: &ConfiguredCatalog,
        direct: Option<&DirectChannel>,
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
            let open = spanned(span, found.open(ready.config(), opening, direct));
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
