//! A process that is killed while it commits (P2, P4): the store has the old or the new state,
//! whole, and nothing that was said to be committed is missing.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crossdock_core::checkpoint::Seq;
use crossdock_core::code;
use crossdock_core::store::{Commit, RunStatus, Store};
use crossdock_store::SqliteStore;

use crate::sample::{Place, counts, lane, refused, state};

/// Where the child finds its store.
const STORE: &str = "CROSSDOCK_STORE_TEST_CHILD";

const ROUNDS: u32 = 25;

/// The child's body: commits 1, 2, 3 … and says so after each, until it is killed.
#[tokio::test]
async fn child() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let store = SqliteStore::open(Path::new(&path)).unwrap();
    let lease = store.begin("p").await.unwrap();
    // Some pages per commit, so that there is a middle to be killed in.
    let filler = "x".repeat(40_000);
    for n in 1_u64.. {
        let text = format!(r#"{{"run":{},"n":{n},"filler":"{filler}"}}"#, lease.run);
        let commit = Commit {
            states: vec![state("a", &text), state("b", &text)],
            marks: vec![(lane("a"), Seq(n)), (lane("b"), Seq(n))],
            streams: vec![counts("a", n), counts("b", n)],
            generations: Vec::new(),
        };
        store.commit(&lease, commit).await.unwrap();
        println!("committed {n}");
    }
}

fn start(path: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// The number in a line of the child's, if it is one.
fn said(line: &str) -> Option<u64> {
    // The test harness writes its own words before the first line.
    line.rsplit_once("committed ")?.1.trim().parse().ok()
}

/// Lets the child commit a few times, kills it some way into the next one, and gives the last
/// number that it said.
fn commit_and_kill(path: &Path, commits: u64, spins: u32) -> u64 {
    let (mut child, mut output) = start(path);
    let mut last = 0;
    let mut line = String::new();
    while last < commits {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child ended by itself"
        );
        last = said(&line).unwrap_or(last);
    }
    for _ in 0..spins {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died counts, too.
    for line in output.lines().map_while(Result::ok) {
        last = said(&line).unwrap_or(last);
    }
    last
}

#[tokio::test]
async fn a_killed_process_leaves_the_old_or_the_new_state() {
    let place = Place::new();
    // Reproducible in kind, not in detail: the machine adds the randomness that matters.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut between = 0;
    for round in 1..=ROUNDS {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let spins = u32::try_from(seed % 400_000).unwrap();
        let last = commit_and_kill(&place.path, 1 + seed % 5, spins);

        let store = SqliteStore::open(&place.path).unwrap();
        let resume = store.resume("p").await.unwrap();
        let runs = store.runs(Some("p"), 1).await.unwrap();
        assert_eq!(runs[0].status, RunStatus::Running);
        let reached = runs[0].streams[0].committed;
        assert!(
            reached == last || reached == last + 1,
            "round {round}: said {last}, has {reached}"
        );
        between += u32::from(reached != last);
        // States, marks and counts are of one and the same commit.
        assert_eq!(
            runs[0].streams,
            [counts("a", reached), counts("b", reached)]
        );
        for state in &resume.states {
            let value = state.state.to_value().unwrap();
            assert_eq!(value["n"], reached, "round {round}, {}", state.lane);
            assert_eq!(value["run"], runs[0].run);
        }
        let newest: Vec<_> = resume
            .marks
            .iter()
            .filter(|m| m.epoch == runs[0].epoch)
            .map(|m| m.seq.0)
            .collect();
        assert_eq!(newest, [reached, reached]);
        let history = store.history("p", None, 2).await.unwrap();
        assert_eq!(history.len(), 2);
        assert!(history.iter().all(|entry| {
            resume
                .states
                .iter()
                .any(|s| Some(s) == entry.state.as_ref())
        }));
    }
    println!("{between} of {ROUNDS} were killed between a commit and its report");
}

#[tokio::test]
async fn a_killed_process_gives_its_pipeline_free() {
    let place = Place::new();
    let (mut child, mut output) = start(&place.path);
    let mut line = String::new();
    while said(&line).is_none() {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child ended by itself"
        );
    }
    let store = place.open();
    let error = refused(store.begin("p").await, &code::PIPELINE_BUSY);
    assert_eq!(
        crate::sample::context(&error, "pid"),
        child.id().to_string()
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let lease = store.begin("p").await.unwrap();
    assert_eq!(lease.epoch, 2);
    let runs = store.runs(Some("p"), 2).await.unwrap();
    assert_eq!(runs[1].status, RunStatus::Failed);
    assert_eq!(
        runs[1].error_code.as_deref(),
        Some(code::RUN_INTERRUPTED.name)
    );
}
