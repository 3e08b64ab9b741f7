//! What a container is given, its user can read, and nobody else on this machine (P10).

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::json;

use super::engine::{Engine, Variant, wait_until};
use super::{pipeline, reference, written};
use crate::lab::Lab;

const SECRET: &str = "planted-in-an-image-3e9d";

/// The image runs as a user of its own, its working directory is another than ours.
#[test]
fn the_images_user_reads_its_files_and_writes_beside_them() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = reference(&engine.scratch(Variant::Connector));
    let out = ("native:jsonl", json!({"path": lab.text("lake")}));
    let source = (image.as_str(), json!({"mode": "show", "password": SECRET}));
    let file = lab.pipeline(source, out, json!({}));
    engine.good(&lab, &["run", file.to_str().unwrap()]);
    let found = lab.folders("lake")["numbers"][0]["text"].to_string();
    for word in [
        "cwd=/crossdock ",
        "uid=4711 ",
        "writes=true ",
        "/crossdock/config.json=644/true",
        "/crossdock/catalog.json=644/true",
    ] {
        assert!(found.contains(word), "{word}: {found}");
    }
}

/// Files below a folder that hold the secret and that others could read.
fn readable(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, Ok(meta)) = (entry.path(), entry.metadata()) else {
            continue;
        };
        // Into a folder that others may not enter they cannot see, whatever is in it.
        if meta.is_dir() && meta.mode() & 0o011 != 0 {
            readable(&path, found);
        } else if meta.is_file() && meta.mode() & 0o044 != 0 {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if String::from_utf8_lossy(&bytes).contains(SECRET) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn nobody_else_can_read_the_configuration() {
    let Some(engine) = Engine::found() else {
        return;
    };
    let lab = Lab::new();
    let image = engine.scratch(Variant::Connector);
    let config = json!({"mode": "endless", "password": "${env:PLANTED}"});
    let file = pipeline(&lab, &image, config, json!({}));
    let temporary = lab.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let variables = [("PLANTED", SECRET), ("TMPDIR", temporary.to_str().unwrap())];
    let mut run = engine.spawn(&lab, &["run", &file], &variables);
    wait_until("records are written", || !written(&lab).is_empty());
    let mut found = Vec::new();
    readable(&temporary, &mut found);
    let lines = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).into_owned())
        });
    let spoken: Vec<String> = lines.filter(|line| line.contains(SECRET)).collect();
    let known: String = engine
        .containers(run.id())
        .iter()
        .map(|name| engine.say(&["inspect", name]))
        .collect();
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(
        (found, spoken),
        (vec![], vec![]),
        "others can read the configuration"
    );
    assert!(known.contains("/crossdock/config.json") && !known.contains(SECRET));
    wait_until("nothing is left", || engine.containers(run.id()).is_empty());
}
