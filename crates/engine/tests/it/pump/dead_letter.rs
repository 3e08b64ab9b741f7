//! Records that the destination refuses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::batch::Body;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_engine::Cancel;
use crossdock_engine::dead_letter::{DeadLetterOffice, DeadLetters, Letters, Refuser, Tolerance};
use tokio::sync::watch;

use super::peer::{Fault, Script};
use super::{Bench, code};

/// An office in memory.
#[derive(Clone)]
pub(super) struct LetterBox {
    tolerance: Tolerance,
    kept: Arc<Mutex<Vec<String>>>,
    /// It waits until this is true before it keeps anything.
    is_open: watch::Receiver<bool>,
    fails: bool,
}

impl LetterBox {
    fn new(window: u64, threshold: u64) -> Self {
        Self {
            tolerance: Tolerance { window, threshold },
            kept: Arc::default(),
            is_open: watch::channel(true).1,
            fails: false,
        }
    }

    pub(super) fn open(&self) -> DeadLetters {
        DeadLetters {
            tolerance: self.tolerance,
            office: Box::new(self.clone()),
        }
    }

    fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap().clone()
    }
}

#[async_trait]
impl DeadLetterOffice for LetterBox {
    async fn keep(&mut self, letters: &[Letters]) -> Result<()> {
        // Its sender may be gone, which changes nothing of what it last said.
        let is_open = *self.is_open.borrow();
        if !is_open {
            let _ = self.is_open.wait_for(|open| *open).await;
        }
        if self.fails {
            return Err(Error::new(&code::DEAD_LETTERS_UNWRITABLE, "scripted"));
        }
        for some in letters {
            match &some.by {
                Refuser::Destination(at) => assert_eq!(*at, 0),
                Refuser::Processor { list, id, .. } => {
                    assert_eq!((list.as_str(), id.as_str()), ("processors", "p"));
                }
            }
            assert_eq!(some.reason, "scripted");
            let Body::Rows(rows) = &some.batch.body else {
                panic!("the script has rows");
            };
            let texts = (0..rows.len()).map(|row| String::from_utf8_lossy(rows.after(row)));
            self.kept.lock().unwrap().extend(texts.map(String::from));
        }
        Ok(())
    }
}

fn bench(office: LetterBox) -> Bench {
    Bench {
        dead_letters: Some(office),
        silence: Duration::from_secs(60),
        ..Bench::new()
    }
}

fn script(records: u64) -> Script {
    Script::records(records).checkpoint_every(10)
}

#[tokio::test]
async fn refused_records_are_kept_and_everything_adds_up() {
    let office = LetterBox::new(0, 0);
    let bench = bench(office.clone());
    let report = bench.run(script(100), Some(Fault::RefuseEach(7))).await;
    assert_eq!(code(&report), None, "{:?}", report.outcome.error);
    let counts = &report.outcome.streams[0];
    assert_eq!(
        (
            counts.read,
            counts.written,
            counts.dead_lettered,
            counts.rejected
        ),
        (100, 85, 15, 0),
        "P6"
    );
    assert_eq!(bench.store.state(), Some(100));
    assert_eq!(office.kept().len(), 15);
    assert!(office.kept()[2].contains("14"), "{:?}", office.kept());
}

#[tokio::test]
async fn nothing_is_committed_before_its_letters_are_kept() {
    let (open, is_open) = watch::channel(false);
    let office = LetterBox {
        is_open,
        ..LetterBox::new(0, 0)
    };
    let bench = Arc::new(bench(office.clone()));
    let (store, told) = (bench.store.clone(), bench.told.clone());
    let run = {
        let bench = bench.clone();
        tokio::spawn(async move { bench.run(script(1000), Some(Fault::RefuseEach(15))).await })
    };
    // Record 0 is refused, too.
    bench.sink.until_written(100).await;
    assert_eq!(store.state(), None, "P1: record 0 is in no office yet");
    assert_eq!(told.last(), None, "P2");
    open.send_replace(true);
    let report = run.await.unwrap();
    assert_eq!(code(&report), None, "{:?}", report.outcome.error);
    assert_eq!(bench.store.state(), Some(1000));
}

