//! The batches that are being collected from one run of lines, one per stream.

use bytes::Bytes;
use crossdock_core::batch::{RowSpans, RowsBuilder, Span};
use crossdock_core::stream::StreamId;

use super::{Message, Place, Suspect};
use crate::wire::FORM;

#[derive(Debug)]
struct Run {
    stream: StreamId,
    rows: RowsBuilder,
    /// Rewritten lines have memory of their own; otherwise the run shares the chunk's.
    own: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
pub(super) struct Runs {
    open: Vec<Run>,
    /// The run that took the last record: mostly it takes the next one, too.
    last: usize,
}

fn spans(data: Place, emitted_at: i64, meta: Option<Place>, line: Place) -> Option<RowSpans> {
    Some(RowSpans {
        after: Span::new(data.0, data.1)?,
        metadata: match meta {
            Some(meta) => Span::new(meta.0, meta.1)?,
            None => Span::NONE,
        },
        line: Span::new(line.0, line.1)?,
        emitted_at,
        ..RowSpans::default()
    })
}

fn too_far(line: Place) -> Message {
    Message::Unreadable {
        suspect: Suspect::Record,
        excerpt: String::new(),
        reason: format!(
            "a line of {} bytes is beyond what one buffer holds",
            line.1 - line.0
        ),
    }
}

impl Runs {
    /// Adds a record whose line stands in `lines` and can be forwarded as it is.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one record, in the hot loop"
    )]
    #[inline]
    pub(super) fn share(
        &mut self,
        lines: &Bytes,
        stream: &StreamId,
        data: Place,
        emitted_at: i64,
        meta: Option<Place>,
        line: Place,
        out: &mut Vec<Message>,
    ) {
        match spans(data, emitted_at, meta, line) {
            Some(row) => {
                let run = self.run(lines, stream, false, out);
                if meta.is_none() {
                    run.rows.push_line(row.after, emitted_at, row.line);
                } else {
                    run.rows.push(row);
                }
            }
            None => out.push(too_far(line)),
        }
    }

    /// Adds a record whose line was rewritten.
    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    pub(super) fn own(
        &mut self,
        lines: &Bytes,
        stream: &StreamId,
        line: &[u8],
        data: Place,
        emitted_at: i64,
        meta: Option<Place>,
        out: &mut Vec<Message>,
    ) {
        let run = self.run(lines, stream, true, out);
        let own = run.own.get_or_insert_default();
        let base = own.len();
        let shift = |place: Place| (base + place.0, base + place.1);
        let place = (base, base + line.len());
        match spans(shift(data), emitted_at, meta.map(shift), place) {
            Some(row) => {
                own.extend_from_slice(line);
                run.rows.push(row);
            }
            None => out.push(too_far(place)),
        }
    }

    /// The open run of `stream` with this kind of memory.
    #[inline]
    fn run(
        &mut self,
        lines: &Bytes,
        stream: &StreamId,
        owned: bool,
        out: &mut Vec<Message>,
    ) -> &mut Run {
        let fits = |run: &Run| run.stream == *stream && run.own.is_some() == owned;
        if !self.open.get(self.last).is_some_and(fits) {
            let same = self.open.iter().position(|run| run.stream == *stream);
            self.last = match same {
                Some(index) if self.open[index].own.is_some() == owned => index,
                found => {
                    if let Some(index) = found {
                        // The stream's order must be kept: close the run before the next opens.
                        close(self.open.remove(index), lines, out);
                    }
                    self.open.push(Run {
                        stream: stream.clone(),
                        rows: RowsBuilder::default(),
                        own: owned.then(Vec::new),
                    });
                    self.open.len() - 1
                }
            };
        }
        &mut self.open[self.last]
    }

    /// Closes all runs.
    pub(super) fn flush(&mut self, lines: &Bytes, out: &mut Vec<Message>) {
        for run in self.open.drain(..) {
            close(run, lines, out);
        }
    }
}

fn close(mut run: Run, lines: &Bytes, out: &mut Vec<Message>) {
    if run.rows.is_empty() {
        return;
    }
    let buffer = run.own.take().map_or_else(|| lines.clone(), Bytes::from);
    out.push(Message::Records {
        stream: run.stream,
        rows: run.rows.finish(buffer, Some(FORM)),
    });
}
