//! What the system refuses to start, and what is said of it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crossdock_core::Error;
use crossdock_launch::{Program, Spawn};

use crate::peer::{Ear, executable};

fn refused(path: &Path, args: Vec<OsString>, cwd: &Path) -> Error {
    let program = Program {
        path: path.to_owned(),
        args: Vec::new(),
        env: Vec::new(),
    };
    Spawn {
        program: &program,
        args,
        cwd,
        env: Vec::new(),
        stdin: false,
        longest_line: None,
        stderr: Arc::new(Ear::default()),
    }
    .spawn()
    .expect_err("a refusal")
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let here = Path::new("/");
    let check = |error: Error, code: &str, part: &str| {
        assert_eq!(error.code().name, code, "{error:?}");
        assert!(error.message().contains(part), "{error:?}");
        assert!(!error.causes().is_empty(), "{error:?}");
    };

    let missing = directory.join("missing");
    check(
        refused(&missing, vec![], here),
        "launch.not_found",
        "does not exist",
    );

    let plain = directory.join("plain");
    fs::write(&plain, "#!/bin/sh\n").expect("a file");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).expect("permissions");
    check(
        refused(&plain, vec![], here),
        "launch.not_found",
        "not executable",
    );

    let orphan = executable(directory, "orphan", "#!/no/such/interpreter\n");
    check(
        refused(&orphan, vec![], here),
        "launch.not_found",
        "interpreter",
    );

    let bare = executable(directory, "bare", "echo hello\n");
    check(refused(&bare, vec![], here), "launch.failed", "first line");

    let sh = Path::new("/bin/sh");
    check(
        refused(sh, vec![], &missing),
        "launch.failed",
        "working directory",
    );

    let long = OsString::from("x".repeat(8 << 20));
    check(
        refused(sh, vec![long], here),
        "launch.failed",
        "could not be started",
    );
}
