//! Connectors that come as images, run by a real engine of Docker's: as sources and destinations, at
//! limits, with faults, and through the death of everybody concerned.

mod daemon;
mod ending;
mod engine;
mod fault;
mod image;
mod privacy;

use serde_json::{Value, json};

use crate::lab::{Lab, stream};
use engine::{Engine, Variant};

/// The reference of an image.
fn reference(image: &str) -> String {
    format!("airbyte:docker:{image}")
}

/// A pipeline from and to the image of one static program, through a folder that both sides see.
fn pipeline(lab: &Lab, image: &str, source: Value, more: Value) -> String {
    let reference = reference(image);
    let out = lab.path("out");
    std::fs::create_dir_all(&out).unwrap();
    // The image's user is nobody whom this machine knows.
    std::fs::set_permissions(&out, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let file = lab.pipeline((&reference, source), (&reference, json!({})), more);
    let mut pipeline: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let destination = &mut pipeline["pipelines"][0]["destination"];
    destination["docker"] = json!({"volumes": ["./out:/local"]});
    std::fs::write(&file, pipeline.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The numbers that the destination wrote, in order.
fn written(lab: &Lab) -> Vec<u64> {
    let text = std::fs::read_to_string(lab.path("out/out.jsonl")).unwrap_or_default();
    let numbers = text.lines().map(|line| {
        let message: Value = serde_json::from_str(line).unwrap();
        message["record"]["data"]["n"].as_u64().unwrap()
    });
    numbers.collect()
}

#[test]
fn a_static_program_from_scratch_is_source_and_destination() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = engine.scratch(Variant::Connector);
    let file = pipeline(&lab, &image, json!({"count": 5}), json!({}));
    let first = engine.good(&lab, &["run", &file]);
    assert_eq!(stream(&first, "numbers")["records"], 5);
    assert_eq!(written(&lab), [1, 2, 3, 4, 5]);
    // The state of the first run is a file in the second one's container.
    let file = pipeline(&lab, &image, json!({"count": 7}), json!({}));
    let second = engine.good(&lab, &["run", &file]);
    assert_eq!(stream(&second, "numbers")["records"], 2);
    assert_eq!(written(&lab), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_image_is_asked_by_every_command() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = reference(&engine.scratch(Variant::Connector));
    let spec = engine.good(&lab, &["spec", &image]);
    let key = &spec["connectionSpecification"]["properties"]["count"];
    assert_eq!(key["type"], "integer", "{spec:#}");
    engine.good(&lab, &["check", &image]);
    let catalog = engine.good(&lab, &["discover", &image]);
    assert!(catalog.to_string().contains("numbers"), "{catalog:#}");
}

/// The real source-faker, on the Python of this machine, as whoever the image says.
#[test]
fn a_published_connector_in_its_python_moves_records() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let Some(image) = engine.faker() else {
        return;
    };
    let lab = Lab::new();
    let config = json!({"count": 60, "seed": 7, "always_updated": false, "parallelism": 1});
    let out = ("native:jsonl", json!({"path": lab.text("lake")}));
    let streams = json!({"streams": [{"name": "users"}]});
    let file = lab.pipeline((&reference(&image), config), out, streams);
    let file = file.to_str().unwrap();
    let first = engine.good(&lab, &["run", file]);
    assert_eq!(stream(&first, "users")["records"], 60);
    let users = &lab.folders("lake")["users"];
    assert!(users.iter().all(|user| user["email"].is_string()));
    let again = engine.good(&lab, &["run", file]);
    assert_eq!(stream(&again, "users")["records"], 0);
}

#[test]
fn limits_networks_and_variables_reach_the_container() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = engine.scratch(Variant::Connector);
    let file = pipeline(&lab, &image, json!({"mode": "endless"}), json!({}));
    let mut pipeline: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    pipeline["pipelines"][0]["source"]["docker"] = json!({
        "network": "host", "memory": "96MiB", "cpus": 0.5, "env": {"TOKEN": "${env:PLANTED}"}});
    std::fs::write(&file, pipeline.to_string()).unwrap();
    let planted = [("PLANTED", "a value = with # signs")];
    let mut run = engine.spawn(&lab, &["run", &file], &planted);
    // Discovering comes first, in a container of its own.
    engine::wait_until("records are written", || !written(&lab).is_empty());
    let names = engine.containers(run.id());
    let format = "{{json .}}";
    let containers: Vec<Value> = names
        .iter()
        .map(|name| {
            serde_json::from_str(&engine.say(&["inspect", "--format", format, name])).unwrap()
        })
        .collect();
    run.kill().unwrap();
    run.wait().unwrap();
    let source = containers
        .iter()
        .find(|c| c["Args"].to_string().contains("read"))
        .unwrap();
    let host = &source["HostConfig"];
    assert_eq!(host["NetworkMode"], "host");
    assert_eq!(host["Memory"], 96 << 20);
    assert_eq!(host["MemorySwap"], 96 << 20);
    assert_eq!(host["NanoCpus"], 500_000_000);
    let variables = source["Config"]["Env"].to_string();
    assert!(
        variables.contains("TOKEN=a value = with # signs"),
        "{variables}"
    );
    assert!(
        variables.contains("USE_STREAM_CAPABLE_STATE=true"),
        "{variables}"
    );
    let destination = containers
        .iter()
        .find(|c| c["Args"].to_string().contains("write"))
        .unwrap();
    assert_eq!(destination["HostConfig"]["NetworkMode"], "none");
    engine::wait_until("nothing is left", || engine.containers(run.id()).is_empty());
}
