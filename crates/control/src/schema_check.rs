//! Looking at some records of each stream: whether they are as the source has announced them (Airbyte §3.3). What
//! does not fit is told at the end and never refused, since schemas lie and destinations keep what does not fit.
//!
//! The first records of a stream are looked at, then one of many; the others pass by uncounted but for their number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use crossdock_airbyte::RecordSchema;
use crossdock_core::batch::{Batch, Body, Operation};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::source::{SourceControl, SourceReader};
use crossdock_core::stream::StreamId;

/// So many records of each stream are looked at in any case.
const FIRST: u64 = 100;
/// After them one of so many.
const EVERY: u64 = 1_000;
/// Different faults that are kept of a stream.
const KEPT: usize = 10;
/// Unexpected fields that are named.
const NAMED: usize = 50;
/// Larger records are not looked at: that would take time.
const LARGEST: usize = 1 << 20;

/// What the records of a stream have shown that were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaFindings {
    /// How many were looked at.
    pub checked: u64,
    /// How many of them do not fit the schema.
    pub failing: u64,
    /// Different faults, at most ten, each with the number of the first record that has it, from 1, in the
    /// order in which the source sent them.
    pub faults: Vec<(u64, String)>,
    /// Top-level fields that the schema does not have, at most fifty.
    pub unexpected: Vec<String>,
}

impl SchemaFindings {
    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_remarkable(&self) -> bool {
        self.failing > 0 || !self.unexpected.is_empty()
    }

    /// What there is to tell, in one line.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let mut parts = Vec::new();
        if self.failing > 0 {
            let faults: Vec<_> = self
                .faults
                .iter()
                .map(|(_, fault)| fault.as_str())
                .collect();
            parts.push(format!(
                "{} of {} records looked at do not fit the schema: {}",
                self.failing,
                self.checked,
                faults.join("; ")
            ));
        }
        if !self.unexpected.is_empty() {
            parts.push(format!("not announced: {}", self.unexpected.join(", ")));
        }
        parts.join("; ")
    }

    fn note(&mut self, record: u64, faults: Vec<String>, unexpected: Vec<String>) {
        self.checked += 1;
        self.failing += u64::from(!faults.is_empty());
        for fault in faults {
            if self.faults.len() < KEPT && !self.faults.iter().any(|(_, known)| *known == fault) {
                self.faults.push((record, fault));
            }
        }
        self.name(unexpected);
    }

    fn name(&mut self, unexpected: Vec<String>) {
        for name in unexpected {
            if self.unexpected.len() < NAMED && !self.unexpected.contains(&name) {
                self.unexpected.push(name);
            }
        }
    }

    /// Adds what an earlier attempt has shown.
    pub(crate) fn add(&mut self, earlier: Self) {
        self.checked += earlier.checked;
        self.failing += earlier.failing;
        for (record, fault) in earlier.faults {
            if self.faults.len() < KEPT && !self.faults.iter().any(|(_, known)| *known == fault) {
                self.faults.push((record, fault));
            }
        }
        self.name(earlier.unexpected);
    }
}

/// The findings of an attempt, by stream.
#[derive(Debug, Default)]
pub(crate) struct Findings(Mutex<HashMap<StreamId, SchemaFindings>>);

impl Findings {
    /// What was found of a stream, if it is remarkable. `mask` takes secrets out of it (P10).
    pub(crate) fn of(
        &self,
        stream: &StreamId,
        mask: impl Fn(&str) -> String,
    ) -> Option<SchemaFindings> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(stream).filter(|found| found.is_remarkable())?;
        let faults = found.faults.iter();
        Some(SchemaFindings {
            faults: faults
                .map(|(record, fault)| (*record, mask(fault)))
                .collect(),
            unexpected: found.unexpected.iter().map(|name| mask(name)).collect(),
            ..*found
        })
    }
}

/// Puts a look behind a source whose streams have schemas.
pub(crate) fn checking(
    reader: Box<dyn SourceReader>,
    catalog: &Arc<ConfiguredCatalog>,
    findings: &Arc<Findings>,
) -> Box<dyn SourceReader> {
    let streams = catalog.streams.iter().enumerate();
    Box::new(Checking {
        reader,
        streams: streams
            .map(|(at, stream)| (stream.id(), Announced::At(at)))
            .collect(),
        catalog: catalog.clone(),
        findings: findings.clone(),
    })
}

