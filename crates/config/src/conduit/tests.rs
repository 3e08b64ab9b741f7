use super::*;
use crate::load::parse;

struct Nothing;

impl Environment for Nothing {
    fn variable(&self, name: &str) -> Result<String, std::env::VarError> {
        match name {
            "DIR" => Ok("/data".into()),
            _ => Err(std::env::VarError::NotPresent),
        }
    }

    fn read(&self, _: &std::path::Path, _: usize) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn read(text: &str) -> Result<Plan, String> {
    parse(text, "p.yaml", std::path::Path::new(""), &Nothing).map_err(|wrong| {
        let wrong = wrong.0.iter().map(ToString::to_string);
        wrong.collect::<Vec<_>>().join("\n")
    })
}

/// A pipeline with `more` among its keys.
fn file(version: &str, more: &str) -> String {
    format!(
        r#"
version: {version}
pipelines:
  - id: p
    connectors:
      - {{id: in, type: source, plugin: "builtin:file", settings: {{path: "${{DIR}}/in", lines: 5}}}}
      - {{id: out, type: destination, plugin: log}}
    {more}
"#
    )
}

#[test]
fn a_file_becomes_a_plan() {
    let plan = read(&file("2.2", "name: x")).unwrap();
    assert!(
        plan.at_once && plan.warnings.is_empty(),
        "{:?}",
        plan.warnings
    );
    let [pipeline] = plan.pipelines.as_slice() else {
        panic!("one pipeline")
    };
    let source = &pipeline.sources[0];
    assert_eq!(
        (source.id.as_str(), source.reference.to_string().as_str()),
        ("in", "native:file")
    );
    assert_eq!(
        source.config,
        serde_json::json!({"path": "/data/in", "lines": "5"})
    );
    assert!(source.has_flat_config);
    assert_eq!(source.secrets, ["/data"]);
    assert_eq!(source.at.line, 6);
    let destination = &pipeline.destinations[0];
    assert_eq!(destination.reference.to_string(), "conduit:log");
    assert_eq!(
        destination.otherwise.as_ref().unwrap().to_string(),
        "native:log"
    );
    assert_eq!(pipeline.dead_letters, None);
    assert!(!pipeline.is_stopped);
}

#[test]
fn dead_letters_have_conduits_defaults() {
    let check = |queue: &str, expected: Option<(u64, u64, Option<&str>)>| {
        let plan = read(&file("2.2", &format!("dead-letter-queue: {queue}"))).unwrap();
        let letters = plan.pipelines[0].dead_letters.as_ref();
        let found = letters.map(|letters| {
            let connector = letters.connector.as_ref().map(|c| c.reference.to_string());
            (
                letters.window_size,
                letters.window_nack_threshold,
                connector,
            )
        });
        let expected = expected.map(|(w, t, c)| (w, t, c.map(String::from)));
        assert_eq!(found, expected, "{queue}");
    };
    check("{}", None);
    check("{window-size: 1}", None);
    check("{window-size: 0}", Some((0, 0, None)));
    check(
        "{plugin: builtin:log, window-size: 10, window-nack-threshold: 3}",
        Some((10, 3, None)),
    );
    check(
        "{plugin: builtin:file, settings: {path: x}, window-size: 0}",
        Some((0, 0, Some("native:file"))),
    );
}

#[test]
fn what_conduit_passes_over_is_a_warning() {
    let check = |text: &str, expected: &[&str]| {
        let plan = read(text).unwrap();
        let found: Vec<_> = plan.warnings.iter().map(|w| w.message.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        &file("2.2", "colour: red"),
        &["the key `colour` is not known and has no effect"],
    );
    check(
        &file("2.9", "status: running"),
        &["the version is not known; the file is read as the newest that is"],
    );
    check(&file("2.2", "description: $WHO"), &[]);
    check(
        &file("2.2", "status: running$WHO"),
        &["the environment variable `WHO` is not set and stands for nothing"],
    );
    // Without a version it is Conduit's by what it holds.
    let text = file("2.2", "name: x").replace("version: 2.2", "");
    check(
        &text,
        &["the version is not known; the file is read as the newest that is"],
    );
}

#[test]
fn faults_are_told_with_their_places() {
    let check = |text: &str, expected: &str| {
        let wrong = read(text).unwrap_err();
        assert!(wrong.contains(expected), "{wrong}");
    };
    check(
        &file("2.2", "status: on"),
        "p.yaml:8:13: pipelines[0].status: `on` is no status",
    );
    check(&file("3.0", "name: x"), "version `3.0` is not known");
    check(&file("1.1", "name: x"), "expected a mapping, found a list");
    check(
        &file("2.2", "processors: [{id: a}]"),
        "pipelines[0].processors[0]: the processor has no `plugin`",
    );
    check(
        &file(
            "2.2",
            "dead-letter-queue: {window-size: 5, window-nack-threshold: 5}",
        ),
        "the threshold is not less than `window-size`",
    );
    let text = file("2.2", "name: x").replace("builtin:file", "builtin:kafka");
    check(&text, "there is no built-in connector `kafka`");
    check(&text, "write `standalone:kafka`");
    let text = file("2.2", "name: x").replace("id: in", "id: \"a b\"");
    check(&text, "`a b` cannot be the id of a connector");
    let text = file("2.2", "name: x").replace("type: source", "type: src");
    check(&text, "the connector has no right `type`");
    check("version: 2.2\npipelines: []\n", "the file has no pipelines");
}

#[test]
fn documents_keep_their_places() {
    let text = format!(
        "{}---{}",
        file("2.2", "name: x"),
        file("2.0", "status: on").replace("id: p", "id: q")
    );
    let wrong = read(&text).unwrap_err();
    assert!(
        wrong.contains("p.yaml:16:13: pipelines[0].status"),
        "{wrong}"
    );
}
