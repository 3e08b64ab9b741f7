//! Streams that are read anew because somebody asks for it (Airbyte §3.9).

use std::collections::{BTreeSet, HashMap};

use crossdock_config::{Pipeline, Selections};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::store::{Refresh, RefreshMode, Resume, Store};
use crossdock_core::stream::StreamId;

use crate::generation::{self, Asked};
use crate::schema_review::Review;
use crate::state;

/// A stream by the words of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its namespace. `None`: none, or the only one in which there is such a stream.
    pub namespace: Option<String>,
}

/// Notes that the pipeline's next run reads these streams anew (all, if none is named), and forgets their states.
/// Gives the streams.
pub async fn request(
    store: &dyn Store,
    pipeline: &str,
    named: &[Named],
    mode: Option<RefreshMode>,
) -> Result<Vec<StreamId>> {
    state::known(store, pipeline).await?;
    let resume = store.resume(pipeline).await?;
    let known: BTreeSet<StreamId> = resume.generations.into_iter().map(|g| g.stream).collect();
    let known: Vec<StreamId> = known.into_iter().collect();
    let streams = chosen(&known, named).map_err(|error| error.with("pipeline", pipeline))?;
    let asked = streams.iter().map(|stream| Refresh {
        stream: stream.clone(),
        mode,
    });
    store.refresh(pipeline, asked.collect()).await?;
    Ok(streams)
}

/// What is asked of the streams of a run.
pub(crate) fn asked(pipeline: &Pipeline, resume: &Resume) -> HashMap<StreamId, Asked> {
    let modes = Modes::new(pipeline);
    let asked = resume.refreshes.iter().map(|refresh| {
        let asked = Asked {
            mode: refresh.mode.unwrap_or_else(|| modes.of(&refresh.stream)),
            despite_state: false,
        };
        (refresh.stream.clone(), asked)
    });
    asked.collect()
}

/// Adds the streams that are read anew since they have new fields. An error that is none: it cannot be done, since the
/// state of the whole source is in one piece.
pub(crate) fn backfill(
    pipeline: &Pipeline,
    resume: &Resume,
    review: &Review,
    asked: &mut HashMap<StreamId, Asked>,
) -> Option<Error> {
    if review.backfill.is_empty() {
        return None;
    }
    if !resume.states.iter().all(generation::is_divisible) {
        let names: Vec<_> = review.backfill.iter().map(ToString::to_string).collect();
        let message =
            "streams with new fields are not read anew, since the state covers the whole source";
        let hint = format!("`crossdock refresh {}` reads all streams anew", pipeline.id);
        let error = Error::new(&code::STATE_INDIVISIBLE, message);
        return Some(error.with("streams", names.join(", ")).hint(hint));
    }
    let modes = Modes::new(pipeline);
    for stream in &review.backfill {
        let mode = asked
            .get(stream)
            .map_or_else(|| modes.of(stream), |asked| asked.mode);
        let anew = Asked {
            mode,
            despite_state: true,
        };
        asked.insert(stream.clone(), anew);
    }
    None
}

/// How a pipeline has its streams refreshed.
pub(crate) struct Modes<'a> {
    selections: Selections<'a>,
    otherwise: RefreshMode,
}

impl<'a> Modes<'a> {
    pub(crate) fn new(pipeline: &'a Pipeline) -> Self {
        Self {
            selections: Selections::new(&pipeline.streams),
            otherwise: pipeline.settings.refresh,
        }
    }

    pub(crate) fn of(&self, stream: &StreamId) -> RefreshMode {
        let own = self.selections.of(stream).and_then(|one| one.refresh);
        own.unwrap_or(self.otherwise)
    }
}

/// The streams that are named, each once, in the order of `known`; all, if none is. Pure.
pub(crate) fn chosen(known: &[StreamId], named: &[Named]) -> Result<Vec<StreamId>> {
    if known.is_empty() {
        let message = "the pipeline has moved no stream yet";
        return Err(
            Error::new(&code::STORED_STREAM_UNKNOWN, message).hint("run the pipeline first")
        );
    }
    let mut wanted = BTreeSet::new();
    for one in named {
        let fits = |stream: &&StreamId| {
            *stream.name == *one.name
                && (one.namespace.is_none()
                    || stream.namespace.as_deref() == one.namespace.as_deref())
        };
        let fitting: Vec<&StreamId> = known.iter().filter(fits).collect();
        let plain = fitting.iter().find(|stream| stream.namespace.is_none());
        match (fitting.as_slice(), plain) {
            ([stream], _) | (_, Some(stream)) => {
                wanted.insert((*stream).clone());
            }
            ([], _) => return Err(unknown(known, &one.name)),
            (several, _) => {
                let names: Vec<_> = several
                    .iter()
                    .filter_map(|s| s.namespace.as_deref())
                    .collect();
                let message = format!("there are several streams `{}`", one.name);
                let hint = format!("add `--namespace`: `{}`", names.join("`, `"));
                return Err(Error::new(&code::STORED_STREAM_UNKNOWN, message).hint(hint));
            }
        }
    }
    let is_wanted = |stream: &&StreamId| named.is_empty() || wanted.contains(*stream);
    Ok(known.iter().filter(is_wanted).cloned().collect())
}

fn unknown(known: &[StreamId], name: &str) -> Error {
    let message = format!("the pipeline has moved no stream `{name}`");
    let error = Error::new(&code::STORED_STREAM_UNKNOWN, message);
    let names = known.iter().map(|stream| &*stream.name);
    match crossdock_config::nearest(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_found_by_what_a_person_says() {
        let (plain, x, y) = (
            StreamId::new("a"),
            StreamId::with_namespace("x", "b"),
            StreamId::with_namespace("y", "b"),
        );
        let known = [plain.clone(), x.clone(), y.clone()];
        let check = |named: &[(&str, Option<&str>)], expected: Result<&[&StreamId], &str>| {
            let named: Vec<_> = named
                .iter()
                .map(|(name, namespace)| Named {
                    name: (*name).to_owned(),
                    namespace: namespace.map(str::to_owned),
                })
                .collect();
            match (chosen(&known, &named), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.iter().collect::<Vec<_>>(), expected),
                (Err(error), Err(hint)) => assert!(error.remedy().contains(hint), "{error:?}"),
                (found, expected) => panic!("{found:?} and not {expected:?}"),
            }
        };
        check(&[], Ok(&[&plain, &x, &y]));
        check(&[("a", None), ("a", None)], Ok(&[&plain]));
        check(&[("b", Some("y")), ("a", None)], Ok(&[&plain, &y]));
        check(&[("b", None)], Err("`x`, `y`"));
        check(&[("b", Some("z"))], Err("did you mean `b`"));
        check(&[("aa", None)], Err("did you mean `a`"));
        assert!(chosen(&[], &[]).is_err());
    }
}