/// A stream as it was announced. Its schema is made ready by the first record, since most streams of a large
/// catalog have none.
enum Announced {
    At(usize),
    Read {
        /// `None`: it says nothing of the fields, or cannot be read.
        schema: Option<Box<RecordSchema>>,
        /// Only some fields were selected, so the others are expected.
        is_selected: bool,
        seen: u64,
    },
}

impl Announced {
    fn look(&mut self, batch: &Batch, catalog: &ConfiguredCatalog, findings: &Findings) {
        if let Self::At(at) = self {
            let stream = catalog.streams.get(*at);
            let schema = stream.and_then(|s| RecordSchema::new(&s.stream.json_schema));
            *self = Self::Read {
                schema: schema.map(Box::new),
                is_selected: stream.is_some_and(|s| s.selected_fields.is_some()),
                seen: 0,
            };
        }
        let (
            Self::Read {
                schema: Some(schema),
                is_selected,
                seen,
            },
            Body::Rows(rows),
        ) = (self, &batch.body)
        else {
            // Columns have types already.
            return;
        };
        let (before, records) = (*seen, rows.len() as u64);
        *seen += records;
        for at in sampled(before, records) {
            let row = usize::try_from(at).unwrap_or(usize::MAX);
            let value = rows.after(row);
            if value.is_empty() || value.len() > LARGEST || rows.operation(row) == Operation::Delete
            {
                continue;
            }
            let mut look = schema.look(value);
            if *is_selected {
                look.unexpected.clear();
            }
            let mut all = findings.0.lock().unwrap_or_else(PoisonError::into_inner);
            let of_stream = all.entry(batch.stream.clone()).or_default();
            of_stream.note(before + at + 1, look.faults, look.unexpected);
        }
    }
}

/// Which of so many records are looked at, after `seen` others.
fn sampled(seen: u64, records: u64) -> impl Iterator<Item = u64> {
    let first = FIRST.saturating_sub(seen).min(records);
    let next = (seen + first).next_multiple_of(EVERY) - seen;
    let others = (next..records).step_by(usize::try_from(EVERY).unwrap_or(usize::MAX));
    (0..first).chain(others)
}

struct Checking {
    reader: Box<dyn SourceReader>,
    streams: HashMap<StreamId, Announced>,
    catalog: Arc<ConfiguredCatalog>,
    findings: Arc<Findings>,
}

#[async_trait]
impl SourceReader for Checking {
    async fn next(&mut self) -> Result<Event> {
        let event = self.reader.next().await?;
        if let Event::Batch(batch) = &event
            && let Some(announced) = self.streams.get_mut(&batch.stream)
        {
            announced.look(batch, &self.catalog, &self.findings);
        }
        Ok(event)
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.reader.control()
    }

    async fn close(&mut self) -> Result<()> {
        self.reader.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_records_are_looked_at_and_then_few() {
        let check = |batches: &[u64], expected: u64| {
            let mut seen = 0;
            let mut looked = Vec::new();
            for records in batches {
                looked.extend(sampled(seen, *records).map(|at| seen + at));
                seen += records;
            }
            assert_eq!(looked.len() as u64, expected, "{batches:?}");
            let mut once = looked.clone();
            once.dedup();
            assert_eq!(once, looked, "{batches:?}");
            assert!(looked.iter().all(|at| *at < FIRST || at % EVERY == 0));
        };
        check(&[], 0);
        check(&[0, 1, 0], 1);
        check(&[99, 1, 1], 100);
        check(&[1_000], 100);
        check(&[1_001], 101);
        check(&[7; 1_000], 100 + 6);
        check(&[1_000_000], 100 + 999);
    }

    #[test]
    fn few_different_faults_are_kept() {
        let mut found = SchemaFindings::default();
        for record in 1..=30_u64 {
            let faults = vec![format!("fault {}", record % 12), "always".to_owned()];
            found.note(record, faults, vec![format!("field {record}")]);
        }
        found.note(31, Vec::new(), Vec::new());
        assert_eq!((found.checked, found.failing), (31, 30));
        assert_eq!(found.faults.len(), KEPT);
        assert_eq!(found.faults[0], (1, "fault 1".to_owned()));
        assert_eq!(found.faults[1], (1, "always".to_owned()));
        assert_eq!(found.unexpected.len(), 30);
        let mut later = SchemaFindings::default();
        later.note(1, vec!["other".to_owned()], Vec::new());
        later.add(found);
        assert_eq!((later.checked, later.failing), (32, 31));
        assert_eq!(later.faults.len(), KEPT);
        assert_eq!(later.faults[0], (1, "other".to_owned()));
    }
}
