//! The simulated world: source, destinations, store, and the steps between them.

use std::collections::VecDeque;

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Ending, Mark};
use crossdock_core::error::Error;
use crossdock_core::stream::StreamId;
use crossdock_engine::ledger::Ready;
use crossdock_engine::run::{Action, Cancel, Run, Strictness};

use super::destination::{Destination, Item, Refused, Style, is_bad};
use super::random::Random;

/// A defect built in on purpose, to see the simulation notice it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// A destination acknowledges what it has only buffered.
    EarlyAck,
    /// The store says that it committed and did not.
    LostCommit,
    /// The source is told before the commit.
    ToldEarly,
    /// The dead-letter office says that it keeps letters and does not.
    LostLetters,
}

/// A checkpoint: for each stream that it covers, the index of the next record.
type Point = Vec<(usize, u64)>;

struct Source {
    next: Vec<u64>,
    unmarked: Vec<u64>,
    ended: bool,
}

pub(super) struct World {
    random: Random,
    streams: Vec<StreamId>,
    lengths: Vec<u64>,
    global: bool,
    destinations: Vec<Destination>,
    /// Letters on their way to the dead-letter office, with the destination that refused them.
    letters: VecDeque<(usize, Refused)>,
    // The store: survives everything.
    committed: Vec<u64>,
    marks: Vec<Mark>,
    epoch: i64,
    /// What the source was told is committed.
    told: Vec<u64>,
    /// The last commit of a run that went well is on disk, whatever happens after.
    ended: bool,
    pub(super) runs: u64,
    pub(super) faults: u64,
    pub(super) sabotage: Option<Sabotage>,
}

