//! The pump with connectors in memory: what the state machine decides is really carried out.

mod dead_letter;
mod peer;
mod store;

use std::sync::Arc;
use std::time::Duration;

use crossdock_core::clock::SystemClock;
use crossdock_core::session::Unobserved;
use crossdock_core::store::Store;
use crossdock_core::stream::StreamId;
use crossdock_engine::life::Life;
use crossdock_engine::progress::Unwatched;
use crossdock_engine::stall::Patience;
use crossdock_engine::{Cancel, Job, Report, Settings, Strictness, execute, wire};
use tokio::sync::watch;

use peer::{Fault, Script, Sink, Told};
use store::MemoryStore;

struct Bench {
    store: Arc<MemoryStore>,
    sink: Arc<Sink>,
    told: Arc<Told>,
    cancel: watch::Sender<Option<Cancel>>,
    dead_letters: Option<dead_letter::LetterBox>,
    /// How long a destination may be silent.
    silence: Duration,
}

impl Bench {
    fn new() -> Self {
        Self {
            store: Arc::new(MemoryStore::default()),
            sink: Arc::new(Sink::default()),
            told: Arc::new(Told::default()),
            cancel: watch::channel(None).0,
            dead_letters: None,
            silence: Duration::from_millis(600),
        }
    }

    async fn run(&self, script: Script, fault: Option<Fault>) -> Report {
        let lease = self.store.begin("p").await.unwrap();
        let (wiring, mut acks) = wire(1);
        let life = || Life::new(Arc::new(Unobserved), Arc::new(SystemClock));
        let destination_life = life();
        let job = Job {
            source_drains: script.drains,
            source: Box::new(script.reader(self.told.clone())),
            destinations: vec![Box::new(self.sink.writer(acks.remove(0), fault))],
            refusing: vec![self.dead_letters.is_some()],
            dead_letters: self.dead_letters.as_ref().map(dead_letter::LetterBox::open),
            streams: vec![StreamId::new("s")],
            store: self.store.clone(),
            lease,
            completes: Vec::new(),
            source_life: life(),
            destination_lives: vec![destination_life],
            watcher: Arc::new(Unwatched),
            cancel: self.cancel.subscribe(),
            clock: Arc::new(SystemClock),
            settings: Settings {
                queue_bytes: 4096,
                commit_interval: Duration::ZERO,
                patience: Patience {
                    source: Duration::from_millis(600),
                    destination: self.silence,
                    finish: Duration::from_secs(60),
                    checkpoint: Duration::from_secs(60),
                },
                strictness: Strictness::default(),
                grace: Duration::from_secs(1),
            },
        };
        tokio::time::timeout(Duration::from_secs(30), execute(wiring, job))
            .await
            .expect("the run ends")
    }
}

fn code(report: &Report) -> Option<&'static str> {
    report.outcome.error.as_ref().map(|e| e.code().name)
}

#[tokio::test]
async fn everything_arrives_and_is_committed() {
    let bench = Bench::new();
    let report = bench
        .run(Script::records(100).checkpoint_every(10), None)
        .await;
    assert_eq!(code(&report), None, "{:?}", report.outcome.error);
    assert_eq!(bench.sink.durable(), (0..100).collect::<Vec<_>>());
    assert_eq!(bench.store.state(), Some(100));
    let counts = &report.outcome.streams[0];
    assert_eq!(
        (
            counts.read,
            counts.written,
            counts.committed,
            counts.checkpoints
        ),
        (100, 100, 100, 10)
    );
    assert_eq!(bench.told.last(), Some(100), "P2: the source hears of it");
    assert!(
        bench.sink.published() >= 100,
        "the last mark reaches the destination"
    );
    assert!(bench.sink.is_closed() && bench.told.is_closed(), "P8");
}

