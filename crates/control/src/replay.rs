//! Puts dead letters back, once what was wrong is put right: to the destination that refused them, or
//! through the processors that could not take them to all destinations.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_config::{Connector, Pipeline, Processor};
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::source::SourceReader;
use crossdock_core::store::{RunEnd, RunStatus, Store};
use serde_json::value::RawValue;

use crate::command::Ask;
use crate::dead_letter::{Letter, note_replayed};
use crate::intake::{PROCESSORS, of_source};
use crate::pipe;
use crate::run::{Summary, Surroundings};
use crate::way;

/// Replays letters of one pipeline, each to the destination that refused it, in their order. Letters
/// that a destination has taken are noted as replayed; if it refuses one again, none of its letters
/// are, so some may come to it twice. It is a run of the pipeline, so no other may be under way.
pub async fn replay(
    pipeline: &Pipeline,
    letters: Vec<Letter>,
    path: &Path,
    around: &Surroundings,
) -> Result<Vec<Summary>> {
    // Before anything of a run stands in the store.
    let catalog = around.store.catalog(&pipeline.id).await?.ok_or_else(|| {
        Error::new(
            &code::RUN_UNKNOWN,
            "the pipeline has never run with this store",
        )
        .with("pipeline", &pipeline.id)
    })?;
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let lease = around.store.begin(&pipeline.id).await?;
    let replayed = put_back(pipeline, &catalog, letters, path, around).await;
    let end = match &replayed {
        Ok(summaries) => end(summaries),
        // What it says of a configuration is not masked here, so it stands on the screen alone.
        Err(error) => RunEnd {
            error: Some((error.code().name.to_owned(), "the replay failed".to_owned())),
            error_kind: Some(error.kind()),
            ..RunEnd::new(RunStatus::Failed)
        },
    };
    let finished = around.store.finish(&lease, end).await;
    replayed.and_then(|summaries| finished.map(|()| summaries))
}

/// How the replay ended, for the list of runs.
fn end(summaries: &[Summary]) -> RunEnd {
    let mut whole = RunEnd::new(RunStatus::Succeeded);
    for summary in summaries {
        let own = summary.run_end();
        if whole.status == RunStatus::Succeeded {
            whole.status = own.status;
        }
        whole.error_kind = whole.error_kind.or(own.error_kind);
        whole.error = whole.error.or(own.error);
        for counts in own.streams {
            match whole.streams.iter_mut().find(|s| s.stream == counts.stream) {
                Some(known) => known.add(&counts),
                None => whole.streams.push(counts),
            }
        }
    }
    whole
}

async fn put_back(
    pipeline: &Pipeline,
    catalog: &ConfiguredCatalog,
    letters: Vec<Letter>,
    path: &Path,
    around: &Surroundings,
) -> Result<Vec<Summary>> {
    let ask = Ask {
        registry: around.registry.clone(),
        ui: around.ui.clone(),
        settings: pipeline.settings.clone(),
    };
    let mut by_place: BTreeMap<(usize, String), Vec<Letter>> = BTreeMap::new();
    for letter in letters {
        by_place
            .entry((letter.destination, letter.connector.clone()))
            .or_default()
            .push(letter);
    }
    let mut summaries = Vec::new();
    for ((number, refused_by), letters) in by_place {
        let (before, destinations) = place(pipeline, number, &refused_by)?;
        let batches = letters.iter().map(batch).collect::<Result<Vec<_>>>()?;
        let batches = processed(batches, &before, &around.store).await?;
        let mut is_done = true;
        for destination in destinations {
            let own = way::chain(&destination.processors)?;
            let catalog = own.configure(catalog);
            let batches =
                processed(batches.clone(), &[&destination.processors], &around.store).await?;
            let events = batches.into_iter().map(Event::Batch).collect();
            let reader = Box::new(LetterReader { events });
            let cancel = around.cancel.clone();
            let summary = pipe::feed(destination, catalog, reader, &ask, cancel).await?;
            is_done &= summary.error.is_none() && !summary.cancelled;
            summaries.push(summary);
        }
        if is_done {
            note_replayed(path, letters.iter().map(|letter| letter.number).collect())?;
        }
    }
    Ok(summaries)
}

/// The processors that a letter has before it, and the destinations after them.
fn place<'a>(
    pipeline: &'a Pipeline,
    number: usize,
    refused_by: &str,
) -> Result<(Vec<&'a [Processor]>, Vec<&'a Connector>)> {
    let unknown = |what: String| {
        let message = format!("the pipeline has no {what}");
        Err(Error::new(&code::USAGE, message).with("pipeline", &pipeline.id))
    };
    if let Some(at) = number.checked_sub(1) {
        let destination = pipeline.destinations.get(at);
        let is_it = |found: &&Connector| {
            let otherwise = found.otherwise.as_ref().map(ToString::to_string);
            found.reference.to_string() == *refused_by || otherwise.as_deref() == Some(refused_by)
        };
        return match destination.filter(is_it) {
            Some(found) => Ok((Vec::new(), vec![found])),
            None => unknown(format!("destination {number} `{refused_by}`")),
        };
    }
    let all = pipeline.destinations.iter().collect();
    let own = pipeline.processors.as_slice();
    if refused_by == PROCESSORS {
        return Ok((vec![own], all));
    }
    let mut sources = pipeline.sources.iter();
    match sources.find(|source| of_source(&source.id) == refused_by) {
        Some(source) => Ok((vec![&source.processors, own], all)),
        None => unknown(refused_by.to_owned()),
    }
}

/// Batches after these processors; one that fails again is an error.
async fn processed(
    mut batches: Vec<Batch>,
    lists: &[&[Processor]],
    store: &Arc<dyn Store>,
) -> Result<Vec<Batch>> {
    for list in lists {
        let mut chain = way::working(list, store)?;
        let mut next = Vec::new();
        for batch in batches {
            let processed = chain.process(batch).await?;
            if let Some(failed) = processed.failed.into_iter().next() {
                return Err(Error::new(&code::RECORD_UNPROCESSED, failed.reason)
                    .with("processor", failed.processor)
                    .with("stream", &failed.batch.stream));
            }
            next.extend(processed.batches);
        }
        batches = next;
    }
    Ok(batches)
}

struct LetterReader {
    events: VecDeque<Event>,
}

#[async_trait]
impl SourceReader for LetterReader {
    async fn next(&mut self) -> Result<Event> {
        Ok(self.events.pop_front().unwrap_or(Event::End))
    }
}

fn batch(letter: &Letter) -> Result<Batch> {
    let mut buffer = Vec::new();
    let mut put = |part: &Option<Box<RawValue>>| {
        let start = buffer.len();
        buffer.extend_from_slice(part.as_deref().map_or("", RawValue::get).as_bytes());
        Span::new(start, buffer.len()).ok_or_else(|| {
            Error::new(&code::RECORD_TOO_LARGE, "a dead letter has more than 4 GiB")
                .with("letter", letter.number)
        })
    };
    let record = &letter.record;
    let row = RowSpans {
        after: put(&record.after)?,
        before: put(&record.before)?,
        key: put(&record.key)?,
        metadata: put(&record.metadata)?,
        emitted_at: record.emitted_at,
        operation: match record.operation.as_str() {
            "update" => Operation::Update,
            "delete" => Operation::Delete,
            "snapshot" => Operation::Snapshot,
            _ => Operation::Create,
        },
        line: Span::NONE,
    };
    let mut rows = RowsBuilder::default();
    rows.push(row);
    Ok(Batch {
        stream: letter.stream_id(),
        body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
    })
}
