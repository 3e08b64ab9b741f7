//! Connectors that are found by name in a folder, as Conduit finds them.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::{Value, json};

use super::{generated, peer, records, until_idle};
use crate::lab::Lab;
use crate::script::code;

/// A folder with the connectors of these names.
fn lab(names: &[&str]) -> Option<Lab> {
    let lab = Lab::new();
    let folder = lab.path("connectors");
    std::fs::create_dir(&folder).unwrap();
    for name in names {
        let program = peer(name)?.replace("conduit:exec:", "");
        symlink(program, folder.join(name)).unwrap();
    }
    Some(lab)
}

fn run(lab: &Lab, source: &str) -> Value {
    let source = (source, generated(7));
    let destination = ("conduit:file", json!({"path": lab.path("out.jsonl")}));
    let file = lab.pipeline(source, destination, until_idle());
    lab.run(&["run", file.to_str().unwrap()])
}

#[test]
fn they_are_found_by_name_and_version() {
    let Some(lab) = lab(&["generator", "file"]) else {
        return;
    };
    // What is no connector is passed over, and a folder is not looked into.
    let notes = lab.path("connectors/notes");
    std::fs::write(&notes, "#!/bin/sh\necho hello\n").unwrap();
    std::fs::set_permissions(&notes, Permissions::from_mode(0o755)).unwrap();
    std::fs::write(lab.path("connectors/README"), "not a program").unwrap();
    std::fs::create_dir(lab.path("connectors/deeper")).unwrap();
    let envelope = run(&lab, "conduit:generator@latest");
    assert_eq!(code(&envelope), "ok", "{envelope:#}");
    assert_eq!(records(&lab, "out.jsonl").len(), 7);

    let absent = run(&lab, "conduit:generator@v99.0.0");
    assert_eq!(code(&absent), "connector.unknown", "{absent:#}");
    let hint = absent["error"]["hint"].as_str().unwrap();
    let version = hint.split("`generator@").nth(1).unwrap();
    let version = version.split('`').next().unwrap();
    let envelope = run(&lab, &format!("conduit:generator@{version}"));
    assert_eq!(code(&envelope), "ok", "{envelope:#}");
}

#[test]
fn of_two_that_are_the_same_neither_is_taken() {
    let Some(lab) = lab(&["generator", "file"]) else {
        return;
    };
    let program = peer("generator").unwrap().replace("conduit:exec:", "");
    symlink(program, lab.path("connectors/again")).unwrap();
    let envelope = run(&lab, "conduit:generator");
    assert_eq!(code(&envelope), "connector.unknown", "{envelope:#}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    if peer("generator").is_none() {
        return;
    }
    let envelope = run(&Lab::new(), "conduit:generator");
    assert_eq!(code(&envelope), "connector.unknown", "{envelope:#}");
    let text = envelope.to_string();
    assert!(text.contains("./connectors"), "{envelope:#}");
}
