//! A connector to begin with is built, tested and run as its author would, from the folder that `connector new` wrote.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::Lab;

/// Both templates over HTTP are in this one, so their texts are built under another name, with their own manifest. The
/// examples that all templates are made of are built and tested as members of the workspace.
#[test]
fn a_new_connector_passes_its_own_tests_and_runs() {
    let lab = Lab::new();
    let made = lab.good(&["connector", "new", "my-shop", "--template", "both"]);
    assert_eq!(made["name"], "my-shop");
    let again = lab.run(&["connector", "new", "my-shop", "--template", "source-http"]);
    assert_eq!(again["error"]["code"], "usage", "{again:#}");
    // The versions that everything else is built with are at hand.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::copy(root.join("Cargo.lock"), lab.path("my-shop/Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_BIN_EXE_crossdock")).parent().unwrap();
    let target = target.with_file_name("new-connector");
    let cargo = |words: &[&str]| {
        let done = Command::new(env!("CARGO"))
            .args(words)
            // One at a time, since other tests run meanwhile and some of them look at the clock.
            .args(["--offline", "--jobs", "1"])
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTFLAGS", "-D warnings")
            .current_dir(lab.path("my-shop"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{words:?}\n{said}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let tested = cargo(&["test", "--quiet"]);
    assert!(tested.contains("test result: ok. 5 passed"), "{tested}");
    assert!(tested.contains("test result: ok. 6 passed"), "{tested}");
    cargo(&["build", "--quiet"]);
    let program = target.join("debug/my-shop");
    let spec = lab.good(&["spec", &format!("airbyte:exec:{}", program.display())]);
    let properties = &spec["connectionSpecification"]["properties"];
    for setting in ["url", "token", "key"] {
        assert!(properties[setting].is_object(), "{spec:#}");
    }
    let said = Command::new(&program).arg("--version").output().unwrap();
    assert_eq!(said.stdout, b"my-shop 0.1.0\n");
    let files: Vec<&Value> = made["files"].as_array().unwrap().iter().collect();
    assert!(
        files.contains(&&json!("src/destination/store.rs")),
        "{made:#}"
    );
}
