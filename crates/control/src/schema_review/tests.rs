//! Changes by cases: what becomes of each under each policy.

use crossdock_config::{ConnectorRef, Plan, Settings};
use crossdock_core::catalog::Stream;
use serde_json::json;

use super::*;

fn pipeline(policy: SchemaChanges, streams: Vec<StreamSelection>) -> Pipeline {
    let mut plan = Plan::adhoc(
        ConnectorRef::native("sample"),
        json!({}),
        ConnectorRef::native("null"),
        json!({}),
        streams,
        Settings::default(),
    );
    let mut pipeline = plan.pipelines.remove(0);
    pipeline.settings.schema_changes = policy;
    pipeline
}

/// An incremental stream by `at` with the key `id`, and these fields.
fn stream(name: &str, fields: &[(&str, &str)]) -> ConfiguredStream {
    let fields: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), json!({"type": kind})))
        .collect();
    let mut stream = ConfiguredStream::new(Stream::new(name, json!({"properties": fields})));
    stream.sync_mode = SyncMode::Incremental;
    stream.destination_sync_mode = DestinationSyncMode::AppendDedup;
    stream.cursor_field = Some(vec!["at".into()]);
    stream.primary_key = Some(vec![vec!["id".into()]]);
    stream.stream.source_defined_primary_key = stream.primary_key.clone();
    stream
}

const FIELDS: &[(&str, &str)] = &[("id", "integer"), ("at", "string"), ("name", "string")];

fn users() -> ConfiguredStream {
    stream("users", FIELDS)
}

fn catalog(streams: &[ConfiguredStream]) -> ConfiguredCatalog {
    ConfiguredCatalog {
        streams: streams.to_vec(),
        ..ConfiguredCatalog::default()
    }
}

fn review(policy: SchemaChanges, now: &[ConfiguredStream]) -> Review {
    Review::new(
        &pipeline(policy, Vec::new()),
        &catalog(&[users()]),
        &catalog(now),
    )
}

use SchemaChanges::{Ignore, Pause, PropagateColumns, PropagateFully};
const ALL: [SchemaChanges; 4] = [Ignore, Pause, PropagateColumns, PropagateFully];

/// What becomes of the only change, under each policy in the order of [`ALL`].
fn check(now: &[ConfiguredStream], lines: &[&str], expected: [Effect; 4]) {
    for (policy, expected) in ALL.into_iter().zip(expected) {
        let review = review(policy, now);
        let [change] = review.changes.as_slice() else {
            panic!("{policy:?}: {review:?}");
        };
        assert_eq!(change.effect, expected, "{policy:?}: {lines:?}");
        assert_eq!(change.lines(), lines, "{policy:?}");
        assert_eq!(review.pauses(), expected == Effect::Pauses);
        assert_eq!(review.error("p").is_some(), review.pauses());
        // As the store keeps it.
        let kept = serde_json::to_value(change).unwrap();
        assert_eq!(
            serde_json::from_value::<StreamChange>(kept).unwrap(),
            *change
        );
    }
}

#[test]
fn what_does_not_break_goes_by_the_policy() {
    use Effect::{Flows, LeftOut, Pauses};
    let columns = [LeftOut, Pauses, Flows, Flows];
    let with = |fields: &[(&str, &str)]| stream("users", &[FIELDS, fields].concat());
    check(
        &[with(&[("mail", "string")])],
        &["users: + mail: string"],
        columns,
    );
    check(
        &[stream("users", &FIELDS[..2])],
        &["users: - name: string"],
        columns,
    );
    let changed = stream("users", &[FIELDS[0], FIELDS[1], ("name", "integer")]);
    check(&[changed], &["users: ~ name: string → integer"], columns);
    let streams = [LeftOut, Pauses, LeftOut, Flows];
    check(
        &[users(), stream("new", FIELDS)],
        &["+ stream new"],
        streams,
    );
    check(&[], &["- stream users"], [Flows, Pauses, Flows, Flows]);
    // A key that nothing depends on.
    let mut other_key = users();
    other_key.stream.source_defined_primary_key = Some(vec![vec!["name".into()]]);
    let mut agreed = users();
    for stream in [&mut other_key, &mut agreed] {
        stream.destination_sync_mode = DestinationSyncMode::Append;
    }
    for (policy, expected) in ALL.into_iter().zip(columns) {
        let pipeline = pipeline(policy, Vec::new());
        let review = Review::new(
            &pipeline,
            &catalog(&[agreed.clone()]),
            &catalog(&[other_key.clone()]),
        );
        assert_eq!(review.changes[0].effect, expected);
        assert_eq!(review.changes[0].lines(), ["users: ~ key: id → name"]);
    }
    for policy in ALL {
        assert_eq!(review(policy, &[users()]), Review::default());
    }
}

