//! Docker's own engine dies under a run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::engine::{Engine, Variant, wait_until};
use super::{pipeline, reference, written};
use crate::kill::{children, kill};
use crate::lab::Lab;

/// An engine that may be killed: nobody else uses it.
struct Daemon {
    folder: PathBuf,
    child: Child,
}

impl Daemon {
    fn start(folder: PathBuf) -> Self {
        let path = |name: &str| folder.join(name);
        // What an engine that was killed left, down to the number of its helper, which may be a zombie.
        for name in ["pid", "sock", "exec/containerd/containerd.pid"] {
            let _ = std::fs::remove_file(path(name));
        }
        std::fs::create_dir_all(&folder).unwrap();
        let log = File::create(path("log")).unwrap();
        let child = Command::new("dockerd")
            .args(["--iptables=false", "--bridge=none"])
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .arg("--host")
            .arg(format!("unix://{}", path("sock").display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let daemon = Self { folder, child };
        let engine = daemon.engine();
        wait_until("the engine answers", || {
            let mut docker = engine.docker();
            docker.args(["version"]).output().unwrap().status.success()
        });
        daemon
    }

    fn engine(&self) -> Engine {
        Engine::at(format!("unix://{}", self.folder.join("sock").display()))
    }
}

/// What a killed engine had started, and it may not find again when it begins anew: its shims, each with
/// a container, and mounts, which would keep the test's folder.
fn clear(folder: &Path) {
    let folder = folder.to_str().unwrap();
    let shims = Command::new("pgrep")
        .args(["-f", &format!("-address {folder}/")])
        .output()
        .unwrap();
    let shims = String::from_utf8_lossy(&shims.stdout).into_owned();
    for shim in shims.lines().map(|id| id.parse::<u32>().unwrap()) {
        for (init, _) in children(shim) {
            children(init).iter().for_each(|(id, _)| kill(*id));
            kill(init);
        }
        kill(shim);
    }
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    let mut places: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    places.retain(|place| place.starts_with(folder));
    for place in places.iter().rev() {
        let _ = Command::new("umount").args(["-l", place]).status();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Asked, so that it ends its helpers, too.
            let id = self.child.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &id]).status();
            let _ = self.child.wait();
            clear(&self.folder);
        }
    }
}

#[test]
fn an_engine_that_dies_is_named_and_what_it_left_is_removed_later() {
    if Engine::found().is_none() {
        return;
    }
    let lab = Lab::new();
    let folder = lab.path("docker");
    let mut daemon = Daemon::start(folder.clone());
    let engine = daemon.engine();
    let image = engine.scratch(Variant::Connector);
    let more = json!({"settings": {"retries": {"complete_failures": 1, "partial_failures": 1}}});
    let file = pipeline(&lab, &image, json!({"mode": "endless"}), more);
    let run = engine
        .command(&lab, &["run", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let process = run.id();
    wait_until("records are written", || !written(&lab).is_empty());
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let envelope: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        envelope["error"]["code"], "docker.unavailable",
        "{envelope:#}"
    );
    assert_eq!(envelope["error"]["kind"], "transient");
    // What it kept is still there when it begins again, until somebody uses it.
    drop(daemon);
    let daemon = Daemon::start(folder);
    let engine = daemon.engine();
    engine.good(&lab, &["spec", &reference(&image)]);
    assert_eq!(engine.containers(process), [""; 0]);
    drop(daemon);
}
