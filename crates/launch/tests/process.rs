//! Exits, pipes, and lines on stderr.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use crossdock_launch::{Exit, Spawn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::peer::{Ear, GUARD, pid, shell, start, stdout};

#[tokio::test]
async fn exits_are_told() {
    for (script, expected) in [
        ("exit 0", Exit::Code(0)),
        ("exit 1", Exit::Code(1)),
        ("exit 127", Exit::Code(127)),
        ("exit 137", Exit::Code(137)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -15 $$", Exit::Signal(15)),
        ("/no/such/program", Exit::Code(127)),
    ] {
        let (mut process, _) = start(script, &[], false);
        let exit = timeout(GUARD, process.wait()).await.expect("an end");
        assert_eq!(exit.expect("an exit"), expected, "{script}");
    }
}

#[tokio::test]
async fn a_wait_can_be_given_up_and_repeated() {
    let (mut process, _) = start("read line; exit 4", &[], true);
    let mut stdin = process.take_stdin().expect("stdin");
    for _ in 0..3 {
        let given_up = timeout(Duration::from_millis(1), process.wait()).await;
        assert!(given_up.is_err(), "it waits for its input");
    }
    stdin.write_all(b"go\n").await.expect("written");
    for _ in 0..3 {
        let exit = timeout(GUARD, process.wait()).await.expect("an end");
        assert_eq!(exit.expect("an exit"), Exit::Code(4));
    }
}

#[tokio::test]
async fn arguments_environment_and_directory_arrive() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut program = shell(r#"printf '%s|' "$@" "$FROM_PROGRAM" "$FROM_SPAWN"; pwd -P"#);
    program.env = vec![
        ("FROM_PROGRAM".into(), "a b".into()),
        ("FROM_SPAWN".into(), "no".into()),
    ];
    let mut process = Spawn {
        program: &program,
        args: vec!["one two".into(), "$HOME".into()],
        cwd: directory.path(),
        env: vec![("FROM_SPAWN".into(), OsString::from("yes"))],
        stdin: false,
        longest_line: None,
        stderr: Arc::new(Ear::default()),
    }
    .spawn()
    .expect("a process");
    let line = stdout(&mut process)
        .next_line()
        .await
        .expect("readable")
        .expect("a line");
    let real = directory.path().canonicalize().expect("a path");
    assert_eq!(line, format!("one two|$HOME|a b|yes|{}", real.display()));
}

#[tokio::test]
async fn input_comes_back_as_output() {
    let (mut process, _) = start("cat", &[], true);
    let mut stdin = process.take_stdin().expect("stdin");
    let mut out = process.take_stdout().expect("stdout");
    assert!(process.take_stdin().is_none() && process.take_stdout().is_none());
    let sent = b"0123456789abcdef".repeat(1 << 17);
    let expected = sent.clone();
    let sending = tokio::spawn(async move { stdin.write_all(&sent).await });
    let mut got = Vec::new();
    out.read_to_end(&mut got).await.expect("readable");
    sending.await.expect("no panic").expect("written");
    assert!(got == expected, "{} of {} bytes", got.len(), expected.len());
    assert!(process.wait().await.expect("an exit").success());
}

#[tokio::test]
async fn input_that_nobody_gives_is_at_its_end() {
    for stdin in [false, true] {
        let (mut process, _) = start("cat", &[], stdin);
        let exit = timeout(GUARD, process.wait()).await.expect("cat ends");
        assert!(exit.expect("an exit").success());
    }
}

#[tokio::test]
async fn pipes_are_raised_where_the_system_allows() {
    let (mut process, _) = start("cat", &[], true);
    let sizes = [
        rustix::pipe::fcntl_getpipe_size(process.take_stdin().expect("stdin")),
        rustix::pipe::fcntl_getpipe_size(process.take_stdout().expect("stdout")),
    ];
    let (read_end, _write_end) = rustix::pipe::pipe().expect("a pipe");
    let allowed = rustix::pipe::fcntl_setpipe_size(&read_end, 1 << 20).is_ok();
    if !allowed {
        eprintln!("not tested: this user may not raise pipes");
        return;
    }
    assert_eq!(sizes, [Ok(1 << 20); 2]);
}

#[tokio::test]
async fn a_flood_on_stderr_does_not_stop_the_process() {
    // 10 MB are far more than a pipe holds: were stderr not drained, stdout would never come.
    let line = "x".repeat(99);
    let script = format!("yes {line} | head -n 100000 >&2; echo done; exit 5");
    let (mut process, ear) = start(&script, &[], false);
    let mut lines = stdout(&mut process);
    let word = timeout(GUARD, lines.next_line())
        .await
        .expect("no deadlock");
    assert_eq!(word.expect("readable").as_deref(), Some("done"));
    assert_eq!(process.wait().await.expect("an exit"), Exit::Code(5));
    let said = ear.lines();
    assert_eq!(said.len(), 100_000);
    assert!(said.iter().all(|said| *said == line));
}

#[tokio::test]
async fn the_last_words_are_heard_before_the_wait_ends() {
    for round in 0..50 {
        let script =
            "i=0; while [ $i -lt 30 ]; do echo line $i >&2; i=$((i+1)); done; printf last >&2";
        let (mut process, ear) = start(script, &[], false);
        process.wait().await.expect("an exit");
        let said = ear.lines();
        assert_eq!(said.len(), 31, "round {round}");
        let tail = process.stderr_tail();
        assert_eq!(tail.len(), 20);
        assert_eq!(tail[..], said[11..]);
        assert_eq!(tail[19], "last");
    }
}

#[tokio::test]
async fn a_line_without_an_end_does_not_grow_for_ever() {
    let (mut process, ear) = start("yes | head -c 1000000 | tr '\\n' y >&2", &[], false);
    process.wait().await.expect("an exit");
    let said = ear.lines();
    assert_eq!(said.iter().map(String::len).sum::<usize>(), 1_000_000);
    assert!(said.iter().all(|piece| piece.len() <= 64 << 10));
}

#[tokio::test]
async fn the_process_leads_a_group_of_its_own() {
    let (mut process, _) = start("sleep 1000 & echo $!; wait", &[], false);
    let child = pid(&mut stdout(&mut process)).await;
    let group = |pid: u32| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("small"));
        rustix::process::getpgid(pid)
            .expect("a group")
            .as_raw_nonzero()
            .get()
            .cast_unsigned()
    };
    assert_eq!(group(process.id()), process.id());
    assert_eq!(group(child), process.id());
    assert_ne!(group(std::process::id()), process.id());
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_writer() {
    let (mut process, _) = start("exec yes", &[], false);
    drop(process.take_stdout());
    let exit = timeout(GUARD, process.wait())
        .await
        .expect("SIGPIPE")
        .expect("an exit");
    assert_eq!(exit, Exit::Signal(13), "children have SIGPIPE as usual");
}
