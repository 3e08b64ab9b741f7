//! Whether records go from a source straight to a destination (Airbyte §4.1, §4.8), or through the engine. Pure.

use crossdock_airbyte::{DirectChannel, Format, NamespaceMapping};
use crossdock_config::{Connector, Launcher, NamespaceRule, Pipeline, Route};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::store::Resume;

use super::{Prepared, PreparedSource};
use crate::connector::Sockets;
use crate::fields;
use crate::schema_review::Review;

/// Which of the two it is.
pub(crate) enum Course {
    /// Straight, on this channel.
    Direct(Direct),
    /// Through the engine, and why, as a phrase.
    Through(&'static str),
}

/// Why there is only one course for most pipelines.
pub(crate) const NO_SOCKETS: &str = "not all of the connectors are of Airbyte and have sockets";

/// Why records have to come to the engine, as a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Obstacle(&'static str);

impl Obstacle {
    /// For a pipeline that wants no other way.
    fn error(self) -> Error {
        let message = "records cannot go straight from the source to the destination";
        Error::new(&code::CONFIG_INVALID, message)
            .with("why", self.0)
            .with("setting", "route: direct")
            .hint("leave `route` out: then they go through Crossdock where they have to")
    }
}

/// What a direct channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Direct {
    format: Format,
    sockets: Option<usize>,
    /// How streams are called at the destination, if not as at the source.
    names: Option<NamespaceMapping>,
}

impl Direct {
    /// Makes it.
    pub(super) fn channel(&self) -> Result<DirectChannel> {
        DirectChannel::create(self.format, self.sockets, self.names.as_ref())
    }
}

/// The course of a run of this catalog.
///
/// Errors: the pipeline wants the direct one, and it cannot be.
pub(crate) fn decide(
    pipeline: &Pipeline,
    prepared: &Prepared,
    (catalog, review, resume): (&ConfiguredCatalog, &Review, &Resume),
) -> Result<Course> {
    let wish = pipeline.settings.route;
    if wish == Some(Route::Through) {
        return Ok(Course::Through("that is the setting `route`"));
    }
    if prepared.clears.is_some() {
        return Ok(Course::Through("nothing is read"));
    }
    let direct = direct(pipeline, prepared).and_then(|(direct, source)| {
        let own = prepared.own_catalog(source, Some(catalog), review);
        match fields::are_same(&own, Some(catalog)) {
            true => Ok(direct),
            false => Err(Obstacle("fields of the source are left out")),
        }
    });
    let is_joined = catalog.streams.len() > 1 && prepared.whole_states(resume);
    match direct {
        // The destination may not tell how many records of each stream such a state covers.
        Ok(_) if wish.is_none() && is_joined => {
            Ok(Course::Through("the source's states are of all streams"))
        }
        Ok(direct) => Ok(Course::Direct(direct)),
        Err(obstacle) if wish == Some(Route::Direct) => Err(obstacle.error()),
        Err(Obstacle(reason)) => Ok(Course::Through(reason)),
    }
}

/// The direct channel of a pipeline, and the source on it. What the fields of its streams are is not looked at.
fn direct<'a>(
    pipeline: &Pipeline,
    prepared: &'a Prepared,
) -> Result<(Direct, &'a PreparedSource), Obstacle> {
    let sources = prepared.sources.iter();
    let mut sockets = sources.map(|one| one.found.sockets(&one.ready.spec));
    let destinations = prepared.destinations.iter();
    let mut others = destinations.map(|one| one.found.sockets(&one.ready.spec));
    if sockets.any(|found| found.is_none()) || others.any(|found| found.is_none()) {
        return Err(Obstacle(NO_SOCKETS));
    }
    let ([source], [destination]) = (&*prepared.sources, &*prepared.destinations) else {
        return Err(Obstacle("there are several sources or destinations"));
    };
    let format = common(
        source.found.sockets(&source.ready.spec),
        destination.found.sockets(&destination.ready.spec),
    )?;
    let in_container =
        |connector: &Connector| connector.reference.launcher == Some(Launcher::Docker);
    let obstacles = [
        (
            in_container(&source.connector) != in_container(&destination.connector),
            "one of the connectors runs in a container and the other one does not",
        ),
        (prepared.processes(), "processors have to see the records"),
        (
            pipeline.dead_letters.is_some(),
            "records that are refused are kept as dead letters",
        ),
        (
            pipeline
                .streams
                .iter()
                .any(|stream| stream.fields.is_some()),
            "fields are selected",
        ),
        (
            pipeline.settings.max_records.is_some() || pipeline.settings.until_idle.is_some(),
            "`max_records` and `until_idle` look at what the source sends",
        ),
    ];
    if let Some((_, reason)) = obstacles.into_iter().find(|(is_there, _)| *is_there) {
        return Err(Obstacle(reason));
    }
    let (format, sockets) = format;
    let direct = Direct {
        format,
        sockets,
        names: names(pipeline),
    };
    Ok((direct, source))
}

/// The sockets that both ends have.
fn common(source: Option<Sockets>, destination: Option<Sockets>) -> Result<Sockets, Obstacle> {
    match (source, destination) {
        (Some((format, _)), Some((other, _))) if format != other => {
            Err(Obstacle("the connectors write different forms of records"))
        }
        (Some((format, few)), Some((_, many))) => Ok((format, few.into_iter().chain(many).min())),
        _ => Err(Obstacle(NO_SOCKETS)),
    }
}

/// The rule for the streams' names at the destination, in Airbyte's words (§3.10).
fn names(pipeline: &Pipeline) -> Option<NamespaceMapping> {
    let (definition, format) = match &pipeline.namespace {
        NamespaceRule::Source if pipeline.prefix.is_empty() => return None,
        NamespaceRule::Source => ("source", None),
        NamespaceRule::Destination => ("destination", None),
        NamespaceRule::Custom(format) => ("customformat", Some(format.clone())),
    };
    Some(NamespaceMapping {
        namespace_definition_type: Some(definition.to_owned()),
        namespace_format: format,
        stream_prefix: Some(pipeline.prefix.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_airbyte::Layout;

    #[test]
    fn both_ends_have_the_same_sockets() {
        let frames = Format::Protobuf(Layout::V2);
        let old = Format::Protobuf(Layout::V1);
        let check = |source, destination, expected: Option<Sockets>| {
            assert_eq!(common(source, destination).ok(), expected);
        };
        check(None, Some((frames, None)), None);
        check(Some((frames, None)), None, None);
        check(Some((frames, None)), Some((old, None)), None);
        check(Some((frames, None)), Some((Format::Jsonl, None)), None);
        check(
            Some((frames, None)),
            Some((frames, None)),
            Some((frames, None)),
        );
        check(
            Some((frames, Some(4))),
            Some((frames, Some(2))),
            Some((frames, Some(2))),
        );
        check(
            Some((Format::Jsonl, None)),
            Some((Format::Jsonl, Some(3))),
            Some((Format::Jsonl, Some(3))),
        );
    }
}