#[test]
fn what_breaks_pauses_whatever_the_policy() {
    let pauses = [Effect::Pauses; 4];
    let without = |gone: &str| {
        let fields: Vec<_> = FIELDS
            .iter()
            .copied()
            .filter(|(name, _)| *name != gone)
            .collect();
        stream("users", &fields)
    };
    check(
        &[without("at")],
        &["users: - at: string, its cursor"],
        pauses,
    );
    check(
        &[without("id")],
        &["users: - id: integer, part of its key"],
        pauses,
    );
    let mut rekeyed = users();
    rekeyed.stream.source_defined_primary_key = Some(vec![vec!["id".into()], vec!["name".into()]]);
    rekeyed.primary_key = rekeyed.stream.source_defined_primary_key.clone();
    check(&[rekeyed], &["users: ~ key: id → id, name"], pauses);
    // The source names another cursor, and the state is of the one that is gone.
    let mut moved = without("at");
    moved.cursor_field = Some(vec!["name".into()]);
    check(&[moved], &["users: - at: string, its cursor"], pauses);
    let error = review(PropagateFully, &[without("at")])
        .error("shop")
        .unwrap();
    assert_eq!(*error.code(), code::SCHEMA_CHANGED);
    let hint = error.remedy();
    assert!(
        hint.contains("`crossdock accept shop`") && hint.contains("`cursor_field`"),
        "{hint}"
    );
}

#[test]
fn what_the_file_says_is_no_change_of_the_sources() {
    let named = |change: fn(&mut StreamSelection)| {
        let mut selection = StreamSelection::named("users");
        change(&mut selection);
        vec![selection]
    };
    let found =
        |streams: Vec<StreamSelection>, agreed: &[ConfiguredStream], now: &[ConfiguredStream]| {
            Review::new(&pipeline(Pause, streams), &catalog(agreed), &catalog(now))
        };
    let nothing = Review::default();
    // Named, or not selected any more.
    assert_eq!(found(named(|_| {}), &[], &[users()]), nothing);
    assert_eq!(
        found(named(|_| {}), &[users(), stream("old", FIELDS)], &[users()]),
        nothing
    );
    // Fields that it selects or does not.
    let fewer = stream("users", &FIELDS[..2]);
    let selected = || named(|s| s.fields = Some(vec!["id".into(), "at".into()]));
    assert_eq!(
        found(selected(), &[users()], std::slice::from_ref(&fewer)),
        nothing
    );
    assert_eq!(found(selected(), &[fewer], &[users()]), nothing);
    // A cursor and a key that it chooses itself.
    let mut without = stream("users", &FIELDS[2..]);
    without.cursor_field = Some(vec!["name".into()]);
    without.primary_key = Some(vec![vec!["name".into()]]);
    let chosen = named(|s| {
        s.cursor_field = Some(vec!["name".into()]);
        s.primary_key = Some(vec![vec!["name".into()]]);
        s.schema_changes = Some(PropagateFully);
    });
    let review = found(chosen, &[users()], &[without]);
    assert!(
        !review.pauses() && review.changes[0].breaks.is_empty(),
        "{review:?}"
    );
}

#[test]
fn a_streams_own_policy_comes_first() {
    let mut own = StreamSelection::named("users");
    own.schema_changes = Some(Ignore);
    let pipeline = pipeline(Pause, vec![StreamSelection::named("*"), own]);
    let more = stream("users", &[FIELDS, &[("mail", "string")]].concat());
    let review = Review::new(&pipeline, &catalog(&[users()]), &catalog(&[more]));
    assert_eq!(review.changes[0].effect, Effect::LeftOut);
}

#[test]
fn what_is_left_out_goes_out_of_catalogs() {
    let more = stream("users", &[FIELDS, &[("mail", "string")]].concat());
    let now = catalog(&[more, stream("new", FIELDS)]);
    let review = review(Ignore, &now.streams);
    let mut narrowed = now.clone();
    review.narrow(&mut narrowed, false);
    let [left] = narrowed.streams.as_slice() else {
        panic!("{narrowed:?}");
    };
    assert_eq!(left.stream.json_schema, users().stream.json_schema);
    assert_eq!(
        left.selected_fields.as_deref().unwrap(),
        ["id", "at", "name"]
    );
    // Behind processors a schema may be another, so it stays.
    let mut own = now.clone();
    review.narrow(&mut own, true);
    assert_eq!(own.streams, now.streams[..1]);
}

#[test]
fn streams_with_new_fields_are_read_anew_where_that_is_wanted() {
    let more = stream("users", &[FIELDS, &[("mail", "string")]].concat());
    let found = |policy, backfill, now: &ConfiguredStream| {
        let mut pipeline = pipeline(policy, Vec::new());
        pipeline.settings.backfill = backfill;
        Review::new(
            &pipeline,
            &catalog(&[users()]),
            &catalog(std::slice::from_ref(now)),
        )
        .backfill
    };
    assert_eq!(found(PropagateColumns, true, &more), [users().id()]);
    assert_eq!(found(PropagateColumns, false, &more), []);
    assert_eq!(found(Ignore, true, &more), []);
    assert_eq!(
        found(PropagateFully, true, &stream("users", &FIELDS[..2])),
        []
    );
}
