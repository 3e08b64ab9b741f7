//! Connectors of ours as images: made by `crossdock connector image`, and run as the platform runs them.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::engine::{Engine, Variant, good};
use super::reference;
use crate::example::{built, shop};
use crate::lab::{Lab, program};

/// Makes the image, which must be built, and returns the command's data.
fn made(engine: &Engine, lab: &Lab, connector: &str, tag: &str) -> Value {
    let words = [
        "connector",
        "image",
        connector,
        "--tag",
        tag,
        "--to",
        "image",
    ];
    let data = engine.good(lab, &words);
    assert_eq!(data["built"], true, "{data:#}");
    data
}

/// What the tests of one process make is theirs alone.
fn passing<'a>(engine: &'a Engine, name: &str) -> Passing<'a> {
    Passing {
        engine,
        tag: format!("crossdock-test/made-{name}:{}", std::process::id()),
    }
}

/// An image that goes with the test that made it.
struct Passing<'a> {
    engine: &'a Engine,
    tag: String,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        let mut docker = self.engine.docker();
        docker.args(["image", "rm", "--force", &self.tag]);
        let _ = docker.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

#[test]
fn the_image_keeps_the_rules_and_moves_records_both_ways() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = passing(&engine, "jsonl");
    let tag = &image.tag;
    let data = made(&engine, &lab, "native:jsonl", tag);

    let facts = engine.say(&["image", "inspect", "--format", "{{json .Config}}", tag]);
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let words = facts["Entrypoint"].as_array().unwrap();
    let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
    let line = words.join(" ");
    assert!(line.starts_with('/'), "{line}");
    assert_eq!(data["entrypoint"], line);
    let variable = format!("AIRBYTE_ENTRYPOINT={line}");
    assert!(
        facts["Env"].as_array().unwrap().contains(&json!(variable)),
        "{facts:#}"
    );
    assert_eq!(facts["User"], "airbyte");

    // What lies in the image, with owners and rights.
    let listed = good(
        std::process::Command::new("tar")
            .args(["--list", "--verbose", "--numeric-owner", "--file"])
            .arg(
                lab.path("image/root-amd64.tar")
                    .with_file_name(root_name(&data)),
            ),
    );
    let has = |rights: &str, owner: &str, path: &str| {
        let found = listed.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words[0] == rights && words[1] == owner && words.last() == Some(&path)
        });
        assert!(found, "{rights} {owner} {path}\n{listed}");
    };
    has("drwxr-xr-x", "1000/1000", "airbyte/");
    has("drwxrwxrwt", "0/0", "tmp/");
    has("-rwxr-xr-x", "0/0", "usr/local/bin/crossdock");

    // Our own launcher changes the working directory, as the platform does.
    let connector = reference(tag);
    let out = lab.path("out");
    std::fs::create_dir(&out).unwrap();
    std::os::unix::fs::chown(&out, Some(1000), Some(1000)).unwrap();
    let run = |source: (&str, Value), destination: (&str, Value)| {
        let file = lab.pipeline(source, destination, json!({}));
        let mut file: Value =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let pipeline = &mut file["pipelines"][0];
        for side in ["source", "destination"] {
            if pipeline[side]["connector"] == connector.as_str() {
                pipeline[side]["docker"] = json!({"volumes": ["./out:/local"]});
            }
        }
        std::fs::write(lab.path("p.yaml"), file.to_string()).unwrap();
        engine.good(&lab, &["run", "p.yaml"])
    };
    let sample = ("native:sample", json!({"count": 25, "seed": 3}));
    run(
        sample,
        (
            &connector,
            json!({"path": "/local/lake", "metadata_columns": false}),
        ),
    );
    assert_eq!(lab.folders("out/lake")["sample"].len(), 25);
    let back = ("native:jsonl", json!({"path": lab.text("back")}));
    let settings = json!({"path": "/local/lake/sample/*.jsonl"});
    lab.good(&["state", "reset", "p"]);
    run((&connector, settings), back);
    let records: usize = lab.folders("back").values().map(Vec::len).sum();
    assert_eq!(records, 25);
}

/// Both ends in containers of their own: the sockets lie in a folder that both of them see, and records go straight
/// from one to the other, or through the engine between them.
#[test]
fn containers_pass_records_by_sockets() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let (from, to) = (passing(&engine, "sample"), passing(&engine, "lines"));
    for (image, native) in [(&from, "native:sample"), (&to, "native:jsonl")] {
        made(&engine, &lab, native, &image.tag);
    }
    let out = lab.path("out");
    std::fs::create_dir(&out).unwrap();
    std::os::unix::fs::chown(&out, Some(1000), Some(1000)).unwrap();
    for (route, format) in [
        ("direct", "protobuf"),
        ("through", "protobuf"),
        ("direct", "jsonl"),
    ] {
        let channel = json!({"transport": "sockets", "format": format, "sockets": 2});
        let lake = format!("{route}-{format}");
        let file = json!({
            "version": 1,
            "pipelines": [{
                "id": lake,
                "source": {
                    "connector": reference(&from.tag),
                    // Times as text keep their zeros in JSON, and lose them in frames; these have none.
                    "config": {"streams": ["a", "b"], "count": 700, "columns": 5},
                    "data_channel": channel,
                },
                "destination": {
                    "connector": reference(&to.tag),
                    "config": {"path": format!("/local/{lake}"), "metadata_columns": false},
                    "docker": {"volumes": ["./out:/local"]},
                    "data_channel": channel,
                },
                "settings": {"route": route},
            }],
        });
        std::fs::write(lab.path("p.yaml"), file.to_string()).unwrap();
        let plan = engine.good(&lab, &["plan", "p.yaml"]);
        assert_eq!(plan["pipelines"][0]["route"], route, "{plan:#}");
        let run = engine.good(&lab, &["run", "p.yaml"]);
        let rows = lab.folders(&format!("out/{lake}"));
        for stream in ["a", "b"] {
            assert_eq!(crate::lab::stream(&run, stream)["records"], 700, "{run:#}");
            assert_eq!(rows[stream].len(), 700, "{lake}");
        }
        let again = engine.good(&lab, &["run", "p.yaml"]);
        assert_eq!(crate::lab::stream(&again, "a")["records"], 0, "{again:#}");
    }
    let rows = ["direct-protobuf", "through-protobuf", "direct-jsonl"]
        .map(|lake| lab.folders(&format!("out/{lake}")));
    assert!(rows[0] == rows[1] && rows[0] == rows[2]);
}

