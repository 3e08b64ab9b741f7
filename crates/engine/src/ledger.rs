//! The ledger decides when a checkpoint may be committed (design §7). Plain data, no I/O.
//!
//! Every item that the source emits, batch or checkpoint, gets the next [`Seq`]. A destination
//! says what became durable; the ledger keeps, per stream, the runs of records that are not yet
//! durable *everywhere*, and per lane the checkpoints that wait. A checkpoint is committable when
//!
//! * every record before it on its lane is durable at every destination (P1),
//! * every destination has returned the checkpoint itself, and
//! * so are all earlier ones of the lane: runs leave only from the front, so a gap holds back
//!   whatever comes later (P3).
//!
//! Memory stays bounded without acknowledgements, too (P7): neighbouring batches of a stream merge
//! into one run, and waiting checkpoints of a lane are thinned out, which costs resume precision
//! and never correctness.

mod book;
mod filtered;
mod lane;
mod share;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::destination::Ack;
use crossdock_core::store::StreamCounts;
use crossdock_core::stream::StreamId;

use book::{DestinationBook, RUNS, StreamBook};
use filtered::Filtered;
use lane::{Extent, KEPT, Pending, Waiting};

/// What an acknowledgement that could not be used was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckFault {
    /// It names a sequence number that no item has yet.
    Future(Seq),
    /// It names a stream that has sent nothing.
    UnknownStream(StreamId),
    /// More records were rejected than there are.
    TooManyRejected(Seq),
}

/// The source mixed checkpoints of single streams with global ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixedLanes;

/// A source's own count differs from ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountMismatch {
    /// The lane.
    pub lane: Lane,
    /// Records since the lane's previous checkpoint by the source's account.
    pub source: u64,
    /// By ours.
    pub counted: u64,
}

/// What may be committed now, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready<C> {
    /// The newest committable checkpoint of each lane.
    pub checkpoints: Vec<(Lane, Seq, C)>,
}

/// See the module's documentation. `C` is the checkpoint's content, never looked at.
#[derive(Debug)]
pub struct Ledger<C> {
    last: u64,
    streams: Vec<StreamBook>,
    index: HashMap<StreamId, usize>,
    destinations: Vec<DestinationBook>,
    lanes: Vec<Waiting<C>>,
    lane_index: HashMap<Lane, usize>,
    /// Batches with records on their way to the dead-letter office: how many.
    holds: BTreeMap<u64, u64>,
    /// Batches with records that are refused and that nothing keeps.
    withheld: BTreeSet<u64>,
    filtered: Filtered,
    mismatches: Vec<CountMismatch>,
}

impl<C> Ledger<C> {
    /// A ledger for a run into `destinations` destinations (at least one).
    #[must_use]
    pub fn new(destinations: usize) -> Self {
        Self {
            last: 0,
            streams: Vec::new(),
            index: HashMap::new(),
            destinations: (0..destinations.max(1))
                .map(|_| DestinationBook::default())
                .collect(),
            lanes: Vec::new(),
            lane_index: HashMap::new(),
            holds: BTreeMap::new(),
            withheld: BTreeSet::new(),
            filtered: Filtered::default(),
            mismatches: Vec::new(),
        }
    }

    /// Enters a stream that has no records yet, so that it shows in the counts.
    pub fn enter(&mut self, stream: &StreamId) -> usize {
        if let Some(&at) = self.index.get(stream) {
            return at;
        }
        let at = self.streams.len();
        self.streams.push(StreamBook::new(stream.clone()));
        self.index.insert(stream.clone(), at);
        for destination in &mut self.destinations {
            destination.upto.push(0);
        }
        at
    }

    /// Enters a batch and gives it its sequence number.
    pub fn batch(&mut self, stream: &StreamId, records: u64, bytes: u64) -> Seq {
        let at = self.enter(stream);
        self.last += 1;
        let by_item = self.destinations.iter().any(|d| d.by_item);
        let most = RUNS.among(self.streams.len());
        self.streams[at].add(self.last, records, bytes, by_item, most);
        Seq(self.last)
    }

    /// Counts records that the source emitted and that were left out before any destination.
    pub fn dropped(&mut self, stream: &StreamId, records: u64) {
        let at = self.enter(stream);
        let counts = &mut self.streams[at].counts;
        counts.read += records;
        counts.dropped += records;
    }