#[tokio::test]
async fn more_than_is_put_up_with_ends_the_run_before_it() {
    for (window, threshold, expected, state) in [
        (1, 0, "connector.refused_record", None),
        (30, 2, "run.dead_letters_exceeded", Some(20)),
    ] {
        let office = LetterBox::new(window, threshold);
        let bench = bench(office.clone());
        let report = bench.run(script(1000), Some(Fault::RefuseEach(10))).await;
        assert_eq!(code(&report), Some(expected));
        assert_eq!(bench.store.state(), state, "P1");
        assert_eq!(office.kept().len() as u64, threshold);
    }
    // Three of any thirty are refused, and that many are put up with.
    let bench = bench(LetterBox::new(30, 3));
    let report = bench.run(script(1000), Some(Fault::RefuseEach(10))).await;
    assert_eq!(code(&report), None, "{:?}", report.outcome.error);
}

#[tokio::test]
async fn what_processors_refuse_is_kept_before_anything_after_it_is_committed() {
    let (open, is_open) = watch::channel(false);
    let office = LetterBox {
        is_open,
        ..LetterBox::new(0, 0)
    };
    let bench = Arc::new(bench(office.clone()));
    let store = bench.store.clone();
    let run = {
        let bench = bench.clone();
        tokio::spawn(async move { bench.run(script(1000).refusing_each(25), None).await })
    };
    // Record 0 is refused, too.
    bench.sink.until_written(100).await;
    assert_eq!(store.state(), None, "P1");
    open.send_replace(true);
    let report = run.await.unwrap();
    assert_eq!(code(&report), None, "{:?}", report.outcome.error);
    assert_eq!(bench.store.state(), Some(1000));
    let counts = &report.outcome.streams[0];
    assert_eq!(
        (counts.read, counts.written, counts.dead_lettered),
        (1000, 960, 40),
        "P6"
    );
    assert_eq!(office.kept().len(), 40);
}

#[tokio::test]
async fn more_refusals_of_processors_than_are_put_up_with_end_the_run() {
    for (letters, expected, state) in [
        (None, "run.record_unprocessed", None),
        (Some((1, 0)), "run.record_unprocessed", None),
        (Some((100, 2)), "run.dead_letters_exceeded", Some(30)),
    ] {
        let bench = match letters {
            Some((window, threshold)) => bench(LetterBox::new(window, threshold)),
            None => Bench::new(),
        };
        // Records 0, 15, 30 …
        let report = bench.run(script(1000).refusing_each(15), None).await;
        assert_eq!(code(&report), Some(expected));
        assert_eq!(bench.store.state(), state, "P1");
    }
}

#[tokio::test]
async fn without_an_office_the_first_refusal_ends_the_run() {
    let bench = Bench::new();
    let report = bench.run(script(1000), Some(Fault::RefuseEach(2000))).await;
    assert_eq!(code(&report), Some("connector.refused_record"));
    assert_eq!(bench.store.state(), None, "P1");
}

#[tokio::test]
async fn an_office_that_fails_ends_the_run() {
    let office = LetterBox {
        fails: true,
        ..LetterBox::new(0, 0)
    };
    let bench = bench(office);
    let report = bench.run(script(1000), Some(Fault::RefuseEach(10))).await;
    assert_eq!(code(&report), Some("run.dead_letters_unwritable"));
    assert_eq!(bench.store.state(), None, "P1");
}

/// P9, also when everything else has ended.
#[tokio::test]
async fn an_office_that_hangs_ends_the_run() {
    let (_open, is_open) = watch::channel(false);
    let office = LetterBox {
        is_open,
        ..LetterBox::new(0, 0)
    };
    let bench = Bench {
        silence: Duration::from_millis(600),
        ..bench(office)
    };
    let report = bench.run(script(50), Some(Fault::RefuseEach(100))).await;
    assert_eq!(code(&report), Some("run.destination_stuck"));
    assert_eq!(bench.store.state(), None, "P1");
}

#[tokio::test]
async fn letters_on_their_way_do_not_hold_up_who_wants_the_end_now() {
    let (open, is_open) = watch::channel(false);
    let office = LetterBox {
        is_open,
        ..LetterBox::new(0, 0)
    };
    let bench = Arc::new(bench(office));
    let run = {
        let bench = bench.clone();
        tokio::spawn(async move { bench.run(script(100), Some(Fault::RefuseEach(10))).await })
    };
    bench.sink.until_written(90).await;
    bench.cancel.send_replace(Some(Cancel::Now));
    let report = tokio::spawn(async move {
        let report = run.await.unwrap();
        drop(open);
        report
    });
    assert!(report.await.unwrap().outcome.cancelled);
    assert_eq!(bench.store.state(), None);
}
