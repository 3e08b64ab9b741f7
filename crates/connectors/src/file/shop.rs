//! The filing thread's work: keeps the open files of one run, stages, publishes, acknowledges.
//! [`Book`] decides when.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

use super::Rolling;
use super::book::{Book, Cut, Place, Scope};
use super::fault::io;
use super::format::{Encode, Format};
use super::gathered::Gathered;
use super::marks::Marks;
use super::name::{DataName, Marker, Stage};
use super::portion::Portioned;
use super::recovery::sync;
use super::split::split;
use super::staging::{Staging, StreamFolder};
use crate::semantics::partitioner::Folders;
use crate::semantics::target::Target;
use crate::writer::Keeper;

/// How much memory all open files together may hold back (P7); beyond it the largest is flushed.
const MEMORY: u64 = 64 << 20;

/// How much memory the batches of partitioned streams may take before their rows go to files (P7).
const GATHERED: u64 = 32 << 20;

/// The most files that are open at once; beyond it the one that was written longest ago is closed.
const MOST_OPEN: usize = 256;

/// What a run writes with.
pub(crate) struct Order<F> {
    pub(crate) format: Arc<F>,
    pub(crate) targets: Arc<Vec<Target>>,
    pub(crate) rolling: Rolling,
    pub(crate) epoch: i64,
    /// See [`DestinationOpening::keeps_marks`](crossdock_core::destination::DestinationOpening::keeps_marks).
    pub(crate) keeps_marks: bool,
    pub(crate) acks: Arc<dyn Acknowledge>,
}

struct OpenFile<S> {
    path: PathBuf,
    /// The item that it was last written with.
    used: Seq,
    encoder: Box<dyn Encode<S>>,
}

/// A file that waits for its commit.
struct Waiting {
    stream: usize,
    name: DataName,
}

/// See the module's documentation.
pub(crate) struct Shop<F: Format> {
    order: Order<F>,
    folders: Vec<StreamFolder>,
    index: HashMap<StreamId, usize>,
    tag: u32,
    book: Book,
    open: BTreeMap<Place, OpenFile<F::Shaped>>,
    /// By stream.
    gathered: Vec<Gathered<F::Shaped>>,
    /// The last batch.
    now: Seq,
    waiting: Vec<Waiting>,
    /// The streams whose generation is complete once the marker is committed.
    complete: Vec<(usize, Marker)>,
    files: Vec<u32>,
    temporaries: u64,
    /// `None`: others keep them.
    marks: Option<Marks>,
    /// Held until the end: it has the lock.
    _staging: Staging,
}

impl<F: Format> Shop<F> {
    /// A shop over recovered staging.
    pub(crate) fn new(order: Order<F>, staging: Staging) -> Result<Self> {
        let targets = order.targets.clone();
        let folders = targets
            .iter()
            .map(|t| staging.stream(t))
            .collect::<Result<Vec<_>>>()?;
        let index = targets
            .iter()
            .enumerate()
            .map(|(at, t)| (t.stream.clone(), at))
            .collect();
        let marks = order.keeps_marks.then(|| Marks::new(staging.folder()));
        Ok(Self {
            book: Book::new(order.rolling),
            order,
            files: vec![0; folders.len()],
            folders,
            index,
            // The lowest 32 bits of a new UUID are random.
            tag: u32::try_from(uuid::Uuid::now_v7().as_u128() & 0xffff_ffff).unwrap_or_default(),
            open: BTreeMap::new(),
            gathered: targets.iter().map(|_| Gathered::default()).collect(),
            now: Seq(0),
            waiting: Vec::new(),
            complete: Vec::new(),
            temporaries: 0,
            marks,
            _staging: staging,
        })
    }

    fn bound_memory(&mut self) -> Result<()> {
        let memory = |file: &OpenFile<F::Shaped>| file.encoder.memory();
        let mut all = self.open.values().map(memory).sum::<u64>();
        if all <= MEMORY {
            return Ok(());
        }
        // A file of very many columns must not be flushed after each batch.
        let most = self.open.values().map(memory).max().unwrap_or(0);
        while all > MEMORY.max(2 * most)
            && let Some(largest) = self.open.values_mut().max_by_key(|file| memory(file))
        {
            let before = memory(largest);
            largest.encoder.flush()?;
            let after = memory(largest);
            if after >= before {
                break;
            }
            all -= before - after;
        }
        Ok(())
    }

    fn temporary(&mut self, at: usize) -> PathBuf {
        self.temporaries += 1;
        self.folders[at].temporary(self.temporaries)
    }

    fn scope(&self, lane: &Lane) -> Option<Scope> {
        match lane {
            Lane::Global => Some(Scope::All),
            Lane::Stream(stream) => self.index.get(stream).copied().map(Scope::Stream),
        }
    }

