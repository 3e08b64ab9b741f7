//! Opening: what is made, with which permissions, and what is refused how.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crossdock_core::code;
use crossdock_core::store::{Store as _, StoredConfig};
use crossdock_store::SqliteStore;
use rusqlite::Connection;

use crate::sample::{Place, context, refused, run, shown, state, states};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn files_and_directories_are_for_the_owner_only() {
    let place = Place::new();
    let path = place.directory.path().join("a/b/state.db");
    let store = SqliteStore::open(&path).unwrap();
    let lease = store.begin("p").await.unwrap();
    let parent = path.parent().unwrap();
    assert_eq!(mode(parent), 0o700);
    assert_eq!(mode(parent.parent().unwrap()), 0o700);
    let mut seen = Vec::new();
    for entry in parent.read_dir().unwrap() {
        let entry = entry.unwrap();
        let expected = if entry.file_type().unwrap().is_dir() {
            0o700
        } else {
            0o600
        };
        assert_eq!(mode(&entry.path()), expected, "{entry:?}");
        seen.push(entry.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(
        seen,
        ["state.db", "state.db-shm", "state.db-wal", "state.db.locks"]
    );
    for lock in parent.join("state.db.locks").read_dir().unwrap() {
        assert_eq!(mode(&lock.unwrap().path()), 0o600);
    }
    drop(lease);
}

#[tokio::test]
async fn wider_permissions_are_taken_back() {
    let place = Place::new();
    drop(place.open());
    std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(place.open());
    assert_eq!(mode(&place.path), 0o600);
}

#[tokio::test]
async fn commits_are_written_ahead() {
    let place = Place::new();
    let store = place.open();
    run(&*store, &[states(&[state("a", "1")])]).await;
    let other = Connection::open(&place.path).unwrap();
    let mode: String = other
        .pragma_query_value(None, "journal_mode", |r| r.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_locked_file_is_said_to_be_locked() {
    let place = Place::new();
    let other = Connection::open(&place.path).unwrap();
    other
        .pragma_update(None, "locking_mode", "EXCLUSIVE")
        .unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; COMMIT;").unwrap();
    let error = refused(place.open_impatient(), &code::STORE_LOCKED);
    assert!(context(&error, "store").ends_with("state.db"), "{error:?}");
    drop(other);
    place.open_impatient().unwrap();
}

#[tokio::test]
async fn a_file_that_is_locked_later_fails_the_write_and_recovers() {
    let place = Place::new();
    let store = place.open_impatient().unwrap();
    let lease = store.begin("p").await.unwrap();
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let result = store.commit(&lease, states(&[state("a", "1")])).await;
    let error = refused(result, &code::STORE_LOCKED);
    assert!(context(&error, "store").ends_with("state.db"), "{error:?}");
    assert_eq!(error.operation(), Some("commit"));
    other.execute_batch("COMMIT").unwrap();
    store
        .commit(&lease, states(&[state("a", "2")]))
        .await
        .unwrap();
    assert_eq!(shown(&store).await, ["a 2"]);
}

#[test]
fn paths_that_cannot_be_a_store_are_unavailable() {
    fn check(path: &Path) {
        let error = refused(SqliteStore::open(path), &code::STORE_UNAVAILABLE);
        assert_eq!(
            context(&error, "store"),
            path.display().to_string(),
            "{error:?}"
        );
    }
    let place = Place::new();
    let file = place.directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    check(place.directory.path());
    check(&file.join("state.db"));
    check(Path::new("/proc/nothing-can-be-made-here/state.db"));
    let dangling = place.directory.path().join("dangling");
    std::os::unix::fs::symlink("missing", &dangling).unwrap();
    check(&dangling);
    check(Path::new(""));
}

#[test]
fn a_read_only_store_is_refused_at_once() {
    // Root may write whatever the permissions say; there this only shows that nothing breaks.
    let place = Place::new();
    drop(place.open());
    std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let writable = std::fs::OpenOptions::new()
        .append(true)
        .open(&place.path)
        .is_ok();
    match SqliteStore::open(&place.path) {
        Ok(_) => assert!(writable),
        Err(error) => assert_eq!(error.code(), &code::STORE_UNAVAILABLE, "{error:?}"),
    }
}

#[test]
fn garbage_is_corrupt_and_stays_as_it_is() {
    fn check(content: &[u8]) {
        let place = Place::new();
        std::fs::write(&place.path, content).unwrap();
        let error = refused(SqliteStore::open(&place.path), &code::STORE_CORRUPT);
        assert!(context(&error, "store").ends_with("state.db"), "{error:?}");
        assert_eq!(std::fs::read(&place.path).unwrap(), content);
    }
    check(b"{}");
    check(&[b'x'; 9000]);
    check(&[0; 4096]);
}

#[tokio::test]
async fn a_damaged_page_is_corrupt() {
    let place = Place::new();
    drop(place.open());
    let mut content = std::fs::read(&place.path).unwrap();
    // Everything after the first page, which holds the header and the schema's root.
    content[4096..].fill(0xa5);
    std::fs::write(&place.path, content).unwrap();
    let result = match SqliteStore::open(&place.path) {
        Ok(store) => store.begin("p").await.map(|_| ()),
        Err(error) => Err(error),
    };
    refused(result, &code::STORE_CORRUPT);
}

#[test]
fn another_programs_database_is_left_alone() {
    let place = Place::new();
    let other = Connection::open(&place.path).unwrap();
    other
        .execute_batch("CREATE TABLE song (title TEXT)")
        .unwrap();
    drop(other);
    let before = std::fs::read(&place.path).unwrap();
    refused(SqliteStore::open(&place.path), &code::STORE_UNAVAILABLE);
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let place = Place::new();
    drop(place.open());
    let other = Connection::open(&place.path).unwrap();
    other.pragma_update(None, "user_version", 4711).unwrap();
    drop(other);
    let error = refused(SqliteStore::open(&place.path), &code::STORE_NEWER);
    assert_eq!(context(&error, "version"), "4711");
    assert!(context(&error, "store").ends_with("state.db"), "{error:?}");
}

#[tokio::test]
async fn many_may_make_one_store_at_a_time() {
    for _ in 0..10 {
        let place = Place::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| SqliteStore::open(&place.path).unwrap());
            }
        });
        run(&*place.open(), &[states(&[state("a", "1")])]).await;
    }
}

#[tokio::test]
async fn configurations_are_kept_per_pipeline_and_role() {
    let place = Place::new();
    let store = place.open();
    let config = |n: i64| StoredConfig {
        base: serde_json::json!({"user": "u"}),
        config: serde_json::json!({"user": "u", "token": n}),
    };
    assert_eq!(store.load_config("p", "source").await.unwrap(), None);
    store.save_config("p", "source", config(1)).await.unwrap();
    store.save_config("p", "source", config(2)).await.unwrap();
    store
        .save_config("p", "destination", config(3))
        .await
        .unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(
        store.load_config("p", "source").await.unwrap(),
        Some(config(2))
    );
    assert_eq!(
        store.load_config("p", "destination").await.unwrap(),
        Some(config(3))
    );
    assert_eq!(store.load_config("q", "source").await.unwrap(), None);
    assert!(store.pipelines().await.unwrap().is_empty());
}
