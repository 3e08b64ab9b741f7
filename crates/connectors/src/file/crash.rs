//! A model of many runs: whatever the order of batches and checkpoints, wherever the run dies, and
//! whichever acknowledged checkpoint the engine had committed, exactly that checkpoint's rows
//! become visible (P4).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::Rolling;
use super::book::{Book, Place, Scope};
use super::name::{DataName, Stage};
use super::plan::{Leftover, Step, recover};
use crate::semantics::target::Current;

#[derive(Clone, Debug)]
enum Item {
    /// Rows of both partitions; one may have none.
    Batch {
        stream: usize,
        rows: [u64; 2],
    },
    Checkpoint {
        stream: usize,
    },
    Wait {
        seconds: u64,
    },
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => (0..3usize, 1..6u64, 0..3u64).prop_map(|(stream, one, other)| Item::Batch { stream, rows: [one, other] }),
        3 => (0..3usize).prop_map(|stream| Item::Checkpoint { stream }),
        1 => (1..15u64).prop_map(|seconds| Item::Wait { seconds }),
    ]
}

/// What a run left behind.
#[derive(Default)]
struct World {
    /// Per row of a place, the item that it came with, in order; and those of each staged file.
    rows: BTreeMap<Place, Vec<u64>>,
    staged: Vec<(Place, Leftover, Vec<u64>)>,
    checkpoints: Vec<(Scope, u64)>,
    /// The last acknowledged checkpoint of each scope.
    acknowledged: BTreeMap<Scope, u64>,
}

fn run(items: &[Item], global: bool, min_bytes: u64, finish: bool) -> World {
    let rolling = Rolling {
        target_bytes: 40,
        min_bytes,
        max_age: Duration::from_secs(10),
    };
    let (mut book, mut world, mut now) = (Book::new(rolling), World::default(), Instant::now());
    let mut open: BTreeMap<Place, Vec<u64>> = BTreeMap::new();
    let mut seq = 0;
    let close =
        |place: Place, book: &mut Book, open: &mut BTreeMap<Place, Vec<u64>>, world: &mut World| {
            let closed = book.close(&place).unwrap();
            let name = DataName {
                partition: "".into(),
                generation: 0,
                epoch: 1,
                through: closed.through,
                part: 0,
                tag: 0,
                extension: "x".to_owned(),
            };
            let left = Leftover {
                stage: Stage::Append,
                name,
                cuts: closed.cuts,
            };
            let content = open.remove(&place).unwrap();
            world.staged.push((place, left, content));
        };
    for item in items {
        match item {
            Item::Batch { stream, rows } => {
                seq += 1;
                for (partition, rows) in ["a=1", "a=2"]
                    .into_iter()
                    .zip(rows)
                    .filter(|(_, n)| **n > 0)
                {
                    let place = Place {
                        stream: *stream,
                        partition: partition.into(),
                    };
                    let file = open.entry(place.clone()).or_default();
                    for _ in 0..*rows {
                        world.rows.entry(place.clone()).or_default().push(seq);
                        file.push(seq);
                    }
                    let bytes = file.len() as u64;
                    if book.wrote(&place, seq, *rows, bytes) {
                        close(place, &mut book, &mut open, &mut world);
                    }
                }
            }
            Item::Checkpoint { stream } => {
                seq += 1;
                let scope = if global {
                    Scope::All
                } else {
                    Scope::Stream(*stream)
                };
                book.checkpoint(scope, seq, now);
                world.checkpoints.push((scope, seq));
            }
            Item::Wait { seconds } => now += Duration::from_secs(*seconds),
        }
        for place in book.due(now) {
            close(place, &mut book, &mut open, &mut world);
        }
        world.acknowledged.extend(book.acknowledgements());
    }
    if finish {
        for place in book.open() {
            close(place, &mut book, &mut open, &mut world);
        }
        world.acknowledged.extend(book.acknowledgements());
        world.acknowledged.insert(Scope::All, seq);
    }
    world
}

proptest! {
    #[test]
    fn exactly_the_committed_rows_become_visible(
        items in proptest::collection::vec(item(), 1..60),
        global: bool,
        finish: bool,
        min_bytes in 0..50u64,
        pick: prop::sample::Index,
    ) {
        let world = run(&items, global, min_bytes, finish);
        // The engine may have committed any checkpoint up to the acknowledged one, or nothing.
        let last = |scope: &Scope| {
            let own = world.acknowledged.get(scope).copied();
            own.max(world.acknowledged.get(&Scope::All).copied()).unwrap_or(0)
        };
        let allowed: Vec<_> = world.checkpoints.iter().filter(|(s, seq)| *seq <= last(s)).collect();
        let mark = allowed.get(pick.index(allowed.len() + 1)).copied();
        for (place, rows) in &world.rows {
            let covered = mark.filter(|(scope, _)| scope.covers(place.stream)).map(|(_, seq)| *seq);
            let expected: Vec<u64> =
                rows.iter().copied().filter(|seq| covered.is_some_and(|m| *seq <= m)).collect();
            let mut visible: Vec<u64> = Vec::new();
            for (_, left, content) in world.staged.iter().filter(|(p, ..)| p == place) {
                let current = Some(Current { generation: 0, truncates: false });
                let plan = recover(std::slice::from_ref(left), &[], |_| covered, current);
                match plan.steps[0] {
                    Step::Publish => visible.extend(content),
                    Step::PublishHead(cut) => visible.extend(&content[..usize::try_from(cut.rows).unwrap()]),
                    _ => {}
                }
            }
            prop_assert_eq!(visible, expected, "place {:?} mark {:?}", place, mark);
        }
    }
}
