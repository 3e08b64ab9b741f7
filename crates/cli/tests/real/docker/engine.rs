//! Docker's engine of the tests, and the images that are made for them from folders of this machine.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::lab::{Lab, program};

/// The label that says whose a container is.
pub(super) const OWNER: &str = "crossdock.owner";

/// Tests that want the same image wait for the first to make it.
static MAKING: Mutex<()> = Mutex::new(());

/// Runs a command, which must go well, and returns what it printed.
pub(super) fn good(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The engine.
pub(super) struct Engine {
    host: String,
}

impl Engine {
    pub(super) fn found() -> Option<Self> {
        program("CROSSDOCK_TEST_DOCKER").map(Self::at)
    }

    pub(super) fn at(host: String) -> Self {
        Self { host }
    }

    pub(super) fn docker(&self) -> Command {
        let mut docker = Command::new("docker");
        docker.env("DOCKER_HOST", &self.host);
        docker
    }

    pub(super) fn say(&self, words: &[&str]) -> String {
        good(self.docker().args(words))
    }

    /// Crossdock with this engine, whose containers have no network unless the pipeline says otherwise.
    pub(super) fn command(&self, lab: &Lab, words: &[&str]) -> Command {
        let mut command = lab.command(words);
        command
            .env("DOCKER_HOST", &self.host)
            .env("CROSSDOCK_DOCKER", "{network: none}");
        command
    }

    /// Crossdock under way; what it says is nobody's concern.
    pub(super) fn spawn(&self, lab: &Lab, words: &[&str], variables: &[(&str, &str)]) -> Child {
        let mut command = self.command(lab, words);
        command
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub(super) fn run(&self, lab: &Lab, words: &[&str]) -> Value {
        let output = self.command(lab, words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| {
            let errors = String::from_utf8_lossy(&output.stderr);
            panic!("no envelope: {text}\n{errors}")
        })
    }

    /// As [`Self::run`], and it must go well.
    pub(super) fn good(&self, lab: &Lab, words: &[&str]) -> Value {
        let envelope = self.run(lab, words);
        assert_eq!(envelope["ok"], true, "{envelope:#}");
        envelope["data"].clone()
    }

    /// The containers, running or not, that the process made: their names.
    pub(super) fn containers(&self, process: u32) -> Vec<String> {
        let filter = format!("label={OWNER}");
        let format = format!("{{{{.Names}}}} {{{{.Label \"{OWNER}\"}}}}");
        let listed = self.say(&["ps", "--all", "--filter", &filter, "--format", &format]);
        let process = process.to_string();
        let of_process = |line: &&str| line.split(' ').nth(4) == Some(process.as_str());
        let mine = listed.lines().filter(of_process);
        mine.filter_map(|line| Some(line.split(' ').next()?.to_owned()))
            .collect()
    }

    /// An image of a root folder, and of more files of this machine, which lie in it where they lie here.
    fn import(&self, tag: &str, changes: &[&str], root: &Path, more: &[String]) {
        let mut tar = Command::new("tar");
        tar.args(["--create", "--owner=0", "--group=0", "--mode=a+rX"])
            .args([
                "--exclude=__pycache__",
                "--exclude=*/lib/python3*/test",
                "--exclude=*.a",
            ])
            .arg("--directory")
            .arg(root)
            .arg(".")
            .stdout(Stdio::piped());
        if !more.is_empty() {
            tar.args(["--directory", "/"]).args(more);
        }
        let mut tar = tar.spawn().unwrap();
        let mut docker = self.docker();
        docker.arg("import");
        for change in changes {
            docker.args(["--change", change]);
        }
        docker.args(["-", tag]).stdin(tar.stdout.take().unwrap());
        let output = docker.output().unwrap();
        // It holds the pipe that `tar` would wait for.
        drop(docker);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            tar.wait().unwrap().success() && output.status.success(),
            "{errors}"
        );
    }

    /// Images of older files would fill the cache.
    fn forget(&self, repository: &str) {
        let listed = self.say(&["image", "ls", "--quiet", repository]);
        for id in listed.lines() {
            let _ = self.docker().args(["image", "rm", "--force", id]).output();
        }
    }

    fn has(&self, tag: &str) -> bool {
        let mut docker = self.docker();
        docker.args(["image", "inspect", tag]).stdin(Stdio::null());
        docker.output().unwrap().status.success()
    }

    /// An image FROM scratch with one statically linked program, the connector of `program.rs`, and a user
    /// who may do nothing but run it. `variant` names other entry points.
    pub(super) fn scratch(&self, variant: Variant) -> String {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let program = BUILT.get_or_init(compiled);
        let mut digest = DefaultHasher::new();
        std::fs::read(program).unwrap().hash(&mut digest);
        let tag = format!("crossdock-test/{variant:?}:{:016x}", digest.finish()).to_lowercase();
        let _one_at_a_time = MAKING.lock();
        if !self.has(&tag) {
            let root = TempDir::new().unwrap();
            std::fs::copy(program, root.path().join("connector")).unwrap();
            std::fs::create_dir(root.path().join("home")).unwrap();
            std::fs::write(root.path().join("text"), "no program").unwrap();
            let entry = match variant {
                Variant::Connector => "/connector",
                Variant::NoEntry => "/not-there",
                Variant::NoProgram => "/text",
            };
            let entry = format!("ENTRYPOINT [\"{entry}\"]");
            self.import(
                &tag,
                &[&entry, "USER 4711", "WORKDIR /home"],
                root.path(),
                &[],
            );
        }
        tag
    }

    /// An image with the Python of this machine and a published connector in it, as its environment is.
    pub(super) fn faker(&self) -> Option<String> {
        let faker = program("CROSSDOCK_TEST_FAKER")?;
        let environment = Path::new(&faker).parent().unwrap().parent().unwrap();
        let python = environment.join("bin/python");
        let installation =
            good(Command::new(&python).args(["-c", "import sys; print(sys.base_prefix)"]));
        let mut digest = DefaultHasher::new();
        std::fs::read_to_string(environment.join("crossdock-complete"))
            .unwrap_or_default()
            .hash(&mut digest);
        (environment, &installation, include_str!("engine.rs")).hash(&mut digest);
        let tag = format!("crossdock-test/faker:{:016x}", digest.finish());
        let _one_at_a_time = MAKING.lock();
        if !self.has(&tag) {
            let root = TempDir::new().unwrap();
            std::fs::create_dir_all(root.path().join("etc")).unwrap();
            let users = "root:x:0:0::/root:/\nairbyte:x:1000:1000::/airbyte:/\n";
            std::fs::write(root.path().join("etc/passwd"), users).unwrap();
            let tmp = root.path().join("tmp");
            std::fs::create_dir(&tmp).unwrap();
            std::fs::set_permissions(&tmp, std::os::unix::fs::PermissionsExt::from_mode(0o1777))
                .unwrap();
            // Where this machine's `/lib` is a link into `/usr`, the image's is, too.
            for name in ["lib", "lib64"] {
                if let Ok(target) = std::fs::read_link(Path::new("/").join(name)) {
                    std::os::unix::fs::symlink(target, root.path().join(name)).unwrap();
                }
            }
            let entry = format!("ENTRYPOINT [\"{faker}\"]");
            let variable = format!("ENV AIRBYTE_ENTRYPOINT={faker}");
            let changes = [
                entry.as_str(),
                &variable,
                "USER airbyte",
                "WORKDIR /airbyte/integration_code",
            ];
            self.forget("crossdock-test/faker");
            self.import(
                &tag,
                &changes,
                root.path(),
                &python_files(&python, environment),
            );
        }
        Some(tag)
    }
}

/// What an image's entry point is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variant {
    Connector,
    NoEntry,
    NoProgram,
}

