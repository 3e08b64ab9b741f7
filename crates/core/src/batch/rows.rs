//! The row shape: struct of arrays of spans into one shared buffer.

use bytes::Bytes;

use super::{Operation, Operations};

/// A part of a batch's buffer. Offsets are 32 bits: a buffer never exceeds 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The span that stands for "absent".
    pub const NONE: Self = Self { start: 0, end: 0 };

    /// A span from buffer offsets. `None` where they exceed 32 bits.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self {
            start: u32::try_from(start).ok()?,
            end: u32::try_from(end).ok()?,
        })
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Names the wire form that a batch's lines are in, e.g. `airbyte/jsonl`. Two forms are the same
/// if their names are: a destination that speaks it may write the lines verbatim.
pub type WireForm = &'static str;

/// Records as spans into one buffer. Every column of spans is either empty (no record has that
/// part) or has an entry for each record, [`Span::NONE`] for those without. Values are JSON text.
#[derive(Clone, Debug)]
pub struct Rows {
    buffer: Bytes,
    after: Vec<Span>,
    before: Vec<Span>,
    key: Vec<Span>,
    metadata: Vec<Span>,
    emitted_at: Vec<i64>,
    operations: Operations,
    lines: Vec<Span>,
    form: Option<WireForm>,
}

impl Rows {
    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.after.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    /// The shared buffer that all spans point into.
    #[must_use]
    pub fn buffer(&self) -> &Bytes {
        &self.buffer
    }

    fn part<'a>(&'a self, column: &[Span], index: usize) -> Option<&'a [u8]> {
        let span = column.get(index)?;
        (!span.is_empty()).then(|| &self.buffer[span.start as usize..span.end as usize])
    }

    /// The record's value after the change: a JSON object (Airbyte's `data`). Empty for a delete
    /// that carries none.
    #[must_use]
    pub fn after(&self, index: usize) -> &[u8] {
        self.part(&self.after, index).unwrap_or_default()
    }

    /// Where in the [buffer](Rows::buffer) the value after the change stands.
    #[must_use]
    pub fn after_span(&self, index: usize) -> Span {
        self.after.get(index).copied().unwrap_or(Span::NONE)
    }

    /// The value before the change.
    #[must_use]
    pub fn before(&self, index: usize) -> Option<&[u8]> {
        self.part(&self.before, index)
    }

    /// The record's key.
    #[must_use]
    pub fn key(&self, index: usize) -> Option<&[u8]> {
        self.part(&self.key, index)
    }

    /// The record's metadata: a JSON object (Airbyte's `meta`, which may hold `changes`).
    #[must_use]
    pub fn metadata(&self, index: usize) -> Option<&[u8]> {
        self.part(&self.metadata, index)
    }

    /// When the source emitted the record: milliseconds since the epoch.
    #[must_use]
    pub fn emitted_at(&self, index: usize) -> i64 {
        self.emitted_at.get(index).copied().unwrap_or_default()
    }

    /// What the record does.
    #[must_use]
    pub fn operation(&self, index: usize) -> Operation {
        self.operations.get(index)
    }

    /// The operations of all records.
    #[must_use]
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// The wire form that [`Rows::line`] is in, if the original lines were kept.
    #[must_use]
    pub fn form(&self) -> Option<WireForm> {
        self.form
    }

    /// The record's original line with its line end, if kept.
    #[must_use]
    pub fn line(&self, index: usize) -> Option<&[u8]> {
        self.part(&self.lines, index)
    }

    /// Where in the [buffer](Rows::buffer) the record's original line stands.
    #[must_use]
    pub fn line_span(&self, index: usize) -> Span {
        self.lines.get(index).copied().unwrap_or(Span::NONE)
    }

    /// All original lines as few slices as possible: neighbours in the buffer are one slice, so a
    /// batch that was cut from one read is written with one write. Empty if lines were not kept.
    #[must_use]
    pub fn line_runs(&self) -> Vec<Bytes> {
        let mut runs = Vec::new();
        let mut lines = self.lines.iter();
        let Some(first) = lines.next() else {
            return runs;
        };
        let mut run = *first;
        for line in lines {
            if line.start == run.end {
                run.end = line.end;
            } else {
                runs.push(self.buffer.slice(run.start as usize..run.end as usize));
                run = *line;
            }
        }
        runs.push(self.buffer.slice(run.start as usize..run.end as usize));
        runs
    }

    /// Bytes of the lines where kept, else of the values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let sum = |spans: &[Span]| spans.iter().map(|s| s.len()).sum::<usize>();
        if self.lines.is_empty() {
            sum(&self.after) + sum(&self.before) + sum(&self.key) + sum(&self.metadata)
        } else {
            sum(&self.lines)
        }
    }

    /// Bytes of the records' values alone: what Airbyte's statistics call bytes.
    #[must_use]
    pub fn value_bytes(&self) -> usize {
        self.after.iter().map(|s| s.len()).sum()
    }

    /// The records with these indices, in that order, with the same buffer.
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        let at = |column: &[Span]| {
            let entries = indices.iter().filter(|_| !column.is_empty());
            entries.map(|index| column[*index as usize]).collect()
        };
        let emitted_at = indices.iter().map(|index| self.emitted_at[*index as usize]);
        Self {
            buffer: self.buffer.clone(),
            after: at(&self.after),
            before: at(&self.before),
            key: at(&self.key),
            metadata: at(&self.metadata),
            emitted_at: emitted_at.collect(),
            operations: self.operations.select(indices),
            lines: at(&self.lines),
            form: self.form,
        }
    }

    /// The records `range` with the same buffer.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let cut = |column: &[Span]| column.get(range.clone()).unwrap_or_default().to_vec();
        Self {
            buffer: self.buffer.clone(),
            after: cut(&self.after),
            before: cut(&self.before),
            key: cut(&self.key),
            metadata: cut(&self.metadata),
            emitted_at: self.emitted_at[range.clone()].to_vec(),
            operations: match &self.operations {
                Operations::Uniform(operation) => Operations::Uniform(*operation),
                Operations::Each(each) => Operations::Each(each[range.clone()].to_vec()),
            },
            lines: cut(&self.lines),
            form: self.form,
        }
    }
}