fn root_name(data: &Value) -> String {
    format!("root-{}.tar", data["processors"][0].as_str().unwrap())
}

/// A connector of Conduit, a native program in Go, becomes an image of Airbyte.
#[test]
fn a_program_of_another_protocol_becomes_an_image_of_airbyte() {
    let (Some(engine), Some(folder)) = (Engine::found(), program("CROSSDOCK_TEST_CONDUIT")) else {
        return;
    };
    let lab = Lab::new();
    let image = passing(&engine, "generator");
    let tag = &image.tag;
    let generator = Path::new(&folder).join("generator");
    let connector = format!("conduit:exec:{}", generator.display());
    made(&engine, &lab, &connector, tag);
    let spec = engine.good(&lab, &["spec", &reference(tag)]);
    assert!(spec.to_string().contains("recordCount"), "{spec:#}");
}

/// The whole way of a user without Docker: the folder is there, and what builds it is said.
#[test]
fn without_docker_the_folder_is_written_and_the_command_said() {
    if Engine::found().is_none() {
        return;
    }
    let lab = Lab::new();
    let mut command = lab.command(&[
        "connector",
        "image",
        "native:null",
        "--tag",
        "t:1",
        "--to",
        "image",
    ]);
    let output = command
        .env("DOCKER_HOST", format!("unix://{}", lab.text("no.sock")))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(envelope["data"]["built"], false, "{envelope:#}");
    assert_eq!(
        envelope["data"]["command"],
        "docker build --network none --tag t:1 image"
    );
    assert!(lab.path("image/Dockerfile").is_file());
    assert!(
        lab.path("image")
            .join(root_name(&envelope["data"]))
            .is_file()
    );
}

#[test]
fn a_static_program_needs_no_libraries() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    // The tests' own static program, a connector of Airbyte, which stands in its image alone.
    let image = passing(&engine, "static");
    let tag = &image.tag;
    engine.scratch(Variant::Connector);
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docker-connector");
    let data = made(
        &engine,
        &lab,
        &format!("airbyte:exec:{}", built.display()),
        tag,
    );
    assert_eq!(data["entrypoint"], "/usr/local/lib/connector");
    let catalog = engine.good(&lab, &["discover", &reference(tag)]);
    assert!(catalog.to_string().contains("numbers"), "{catalog:#}");
}

/// A connector on the SDK, as its author hands it out: nothing but the program and its libraries, asked, read and read on
/// by the platform.
#[test]
fn a_program_on_the_sdk_is_an_image_of_airbyte() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = passing(&engine, "sdk");
    let tag = &image.tag;
    let program = format!("airbyte:exec:{}", built("source-db").display());
    let data = made(&engine, &lab, &program, tag);
    assert_eq!(data["entrypoint"], "/usr/local/lib/connector");
    // The user of the image reads a database that lies in a folder of the host.
    let folder = lab.path("data");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("shop.db");
    drop(shop::make(&path));
    // Nobody has the database open while the image's user reads it.
    let insert = |rows: &str| {
        let database = rusqlite::Connection::open(&path).unwrap();
        let words = format!("INSERT INTO customers VALUES {rows}");
        database.execute_batch(&words).unwrap();
        drop(database);
        for path in [&folder, &path] {
            std::os::unix::fs::chown(path, Some(1000), Some(1000)).unwrap();
        }
    };
    insert("(1, 'Ada'), (2, 'Zoë')");
    let file = json!({
        "version": 1,
        "pipelines": [{
            "id": "p",
            "source": {
                "connector": reference(tag),
                "config": {"path": "/local/shop.db"},
                "docker": {"volumes": ["./data:/local"]},
            },
            "streams": [{"name": "customers", "sync_mode": "incremental", "destination_sync_mode": "append"}],
            "destination": {
                "connector": "native:jsonl",
                "config": {"path": lab.text("out"), "metadata_columns": false},
            },
        }],
    });
    std::fs::write(lab.path("p.yaml"), file.to_string()).unwrap();
    engine.good(&lab, &["run", "p.yaml"]);
    insert("(3, 'Bo')");
    engine.good(&lab, &["run", "p.yaml"]);
    let rows = lab.folders("out");
    let names: Vec<&str> = rows["customers"]
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(names, ["Ada", "Zoë", "Bo"]);
}
