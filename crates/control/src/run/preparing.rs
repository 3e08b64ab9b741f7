//! From a pipeline to connectors that are found, asked and configured.

use std::sync::Arc;

use crossdock_config::{Connector, Pipeline};
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::{Catalog, ConfiguredCatalog, Stream, SyncMode};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::secret::Masker;
use crossdock_processors::Chain;

use super::{Prepared, PreparedDestination, PreparedSource, Surroundings, learning};
use crate::connector;
use crate::fields;
use crate::prepare::{self, Keeping};
use crate::select;
use crate::span::{asked, spanned};
use crate::ui::{Phase, Role};
use crate::way::{self, chain, chains};

/// What a source tells before it is read.
struct Asked {
    source: PreparedSource,
    /// `None`: it tells of its streams only while it runs.
    offers: Option<Catalog>,
}

/// Finds the connectors, checks their configurations, asks the sources and selects.
pub(crate) async fn prepare_all(pipeline: &Pipeline, around: &Surroundings) -> Result<Prepared> {
    // What is wrong with them is told before anything is started.
    let processors = chains(pipeline)?;
    let asking = Asking { pipeline, around };
    // All are asked at the same time: a start of Python takes seconds (§6, 27).
    let sources = pipeline
        .sources
        .iter()
        .enumerate()
        .map(|(at, c)| asking.source(at + 1, c));
    let destinations = pipeline.destinations.iter().enumerate();
    let destinations = destinations.map(|(at, c)| asking.destination(at + 1, c));
    let (asked, destinations) =
        tokio::try_join!(all(sources.collect()), all(destinations.collect()))?;
    let capabilities: Vec<DestinationCapabilities> = destinations
        .iter()
        .map(|one| one.ready.spec.destination.clone())
        .collect();
    let known = around.store.catalog(&pipeline.id).await?;
    let known = known
        .unwrap_or_default()
        .streams
        .into_iter()
        .map(|s| s.stream);
    let offers = Offers {
        pipeline,
        capabilities: &capabilities,
        known: known.collect(),
    };
    offers.configured(asked, destinations, &processors)
}

/// Finds and configures the destinations alone.
pub(super) async fn destinations(
    pipeline: &Pipeline,
    around: &Surroundings,
) -> Result<Vec<PreparedDestination>> {
    chains(pipeline)?;
    let asking = Asking { pipeline, around };
    let destinations = pipeline.destinations.iter().enumerate();
    let asked = destinations.map(|(at, c)| asking.destination(at + 1, c));
    all(asked.collect()).await
}

/// Carries out all of them at once; the first error ends them.
async fn all<T>(all: Vec<impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    futures::future::try_join_all(all).await
}

struct Asking<'a> {
    pipeline: &'a Pipeline,
    around: &'a Surroundings,
}

impl Asking<'_> {
    fn keeping(&self, role: Role, at: usize, connector: &Connector) -> Keeping {
        Keeping {
            store: self.around.store.clone(),
            pipeline: self.pipeline.id.clone(),
            connector: prepare::slot(role, at, connector),
        }
    }

    async fn source(&self, at: usize, connector: &Connector) -> Result<Asked> {
        let Self { pipeline, around } = self;
        let settings = &pipeline.settings;
        let first = prepare::first_session(connector, Role::Source, &around.ui, settings);
        let connector = connector::resolved(connector, &first).await?;
        let reference = &connector.reference;
        let name = |error| named(error, Role::Source, &connector);
        let found = connector::source_of(&connector, &around.registry)?;
        let spec = spanned(asked!("spec", reference), found.spec(&first));
        let spec = spec.await.map_err(name)?;
        let keeping = Some(self.keeping(Role::Source, at, &connector));
        let ready = prepare::ready(
            &connector,
            spec,
            Role::Source,
            &around.ui,
            settings,
            keeping,
        );
        let ready = ready.await?;
        let offers = if ready.spec.source.learns_streams {
            None
        } else {
            around.ui.phase(&pipeline.id, &Phase::Discovering);
            let discover = found.source.discover(ready.config(), &ready.session);
            let catalog = spanned(asked!("discover", reference), discover).await;
            Some(catalog.map_err(|e| prepare::masked(name(e), &ready.masker))?)
        };
        let source = PreparedSource {
            connector,
            found,
            ready,
            catalog: Arc::default(),
        };
        Ok(Asked { source, offers })
    }

    async fn destination(&self, at: usize, connector: &Connector) -> Result<PreparedDestination> {
        let Self { pipeline, around } = self;
        let settings = &pipeline.settings;
        let first = prepare::first_session(connector, Role::Destination, &around.ui, settings);
        let connector = connector::resolved(connector, &first).await?;
        let reference = &connector.reference;
        let found = connector::destination_of(&connector, &around.registry)?;
        let spec = spanned(asked!("spec", reference), found.spec(&first));
        let spec = spec
            .await
            .map_err(|e| named(e, Role::Destination, &connector))?;
        let keeping = Some(self.keeping(Role::Destination, at, &connector));
        let role = Role::Destination;
        let ready = prepare::ready(&connector, spec, role, &around.ui, settings, keeping).await?;
        Ok(PreparedDestination {
            connector,
            found,
            ready,
        })
    }
}

