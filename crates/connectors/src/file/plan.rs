//! What becomes of staged files, decided on names and marks alone: no I/O, so that every crash can
//! be tested as data (P4).

use super::book::Cut;
use super::name::{DataName, Marker, Stage};
use crate::semantics::target::Current;

/// How much of a file is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// All of it.
    Whole,
    /// The rows before this cut.
    Head(Cut),
    /// Nothing.
    Nothing,
}

/// How much of a file that ends at `through` the items up to `mark` cover.
pub(crate) fn coverage(through: u64, cuts: &[Cut], mark: Option<u64>) -> Coverage {
    let Some(mark) = mark else {
        return Coverage::Nothing;
    };
    if through <= mark {
        return Coverage::Whole;
    }
    match cuts.iter().rfind(|cut| cut.seq <= mark) {
        Some(cut) => Coverage::Head(*cut),
        None => Coverage::Nothing,
    }
}

/// A staged file that an earlier run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    /// What it waits for.
    pub(crate) stage: Stage,
    /// What it holds.
    pub(crate) name: DataName,
    /// The checkpoints inside it.
    pub(crate) cuts: Vec<Cut>,
}

/// What to do with a leftover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make it visible.
    Publish,
    /// Make the rows before the cut visible, drop the others.
    PublishHead(Cut),
    /// Keep it staged as committed, until its generation is complete.
    Commit,
    /// The same for the rows before the cut; drop the others.
    CommitHead(Cut),
    /// Leave it as it is.
    Keep,
    /// Drop it: the source will send its records again, or a newer generation replaces it.
    Delete,
}

/// What to do with everything that earlier runs left of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// One step for each leftover, in their order.
    pub(crate) steps: Vec<Step>,
    /// The completed generation that must be shown and whose predecessors must go, after the steps.
    pub(crate) complete: Option<Marker>,
}

/// Decides what becomes of `leftovers` when a new run opens. `mark` tells how far the run of an
/// epoch is committed on the lanes that cover this stream. `current` is `None` if the new run does
/// not write the stream.
pub(crate) fn recover(
    leftovers: &[Leftover],
    markers: &[Marker],
    mark: impl Fn(i64) -> Option<u64>,
    current: Option<Current>,
) -> Plan {
    let complete = markers
        .iter()
        .filter(|m| mark(m.epoch).is_some_and(|mark| m.through <= mark))
        .max_by_key(|m| (m.generation, m.epoch));
    let finished = |name: &DataName| complete.is_some_and(|m| m.generation == name.generation);
    // Where the run goes on with the generation as a plain append, nothing will complete it.
    let append =
        |name: &DataName| current.is_some_and(|c| c.generation == name.generation && !c.truncates);
    let outdated = |name: &DataName| current.is_some_and(|c| c.generation != name.generation);
    let step = |leftover: &Leftover| {
        let Leftover { stage, name, cuts } = leftover;
        let waits = match stage {
            Stage::Append => false,
            // Its completion shows all of it at once.
            Stage::Generation if finished(name) => true,
            Stage::Committed if finished(name) => return Step::Keep,
            Stage::Generation | Stage::Committed if append(name) => false,
            Stage::Generation | Stage::Committed if outdated(name) => return Step::Delete,
            Stage::Generation => true,
            Stage::Committed => return Step::Keep,
        };
        let covered = match stage {
            Stage::Committed => Coverage::Whole,
            Stage::Append | Stage::Generation => coverage(name.through, cuts, mark(name.epoch)),
        };
        match (covered, waits) {
            (Coverage::Whole, false) => Step::Publish,
            (Coverage::Whole, true) => Step::Commit,
            (Coverage::Head(cut), false) => Step::PublishHead(cut),
            (Coverage::Head(cut), true) => Step::CommitHead(cut),
            (Coverage::Nothing, _) => Step::Delete,
        }
    };
    Plan {
        steps: leftovers.iter().map(step).collect(),
        complete: complete.cloned(),
    }
}