    /// Enters a checkpoint and gives it its sequence number. `source_count` is compared with the
    /// records counted since the lane's previous checkpoint (P6).
    pub fn checkpoint(
        &mut self,
        lane: Lane,
        source_count: Option<u64>,
        content: C,
    ) -> Result<Seq, MixedLanes> {
        let mixed = match lane {
            Lane::Global => self.lane_index.keys().any(|l| *l != Lane::Global),
            Lane::Stream(_) => self.lane_index.contains_key(&Lane::Global),
        };
        if mixed {
            return Err(MixedLanes);
        }
        let stream = match &lane {
            Lane::Stream(stream) => Some(self.enter(stream)),
            Lane::Global => None,
        };
        self.last += 1;
        // A checkpoint ends a run: records after it must not hold it back.
        let read: Box<[Extent]> = match stream {
            Some(at) => {
                self.streams[at].close();
                Box::new([self.streams[at].read()])
            }
            None => {
                self.streams.iter_mut().for_each(StreamBook::close);
                self.streams.iter().map(StreamBook::read).collect()
            }
        };
        let at = *self.lane_index.entry(lane.clone()).or_insert_with(|| {
            self.lanes.push(Waiting::new(lane.clone(), stream));
            self.lanes.len() - 1
        });
        let most = KEPT.among(self.lanes.len());
        let waiting = &mut self.lanes[at];
        let total: u64 = read.iter().map(|extent| extent.records).sum();
        if let Some(source) = source_count {
            let counted = total - waiting.read_before;
            if counted != source {
                self.mismatches.push(CountMismatch {
                    lane,
                    source,
                    counted,
                });
                self.mismatches.truncate(100);
            }
        }
        waiting.read_before = total;
        let forgot = waiting.push(
            Pending {
                seq: self.last,
                read,
                content,
            },
            most,
        );
        if forgot {
            let boundaries = waiting.seqs();
            let by_item = self.destinations.iter().any(|d| d.by_item);
            let streams = match stream {
                Some(at) => &mut self.streams[at..=at],
                None => &mut self.streams[..],
            };
            for stream in streams {
                stream.join(&boundaries, by_item);
            }
        }
        Ok(Seq(self.last))
    }

    /// Takes an acknowledgement of `destination`. Repeated ones change nothing.
    pub fn acknowledge(&mut self, destination: usize, ack: &Ack) -> Result<(), AckFault> {
        let mut concerned = None;
        match ack {
            Ack::UpTo { lane, seq } => {
                self.known(*seq)?;
                match lane {
                    Lane::Global => {
                        let book = &mut self.destinations[destination];
                        book.upto_all = book.upto_all.max(seq.0);
                    }
                    Lane::Stream(stream) => {
                        let at = self.stream_at(stream)?;
                        concerned = Some(at);
                        let upto = &mut self.destinations[destination].upto[at];
                        *upto = (*upto).max(seq.0);
                    }
                }
            }
            Ack::Item(seq) => {
                self.known(*seq)?;
                let book = &mut self.destinations[destination];
                book.by_item = true;
                book.items.insert(seq.0);
            }
            Ack::Rejected {
                stream,
                seq,
                records,
                ..
            } => {
                self.known(*seq)?;
                let at = self.stream_at(stream)?;
                if !self.streams[at].reject(seq.0, *records) {
                    return Err(AckFault::TooManyRejected(*seq));
                }
            }
            Ack::Filtered {
                stream,
                seq,
                indices,
            } => {
                self.known(*seq)?;
                let at = self.stream_at(stream)?;
                let destinations = self.destinations.len();
                let records = self.filtered.tell(destinations, at, seq.0, indices);
                self.streams[at].filter(seq.0, records);
                return Ok(());
            }
            Ack::RejectedCount { stream, records } => {
                let at = self.stream_at(stream)?;
                self.streams[at].rejected_by_count += records;
                return Ok(());
            }
            Ack::Counted {
                stream,
                records,
                bytes,
            } => {
                let at = self.stream_at(stream)?;
                let beside = &mut self.streams[at].beside;
                beside.records += records;
                beside.bytes += bytes;
                return Ok(());
            }
        }
        self.settle(concerned);
        Ok(())
    }

    /// `records` of batch `seq` were refused and are on their way to the dead-letter office: until as
    /// many came there by [`Ledger::dead_lettered`], nothing at or after `seq` of that stream commits
    /// (P1).
    pub fn hold(&mut self, seq: Seq, records: u64) {
        *self.holds.entry(seq.0).or_default() += records;
    }

    /// Records of batch `seq` were refused, and nothing keeps them: nothing at or after `seq` of that
    /// stream ever commits (P1).
    pub fn withhold(&mut self, seq: Seq) {
        self.withheld.insert(seq.0);
    }

    /// The dead-letter office has `records` of batch `seq` durable: they move from rejected to
    /// dead-lettered.
    pub fn dead_lettered(&mut self, stream: &StreamId, seq: Seq, records: u64) {
        if let Some(held) = self.holds.get_mut(&seq.0) {
            *held = held.saturating_sub(records);
            if *held == 0 {
                self.holds.remove(&seq.0);
            }
        }
        if let Some(&at) = self.index.get(stream) {
            self.streams[at].dead_letter(seq.0, records);
        }
        self.settle(None);
    }

    /// Counts refused records of a batch as rejected. A batch that several destinations refuse in
    /// part can have more refusals than records: what is beyond is not counted twice.
    pub fn refused(&mut self, stream: &StreamId, seq: Seq, records: u64) {
        if let Some(&at) = self.index.get(stream) {
            self.streams[at].reject(seq.0, records);
        }
    }

