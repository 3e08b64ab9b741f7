//! Finding local programs.

use std::fs;
use std::path::Path;

use crossdock_core::session::Session;
use crossdock_launch::{Exec, Launcher};

use crate::peer::executable;

async fn find(words: &[&str]) -> crossdock_core::Result<crossdock_launch::Program> {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    Exec::new(words).program(&Session::default()).await
}

#[tokio::test]
async fn programs_are_found_in_path_and_by_path() {
    let program = find(&["sh", "-c", "exit 0"]).await.expect("found");
    assert!(program.path.is_absolute() && program.path.ends_with("sh"));
    assert_eq!(program.args, ["-c", "exit 0"]);

    // Tests run in the directory of their crate.
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let name = directory
        .path()
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    executable(directory.path(), "my source", "#!/bin/sh\n");
    let relative = format!("./{name}/my source");
    let program = find(&[&relative, &relative, "no/such", "Cargo.toml", "/bin/sh"]).await;
    let program = program.expect("found");
    assert!(program.path.is_absolute() && program.path.exists());
    assert!(
        Path::new(&program.args[0]).is_absolute(),
        "a file by a relative path"
    );
    assert_eq!(program.args[1..], ["no/such", "Cargo.toml", "/bin/sh"]);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let plain = directory.path().join("plain");
    fs::write(&plain, "").expect("a file");
    let here = directory.path().to_string_lossy();
    for (word, part) in [
        (format!("{here}/missing"), "does not exist"),
        (format!("{here}/plain"), "not executable"),
        (format!("{here}/."), "is a directory"),
        ("crossdock-no-such-program".to_owned(), "not in PATH"),
        (String::new(), "PATH"),
    ] {
        let error = find(&[&word]).await.expect_err(&word);
        assert_eq!(error.code().name, "launch.not_found");
        assert!(error.message().contains(part), "{error:?}");
        let looked_at = error.context().iter().find(|(key, _)| *key == "looked_at");
        assert!(looked_at.is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn only_a_native_program_has_an_identity() {
    let identity = async |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Exec::new(words).identity().await
    };
    let directory = tempfile::tempdir().expect("a directory");
    let script = executable(directory.path(), "script", "#!/bin/sh\n");
    assert_eq!(identity(&[&script.to_string_lossy()]).await, None);
    assert_eq!(identity(&["sh", "script.sh"]).await, None);
    assert_eq!(identity(&["crossdock-no-such-program"]).await, None);

    let native = directory.path().join("native");
    let word = native.to_string_lossy().into_owned();
    fs::copy("/bin/sh", &native).expect("copied");
    let before = identity(&[&word]).await.expect("an identity");
    assert_eq!(identity(&[&word]).await.as_ref(), Some(&before));
    let content = fs::read(&native).expect("readable");
    fs::write(&native, [&content[..], b"more"].concat()).expect("a file");
    assert_ne!(identity(&[&word]).await, Some(before));
}
