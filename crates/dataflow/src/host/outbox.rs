//! What a sink is to be sent and has not confirmed. Pure.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crossdock_core::checkpoint::Seq;
use crossdock_core::destination::Ack;
use crossdock_core::stream::StreamId;

use crate::convert::writing::Messages;
use crate::wire::WriteCommand;

/// At most so many messages in one `write`.
const MOST: usize = 1000;

#[derive(Debug)]
struct Item {
    seq: Seq,
    /// The stream and the messages of a batch; a checkpoint has none.
    batch: Option<(StreamId, Arc<Messages>)>,
    /// How many of the messages were taken to be written.
    taken: usize,
    /// How many were written or refused.
    settled: usize,
}

impl Item {
    fn len(&self) -> usize {
        self.batch
            .as_ref()
            .map_or(0, |(_, messages)| messages.len())
    }
}

/// Messages for one `write`, of one or more batches.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    parts: Vec<Part>,
    len: usize,
}

#[derive(Debug)]
struct Part {
    seq: Seq,
    stream: StreamId,
    messages: Arc<Messages>,
    range: Range<usize>,
}

impl Chunk {
    /// How many messages it has.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The parts of the batches that the messages `range` of all are, with the place of the first of each.
    fn within(&self, range: Range<usize>) -> impl Iterator<Item = (&Part, Range<usize>)> {
        let mut start = 0;
        self.parts.iter().filter_map(move |part| {
            let own = start..start + part.range.len();
            start = own.end;
            let from = range.start.max(own.start);
            let to = range.end.min(own.end);
            let offset = part.range.start;
            (from < to).then(|| (part, offset + from - own.start..offset + to - own.start))
        })
    }

    /// The command that writes the messages `range`.
    pub(super) fn command(&self, range: Range<usize>) -> Vec<u8> {
        let parts = || self.within(range.clone());
        let bytes: usize = parts()
            .flat_map(|(part, range)| range.map(|at| part.messages.get(at).len() + 2))
            .sum();
        let mut command = WriteCommand::with_capacity(bytes);
        for (part, range) in parts() {
            for at in range {
                command.push_members(part.messages.get(at));
            }
        }
        command.finish()
    }

    /// The word for a refused message.
    pub(super) fn rejected(&self, at: usize, reason: String) -> Option<Ack> {
        let (part, range) = self.within(at..at + 1).next()?;
        Some(Ack::Rejected {
            stream: part.stream.clone(),
            seq: part.seq,
            indices: vec![u32::try_from(range.start).ok()?],
            records: 1,
            reason,
        })
    }
}

/// Items in order.
#[derive(Debug)]
pub(super) struct Outbox {
    items: VecDeque<Item>,
    bytes: usize,
    /// The longest line that the sink reads.
    longest: usize,
}