/// Collects the spans of a batch before its buffer is frozen.
#[derive(Debug, Default)]
pub struct RowsBuilder {
    after: Vec<Span>,
    before: Vec<Span>,
    key: Vec<Span>,
    metadata: Vec<Span>,
    emitted_at: Vec<i64>,
    operations: Vec<Operation>,
    lines: Vec<Span>,
}

/// One record's spans, for [`RowsBuilder::push`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RowSpans {
    /// The value after the change.
    pub after: Span,
    /// The value before the change, or [`Span::NONE`].
    pub before: Span,
    /// The key, or [`Span::NONE`].
    pub key: Span,
    /// The metadata, or [`Span::NONE`].
    pub metadata: Span,
    /// Milliseconds since the epoch.
    pub emitted_at: i64,
    /// What the record does.
    pub operation: Operation,
    /// The original line, or [`Span::NONE`].
    pub line: Span,
}

fn push_sparse(column: &mut Vec<Span>, length: usize, span: Span) {
    if span.is_empty() && column.is_empty() {
        return;
    }
    column.resize(length, Span::NONE);
    column.push(span);
}

impl RowsBuilder {
    /// Number of records so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.after.len()
    }

    /// Whether there is no record yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    /// Adds a plain record: value, time, line. The way of the relay, so it is kept short.
    pub fn push_line(&mut self, after: Span, emitted_at: i64, line: Span) {
        self.after.push(after);
        self.emitted_at.push(emitted_at);
        self.lines.push(line);
        if !self.metadata.is_empty() {
            self.metadata.push(Span::NONE);
        }
        if !self.operations.is_empty() {
            self.operations.push(Operation::Create);
        }
        if !self.before.is_empty() {
            self.before.push(Span::NONE);
        }
        if !self.key.is_empty() {
            self.key.push(Span::NONE);
        }
    }

    /// Adds a record.
    pub fn push(&mut self, row: RowSpans) {
        let length = self.after.len();
        push_sparse(&mut self.before, length, row.before);
        push_sparse(&mut self.key, length, row.key);
        push_sparse(&mut self.metadata, length, row.metadata);
        push_sparse(&mut self.lines, length, row.line);
        if row.operation != Operation::Create || !self.operations.is_empty() {
            self.operations.resize(length, Operation::Create);
            self.operations.push(row.operation);
        }
        self.after.push(row.after);
        self.emitted_at.push(row.emitted_at);
    }

    /// Joins the spans with their buffer and starts anew. `form` names the lines' wire form; pass
    /// `None` if lines were not kept.
    ///
    /// Panics later, on access, if a span lies outside `buffer`: that is a defect of the caller.
    pub fn finish(&mut self, buffer: Bytes, form: Option<WireForm>) -> Rows {
        let this = std::mem::take(self);
        Rows {
            buffer,
            after: this.after,
            before: this.before,
            key: this.key,
            metadata: this.metadata,
            emitted_at: this.emitted_at,
            operations: if this.operations.is_empty() {
                Operations::Uniform(Operation::Create)
            } else {
                Operations::Each(this.operations)
            },
            lines: if form.is_some() {
                this.lines
            } else {
                Vec::new()
            },
            form,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize) -> Span {
        Span::new(start, end).unwrap()
    }

    #[test]
    fn neighbouring_lines_are_one_run() {
        let mut rows = RowsBuilder::default();
        for (start, end) in [(0, 4), (4, 8), (10, 14)] {
            rows.push_line(span(start + 1, end - 1), 7, span(start, end));
        }
        let rows = rows.finish(Bytes::from_static(b"{aa}{bb}xx{cc}"), Some("test"));
        let runs = rows.line_runs();
        assert_eq!(runs, [&b"{aa}{bb}"[..], b"{cc}"]);
        assert_eq!(rows.after(2), b"cc");
        assert_eq!(rows.bytes(), 12);
        assert_eq!(rows.slice(1..3).after(0), b"bb");
    }

    #[test]
    fn parts_that_only_some_records_have_stay_aligned() {
        let mut rows = RowsBuilder::default();
        rows.push(RowSpans {
            after: span(0, 1),
            ..RowSpans::default()
        });
        rows.push(RowSpans {
            after: span(1, 2),
            metadata: span(2, 3),
            operation: Operation::Delete,
            ..RowSpans::default()
        });
        rows.push_line(span(3, 4), 0, Span::NONE);
        let rows = rows.finish(Bytes::from_static(b"abcd"), None);
        assert_eq!(rows.metadata(0), None);
        assert_eq!(rows.metadata(1), Some(&b"c"[..]));
        assert_eq!(rows.metadata(2), None);
        assert_eq!(rows.operation(0), Operation::Create);
        assert_eq!(rows.operation(1), Operation::Delete);
        assert_eq!(rows.operation(2), Operation::Create);
    }
}