/// How a run of the simulation ended.
enum End {
    Success,
    Broken,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let streams: Vec<_> = (0..1 + random.below(3))
            .map(|i| StreamId::new(format!("s{i}")))
            .collect();
        let lengths: Vec<_> = streams.iter().map(|_| random.below(40)).collect();
        let mut destinations: Vec<_> = (0..1 + random.below(2))
            .map(|_| {
                let style = [Style::PerLane, Style::Global, Style::Items, Style::Staged];
                Destination::new(style[random.below(4) as usize], streams.len())
            })
            .collect();
        destinations[0].refuses = random.one_in(2);
        Self {
            letters: VecDeque::new(),
            global: random.one_in(3),
            committed: vec![0; streams.len()],
            told: vec![0; streams.len()],
            marks: Vec::new(),
            ended: false,
            epoch: 0,
            runs: 0,
            faults: 0,
            sabotage: None,
            random,
            streams,
            lengths,
            destinations,
        }
    }

    /// Runs until a run goes well. Faults get rarer, so that one will.
    pub(super) fn until_success(&mut self) -> Result<(), String> {
        loop {
            self.runs += 1;
            let calm = self.runs > 12;
            match self.one_run(calm)? {
                End::Success => {
                    // Whoever looks next opens the destinations and so publishes what is committed.
                    for destination in &mut self.destinations {
                        destination.reopen(self.epoch + 1, &self.marks, &self.streams);
                    }
                    return self.check_end();
                }
                End::Broken => self.faults += 1,
            }
        }
    }

    fn one_run(&mut self, calm: bool) -> Result<End, String> {
        self.epoch += 1;
        self.letters.clear();
        for destination in &mut self.destinations {
            destination.reopen(self.epoch, &self.marks, &self.streams);
        }
        let mut source = Source {
            next: self.committed.clone(),
            unmarked: vec![0; self.streams.len()],
            ended: false,
        };
        let mut run: Run<Point> = Run::new(self.destinations.len(), Strictness::default());
        let mut commit: Option<(Ready<Point>, Option<Seq>)> = None;
        let mut finishing: Option<Ending> = None;
        let mut finished = vec![false; self.destinations.len()];
        let mut fault_at = if calm {
            u64::MAX
        } else {
            self.random.below(120)
        };
        for step in 0..100_000u64 {
            for action in run.actions() {
                match action {
                    Action::Commit { ready, end } => {
                        if self.sabotage == Some(Sabotage::ToldEarly) {
                            self.tell(&ready);
                        }
                        commit = Some((ready, end));
                    }
                    Action::Finish(ending) => finishing = Some(ending),
                    Action::StopSource => source.ended = self.random.one_in(2),
                    Action::Close => {}
                }
            }
            if run.is_over() {
                let outcome = run.outcome();
                if outcome.error.is_some() || outcome.cancelled {
                    return Ok(if self.ended {
                        End::Success
                    } else {
                        End::Broken
                    });
                }
                for s in &outcome.streams {
                    if s.read != s.written + s.dead_lettered || s.committed != s.read {
                        return Err(format!("P6: {s:?}"));
                    }
                }
                return Ok(End::Success);
            }
            if step == fault_at {
                fault_at = u64::MAX;
                match self.fault(&mut run, &mut source, &mut commit) {
                    Some(end) => return Ok(end),
                    None => continue,
                }
            }
            let at = self.random.below(self.destinations.len() as u64) as usize;
            match self.random.below(6) {
                0 if run.is_flowing() => self.source_step(&mut source, &mut run),
                1 => self.destinations[at].accept(),
                2 => {
                    if self.sabotage == Some(Sabotage::EarlyAck)
                        && let Some(item) = self.destinations[at].queue.back()
                    {
                        let seq = Seq(item.seq());
                        let _ = run.acknowledged(
                            at,
                            &Ack::UpTo {
                                lane: Lane::Global,
                                seq,
                            },
                        );
                    }
                    self.flush(at, false, &mut run)?;
                }
                4 => self.keep_letters(&mut run),
                3 => {
                    if let Some((ready, end)) = commit.take() {
                        if self.sabotage != Some(Sabotage::LostCommit) {
                            self.apply(&ready, end)?;
                        }
                        self.tell(&ready);
                        self.check_told()?;
                        self.publish(&ready, end);
                        run.committed();
                    }
                }
                _ => {
                    let destination = &mut self.destinations[at];
                    if finishing.is_some() && !finished[at] && destination.queue.is_empty() {
                        finished[at] = true;
                        self.flush(at, true, &mut run)?;
                        assert!(self.destinations[at].is_idle());
                        run.destination_finished(at);
                    }
                }
            }
        }
        Err("the run does not end".to_owned())
    }

    /// A destination makes things durable, refuses some, and says so.
    fn flush(&mut self, at: usize, all: bool, run: &mut Run<Point>) -> Result<(), String> {
        let destination = &mut self.destinations[at];
        let acks = destination.flush(&mut self.random, &self.streams, all);
        for refused in destination.refused.drain(..) {
            let records = refused.records.len() as u64;
            run.refused(&self.streams[refused.stream], Seq(refused.seq), records);
            self.letters.push_back((at, refused));
        }
        for ack in acks {
            run.acknowledged(at, &ack)
                .map_err(|f| format!("ack refused: {f:?}"))?;
        }
        Ok(())
    }

    /// The dead-letter office keeps the next letters, and says so.
    fn keep_letters(&mut self, run: &mut Run<Point>) {
        let Some((at, letters)) = self.letters.pop_front() else {
            return;
        };
        if self.sabotage != Some(Sabotage::LostLetters) {
            self.destinations[at].letters[letters.stream].extend(&letters.records);
        }
        let records = letters.records.len() as u64;
        run.dead_lettered(&self.streams[letters.stream], Seq(letters.seq), records);
    }

    fn source_step(&mut self, source: &mut Source, run: &mut Run<Point>) {
        let stream = self.random.below(self.streams.len() as u64) as usize;
        let left = self.lengths[stream] - source.next[stream];
        if self.random.one_in(3) {
            self.checkpoint(source, run, stream);
        } else if left > 0 {
            let count = (1 + self.random.below(5)).min(left);
            let first = source.next[stream];
            let records: Vec<u64> = (first..first + count).collect();
            source.next[stream] += count;
            source.unmarked[stream] += count;
            let seq = run.batch(&self.streams[stream], count, count * 10).0;
            for destination in &mut self.destinations {
                let records = records.clone();
                destination.queue.push_back(Item::Batch {
                    seq,
                    stream,
                    records,
                });
            }
        } else if source.ended || source.next == self.lengths {
            // Some sources end without a last checkpoint.
            if self.random.one_in(2) {
                self.checkpoint(source, run, stream);
            }
            run.source_ended();
        }
    }

    fn checkpoint(&mut self, source: &mut Source, run: &mut Run<Point>, stream: usize) {
        let (lane, point, count) = if self.global {
            let point = source.next.iter().copied().enumerate().collect();
            let count = source.unmarked.iter_mut().map(std::mem::take).sum();
            (Lane::Global, point, count)
        } else {
            let count = std::mem::take(&mut source.unmarked[stream]);
            (
                Lane::Stream(self.streams[stream].clone()),
                vec![(stream, source.next[stream])],
                count,
            )
        };
        if let Some(seq) = run.checkpoint(lane.clone(), Some(count), point) {
            for destination in &mut self.destinations {
                destination.queue.push_back(Item::Checkpoint {
                    seq: seq.0,
                    lane: lane.clone(),
                });
            }
        }
    }

    /// Breaks something. `Some`: the engine itself is dead. If its last commit reached the disk, the
    /// run has gone well all the same, though nobody heard of it.
    fn fault(
        &mut self,
        run: &mut Run<Point>,
        source: &mut Source,
        commit: &mut Option<(Ready<Point>, Option<Seq>)>,
    ) -> Option<End> {
        let error = || Error::new(&code::CONNECTOR_FAILED, "simulated");
        let at = self.random.below(self.destinations.len() as u64) as usize;
        match self.random.below(7) {
            // The engine dies; a commit under way is on disk or is not.
            0 | 1 => {
                if let Some((ready, end)) = commit.take()
                    && self.random.one_in(2)
                {
                    self.apply(&ready, end)
                        .expect("a commit that was ready breaks no promise");
                }
                if self.ended {
                    return Some(End::Success);
                }
                return Some(End::Broken);
            }
            2 => {
                source.ended = true;
                run.source_failed(error());
            }
            3 => run.destination_failed(at, error()),
            // It did the work, and says no.
            4 => {
                let _ = self.destinations[at].flush(&mut self.random, &self.streams, true);
                run.destination_failed(at, error());
            }
            5 => run.cancel(Cancel::Drain),
            _ => run.cancel(Cancel::Now),
        }
        if self.random.one_in(3) && commit.is_some() {
            *commit = None;
            run.commit_failed(error());
        }
        None
    }

    /// The commit reaches the disk: P1 and P3 are checked here.
    fn apply(&mut self, ready: &Ready<Point>, end: Option<Seq>) -> Result<(), String> {
        for (lane, seq, point) in &ready.checkpoints {
            for (stream, next) in point {
                if *next < self.committed[*stream] {
                    return Err(format!(
                        "P3: {lane} went back from {} to {next}",
                        self.committed[*stream]
                    ));
                }
                for index in 0..*next {
                    for (at, destination) in self.destinations.iter().enumerate() {
                        if !destination.is_durable(*stream, index) {
                            return Err(format!(
                                "P1: {lane} commits {next}, destination {at} lacks {index}"
                            ));
                        }
                    }
                }
                self.committed[*stream] = *next;
            }
            self.marks.push(Mark {
                epoch: self.epoch,
                lane: lane.clone(),
                seq: *seq,
            });
        }
        if let Some(seq) = end {
            self.ended = true;
            self.marks.push(Mark {
                epoch: self.epoch,
                lane: Lane::Global,
                seq,
            });
        }
        Ok(())
    }

    fn publish(&mut self, ready: &Ready<Point>, end: Option<Seq>) {
        let lanes = ready
            .checkpoints
            .iter()
            .map(|(lane, seq, _)| (lane.clone(), *seq));
        for (lane, seq) in lanes.chain(end.map(|seq| (Lane::Global, seq))) {
            let mark = Mark {
                epoch: self.epoch,
                lane,
                seq,
            };
            for destination in &mut self.destinations {
                destination.publish(&mark, &self.streams);
            }
        }
    }

    fn tell(&mut self, ready: &Ready<Point>) {
        for (stream, next) in ready.checkpoints.iter().flat_map(|(_, _, point)| point) {
            self.told[*stream] = self.told[*stream].max(*next);
        }
    }

    fn check_told(&self) -> Result<(), String> {
        match self
            .told
            .iter()
            .zip(&self.committed)
            .find(|(told, committed)| told > committed)
        {
            Some((told, committed)) => Err(format!("P2: told {told}, committed {committed}")),
            None => Ok(()),
        }
    }

    /// After a run that went well: everything is there (P4), in order (P5).
    fn check_end(&self) -> Result<(), String> {
        self.check_told()?;
        for (at, destination) in self.destinations.iter().enumerate() {
            for (stream, records) in destination.visible.iter().enumerate() {
                let mut firsts = Vec::new();
                for record in records {
                    if !firsts.contains(record) {
                        firsts.push(*record);
                    }
                }
                let (bad, expected): (Vec<u64>, Vec<u64>) =
                    (0..self.lengths[stream]).partition(|r| destination.refuses && is_bad(*r));
                if let Some(lost) = bad
                    .iter()
                    .find(|r| !destination.letters[stream].contains(r))
                {
                    return Err(format!("P4: no letter of stream {stream} holds {lost}"));
                }
                if firsts != expected {
                    return Err(format!(
                        "P4, P5: destination {at} stream {stream} holds {records:?}"
                    ));
                }
                if destination.style == Style::Staged && records.len() != firsts.len() {
                    return Err(format!(
                        "P4: staged destination {at} has duplicates: {records:?}"
                    ));
                }
            }
        }
        Ok(())
    }
}
