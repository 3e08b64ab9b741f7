//! No container outlives its use, whoever dies (P8).

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::engine::{Engine, OWNER, Variant, good, wait_until};
use super::{pipeline, reference, written};
use crate::kill::children;
use crate::lab::Lab;

/// A run without an end, whose records already arrive.
fn under_way(engine: &Engine, lab: &Lab) -> Child {
    let image = engine.scratch(Variant::Connector);
    let settings = json!({"settings": {"grace": "2s", "retries": {
        "complete_failures": 1, "partial_failures": 1}}});
    let file = pipeline(lab, &image, json!({"mode": "endless"}), settings);
    let run = engine.spawn(lab, &["run", &file], &[]);
    let before = written(lab).len();
    wait_until("records are written", || written(lab).len() > before + 3);
    assert_eq!(engine.containers(run.id()).len(), 2, "one for each side");
    run
}

fn signal(name: &str, process: u32) {
    good(std::process::Command::new("kill").args([name, &process.to_string()]));
}

#[test]
fn a_killed_engine_leaves_no_container_behind() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let mut run = under_way(&engine, &lab);
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until("nothing is left", || engine.containers(run.id()).is_empty());
}

#[test]
fn a_run_that_is_asked_to_end_ends_its_containers_first() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let mut run = under_way(&engine, &lab);
    let began = Instant::now();
    signal("-TERM", run.id());
    run.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(
        engine.containers(run.id()),
        [""; 0],
        "when it is over, all is"
    );
    // What was read is committed: the next run goes on. The source may have ended between a record and its state.
    let last = *written(&lab).last().unwrap();
    let state = lab.good(&["state", "export", "p"]).to_string();
    let is_state = |n: u64| state.contains(&format!("\"n\":{n}}}"));
    assert!(is_state(last) || is_state(last - 1), "{last}: {state}");
}

#[test]
fn a_client_that_is_killed_takes_its_container_along() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let mut run = under_way(&engine, &lab);
    let clients = children(run.id()).into_iter();
    let (client, _) = clients
        .into_iter()
        .find(|(_, line)| line.contains("docker start --attach crossdock-"))
        .unwrap();
    signal("-KILL", client);
    run.wait().unwrap();
    assert_eq!(engine.containers(run.id()), [""; 0]);
}

/// A container of a run whose machine, or whose every process, died at once.
#[test]
fn what_a_crash_left_is_removed_by_the_next_use() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let mut run = under_way(&engine, &lab);
    let names = engine.containers(run.id());
    let format = format!("{{{{index .Config.Labels \"{OWNER}\"}}}}");
    let owner = engine.say(&["inspect", "--format", &format, &names[0]]);
    run.kill().unwrap();
    run.wait().unwrap();
    let image = engine.scratch(Variant::Connector);
    let label = |owner: &str| format!("{OWNER}={owner}");
    let left = |name: &str, owner: &str| {
        let label = label(owner);
        engine.say(&[
            "create",
            "--network",
            "none",
            "--name",
            name,
            "--label",
            &label,
            &image,
        ]);
    };
    let unique = run.id();
    let (of_dead, of_other) = (format!("dead-{unique}"), format!("other-{unique}"));
    left(&of_dead, &owner);
    // On another machine, as far as can be seen, so that nobody knows whether it lives.
    left(&of_other, &format!("elsewhere/{owner}"));
    engine.good(&lab, &["spec", &reference(&image)]);
    let all = engine.say(&["ps", "--all", "--format", "{{.Names}}"]);
    engine.say(&["rm", "--force", &of_other]);
    assert!(!all.contains(&of_dead) && all.contains(&of_other), "{all}");
}

/// A container that somebody takes away is no end that is good.
#[test]
fn a_container_that_somebody_removes_fails_the_run() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = engine.scratch(Variant::Connector);
    let more = json!({"settings": {"retries": {"complete_failures": 1, "partial_failures": 1}}});
    let file = pipeline(&lab, &image, json!({"mode": "endless"}), more);
    let run = engine
        .command(&lab, &["run", &file])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("records are written", || !written(&lab).is_empty());
    let format = "{{.Name}} {{json .Args}}";
    let names = engine.containers(run.id());
    let reading = names.into_iter().find(|name| {
        engine
            .say(&["inspect", "--format", format, name])
            .contains("read")
    });
    engine.say(&["rm", "--force", &reading.unwrap()]);
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let envelope: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        envelope["error"]["code"], "connector.killed",
        "{envelope:#}"
    );
}
