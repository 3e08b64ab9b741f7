//! The source against a database on this machine.

#[path = "shop/mod.rs"]
mod shop;

use std::sync::Arc;

use crossdock_sdk::Operation;
use crossdock_sdk::core::erased::ErasedSource;
use crossdock_sdk::core::session::Session;
use crossdock_sdk::core::spec::Checked;
use crossdock_testkit::{read, read_from, resumes_from_every_checkpoint};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

fn source() -> Arc<dyn ErasedSource> {
    source_db::connector().source_half().expect("a source")
}

fn shop() -> (TempDir, Connection, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let connection = shop::make(&path);
    let rows = "INSERT INTO customers VALUES (1, 'Ada'), (2, 'Zoë');
        INSERT INTO orders VALUES (1, 1, 9.5), (2, 1, NULL);";
    connection.execute_batch(rows).expect("rows");
    let config = json!({"path": path, "poll_ms": 10});
    (folder, connection, config)
}

const CHANGES: &str = "UPDATE customers SET name = 'Ada L.' WHERE id = 1;
    DELETE FROM orders WHERE id = 2;
    INSERT INTO orders VALUES (3, 2, 1.25);";

#[tokio::test]
async fn first_all_rows_and_then_what_happens_to_them() {
    let (_folder, connection, config) = shop();
    let first = read(&*source(), &config).await;
    assert!(first.error.is_none(), "{first:?}");
    assert_eq!(first.of("customers")[1], json!({"id": 2, "name": "Zoë"}));
    assert_eq!(
        first.of("orders")[1],
        json!({"id": 2, "customer": 1, "total": null})
    );
    assert_eq!(first.operations["orders"], [Operation::Snapshot; 2]);
    connection.execute_batch(CHANGES).expect("changes");
    let second = read_from(&*source(), &config, first.states()).await;
    assert_eq!(second.of("customers"), [json!({"id": 1, "name": "Ada L."})]);
    assert_eq!(second.operations["customers"], [Operation::Update]);
    assert_eq!(
        second.operations["orders"],
        [Operation::Delete, Operation::Create]
    );
    assert_eq!(
        second.of("orders")[1],
        json!({"id": 3, "customer": 2, "total": 1.25})
    );
    let third = read_from(&*source(), &config, second.states()).await;
    assert_eq!(third.records, Default::default());
}

#[tokio::test]
async fn it_goes_on_from_every_state() {
    let (_folder, _connection, config) = shop();
    let again = resumes_from_every_checkpoint(&*source(), &config).await;
    assert_eq!(again, 0);
}

#[tokio::test]
async fn a_database_without_a_log_is_told() {
    let (_folder, connection, config) = shop();
    connection
        .execute_batch("DROP TABLE change_log")
        .expect("gone");
    let checked = source().check(config, &Session::default()).await;
    let Ok(Checked::Failed(says)) = checked else {
        panic!("{checked:?}");
    };
    assert!(says.contains("change_log"), "{says}");
    let nowhere = json!({"path": "/nowhere/shop.db"});
    let checked = source().check(nowhere, &Session::default()).await;
    assert!(matches!(checked, Ok(Checked::Failed(says)) if says.contains("/nowhere")));
}
