//! What goes wrong with images and engines is said in words, with what to do about it.

use serde_json::{Value, json};

use super::engine::{Engine, Variant};
use super::reference;
use crate::lab::Lab;

/// The error of a read of this image, with this configuration, in containers of this kind.
fn error(engine: &Engine, image: &str, config: &Value, docker: &str) -> Value {
    let lab = Lab::new();
    let mut command = engine.command(
        &lab,
        &["read", &reference(image), "--config", &config.to_string()],
    );
    let output = command.env("CROSSDOCK_DOCKER", docker).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.contains("\"error\":{"));
    let envelope: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("{text}"))).unwrap();
    envelope["error"].clone()
}

#[test]
fn a_memory_limit_that_is_hit_is_named() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let image = engine.scratch(Variant::Connector);
    let error = error(
        &engine,
        &image,
        &json!({"mode": "eat"}),
        "{network: none, memory: 64MiB}",
    );
    assert_eq!(error["code"], "connector.killed", "{error:#}");
    assert_eq!(
        error["message"],
        "the connector was killed because it used more memory than its limit of 64 MiB (exit code 137)"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("raise `memory`"),
        "{error:#}"
    );
}

#[test]
fn an_entry_point_that_is_missing_or_no_program_is_named() {
    let Some(engine) = Engine::found() else {
        return;
    };
    for (variant, message) in [
        (
            Variant::NoEntry,
            "the image's entry point, or a program that it calls, does not exist (exit code 127)",
        ),
        (
            Variant::NoProgram,
            "the image's entry point cannot be executed (exit code 126)",
        ),
    ] {
        let image = engine.scratch(variant);
        let error = error(&engine, &image, &json!({}), "{network: none}");
        assert_eq!(error["code"], "connector.no_entrypoint", "{error:#}");
        assert_eq!(error["message"], message);
    }
}

#[test]
fn an_image_that_is_not_there_is_named() {
    let Some(engine) = Engine::found() else {
        return;
    };
    // Nobody listens there, so nothing leaves this machine.
    let image = "localhost:1/nobody/nothing:1";
    let error = error(&engine, image, &json!({}), "{network: none}");
    assert_eq!(error["code"], "docker.image", "{error:#}");
    assert!(error.to_string().contains(image), "{error:#}");
    assert!(
        error["hint"].as_str().unwrap().contains("docker load"),
        "{error:#}"
    );
}

#[test]
fn what_docker_refuses_is_told_in_its_words() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let image = engine.scratch(Variant::Connector);
    let check = |docker: &str, code: &str, words: &str| {
        let error = error(&engine, &image, &json!({}), docker);
        assert_eq!(error["code"], code, "{error:#}");
        assert!(error.to_string().contains(words), "{error:#}");
    };
    check(
        "{network: no-such-network}",
        "docker.failed",
        "no-such-network",
    );
    check(
        "{network: none, memory: 1KiB}",
        "docker.failed",
        "memory limit",
    );
    check(
        "{network: none, volumes: ['./not-there:/local']}",
        "config.invalid",
        "not-there",
    );
    check(
        "{netwrok: none}",
        "config.unknown_key",
        "did you mean `network`?",
    );
}

#[test]
fn an_engine_or_a_client_that_is_not_there_is_named() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let code = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        envelope["error"]["code"].as_str().unwrap().to_owned()
    };
    let spec = || engine.command(&lab, &["spec", "airbyte:docker:crossdock-test/any"]);
    let socket = format!("unix://{}", lab.text("no.sock"));
    assert_eq!(
        code(spec().env("DOCKER_HOST", socket)),
        "docker.unavailable"
    );
    assert_eq!(
        code(spec().env("PATH", lab.path("empty"))),
        "docker.not_found"
    );
}
