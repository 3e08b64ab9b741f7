//! Configuration files are for this user alone, and gone afterwards (P10).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crossdock_launch::PrivateDir;

#[test]
fn files_are_private_and_removed() {
    let dir = PrivateDir::create().expect("a private directory");
    let mode = |path: &std::path::Path| {
        fs::metadata(path).expect("it exists").permissions().mode() & 0o777
    };
    assert_eq!(mode(dir.path()), 0o700);
    let file = dir
        .write("config.json", b"{\"password\":\"secret\"}")
        .expect("a file");
    assert_eq!(file, dir.path().join("config.json"));
    assert_eq!(mode(&file), 0o600);

    // A connector may have changed it; a new content is private again.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("permissions");
    assert_eq!(dir.write("config.json", b"new").expect("a file"), file);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(fs::read(&file).expect("readable"), b"new");

    let path = dir.path().to_owned();
    fs::create_dir(path.join("made-by-the-connector")).expect("a directory");
    drop(dir);
    assert!(!path.exists());
}
