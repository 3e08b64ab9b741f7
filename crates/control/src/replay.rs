//! Writes dead letters to the destination that refused them, once what was wrong is put right.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_config::Pipeline;
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::source::SourceReader;
use serde_json::value::RawValue;

use crate::command::Ask;
use crate::dead_letter::{Letter, note_replayed};
use crate::pipe;
use crate::run::{Summary, Surroundings};

/// Replays letters of one pipeline, each to the destination that refused it, in their order. Letters
/// that a destination has taken are noted as replayed; if it refuses one again, none of its letters
/// are, so some may come to it twice.
pub async fn replay(
    pipeline: &Pipeline,
    letters: Vec<Letter>,
    path: &Path,
    around: &Surroundings,
) -> Result<Vec<Summary>> {
    let catalog = around.store.catalog(&pipeline.id).await?.ok_or_else(|| {
        Error::new(
            &code::RUN_UNKNOWN,
            "the pipeline has never run with this store",
        )
        .with("pipeline", &pipeline.id)
    })?;
    let ask = Ask {
        registry: around.registry.clone(),
        ui: around.ui.clone(),
        settings: pipeline.settings.clone(),
    };
    let mut by_destination: BTreeMap<usize, Vec<Letter>> = BTreeMap::new();
    for letter in letters {
        by_destination
            .entry(letter.destination)
            .or_default()
            .push(letter);
    }
    let mut summaries = Vec::new();
    for (number, letters) in by_destination {
        let destination = number
            .checked_sub(1)
            .and_then(|at| pipeline.destinations.get(at));
        let refused_by = &letters[0].connector;
        let destination = destination
            .filter(|found| found.reference.to_string() == *refused_by)
            .ok_or_else(|| {
                let message = format!("the pipeline has no destination {number} `{refused_by}`");
                Error::new(&code::USAGE, message).with("pipeline", &pipeline.id)
            })?;
        let events = letters.iter().map(event).collect::<Result<_>>()?;
        let reader = Box::new(LetterReader { events });
        let cancel = around.cancel.clone();
        let summary = pipe::feed(destination, catalog.clone(), reader, &ask, cancel).await?;
        if summary.error.is_none() && !summary.cancelled {
            note_replayed(path, letters.iter().map(|letter| letter.number).collect())?;
        }
        summaries.push(summary);
    }
    Ok(summaries)
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

fn event(letter: &Letter) -> Result<Event> {
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
    Ok(Event::Batch(Batch {
        stream: letter.stream_id(),
        body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
    }))
}