fn named(error: Error, role: Role, connector: &Connector) -> Error {
    error.with(role.as_str(), &connector.reference)
}

/// What is offered, and what is made of it. Pure.
struct Offers<'a> {
    pipeline: &'a Pipeline,
    capabilities: &'a [DestinationCapabilities],
    /// What earlier runs moved.
    known: Vec<Stream>,
}

impl Offers<'_> {
    fn configured(
        self,
        asked: Vec<Asked>,
        destinations: Vec<PreparedDestination>,
        processors: &Chain,
    ) -> Result<Prepared> {
        let is_alone = asked.len() == 1;
        let is_told = asked.iter().all(|one| one.offers.is_some());
        let mut learns = !is_told;
        let mut sources = Vec::new();
        let mut coming = ConfiguredCatalog::default();
        // What comes out of the sources, before the pipeline's processors.
        let mut offered = ConfiguredCatalog::default();
        for Asked { mut source, offers } in asked {
            let own = chain(&source.connector.processors)?;
            if offers.is_none() {
                self.no_window(&source)?;
            }
            let is_plain = own.is_empty() && processors.is_empty();
            let catalog = match offers {
                None if is_alone && is_plain => self.learnt(&self.known)?,
                // It tells again what it has told, before processors changed it.
                None => ConfiguredCatalog::default(),
                Some(catalog) if is_alone => {
                    let known = &self.known;
                    select::configure_beside(self.pipeline, catalog, self.capabilities, known)?
                }
                Some(catalog) => self.learnt(&catalog.streams)?,
            };
            source.catalog = Arc::new(catalog);
            if is_told {
                way::check(&source.connector.processors, &own, &source.catalog)?;
            }
            let from_source = own.configure(&source.catalog);
            let mut processed = processors.configure(&from_source);
            if way::has_way(self.pipeline) {
                processed = fields::selected(processed);
            }
            offered.streams.extend(from_source.streams);
            let is_open = source.catalog.streams.iter().any(|stream| {
                // A copy that is replaced as a whole is made in one leg: what is not known of it goes to
                // where the destination keeps undeclared fields.
                let mut stream = stream.clone();
                stream.sync_mode == SyncMode::Incremental
                    && (own.describe(&mut stream.stream) | processors.describe(&mut stream.stream))
            });
            learns |= is_open;
            let news = processed.streams.into_iter();
            let news = news.filter(|stream| !coming.streams.iter().any(|s| s.id() == stream.id()));
            let news: Vec<_> = news.collect();
            coming.streams.extend(news);
            sources.push(source);
        }
        if is_told {
            way::check(&self.pipeline.processors, processors, &offered)?;
        }
        let catalog = if learns {
            // What is known of open streams is what the last run saw of them.
            let mut streams = self.known.clone();
            let new = coming.streams.into_iter().map(|stream| stream.stream);
            let is_new = |stream: &Stream| !self.known.iter().any(|s| s.id() == stream.id());
            streams.extend(new.filter(is_new));
            self.learnt(&streams)?
        } else {
            coming
        };
        // Of each source alone that was looked at when it was selected from.
        if let Some(collision) = select::collisions(&catalog.streams, self.capabilities).pop() {
            return Err(collision);
        }
        if is_told {
            for destination in &destinations {
                let own = &destination.connector.processors;
                way::check(own, &chain(own)?, &catalog)?;
            }
        }
        let secrets = self.pipeline.processors.iter().flat_map(|p| &p.secrets);
        Ok(Prepared {
            masker: Masker::new(secrets.cloned()),
            sources,
            destinations,
            catalog,
            learns,
            has_processors: !processors.is_empty(),
            clears: None,
        })
    }

    /// Where a source that tells of its streams while it runs is with them is its own affair.
    fn no_window(&self, source: &PreparedSource) -> Result<()> {
        let mut streams = self.pipeline.streams.iter();
        let Some(stream) = streams.find(|stream| stream.lookback.is_some()) else {
            return Ok(());
        };
        let error = Error::new(
            &code::LOOKBACK,
            "the source has positions of its own, which cannot be moved back",
        );
        let error = error.with("source", &source.connector.reference);
        Err(stream.at.locate(error.hint("leave `lookback` out")))
    }

    fn learnt(&self, streams: &[Stream]) -> Result<ConfiguredCatalog> {
        learning::configure(self.pipeline, streams, self.capabilities)
    }
}