#[tokio::test]
async fn what_came_before_the_source_failed_is_kept() {
    let bench = Bench::new();
    let report = bench
        .run(
            Script::records(50).checkpoint_every(10).failing_at(25),
            None,
        )
        .await;
    assert_eq!(code(&report), Some("connector.failed"));
    assert_eq!(bench.store.state(), Some(20));
    assert!(bench.sink.durable().len() >= 20);
    assert!(bench.sink.is_closed());
}

#[tokio::test]
async fn a_destination_that_fails_ends_the_run() {
    let bench = Bench::new();
    let script = Script::records(1_000_000).checkpoint_every(10);
    let report = bench.run(script, Some(Fault::FailAt(35))).await;
    assert_eq!(code(&report), Some("connector.failed"));
    assert_eq!(bench.store.state(), Some(30));
    assert!(bench.told.is_closed());
}

#[tokio::test]
async fn draining_keeps_what_was_read() {
    for drains in [true, false] {
        let bench = Bench::new();
        let mut script = Script::records(u64::MAX).checkpoint_every(10);
        script.drains = drains;
        let wait = bench.sink.until(200);
        let cancel = bench.cancel.clone();
        tokio::spawn(async move {
            wait.await;
            let _ = cancel.send(Some(Cancel::Drain));
        });
        let report = bench.run(script, None).await;
        assert!(report.outcome.cancelled, "drains: {drains}");
        assert_eq!(code(&report), None);
        let read = report.outcome.streams[0].read;
        assert_eq!(
            bench.sink.durable().len() as u64,
            read,
            "what was read is written"
        );
        let state = bench.store.state().unwrap();
        assert!(
            state >= 100 && read - state < 10,
            "committed {state} of {read}"
        );
    }
}

#[tokio::test]
async fn cancelling_now_breaks_a_hanging_destination() {
    let bench = Bench::new();
    let wait = bench.sink.until(20);
    let cancel = bench.cancel.clone();
    tokio::spawn(async move {
        wait.await;
        let _ = cancel.send(Some(Cancel::Now));
    });
    let script = Script::records(1000).checkpoint_every(10);
    let report = bench.run(script, Some(Fault::HangAt(25))).await;
    assert!(report.outcome.cancelled);
    assert_eq!(
        bench.store.state(),
        Some(20),
        "committed checkpoints stay (P8)"
    );
    assert!(bench.sink.is_closed() && bench.told.is_closed());
}

#[tokio::test]
async fn stalls_name_the_guilty_side() {
    let bench = Bench::new();
    let report = bench.run(Script::records(50).hanging_at(5), None).await;
    assert_eq!(code(&report), Some("run.source_silent"));
    let bench = Bench::new();
    let report = bench
        .run(Script::records(1_000_000), Some(Fault::HangAt(5)))
        .await;
    assert_eq!(code(&report), Some("run.destination_stuck"));
}

#[tokio::test]
async fn a_checkpoint_that_never_returns_is_an_error() {
    let bench = Bench::new();
    let report = bench
        .run(
            Script::records(30).checkpoint_every(10),
            Some(Fault::NeverReturn),
        )
        .await;
    assert_eq!(code(&report), Some("protocol.state_not_returned"));
    assert_eq!(bench.store.state(), None);
}

#[tokio::test]
async fn a_fenced_run_commits_nothing() {
    let bench = Bench::new();
    bench.store.fence_after(1);
    let report = bench
        .run(Script::records(100).checkpoint_every(10), None)
        .await;
    assert_eq!(code(&report), Some("store.fenced"));
    assert!(bench.sink.is_closed());
}

/// P7: a source that is faster than the destination is held back by bytes.
#[tokio::test]
async fn the_queue_is_bounded_in_bytes() {
    let bench = Bench::new();
    let script = Script::records(1_000_000);
    let ahead = script.ahead.clone();
    let report = bench.run(script, Some(Fault::HangAt(0))).await;
    assert_eq!(code(&report), Some("run.destination_stuck"));
    let read = ahead.load(std::sync::atomic::Ordering::Relaxed);
    assert!(read < 200, "{read} records were read ahead");
}
