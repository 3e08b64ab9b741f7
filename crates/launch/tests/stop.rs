//! Nothing that was started outlives its owner (P8).

use std::time::{Duration, Instant};

use crossdock_launch::Exit;
use tokio::time::timeout;

use crate::peer::{GUARD, lives, pid, start, stdout, until};

/// Longer than any test: a stop that needs it did not work.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_process_that_heeds_sigterm_ends_in_its_own_way() {
    let (mut process, ear) = start(
        "trap 'echo bye >&2; exit 7' TERM; echo $$; while :; do sleep 0.01; done",
        &[],
        false,
    );
    let id = pid(&mut stdout(&mut process)).await;
    assert_eq!(id, process.id());
    let exit = timeout(GUARD, process.stop(LONG)).await.expect("at once");
    assert_eq!(exit.expect("an exit"), Exit::Code(7));
    // The shell may tell of its killed `sleep` as well.
    assert_eq!(ear.lines().last().map(String::as_str), Some("bye"));
    let gone = !std::path::Path::new(&format!("/proc/{id}")).exists();
    assert!(gone, "it is reaped");
    // Again, and the waits after it, tell the same.
    assert_eq!(process.stop(LONG).await.expect("an exit"), Exit::Code(7));
    assert_eq!(process.wait().await.expect("an exit"), Exit::Code(7));
}

#[tokio::test]
async fn a_group_that_ignores_sigterm_is_killed_after_the_grace() {
    let (mut process, _) = start(
        "trap '' TERM; sleep 1000 & echo $!; sh -c 'echo $$; sleep 1000' & wait",
        &[],
        false,
    );
    let mut lines = stdout(&mut process);
    let children = [pid(&mut lines).await, pid(&mut lines).await];
    let grace = Duration::from_millis(300);
    let since = Instant::now();
    let exit = timeout(GUARD, process.stop(grace)).await.expect("killed");
    assert_eq!(exit.expect("an exit"), Exit::Signal(9));
    assert!(since.elapsed() >= grace, "it had its grace");
    for child in children {
        until("the whole group is dead", || !lives(child)).await;
    }
}

#[tokio::test]
async fn a_member_that_outlives_its_leader_has_the_grace_too() {
    // A wrapper that dies of SIGTERM at once, around a program that has to put things in order.
    let script = "sh -c 'trap \"sleep 0.3; echo done >&2; exit 0\" TERM; echo $$; \
                  while :; do sleep 0.01; done' & wait";
    let (mut process, ear) = start(script, &[], false);
    let inner = pid(&mut stdout(&mut process)).await;
    let exit = timeout(GUARD, process.stop(LONG))
        .await
        .expect("not the whole grace");
    assert_eq!(exit.expect("an exit"), Exit::Signal(15));
    assert_eq!(ear.lines().last().map(String::as_str), Some("done"));
    until("the member is dead", || !lives(inner)).await;
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_does_not_hold_the_wait() {
    let (mut process, ear) = start("sleep 1000 & echo $!; echo last >&2; exit 3", &[], false);
    let mut lines = stdout(&mut process);
    let child = pid(&mut lines).await;
    let exit = timeout(GUARD, process.wait())
        .await
        .expect("the leader's end is enough");
    assert_eq!(exit.expect("an exit"), Exit::Code(3));
    assert_eq!(ear.lines(), ["last"]);
    assert!(lives(child), "a wait sweeps nobody");
    let exit = timeout(GUARD, process.stop(LONG))
        .await
        .expect("it heeds SIGTERM");
    assert_eq!(exit.expect("an exit"), Exit::Code(3));
    until("the grandchild is dead", || !lives(child)).await;
    let end = timeout(GUARD, lines.next_line())
        .await
        .expect("nobody holds stdout");
    assert_eq!(end.expect("readable"), None);
}

#[tokio::test]
async fn one_that_fled_the_group_holds_nothing_up() {
    let (mut process, _) = start(
        "setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000",
        &[],
        false,
    );
    let fled = pid(&mut stdout(&mut process)).await;
    // It holds stderr, so this takes the whole grace and no more.
    let exit = timeout(GUARD, process.stop(Duration::from_millis(200)))
        .await
        .expect("an end");
    assert_eq!(exit.expect("an exit"), Exit::Signal(15));
    drop(process);
    let fled = rustix::process::Pid::from_raw(i32::try_from(fled).expect("small"));
    let fled = fled.expect("not zero");
    rustix::process::kill_process(fled, rustix::process::Signal::KILL).expect("it lives");
}

#[tokio::test]
async fn a_drop_kills_the_group_and_reaps() {
    let script = "trap '' TERM; sleep 1000 & echo $!; echo $$; wait";
    let (mut process, _) = start(script, &[], false);
    let mut lines = stdout(&mut process);
    let ids = [pid(&mut lines).await, pid(&mut lines).await];
    drop(process);
    for id in ids {
        until("dead", || !lives(id)).await;
    }
    let leader = format!("/proc/{}", ids[1]);
    until("reaped", || !std::path::Path::new(&leader).exists()).await;
}

#[tokio::test]
async fn a_drop_after_the_end_sweeps_the_group() {
    let (mut process, _) = start("sleep 1000 & echo $!", &[], false);
    let child = pid(&mut stdout(&mut process)).await;
    assert!(process.wait().await.expect("an exit").success());
    assert!(lives(child));
    drop(process);
    until("the grandchild is dead", || !lives(child)).await;
}

#[tokio::test]
async fn another_task_can_ask_for_the_end() {
    let (mut process, _) = start("echo $$; exec sleep 1000", &[], false);
    pid(&mut stdout(&mut process)).await;
    let handle = process.stop_handle();
    let asking = tokio::spawn({
        let handle = handle.clone();
        async move { handle.term() }
    });
    let exit = timeout(GUARD, process.wait()).await.expect("an end");
    assert_eq!(exit.expect("an exit"), Exit::Signal(15));
    asking.await.expect("no panic");
    process.stop(LONG).await.expect("an exit");
    // Its number may be anybody's by now: nothing is sent.
    handle.term();
    drop(process);
    handle.kill();
}

#[tokio::test]
async fn kill_is_at_once() {
    let (mut process, _) = start(
        "trap '' TERM; echo $$; while :; do sleep 0.01; done",
        &[],
        false,
    );
    pid(&mut stdout(&mut process)).await;
    process.signal_stop();
    process.kill();
    let exit = timeout(GUARD, process.wait()).await.expect("an end");
    assert_eq!(exit.expect("an exit"), Exit::Signal(9));
}
