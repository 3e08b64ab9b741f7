//! The streams that come out of processors, learnt from what comes.

use std::collections::{HashMap, HashSet};

use crossdock_core::batch::{Batch, Body};
use crossdock_core::catalog::Stream;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::learnt::Learnt;
use crossdock_core::stream::StreamId;
use crossdock_processors::Chain;
use serde_json::{Map, Value};

/// A stream that comes out.
struct Coming {
    learnt: Learnt,
    /// Columns whose types were told; others are seen.
    declared: HashSet<String>,
    /// Columns may come that were not told.
    is_open: bool,
}

impl Coming {
    fn new(learnt: Learnt) -> Self {
        Self {
            learnt,
            declared: HashSet::new(),
            is_open: true,
        }
    }
}

#[derive(Default)]
pub(super) struct Learning {
    streams: HashMap<StreamId, Coming>,
}

impl Learning {
    /// `known`: what an earlier run has learnt.
    pub(super) fn new(known: &[Stream]) -> Self {
        let known = known
            .iter()
            .map(|stream| (stream.id(), Coming::new(Learnt::known(stream))));
        Self {
            streams: known.collect(),
        }
    }

    /// A source has told of a stream, which goes through these processors.
    pub(super) fn describe(&mut self, mut stream: Stream, chains: &[&Chain]) {
        let mut is_open = false;
        for chain in chains {
            is_open |= chain.describe(&mut stream);
        }
        let id = stream.id();
        let coming = self.streams.entry(id.clone());
        let coming = coming.or_insert_with(|| Coming::new(Learnt::new(id)));
        coming.learnt.declare(&stream.json_schema);
        coming.is_open = is_open;
        let properties = stream.json_schema["properties"].as_object();
        coming
            .declared
            .extend(properties.into_iter().flat_map(Map::keys).cloned());
        let key = stream.source_defined_primary_key.iter().flatten();
        let key: Vec<&str> = key
            .filter_map(|path| path.first())
            .map(String::as_str)
            .collect();
        if !key.is_empty() {
            coming.learnt.see_key(key.into_iter());
        }
    }

    /// News of the stream of a batch that came of a stream `origin`.
    pub(super) fn see(&mut self, origin: &StreamId, batch: &Batch) -> Result<Option<Stream>> {
        let id = &batch.stream;
        let coming = self.streams.entry(id.clone());
        let coming = coming.or_insert_with(|| Coming::new(Learnt::new(id.clone())));
        let Body::Rows(rows) = &batch.body else {
            // Columns come as they were declared.
            return Ok(coming.learnt.news());
        };
        if coming.is_open || origin != id {
            for at in 0..rows.len() {
                let after = rows.after(at);
                if after.is_empty() {
                    continue;
                }
                let object: Map<String, Value> =
                    serde_json::from_slice(after).map_err(|cause| {
                        Error::new(&code::DATA_INVALID, "a record is no JSON object")
                            .caused_by(cause)
                    })?;
                let unknown = object
                    .into_iter()
                    .filter(|(name, _)| !coming.declared.contains(name));
                if coming.learnt.members.see(&unknown.collect()) {
                    coming.learnt.infer();
                }
            }
        }
        Ok(coming.learnt.news())
    }
}