    /// Ends the open file of a stream and stages it. With `at_cut`, rows behind its last
    /// checkpoint go into a file of their own, so that the others can be published without them.
    fn close_file(&mut self, place: &Place, at_cut: bool) -> Result<()> {
        let at = place.stream;
        self.pour(place)?;
        let Some(OpenFile { path, encoder, .. }) = self.open.remove(place) else {
            return Ok(());
        };
        let file = encoder.finish()?;
        // P1: the content is on the disk before the name says that the file is whole.
        file.sync_all().map_err(io("sync the file", &path))?;
        drop(file);
        let Some(closed) = self.book.close(place) else {
            return Err(Error::new(
                &code::INTERNAL,
                "an open file is not in the book",
            ));
        };
        let target = &self.order.targets[at];
        let name = DataName {
            partition: place.partition.clone(),
            generation: target.current.generation,
            epoch: self.order.epoch,
            through: closed.through,
            part: self.files[at],
            tag: self.tag,
            extension: self.order.format.extension(),
        };
        self.files[at] += 1;
        match closed.cuts.split_last() {
            Some((last, earlier)) if at_cut => {
                let (head, tail) = (self.temporary(at), self.temporary(at));
                split(&path, &name.extension, last.rows, &head, Some(&tail))?;
                sync(&head)?;
                sync(&tail)?;
                std::fs::remove_file(&path).map_err(io("remove the file", &path))?;
                self.stage(
                    at,
                    &head,
                    DataName {
                        through: last.seq,
                        ..name.clone()
                    },
                    earlier,
                )?;
                self.stage(at, &tail, name, &[])
            }
            _ => self.stage(at, &path, name, &closed.cuts),
        }
    }

    /// Rows were added to what the file of the place will hold.
    fn note(&mut self, place: &Place, rows: u64, bytes: u64) -> Result<()> {
        if self.book.wrote(place, self.now.0, rows, bytes) {
            self.close_file(place, false)?;
        }
        Ok(())
    }

    /// About how large the file of the place is.
    fn written(&self, place: &Place) -> u64 {
        self.open.get(place).map_or(0, |file| file.encoder.bytes())
    }

    /// Writes what was gathered for a place to its file.
    fn pour(&mut self, place: &Place) -> Result<()> {
        let format = self.order.format.clone();
        let gather = |batches: &[F::Shaped], rows: &[_]| format.gather(batches, rows);
        match self.gathered[place.stream].take(&place.partition, gather) {
            Some(shaped) => self.append(place, &shaped?),
            None => Ok(()),
        }
    }

    /// Appends to the file of a place.
    fn append(&mut self, place: &Place, shaped: &F::Shaped) -> Result<()> {
        if !self.open.contains_key(place) {
            self.bound_open()?;
            let path = self.temporary(place.stream);
            let encoder = self.order.format.encode(&path, shaped)?;
            let file = OpenFile {
                path,
                used: self.now,
                encoder,
            };
            self.open.insert(place.clone(), file);
        }
        let Some(file) = self.open.get_mut(place) else {
            return Err(Error::new(&code::INTERNAL, "an open file is not there"));
        };
        file.used = self.now;
        file.encoder.write(shaped)?;
        self.bound_memory()
    }

    fn bound_open(&mut self) -> Result<()> {
        if self.open.len() < MOST_OPEN {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, file)| file.used);
        let oldest = oldest.map(|(place, _)| place.clone());
        oldest.map_or(Ok(()), |place| self.close_file(&place, false))
    }

    fn stage(
        &mut self,
        at: usize,
        path: &std::path::Path,
        name: DataName,
        cuts: &[Cut],
    ) -> Result<()> {
        self.folders[at].stage(path, self.stage_of(at), &name, cuts)?;
        self.waiting.push(Waiting { stream: at, name });
        Ok(())
    }

    fn stage_of(&self, at: usize) -> Stage {
        if self.order.targets[at].current.truncates {
            Stage::Generation
        } else {
            Stage::Append
        }
    }
}

impl<F: Format> Keeper for Shop<F> {
    type Shaped = Portioned<F::Shaped>;