impl Outbox {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            longest,
        }
    }

    /// Bytes of messages that are not settled.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether everything is settled.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// A batch comes.
    pub(super) fn batch(&mut self, seq: Seq, stream: StreamId, messages: Messages) {
        self.bytes += messages.bytes();
        self.items.push_back(Item {
            seq,
            batch: Some((stream, Arc::new(messages))),
            taken: 0,
            settled: 0,
        });
    }

    /// A checkpoint comes. `Some`: everything up to it is settled.
    pub(super) fn checkpoint(&mut self, seq: Seq) -> Option<Seq> {
        self.items.push_back(Item {
            seq,
            batch: None,
            taken: 0,
            settled: 0,
        });
        self.pop()
    }

    /// What fits one `write`: at least one message, if there is any that was not taken.
    pub(super) fn take(&mut self) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        // What stands around the messages.
        let mut bytes = 64;
        for item in &mut self.items {
            let Some((stream, messages)) = &item.batch else {
                continue;
            };
            let start = item.taken;
            let mut is_full = false;
            while item.taken < messages.len() {
                let more = messages.get(item.taken).len() + 2;
                is_full = chunk.len > 0 && (bytes + more > self.longest || chunk.len == MOST);
                if is_full {
                    break;
                }
                bytes += more;
                item.taken += 1;
                chunk.len += 1;
            }
            if item.taken > start {
                chunk.parts.push(Part {
                    seq: item.seq,
                    stream: stream.clone(),
                    messages: messages.clone(),
                    range: start..item.taken,
                });
            }
            if is_full {
                break;
            }
        }
        (chunk.len > 0).then_some(chunk)
    }

    /// All messages of the chunk are written or refused. `Some`: everything up to this item is.
    pub(super) fn settle(&mut self, chunk: &Chunk) -> Option<Seq> {
        for part in &chunk.parts {
            if let Some(item) = self.items.iter_mut().find(|item| item.seq == part.seq) {
                item.settled += part.range.len();
            }
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Seq> {
        let mut last = None;
        while let Some(front) = self.items.front()
            && front.settled == front.len()
        {
            last = Some(front.seq);
            let bytes = front
                .batch
                .as_ref()
                .map_or(0, |(_, messages)| messages.bytes());
            self.bytes -= bytes;
            self.items.pop_front();
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use crossdock_core::batch::Span;

    fn messages(texts: &[&str]) -> Messages {
        let mut buffer = Vec::new();
        let spans = texts.iter().map(|text| {
            let start = buffer.len();
            buffer.extend_from_slice(text.as_bytes());
            Span::new(start, buffer.len()).unwrap()
        });
        let spans = spans.collect();
        Messages {
            buffer: Bytes::from(buffer),
            spans,
        }
    }

    fn command(chunk: &Chunk, range: Range<usize>) -> String {
        String::from_utf8(chunk.command(range)).unwrap()
    }

    #[test]
    fn batches_share_a_write_and_are_settled_in_order() {
        let mut outbox = Outbox::new(1 << 20);
        let stream = StreamId::new("s");
        assert_eq!(outbox.checkpoint(Seq(1)), Some(Seq(1)));
        outbox.batch(Seq(2), stream.clone(), messages(&["\"a\":1}", "\"b\":2}"]));
        assert_eq!(outbox.checkpoint(Seq(3)), None);
        outbox.batch(Seq(4), stream.clone(), messages(&["\"c\":3}"]));
        assert_eq!(outbox.bytes(), 18);
        let chunk = outbox.take().unwrap();
        assert!(outbox.take().is_none());
        assert_eq!(
            command(&chunk, 0..3),
            "{\"cmd\":\"write\",\"messages\":[{\"a\":1},{\"b\":2},{\"c\":3}]}\n"
        );
        assert_eq!(
            command(&chunk, 1..3),
            "{\"cmd\":\"write\",\"messages\":[{\"b\":2},{\"c\":3}]}\n"
        );
        let Some(Ack::Rejected { seq, indices, .. }) = chunk.rejected(1, "x".into()) else {
            panic!("a refusal");
        };
        assert_eq!((seq, indices), (Seq(2), vec![1]));
        let Some(Ack::Rejected { seq, indices, .. }) = chunk.rejected(2, "x".into()) else {
            panic!("a refusal");
        };
        assert_eq!((seq, indices), (Seq(4), vec![0]));
        assert_eq!(outbox.settle(&chunk), Some(Seq(4)));
        assert!(outbox.is_empty());
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn lines_are_no_longer_than_the_sink_reads() {
        let mut outbox = Outbox::new(100);
        let long = format!("\"{}\"}}", "x".repeat(200));
        outbox.batch(
            Seq(1),
            StreamId::new("s"),
            messages(&["\"a\":1}", "\"b\":2}", &long, "\"c\":3}"]),
        );
        assert_eq!(outbox.checkpoint(Seq(2)), None);
        let mut lens = Vec::new();
        let mut settled = Vec::new();
        while let Some(chunk) = outbox.take() {
            lens.push(chunk.len());
            settled.push(outbox.settle(&chunk));
        }
        assert_eq!(lens, [2, 1, 1]);
        assert_eq!(settled, [None, None, Some(Seq(2))]);
        outbox.batch(Seq(3), StreamId::new("s"), messages(&["}"; 1500]));
        outbox.longest = 1 << 20;
        assert_eq!(outbox.take().map(|chunk| chunk.len()), Some(1000));
        assert_eq!(outbox.take().map(|chunk| chunk.len()), Some(500));
    }
}