    /// Whether letters are on their way.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.holds.is_empty()
    }

    /// The destination ended well: every batch it got is durable. Checkpoints are not thereby
    /// returned.
    pub fn finished(&mut self, destination: usize) {
        self.destinations[destination].finished_at = self.last;
        self.settle(None);
    }

    fn known(&self, seq: Seq) -> Result<(), AckFault> {
        if seq.0 > self.last {
            return Err(AckFault::Future(seq));
        }
        Ok(())
    }

    fn stream_at(&self, stream: &StreamId) -> Result<usize, AckFault> {
        self.index
            .get(stream)
            .copied()
            .ok_or_else(|| AckFault::UnknownStream(stream.clone()))
    }

    /// Lets runs leave from the front of their stream while they are durable everywhere: of one
    /// stream, or of all.
    fn settle(&mut self, only: Option<usize>) {
        let range = only.map_or(0..self.streams.len(), |at| at..at + 1);
        for at in range {
            let stream = &mut self.streams[at];
            while let Some(run) = stream.runs.front() {
                let (mine, last) = (run.first..=run.last, run.last);
                let held = self.holds.range(mine.clone()).next().is_some()
                    || self.withheld.range(mine).next().is_some();
                if held || !self.destinations.iter().all(|d| d.has(at, run)) {
                    break;
                }
                stream.settle_front();
                self.filtered.settled(at, last);
            }
        }
        self.prune();
    }

    /// Forgets single acknowledgements below everything that still waits.
    fn prune(&mut self) {
        if self.destinations.iter().all(|d| d.items.is_empty()) {
            return;
        }
        let lowest = self
            .streams
            .iter()
            .filter_map(|s| s.runs.front().map(|r| r.first))
            .chain(self.lanes.iter().filter_map(Waiting::first_seq))
            .min()
            .unwrap_or(self.last + 1);
        for destination in &mut self.destinations {
            if destination
                .items
                .first()
                .is_some_and(|first| *first < lowest)
            {
                destination.items = destination.items.split_off(&lowest);
            }
        }
    }

    /// Takes what may be committed now, the newest of each lane; earlier ones of the lane are
    /// covered by it and forgotten. The caller commits it before it asks again (P3).
    pub fn ready(&mut self) -> Option<Ready<C>> {
        let mut checkpoints = Vec::new();
        for waiting in &mut self.lanes {
            let horizon = match waiting.stream {
                Some(at) => self.streams[at].first_outstanding(),
                None => self
                    .streams
                    .iter()
                    .map(StreamBook::first_outstanding)
                    .min()
                    .unwrap_or(u64::MAX),
            };
            let destinations = &self.destinations;
            let stream = waiting.stream;
            let newest = waiting.take_newest(|seq| {
                seq < horizon && destinations.iter().all(|d| d.returned(stream, seq))
            });
            let Some((pending, passed)) = newest else {
                continue;
            };
            match waiting.stream {
                Some(at) => self.streams[at].commit(pending.read[0], passed),
                None => {
                    for (stream, read) in self.streams.iter_mut().zip(&*pending.read) {
                        stream.commit(*read, passed);
                    }
                }
            }
            checkpoints.push((waiting.lane.clone(), Seq(pending.seq), pending.content));
        }
        self.prune();
        (!checkpoints.is_empty()).then_some(Ready { checkpoints })
    }

    /// The last sequence number given out.
    #[must_use]
    pub fn last(&self) -> Seq {
        Seq(self.last)
    }

    /// The oldest checkpoint that waits.
    #[must_use]
    pub fn oldest_unreturned(&self) -> Option<Seq> {
        self.lanes
            .iter()
            .filter_map(Waiting::first_seq)
            .min()
            .map(Seq)
    }

    /// The lanes whose newest checkpoint waits still, with its sequence number.
    #[must_use]
    pub fn unreturned(&self) -> Vec<(Lane, Seq)> {
        self.lanes
            .iter()
            .filter_map(|w| w.last_seq().map(|seq| (w.lane.clone(), Seq(seq))))
            .collect()
    }

    /// The counts of every stream entered, in the order of entry.
    #[must_use]
    pub fn counts(&self) -> Vec<StreamCounts> {
        self.streams.iter().map(StreamBook::counts).collect()
    }

    /// Marks all records read as committed: the end of a run that went well.
    pub fn commit_all(&mut self) {
        for stream in &mut self.streams {
            let read = stream.read();
            stream.commit(read, 0);
        }
    }

    /// Bytes of the records of each stream that committed checkpoints cover, in the order of entry.
    #[must_use]
    pub fn committed_bytes(&self) -> Vec<u64> {
        self.streams
            .iter()
            .map(StreamBook::committed_bytes)
            .collect()
    }

    /// The differences between the source's counts and ours, at most 100.
    #[must_use]
    pub fn mismatches(&self) -> &[CountMismatch] {
        &self.mismatches
    }

    /// Entries that memory grows with: runs, waiting checkpoints, single acknowledgements.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.filtered.len()
            + self.streams.iter().map(|s| s.runs.len()).sum::<usize>()
            + self.lanes.iter().map(Waiting::len).sum::<usize>()
            + self
                .destinations
                .iter()
                .map(|d| d.items.len())
                .sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
