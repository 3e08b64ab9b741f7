//! Selection of streams, and what a plan shows of itself.

use serde_json::json;

use super::*;
use crate::selection::Selections;

fn selection(pipeline: &Pipeline, stream: &StreamId) -> Option<StreamSelection> {
    Selections::new(&pipeline.streams).of(stream)
}

#[test]
fn later_entries_override_earlier_ones_key_by_key() {
    let mut pipeline = Plan::adhoc(
        ConnectorRef::native("sample"),
        json!({}),
        ConnectorRef::native("null"),
        json!({}),
        Vec::new(),
        Settings::default(),
    )
    .pipelines
    .remove(0);
    let users = StreamId::with_namespace("public", "users");
    let everything = selection(&pipeline, &users).unwrap();
    assert_eq!(everything.name, "users");
    assert_eq!(everything.sync_mode, None);

    pipeline.streams = vec![
        StreamSelection {
            sync_mode: Some(SyncMode::FullRefresh),
            fields: Some(vec!["id".into()]),
            ..StreamSelection::named("u*")
        },
        StreamSelection {
            sync_mode: Some(SyncMode::Incremental),
            namespace: Some("public".into()),
            ..StreamSelection::named("users")
        },
    ];
    let joined = selection(&pipeline, &users).unwrap();
    assert_eq!(joined.namespace.as_deref(), Some("public"));
    assert_eq!(joined.sync_mode, Some(SyncMode::Incremental));
    assert_eq!(joined.fields, Some(vec!["id".into()]));
    let elsewhere = selection(&pipeline, &StreamId::new("users")).unwrap();
    assert_eq!(elsewhere.sync_mode, Some(SyncMode::FullRefresh));
    assert_eq!(selection(&pipeline, &StreamId::new("orders")), None);
}

#[test]
fn debug_shows_keys_and_no_values() {
    let config = json!({"host": "example.org", "auth": {"password": "hunter2"}});
    let connector = Connector::new(ConnectorRef::native("postgres"), config);
    let shown = format!("{connector:?}");
    assert!(shown.contains(r#"config: {"host", "auth"}"#), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("example.org"),
        "{shown}"
    );
}
