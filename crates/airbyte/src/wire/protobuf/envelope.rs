//! What stands before the values of a record in its frame.

use super::encode::STEP;
use super::varint;

/// What stands before the values of a record, prepared for the next record as it was for the last.
#[derive(Debug)]
pub(super) struct Head {
    /// With some zeros after the head.
    bytes: Vec<u8>,
    length: usize,
    /// The length of the part that is the stream's own.
    stream: usize,
    partition: String,
    emitted_at: Option<i64>,
}

impl Head {
    pub(super) fn new(name: &str, namespace: Option<&str>) -> Self {
        let mut bytes = Vec::new();
        let mut text = |tag: u8, text: &str| {
            bytes.push(tag);
            varint::write(&mut bytes, text.len() as u64);
            bytes.extend_from_slice(text.as_bytes());
        };
        if let Some(namespace) = namespace {
            text(0x0a, namespace);
        }
        text(0x12, name);
        Self {
            stream: bytes.len(),
            length: bytes.len(),
            bytes,
            partition: String::new(),
            emitted_at: None,
        }
    }

    /// Appends a record with these values.
    #[inline]
    pub(super) fn append(
        &mut self,
        partition: &str,
        emitted_at: i64,
        values: &[u8],
        out: &mut Vec<u8>,
    ) {
        if self.emitted_at != Some(emitted_at) || self.partition != partition {
            self.change(partition, emitted_at);
        }
        let record = self.length + values.len();
        varint::write(out, (1 + varint::length(record as u64) + record) as u64);
        out.push(0x0a);
        varint::write(out, record as u64);
        match self.bytes.first_chunk::<STEP>() {
            Some(step) if self.length <= STEP => varint::put(out, step, self.length),
            _ => out.extend_from_slice(&self.bytes[..self.length]),
        }
        out.extend_from_slice(values);
    }

    #[inline(never)]
    fn change(&mut self, partition: &str, emitted_at: i64) {
        self.bytes.truncate(self.stream);
        // As everywhere in proto3, what is zero or empty is not written.
        if emitted_at > 0 {
            self.bytes.push(0x18);
            varint::write(&mut self.bytes, emitted_at.cast_unsigned());
        }
        if !partition.is_empty() {
            self.bytes.push(0x22);
            varint::write(&mut self.bytes, partition.len() as u64);
            self.bytes.extend_from_slice(partition.as_bytes());
        }
        self.length = self.bytes.len();
        // So that all can be copied in one step.
        self.bytes.resize(self.length.max(STEP), 0);
        if self.partition != partition {
            partition.clone_into(&mut self.partition);
        }
        self.emitted_at = Some(emitted_at);
    }
}
