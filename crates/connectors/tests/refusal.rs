//! What is refused, and how clearly.

use std::fs;

use crossdock_core::catalog::DestinationSyncMode;
use crossdock_core::checkpoint::Seq;
use crossdock_core::error::Error;
use crossdock_core::session::Session;
use crossdock_core::spec::Checked;
use serde_json::{Value, json};

use crate::rig::{batch, open, registry, scratch, stream};

async fn refused(connector: &str, config: &Value) -> Error {
    match open(connector, config, vec![stream("a")], 1, &[]).await {
        Ok(_) => panic!("{connector} took {config}"),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_that_files_cannot_keep() {
    for connector in ["jsonl", "parquet"] {
        let root = scratch();
        let mut dedup = stream("users");
        dedup.destination_sync_mode = DestinationSyncMode::AppendDedup;
        let opened = open(
            connector,
            &json!({"path": root.path()}),
            vec![dedup],
            1,
            &[],
        )
        .await;
        let error = opened.err().unwrap();
        assert_eq!(error.code().name, "catalog.sync_mode");
        let text = format!("{error:?}{}", error.remedy());
        for part in ["append_dedup", "users", "append", "overwrite"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            0,
            "nothing was touched"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations() {
    let check = async |connector: &str, config: Value, says: &str| {
        let error = refused(connector, &config).await;
        assert_eq!(error.code().name, "config.invalid");
        assert!(format!("{error:?}").contains(says), "{error:?}");
    };
    check("jsonl", json!({"path": "x", "pth": 1}), "pth").await;
    check("jsonl", json!({}), "path").await;
    check(
        "parquet",
        json!({"path": "x", "compression": "lzma"}),
        "lzma",
    )
    .await;
    check(
        "parquet",
        json!({"path": "x", "compression_level": 99}),
        "compression_level",
    )
    .await;
    check("null", json!({"x": 1}), "x").await;
    check("stdout", json!({"format": "x"}), "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_why_a_folder_will_not_do() {
    let root = scratch();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let registry = registry();
    let check = async |connector: &str, config: Value| {
        let destination = registry
            .get(connector)
            .unwrap()
            .destination
            .clone()
            .unwrap();
        destination
            .check(config, &Session::default())
            .await
            .unwrap()
    };
    for connector in ["jsonl", "parquet"] {
        let new = root.path().join("new/folder");
        assert_eq!(
            check(connector, json!({"path": new})).await,
            Checked::Succeeded
        );
        assert!(new.is_dir());
        let Checked::Failed(says) = check(connector, json!({"path": file.join("x")})).await else {
            panic!("a file is no folder");
        };
        assert!(says.contains(file.to_str().unwrap()), "{says}");
    }
    let bad = json!({"path": root.path(), "compression_level": 0});
    assert!(matches!(check("parquet", bad).await, Checked::Failed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_at_the_same_time() {
    let root = scratch();
    let config = json!({"path": root.path()});
    let mut first = open("jsonl", &config, vec![stream("a")], 1, &[])
        .await
        .unwrap();
    let acks = std::sync::Arc::new(crate::rig::Acks::default());
    let mut session = Session::default();
    session.limits.grace = std::time::Duration::from_millis(50);
    let opening = crossdock_core::destination::DestinationOpening {
        whole_states: false,
        keeps_refused: false,
        connector: String::new(),
        catalog: crossdock_core::ConfiguredCatalog::default(),
        pipeline: "test pipeline".to_owned(),
        epoch: 2,
        marks: Vec::new(),
        marks_decide: false,
        keeps_marks: false,
        acks,
        session,
    };
    let destination = registry()
        .get("jsonl")
        .unwrap()
        .destination
        .clone()
        .unwrap();
    let error = destination.open(config, opening).await.err().unwrap();
    assert_eq!(error.code().name, "store.pipeline_busy");
    first.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_vanishes_is_an_io_error_with_its_path() {
    let root = scratch();
    let path = root.path().join("lake");
    let config = json!({"path": path});
    let mut writer = open("parquet", &config, vec![stream("a")], 1, &[])
        .await
        .unwrap();
    fs::remove_dir_all(&path).unwrap();
    let mut failure = None;
    for seq in 1..100 {
        if let Err(error) = writer.inner.write(Seq(seq), batch("a", 0..10)).await {
            failure = Some(error);
            break;
        }
    }
    let error = failure.unwrap();
    assert_eq!(error.code().name, "io");
    assert!(
        format!("{error:?}").contains(path.to_str().unwrap()),
        "{error:?}"
    );
    // The first error was told; later calls do not hang.
    assert!(
        writer
            .inner
            .write(Seq(100), batch("a", 0..10))
            .await
            .is_err()
    );
    let _ = writer.inner.close().await;
}
