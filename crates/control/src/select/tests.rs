//! Selection by cases: what is chosen by default, and what each illegal combination says.

use super::*;
use crossdock_config::{Plan, StreamSelection};
use serde_json::json;

fn stream(name: &str, incremental: bool) -> Stream {
    let mut stream = Stream::new(
        name,
        json!({"properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "updated_at": {"type": "string"}}}),
    );
    if incremental {
        stream.supported_sync_modes.push(SyncMode::Incremental);
    }
    stream
}

fn pipeline(streams: Vec<StreamSelection>) -> Pipeline {
    let reference = |text: &str| text.parse().unwrap();
    let plan = Plan::adhoc(
        reference("native:sample"),
        json!({}),
        reference("native:null"),
        json!({}),
        streams,
        crossdock_config::Settings::default(),
    );
    plan.pipelines.into_iter().next().unwrap()
}

fn modes(modes: &[DestinationSyncMode]) -> DestinationCapabilities {
    DestinationCapabilities {
        sync_modes: modes.to_vec(),
        ..Default::default()
    }
}

fn files() -> DestinationCapabilities {
    modes(&[DestinationSyncMode::Append, DestinationSyncMode::Overwrite])
}

fn one(
    stream: Stream,
    selection: StreamSelection,
    destination: DestinationCapabilities,
) -> Result<ConfiguredStream> {
    let catalog = Catalog {
        streams: vec![stream],
        ..Default::default()
    };
    configure(&pipeline(vec![selection]), catalog, &[destination]).map(|mut c| c.streams.remove(0))
}

#[test]
fn defaults_are_incremental_where_possible() {
    use DestinationSyncMode::{Append, AppendDedup, Overwrite};
    let check = |stream: Stream, destination, expected: (SyncMode, DestinationSyncMode)| {
        let configured = one(stream, StreamSelection::named("a"), destination).unwrap();
        assert_eq!(
            (configured.sync_mode, configured.destination_sync_mode),
            expected
        );
    };
    let mut cursor = stream("a", true);
    cursor.source_defined_cursor = Some(true);
    let mut keyed = cursor.clone();
    keyed.source_defined_primary_key = Some(vec![vec!["id".into()]]);
    let dedup = || modes(&[Append, Overwrite, AppendDedup]);
    check(
        stream("a", false),
        files(),
        (SyncMode::FullRefresh, Overwrite),
    );
    check(
        stream("a", false),
        modes(&[Append]),
        (SyncMode::FullRefresh, Append),
    );
    check(
        stream("a", true),
        files(),
        (SyncMode::FullRefresh, Overwrite),
    );
    check(cursor.clone(), files(), (SyncMode::Incremental, Append));
    check(cursor, dedup(), (SyncMode::Incremental, Append));
    check(keyed.clone(), dedup(), (SyncMode::Incremental, AppendDedup));
    check(keyed, modes(&[]), (SyncMode::Incremental, Append));
}

#[test]
fn illegal_combinations_are_named() {
    let check = |stream: Stream, selection: StreamSelection, expected: &str| {
        let error = one(stream, selection, files()).unwrap_err();
        assert_eq!(
            format!(
                "{}: {} | {}",
                error.code().name,
                error.message(),
                error.remedy()
            ),
            expected
        );
    };
    let named = StreamSelection::named;
    check(
        stream("a", false),
        StreamSelection {
            sync_mode: Some(SyncMode::Incremental),
            ..named("a")
        },
        "catalog.sync_mode: the stream cannot be read in mode incremental | use `sync_mode: full_refresh`",
    );
    check(
        stream("a", true),
        StreamSelection {
            sync_mode: Some(SyncMode::Incremental),
            ..named("a")
        },
        "catalog.cursor_missing: an incremental stream needs a cursor field, and neither the source nor the pipeline names one | set `cursor_field` on the stream",
    );
    let mut source_defined = stream("a", true);
    source_defined.source_defined_cursor = Some(true);
    check(
        source_defined,
        StreamSelection {
            cursor_field: Some(vec!["id".into()]),
            ..named("a")
        },
        "catalog.cursor_source_defined: the source defines this stream's cursor, so `id` cannot be chosen | remove `cursor_field`, or name the source's own",
    );
    check(
        stream("a", true),
        StreamSelection {
            cursor_field: Some(vec!["updatedat".into()]),
            ..named("a")
        },
        "catalog.unknown_field: the stream has no field `updatedat` | did you mean `updated_at`?",
    );
    check(
        stream("a", false),
        StreamSelection {
            destination_sync_mode: Some(DestinationSyncMode::AppendDedup),
            ..named("a")
        },
        "catalog.sync_mode: the destination does not keep mode append_dedup | use `destination_sync_mode: append` or `destination_sync_mode: overwrite`, or `native:sqlite`, which keeps one row for each key",
    );
    check(
        stream("users", false),
        named("user"),
        "catalog.unknown_stream: the source has no stream `user` | did you mean `users`?",
    );
    check(
        stream("a", false),
        StreamSelection {
            fields: Some(vec!["id".into(), "nam".into()]),
            ..named("a")
        },
        "catalog.unknown_field: the stream has no field `nam` | did you mean `name`?",
    );
    check(
        stream("a", true),
        StreamSelection {
            fields: Some(vec!["name".into()]),
            cursor_field: Some(vec!["id".into()]),
            ..named("a")
        },
        "catalog.unknown_field: `id` is the cursor or part of the key, and is not among the selected fields | add `id` to `fields`",
    );
}

#[test]
fn overwrite_of_an_incremental_read_and_dedup_without_a_key_are_refused() {
    let selection = StreamSelection {
        cursor_field: Some(vec!["id".into()]),
        destination_sync_mode: Some(DestinationSyncMode::Overwrite),
        ..StreamSelection::named("a")
    };
    let error = one(stream("a", true), selection, files()).unwrap_err();
    assert_eq!(error.code().name, "catalog.sync_mode");
    let selection = StreamSelection {
        destination_sync_mode: Some(DestinationSyncMode::AppendDedup),
        ..StreamSelection::named("a")
    };
    let error = one(stream("a", false), selection, modes(&[])).unwrap_err();
    assert_eq!(error.code().name, "catalog.primary_key_missing");
}

#[test]
fn names_are_mapped_and_collisions_refused() {
    let mut other = stream("a", false);
    other.namespace = Some("x".into());
    let catalog = Catalog {
        streams: vec![stream("a", false), other],
        ..Default::default()
    };
    let mut pipeline = pipeline(vec![]);
    pipeline.prefix = "raw_".into();
    pipeline.namespace = NamespaceRule::Custom("in_${SOURCE_NAMESPACE}".into());
    let configured = configure(&pipeline, catalog.clone(), &[files()]).unwrap();
    let targets: Vec<_> = configured
        .streams
        .iter()
        .map(|s| s.target_id().to_string())
        .collect();
    assert_eq!(targets, ["in_.raw_a", "in_x.raw_a"]);
    pipeline.namespace = NamespaceRule::Destination;
    let error = configure(&pipeline, catalog, &[files()]).unwrap_err();
    assert_eq!(error.code().name, "catalog.target_collision");
}

#[test]
fn a_window_is_for_streams_that_are_deduplicated() {
    use DestinationSyncMode::{Append, AppendDedup};
    let keyed = modes(&[Append, AppendDedup]);
    let day = Lookback::Time(std::time::Duration::from_secs(86_400));
    let check = |window, mode, cursor: Option<&str>, destination_mode, expected: &str| {
        let selection = StreamSelection {
            lookback: Some(window),
            sync_mode: Some(mode),
            destination_sync_mode: Some(destination_mode),
            cursor_field: cursor.map(|name| vec![name.into()]),
            primary_key: Some(vec![vec!["id".into()]]),
            ..StreamSelection::named("a")
        };
        let mut stream = stream("a", true);
        stream.source_defined_cursor = cursor.is_none().then_some(true);
        stream.json_schema["properties"]["updated_at"]["format"] = "date-time".into();
        let found = match one(stream, selection, keyed.clone()) {
            Ok(configured) => format!("{:?}", configured.lookback == Some(window)),
            Err(error) => error.message().to_owned(),
        };
        assert!(found.contains(expected), "{found}");
    };
    let (full, incremental) = (SyncMode::FullRefresh, SyncMode::Incremental);
    let at = Some("updated_at");
    check(day, incremental, at, AppendDedup, "true");
    check(
        Lookback::Number(5),
        incremental,
        Some("id"),
        AppendDedup,
        "true",
    );
    check(day, incremental, Some("name"), AppendDedup, "true");
    check(day, full, at, AppendDedup, "this one is read in full");
    check(
        day,
        incremental,
        at,
        Append,
        "`lookback` needs `append_dedup`",
    );
    check(
        day,
        incremental,
        None,
        AppendDedup,
        "`lookback` needs a cursor",
    );
    check(
        day,
        incremental,
        Some("id"),
        AppendDedup,
        "the cursor is a number",
    );
    check(
        Lookback::Number(5),
        incremental,
        at,
        AppendDedup,
        "the cursor is a time",
    );
}

#[test]
fn names_that_differ_in_case_collide_where_the_destination_says_so() {
    let check = |names: [&str; 2], ignores_case: bool, expected: Option<&str>| {
        let streams = names.map(|name| ConfiguredStream::new(stream(name, false)));
        let insensitive = DestinationCapabilities {
            ignores_case,
            ..files()
        };
        // One of several is enough.
        let errors = collisions(&streams, &[files(), insensitive]);
        let found = errors.first().map(Error::message);
        assert_eq!(found, expected, "{names:?}");
    };
    check(["users", "Users"], false, None);
    check(["users", "orders"], true, None);
    check(
        ["users", "Users"],
        true,
        Some("streams users and Users would both be written to Users"),
    );
    check(["größe", "GRÖSSE"], true, None);
}

#[test]
fn selected_fields_are_left_in_the_schema() {
    let selection = StreamSelection {
        fields: Some(vec!["id".into()]),
        ..StreamSelection::named("a")
    };
    let configured = one(stream("a", false), selection, files()).unwrap();
    assert_eq!(
        configured.stream.json_schema,
        json!({"properties": {"id": {"type": "integer"}}})
    );
}