/// Whether a visible file of the stream must go when the generation of `complete` is: it is of a
/// smaller generation; or it comes from a pipeline whose store was lost, whose numbers began anew,
/// which shows in a generation or epoch that cannot be.
pub(crate) fn is_stale(name: &DataName, complete: &Marker) -> bool {
    name.generation != complete.generation
        || name.epoch > complete.epoch
        || (name.epoch == complete.epoch && name.tag != complete.tag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(generation: i64, epoch: i64, through: u64) -> DataName {
        DataName {
            partition: "".into(),
            generation,
            epoch,
            through,
            part: 0,
            tag: 7,
            extension: "x".to_owned(),
        }
    }

    fn leftover(stage: Stage, generation: i64, epoch: i64, through: u64) -> Leftover {
        Leftover {
            stage,
            name: name(generation, epoch, through),
            cuts: Vec::new(),
        }
    }

    #[test]
    fn leftovers_of_each_stage() {
        use Stage::{Append, Committed, Generation};
        let now = |generation, truncates| {
            Some(Current {
                generation,
                truncates,
            })
        };
        // Every leftover is of generation 5, epoch 3 and ends at item 10.
        let check = |stage, mark: Option<u64>, current, expected: Step| {
            let mark = |epoch| mark.filter(|_| epoch == 3);
            let plan = recover(&[leftover(stage, 5, 3, 10)], &[], mark, current);
            assert_eq!(
                plan,
                Plan {
                    steps: vec![expected],
                    complete: None
                }
            );
        };
        check(Append, Some(10), now(5, false), Step::Publish);
        check(Append, Some(99), None, Step::Publish);
        check(Append, Some(9), now(5, false), Step::Delete);
        check(Append, None, now(5, false), Step::Delete);
        // What was appended and committed belongs to the visible data, whatever comes next.
        check(Append, Some(10), now(6, true), Step::Publish);
        check(Generation, Some(10), now(5, true), Step::Commit);
        check(Generation, Some(9), now(5, true), Step::Delete);
        check(Generation, Some(10), now(6, true), Step::Delete);
        check(Generation, Some(10), None, Step::Commit);
        check(Generation, Some(10), now(5, false), Step::Publish);
        check(Committed, None, now(5, true), Step::Keep);
        check(Committed, None, now(6, true), Step::Delete);
        check(Committed, None, now(6, false), Step::Delete);
        check(Committed, None, now(5, false), Step::Publish);
        check(Committed, None, None, Step::Keep);
    }

    #[test]
    fn a_committed_completion_waits_for_all_of_its_generation() {
        let marker = Marker {
            generation: 5,
            epoch: 3,
            through: 20,
            tag: 7,
        };
        let left = [
            leftover(Stage::Committed, 5, 2, 30),
            leftover(Stage::Generation, 5, 3, 20),
            leftover(Stage::Generation, 4, 1, 9),
        ];
        let current = Some(Current {
            generation: 6,
            truncates: true,
        });
        let check = |mark: Option<u64>, complete: bool, expected: [Step; 3]| {
            let mark = |epoch| mark.filter(|_| epoch == 3);
            let plan = recover(&left, std::slice::from_ref(&marker), mark, current);
            assert_eq!(plan.steps, expected);
            assert_eq!(plan.complete, complete.then(|| marker.clone()));
        };
        check(Some(20), true, [Step::Keep, Step::Commit, Step::Delete]);
        check(Some(19), false, [Step::Delete, Step::Delete, Step::Delete]);
        check(None, false, [Step::Delete, Step::Delete, Step::Delete]);
    }

    #[test]
    fn what_a_complete_generation_replaces() {
        let complete = Marker {
            generation: 5,
            epoch: 3,
            through: 20,
            tag: 7,
        };
        let check = |generation, epoch, tag, expected: bool| {
            let name = DataName {
                tag,
                ..name(generation, epoch, 1)
            };
            assert_eq!(is_stale(&name, &complete), expected, "{name}");
        };
        check(5, 3, 7, false);
        check(5, 2, 9, false);
        check(4, 2, 9, true);
        check(6, 2, 9, true);
        check(5, 3, 9, true);
        check(5, 4, 9, true);
    }

    proptest! {
        #[test]
        fn coverage_gives_the_rows_up_to_the_mark(
            steps in proptest::collection::vec((any::<bool>(), 1..5u64), 1..20),
            mark in 0..25u64,
        ) {
            // Items 1, 2, 3 …: a batch of some rows, or a checkpoint, which leaves a cut.
            let (mut rows, mut cuts, mut through) = (0, Vec::new(), 0);
            let mut rows_at = vec![0];
            for (at, (is_batch, n)) in steps.iter().enumerate() {
                let seq = at as u64 + 1;
                if *is_batch {
                    rows += n;
                    through = seq;
                } else {
                    cuts.push(Cut { seq, rows });
                }
                rows_at.push(rows);
            }
            // Marks stand at checkpoints, or at the end.
            let mark = mark.min(steps.len() as u64);
            let at_checkpoint = mark as usize == steps.len()
                || (mark > 0 && !steps[mark as usize - 1].0);
            prop_assume!(at_checkpoint && rows > 0);
            let visible = match coverage(through, &cuts, Some(mark)) {
                Coverage::Whole => rows,
                Coverage::Head(cut) => cut.rows,
                Coverage::Nothing => 0,
            };
            prop_assert_eq!(visible, rows_at[mark as usize]);
        }
    }
}
