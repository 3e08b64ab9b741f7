use super::*;
use crate::{StderrSink, Volume};
use std::sync::Arc;

struct Deaf;

impl StderrSink for Deaf {
    fn line(&self, _: &str) {}
}

fn call(stdin: bool) -> Call {
    Call {
        words: vec![
            Word::Text("read".into()),
            Word::Text("--config".into()),
            Word::File {
                name: "config.json".into(),
                content: b"{\"key\": \"hunter22\"}".to_vec(),
            },
        ],
        env: vec![("DEPLOYMENT_MODE", "OSS".into())],
        folder: None,
        stdin,
        keeps_files: false,
        stderr: Arc::new(Deaf),
    }
}

fn text(words: Result<Vec<OsString>>) -> String {
    let words = words.expect("words");
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[test]
fn options_become_words_and_secrets_do_not() {
    let plain = text(words("n", "i:1", &DockerOptions::default(), &call(false)));
    assert!(
        plain.ends_with(" i:1 read --config /crossdock/config.json"),
        "{plain}"
    );
    for absent in [
        "--network",
        "--memory",
        "--cpus",
        "--volume",
        "--interactive",
    ] {
        assert!(!plain.contains(absent), "{plain}");
    }
    let options = DockerOptions {
        network: Some("none".into()),
        memory: Some(64 << 20),
        cpus: Some("1.5".into()),
        volumes: vec![
            Volume {
                source: "/tmp".into(),
                target: "/local".into(),
                read_only: false,
            },
            Volume {
                source: "cache".into(),
                target: "/c".into(),
                read_only: true,
            },
        ],
        env: vec![("TOKEN".into(), "hunter22".into())],
    };
    let full = text(words("n", "i:1", &options, &call(true)));
    let expected = " --network none --memory 67108864b --memory-swap 67108864b --cpus 1.5 \
        --volume /tmp:/local --volume cache:/c:ro --interactive i:1 read";
    assert!(full.contains(expected), "{full}");
    assert!(!full.contains("hunter22"), "{full}");
    assert_eq!(
        variables(&options, &call(true)),
        "DEPLOYMENT_MODE=OSS\nTOKEN=hunter22\n"
    );
}

#[test]
fn whoever_the_image_runs_as_may_read_its_files_and_write_beside_them() {
    let packed = files(&call(false)).expect("packed");
    let head = |at: usize| String::from_utf8_lossy(&packed[at..at + 108]).replace('\0', " ");
    assert_eq!(
        head(0).split_whitespace().collect::<Vec<_>>(),
        ["crossdock/", "0000777"]
    );
    assert_eq!(
        head(512).split_whitespace().collect::<Vec<_>>(),
        ["crossdock/config.json", "0000644"]
    );
}

#[test]
fn ends_are_judged_by_what_the_engine_says() {
    let state = |exit_code| State {
        exit_code,
        ..State::default()
    };
    let check = |client: i32, state: Result<State>, code: i32, name: &str, message: &str| {
        let outcome = judge(Exit::Code(client), state, "i:1", Some(512 << 20));
        assert_eq!(outcome.exit, Exit::Code(code));
        let reason = outcome.reason.map(|reason| reason.error());
        let got = reason.as_ref().map_or("", |error| error.code().name);
        assert_eq!(got, name);
        assert_eq!(reason.as_ref().map_or("", |error| error.message()), message);
    };
    check(0, Ok(state(0)), 0, "", "");
    check(1, Ok(state(1)), 1, "", "");
    // The client's own code is not the container's where it was asked to end.
    check(0, Ok(state(143)), 143, "", "");
    check(137, Ok(state(137)), 137, "", "");
    check(
        137,
        Ok(State {
            oom_killed: true,
            ..state(137)
        }),
        137,
        "connector.killed",
        "the connector was killed because it used more memory than its limit of 512 MiB (exit code 137)",
    );
    check(
        1,
        Ok(State {
            error: "exec: \"/nope\": stat /nope: no such file or directory".into(),
            ..state(127)
        }),
        127,
        "connector.no_entrypoint",
        "the image's entry point, or a program that it calls, does not exist (exit code 127)",
    );
    check(
        126,
        Ok(state(126)),
        126,
        "connector.no_entrypoint",
        "the image's entry point cannot be executed (exit code 126)",
    );
    check(
        1,
        Ok(State {
            error: "no space left on device".into(),
            ..state(128)
        }),
        128,
        "docker.failed",
        "Docker could not start the connector's container",
    );
    check(
        0,
        Ok(State {
            running: true,
            ..state(0)
        }),
        1,
        "docker.failed",
        "Docker's client lost the connector's container",
    );
    check(
        1,
        Err(Error::new(&code::DOCKER_UNAVAILABLE, "x")),
        1,
        "docker.unavailable",
        "Docker's engine ended, or went away, while the connector ran",
    );
    check(
        0,
        Err(Error::new(&code::DOCKER_FAILED, "x")),
        1,
        "connector.killed",
        "somebody removed the connector's container",
    );
}
