//! The writing thread's work: rows and their checkpoint in one transaction (P4).
//!
//! A visible table gets only rows that a checkpoint covers; until it comes they are held back
//! ([`super::hold`]). So every transaction may be committed at any time, whatever other streams are
//! doing, and what readers see is always a source's own state.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::destination::{Ack, Acknowledge, DestinationOpening, Ending, Mark};
use crossdock_core::error::Result;
use crossdock_core::stream::StreamId;

use super::book::{self, Run};
use super::cut;
use super::database::Database;
use super::hold::Hold;
use super::statement::SqlBatch;
use super::table::Table;
use crate::writer::Keeper;

/// How much memory all held batches together may take (P7); beyond it the largest go to files.
const HELD: u64 = 48 << 20;

/// When a transaction is committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// At once if it holds this much.
    pub(crate) bytes: u64,
    /// At the latest after this time.
    pub(crate) age: Duration,
}

/// See the module's documentation.
pub(crate) struct SqlKeeper {
    database: Database,
    run: Run,
    tables: Vec<Table>,
    holds: Vec<Hold>,
    streams: Vec<StreamId>,
    index: HashMap<StreamId, usize>,
    acks: Arc<dyn Acknowledge>,
    pace: Pace,
    /// Since when the open transaction is open.
    open: Option<Instant>,
    /// What was written in it.
    bytes: u64,
    /// The checkpoints in it.
    waiting: Vec<(Lane, Seq)>,
    /// See [`DestinationOpening::keeps_marks`](crossdock_core::destination::DestinationOpening::keeps_marks).
    keeps_marks: bool,
    /// The engine's commits since the last transaction.
    settled: Vec<Mark>,
    last: Seq,
}

impl SqlKeeper {
    /// A keeper of tables that are ready.
    pub(crate) fn new(
        database: Database,
        run: Run,
        tables: Vec<(StreamId, Table)>,
        opening: &DestinationOpening,
        pace: Pace,
    ) -> Self {
        let (streams, tables): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
        let index = streams.iter().enumerate().map(|(at, s)| (s.clone(), at));
        Self {
            index: index.collect(),
            holds: tables.iter().map(|_| Hold::default()).collect(),
            database,
            run,
            tables,
            streams,
            acks: opening.acks.clone(),
            keeps_marks: opening.keeps_marks,
            pace,
            open: None,
            bytes: 0,
            waiting: Vec::new(),
            settled: Vec::new(),
            last: Seq(0),
        }
    }

    /// Begins a transaction if none is open.
    fn begin(&mut self) -> Result<()> {
        if self.open.is_none() {
            self.database
                .run("begin a transaction", "BEGIN IMMEDIATE")?;
            self.open = Some(Instant::now());
            book::check(&self.database, &self.run)?;
            self.settle_marks()?;
        }
        Ok(())
    }

    fn settle_marks(&mut self) -> Result<()> {
        for mark in self.settled.drain(..) {
            cut::settle(&self.database, &self.run, &self.streams, &mark)?;
        }
        Ok(())
    }

    /// Commits, and acknowledges what became durable by it (P1).
    fn commit(&mut self) -> Result<()> {
        if self.open.is_some() {
            self.database.run("commit", "COMMIT")?;
            self.open = None;
            self.bytes = 0;
        }
        for (lane, seq) in self.waiting.drain(..) {
            self.acks.acknowledge(Ack::UpTo { lane, seq });
        }
        Ok(())
    }

    fn write_now(&mut self, at: usize, batch: &SqlBatch) -> Result<()> {
        self.begin()?;
        self.bytes += batch.bytes();
        self.tables[at].write(&self.database, batch)
    }

    /// Writes what is held back of a stream.
    fn release(&mut self, at: usize) -> Result<()> {
        let mut hold = std::mem::take(&mut self.holds[at]);
        hold.drain(|batch| self.write_now(at, &batch))
    }

    fn bound_memory(&mut self) -> Result<()> {
        if self.holds.iter().map(Hold::bytes).sum::<u64>() > HELD
            && let Some(largest) = self.holds.iter_mut().max_by_key(|hold| hold.bytes())
        {
            let folder = self
                .database
                .path
                .parent()
                .filter(|f| !f.as_os_str().is_empty());
            largest.spill(&folder.map_or_else(|| PathBuf::from("."), PathBuf::from))?;
        }
        Ok(())
    }

    /// The generations of the streams that a lane covers.
    fn generations(&self, covered: &[usize]) -> Vec<(StreamId, i64)> {
        let generation = |at: &usize| (self.streams[*at].clone(), self.tables[*at].generation());
        covered.iter().map(generation).collect()
    }
}

impl Keeper for SqlKeeper {
    type Shaped = SqlBatch;

    fn write(&mut self, at: usize, seq: Seq, batch: SqlBatch, _: u64) -> Result<()> {
        self.last = seq;
        if self.tables[at].is_hidden() {
            return self.write_now(at, &batch);
        }
        self.holds[at].push(batch);
        self.bound_memory()
    }

    fn checkpoint(&mut self, seq: Seq, checkpoint: &Checkpoint) -> Result<()> {
        self.last = seq;
        let covered: Vec<usize> = match &checkpoint.lane {
            Lane::Global => (0..self.tables.len()).collect(),
            Lane::Stream(stream) => self.index.get(stream).copied().into_iter().collect(),
        };
        self.begin()?;
        for at in &covered {
            self.release(*at)?;
            let last = self.tables[*at].last_row(&self.database)?;
            self.tables[*at].cover(&self.database, last)?;
            cut::note(&self.database, &self.run, &self.tables[*at], seq.0, last)?;
        }
        let generations = self.generations(&covered);
        book::store(&self.database, &self.run, checkpoint, &generations)?;
        self.waiting.push((checkpoint.lane.clone(), seq));
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.open.map(|since| since + self.pace.age)
    }

    fn settle(&mut self, at_once: bool) -> Result<()> {
        let is_due = (at_once && self.deadline().is_some())
            || self.bytes >= self.pace.bytes
            || self.deadline().is_some_and(|at| at <= Instant::now());
        if is_due { self.commit() } else { Ok(()) }
    }

    fn committed(&mut self, mark: &Mark) -> Result<()> {
        // What is durable here is visible already. The next transaction takes note.
        if mark.epoch == self.run.epoch {
            self.settled.retain(|earlier| earlier.lane != mark.lane);
            self.settled.push(mark.clone());
        }
        if self.keeps_marks {
            self.begin()?;
            self.settle_marks()?;
            self.commit()?;
        }
        Ok(())
    }

    fn finish(&mut self, ending: Ending) -> Result<()> {
        match ending {
            Ending::Complete => {
                self.begin()?;
                for at in 0..self.tables.len() {
                    self.release(at)?;
                    self.tables[at].complete(&self.database)?;
                    let last = self.tables[at].last_row(&self.database)?;
                    let (run, table) = (&self.run, &self.tables[at]);
                    cut::note(&self.database, run, table, self.last.0, last)?;
                }
            }
            // What no checkpoint covers comes again with the next run.
            Ending::Incomplete => self.holds.iter_mut().for_each(Hold::clear),
        }
        self.commit()?;
        if self.last > Seq(0) {
            self.acks.acknowledge(Ack::UpTo {
                lane: Lane::Global,
                seq: self.last,
            });
        }
        Ok(())
    }

    fn abandon(self) {
        // The open transaction is rolled back with the connection.
    }
}