    /// Appends a shaped batch to its stream's files.
    fn write(&mut self, at: usize, seq: Seq, batch: Self::Shaped, rows: u64) -> Result<()> {
        let Portioned {
            shaped,
            bytes,
            folders,
        } = batch;
        self.now = seq;
        let place = |partition| Place {
            stream: at,
            partition,
        };
        // With more streams than files can be open, each would have a file for every batch.
        let many = self.order.targets.len() > MOST_OPEN;
        let folders = folders.or_else(|| many.then(|| Folders::one(rows)));
        let Some(folders) = folders else {
            let place = place(Arc::from(""));
            let open = self.open.get(&place);
            if open.is_some_and(|file| !file.encoder.takes(&shaped)) {
                self.close_file(&place, false)?;
            }
            self.append(&place, &shaped)?;
            let size = self.written(&place);
            return self.note(&place, rows, size);
        };
        // What is gathered counts as written: it is in the file before that is closed.
        for added in self.gathered[at].add(shaped, bytes, &folders) {
            let place = place(added.folder);
            let size = self.written(&place) + added.bytes;
            self.note(&place, added.rows, size)?;
        }
        if self.gathered.iter().map(Gathered::bytes).sum::<u64>() > GATHERED {
            for at in 0..self.gathered.len() {
                for partition in self.gathered[at].folders() {
                    let stream = at;
                    self.pour(&Place { stream, partition })?;
                }
            }
        }
        Ok(())
    }

    /// Takes a checkpoint; it is acknowledged by [`Keeper::settle`], now or later.
    fn checkpoint(&mut self, seq: Seq, checkpoint: &Checkpoint) -> Result<()> {
        let lane = &checkpoint.lane;
        match self.scope(lane) {
            Some(scope) => self.book.checkpoint(scope, seq.0, Instant::now()),
            // A stream that sends no records here has none that are not durable.
            None => self.order.acks.acknowledge(Ack::UpTo {
                lane: lane.clone(),
                seq,
            }),
        }
        Ok(())
    }

    /// When [`Keeper::settle`] must be called though nothing happened.
    fn deadline(&self) -> Option<Instant> {
        self.book.deadline()
    }

    /// Closes the files that are due, and acknowledges what is durable now.
    fn settle(&mut self, at_once: bool) -> Result<()> {
        let now = Instant::now();
        let due = if at_once {
            self.book.due_at_once(now)
        } else {
            self.book.due(now)
        };
        for place in due {
            self.close_file(&place, false)?;
        }
        for (scope, seq) in self.book.acknowledgements() {
            let lane = match scope {
                Scope::All => Lane::Global,
                Scope::Stream(at) => Lane::Stream(self.order.targets[at].stream.clone()),
            };
            self.order.acks.acknowledge(Ack::UpTo {
                lane,
                seq: Seq(seq),
            });
        }
        Ok(())
    }

    /// The engine committed up to `mark` (P2): publishes what it covers.
    fn committed(&mut self, mark: &Mark) -> Result<()> {
        if mark.epoch != self.order.epoch {
            return Ok(());
        }
        let Some(scope) = self.scope(&mark.lane) else {
            return Ok(());
        };
        let covered = |at: usize, through: u64| scope.covers(at) && through <= mark.seq.0;
        let mut touched = BTreeSet::new();
        for file in self
            .waiting
            .extract_if(.., |f| covered(f.stream, f.name.through))
        {
            let folder = &self.folders[file.stream];
            if self.order.targets[file.stream].current.truncates {
                folder.commit(&file.name)?;
            } else {
                folder.publish(Stage::Append, &file.name)?;
                touched.insert((file.stream, file.name.partition));
            }
        }
        for (at, partition) in touched {
            self.folders[at].sync_visible([partition])?;
        }
        if let Some(marks) = &mut self.marks
            && self.waiting.iter().any(|file| scope.covers(file.stream))
        {
            marks.keep(mark)?;
        }
        for (at, marker) in self
            .complete
            .extract_if(.., |(at, m)| covered(*at, m.through))
        {
            self.folders[at].complete(&marker)?;
        }
        Ok(())
    }

    /// No item follows: makes everything durable, acknowledges it, and notes which generations
    /// are complete.
    fn finish(&mut self, ending: Ending) -> Result<()> {
        // After a failure only the last checkpoints will be committed, not the rows behind them.
        let at_cut = ending == Ending::Incomplete;
        for place in self.book.open() {
            self.close_file(&place, at_cut)?;
        }
        let through = self.book.last();
        if ending == Ending::Complete {
            for (at, target) in self.order.targets.iter().enumerate() {
                if target.current.truncates {
                    let generation = target.current.generation;
                    let epoch = self.order.epoch;
                    let marker = Marker {
                        generation,
                        epoch,
                        through,
                        tag: self.tag,
                    };
                    self.folders[at].mark_complete(&marker)?;
                    self.complete.push((at, marker));
                }
            }
        }
        self.settle(false)?;
        if through > 0 {
            let ack = Ack::UpTo {
                lane: Lane::Global,
                seq: Seq(through),
            };
            self.order.acks.acknowledge(ack);
        }
        Ok(())
    }

    /// Removes what was half-written. Best effort: recovery does the same.
    fn abandon(self) {
        for file in self.open.into_values() {
            drop(file.encoder);
            let _ = std::fs::remove_file(&file.path);
        }
    }
}