fn compiled() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/docker/program.rs");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docker-connector");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    good(
        Command::new(rustc)
            .args([
                "--edition=2024",
                "-Cstrip=symbols",
                "-Ctarget-feature=+crt-static",
                "-o",
            ])
            .arg(&program)
            .arg(source),
    );
    program
}

/// The files, seen from `/`, that Python and everything in its environment need to run.
fn python_files(python: &Path, environment: &Path) -> Vec<String> {
    let script = "import json, os, sys, sysconfig\n\
        paths = sysconfig.get_paths()\n\
        program = os.path.realpath(sys.executable)\n\
        links, at = [], sys.executable\n\
        while os.path.islink(at):\n    \
        at = os.path.join(os.path.dirname(at), os.readlink(at)); links.append(os.path.normpath(at))\n\
        print(json.dumps([program, *links, paths['stdlib'], paths['platstdlib']]))";
    let listed = good(Command::new(python).args(["-c", script]));
    let mut files: Vec<String> = serde_json::from_str(&listed).unwrap();
    files.push(environment.to_str().unwrap().to_owned());
    let shared = good(
        Command::new("find")
            .args(&files)
            .args(["-name", "*.so*", "-type", "f"]),
    );
    let mut ldd = Command::new("ldd");
    ldd.arg(&files[0]).args(shared.lines()).stdin(Stdio::null());
    // It complains of some, which are no libraries.
    let output = ldd.output().unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let path = line.split("=>").last().unwrap_or_default().trim();
        let path = path.split(" (").next().unwrap_or_default();
        if line.starts_with('\t') && path.starts_with('/') && Path::new(path).is_file() {
            // What stands behind a link as well as the link, in folders that are none.
            let (real, path) = (std::fs::canonicalize(path).unwrap(), Path::new(path));
            let folder = std::fs::canonicalize(path.parent().unwrap()).unwrap();
            let link = folder.join(path.file_name().unwrap());
            files.extend([link, real].map(|path| path.to_str().unwrap().to_owned()));
        }
    }
    files.sort();
    files.dedup();
    // What lies in another one of them comes with it.
    let whole = files.clone();
    let is_inside = |file: &String| {
        let lies_in = |folder: &String| file.starts_with(&format!("{folder}/"));
        whole.iter().any(lies_in)
    };
    files.retain(|file| !is_inside(file));
    files
        .iter()
        .map(|file| file.trim_start_matches('/').to_owned())
        .collect()
}

/// Asks until it is so.
pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what}: not in a minute"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
