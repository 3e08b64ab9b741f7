//! The sources that read files: dialects, types, bad lines, and what a later run reads.

use std::io::Write as _;

use crossdock_core::batch::{Body, BodyShape};
use crossdock_core::catalog::{Catalog, ConfiguredCatalog, ConfiguredStream, SyncMode};
use crossdock_core::checkpoint::LaneState;
use crossdock_core::convert;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::session::Session;
use crossdock_core::source::SourceOpening;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::registry;

pub(crate) async fn discover(connector: &str, config: &Value) -> Result<Catalog> {
    let source = registry().get(connector).unwrap().source.clone().unwrap();
    source.discover(config.clone(), &Session::default()).await
}

/// What a read gave.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) records: Vec<Value>,
    pub(crate) dropped: u64,
    pub(crate) state: Vec<LaneState>,
    pub(crate) error: Option<Error>,
    /// Whether there was a batch of columns.
    pub(crate) columns: bool,
}

/// Reads from `state`; with `stop`, asks for the end after the first batch.
pub(crate) async fn read(
    connector: &str,
    config: &Value,
    state: Vec<LaneState>,
    stop: bool,
) -> Heard {
    let mut heard = Heard {
        state: state.clone(),
        ..Heard::default()
    };
    if let Err(error) = hear(connector, config, state, stop, &mut heard).await {
        heard.error = Some(error);
    }
    heard
}

async fn hear(
    connector: &str,
    config: &Value,
    state: Vec<LaneState>,
    stop: bool,
    heard: &mut Heard,
) -> Result<()> {
    let streams = discover(connector, config).await?.streams.into_iter();
    let catalog = ConfiguredCatalog {
        streams: streams
            .map(|stream| ConfiguredStream {
                sync_mode: SyncMode::Incremental,
                ..ConfiguredStream::new(stream)
            })
            .collect(),
        ..ConfiguredCatalog::default()
    };
    listen(connector, config, catalog, state, stop, heard).await
}

/// Reads the streams of `catalog`.
pub(crate) async fn listen(
    connector: &str,
    config: &Value,
    catalog: ConfiguredCatalog,
    state: Vec<LaneState>,
    stop: bool,
    heard: &mut Heard,
) -> Result<()> {
    let source = registry().get(connector).unwrap().source.clone().unwrap();
    let opening = SourceOpening {
        bounded: true,
        connector: String::new(),
        pipeline: "p".to_owned(),
        catalog,
        state,
        shape: BodyShape::Rows,

        verbatim: None,
        values: true,
        session: Session::default(),
    };
    let mut reader = source.open(config.clone(), opening).await?;
    let control = reader.control();
    let mut since = 0;
    let ended = loop {
        match reader.next().await {
            Ok(Event::Batch(batch)) => {
                let rows = match batch.body {
                    Body::Rows(rows) => rows,
                    Body::Columns(columns) => {
                        heard.columns = true;
                        convert::columns_to_rows(&columns, None).unwrap()
                    }
                };
                for at in 0..rows.len() {
                    heard
                        .records
                        .push(serde_json::from_slice(rows.after(at)).unwrap());
                }
                since += rows.len() as u64;
                if stop {
                    control.stop();
                }
            }
            Ok(Event::Checkpoint(checkpoint)) => {
                assert_eq!(checkpoint.source_count, Some(since));
                since = 0;
                heard.state = vec![LaneState {
                    lane: checkpoint.lane,
                    kind: checkpoint.kind,
                    state: checkpoint.state,
                }];
            }
            Ok(Event::Dropped { records, .. }) => {
                heard.dropped += records;
                since += records;
            }
            Ok(Event::End) => break Ok(()),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    reader.close().await?;
    ended
}

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub(crate) fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

pub(crate) fn with(path: &str, settings: Value) -> Value {
    let mut config = json!({"path": path});
    if let (Some(all), Value::Object(more)) = (config.as_object_mut(), settings) {
        all.extend(more);
    }
    config
}

async fn check(connector: &str, name: &str, content: &[u8], settings: Value, expected: Value) {
    let folder = Folder::new();
    let config = with(&folder.file(name, content), settings);
    let heard = read(connector, &config, Vec::new(), false).await;
    assert!(heard.error.is_none(), "{name}: {:?}", heard.error);
    assert_eq!(Value::Array(heard.records), expected, "{name}");
    // What was read once is not read again.
    let again = read(connector, &config, heard.state, false).await;
    assert!(again.error.is_none() && again.records.is_empty(), "{name}");
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_dialects() {
    let two = json!([{"id": 1, "name": "Ada"}, {"id": 2, "name": null}]);
    let text = b"id,name\n1,Ada\n2,\n";
    check("csv", "a.csv", text, json!({}), two.clone()).await;
    check(
        "csv",
        "a.csv",
        b"id,name\r\n1,Ada\r\n2,\r\n",
        json!({}),
        two.clone(),
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"\xef\xbb\xbfid,name\n1,Ada\n2,",
        json!({}),
        two.clone(),
    )
    .await;
    check("csv", "a.csv.gz", &gzip(text), json!({}), two.clone()).await;
    let zstd = zstd::encode_all(&text[..], 1).unwrap();
    check("csv", "a", &zstd, json!({}), two.clone()).await;
    check(
        "csv",
        "a.tsv",
        b"id\tname\n1\tAda\n2\t\n",
        json!({"delimiter": "\\t"}),
        two.clone(),
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"#x\nid;name\n1;'Ada'\n2;NULL\n",
        json!({"delimiter": ";", "quote": "'", "comment": "#", "null_values": ["NULL"]}),
        two.clone(),
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"1,Ada\n2,\n",
        json!({"header": false, "columns": ["id", "name"]}),
        two,
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"1,x\n",
        json!({"header": false}),
        json!([{"column_1": 1, "column_2": "x"}]),
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"a,b\n\"say \"\"hi\"\"\",\"two\nlines\"\n",
        json!({}),
        json!([{"a": "say \"hi\"", "b": "two\nlines"}]),
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"a\n\"say \\\"hi\\\"\"\n",
        json!({"escape": "\\"}),
        json!([{"a": "say \"hi\""}]),
    )
    .await;
    check(
        "csv",
        "a.csv",
        b"n\xe4me\nGr\xf6\xdfe\n",
        json!({"encoding": "windows-1252"}),
        json!([{"näme": "Größe"}]),
    )
    .await;
    let utf16: Vec<u8> = "\u{feff}a\nß\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    check(
        "csv",
        "a.csv",
        &utf16,
        json!({"encoding": "utf-16le"}),
        json!([{"a": "ß"}]),
    )
    .await;
    check("csv", "a.csv", b"", json!({}), json!([])).await;
    check("csv", "a.csv", b"a,b\n", json!({}), json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_types() {
    check("csv", "a.csv", b"i,n,b,d,zip,big,j\n1,1.10,TRUE,2026-11-26,007,123456789012345678901,\"{\"\"a\"\":1}\"\n",
        json!({"types": {"j": "json"}}),
        // Digits are kept: the text is compared, since a value would be a float.
        serde_json::from_str(r#"[{"i":1,"n":1.10,"b":true,"d":"2026-11-26","zip":"007","big":123456789012345678901,"j":{"a":1}}]"#).unwrap()).await;
    let folder = Folder::new();
    let path = folder.file("a.csv", "i,t\n1,2026-11-26T12:00:00Z\n");
    let catalog = discover("csv", &with(&path, json!({"types": {"i": "string"}})))
        .await
        .unwrap();
    let properties = &catalog.streams[0].json_schema["properties"];
    assert_eq!(properties["i"]["type"], json!(["null", "string"]));
    assert_eq!(properties["t"]["format"], "date-time");
    assert_eq!(catalog.streams[0].name, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines() {
    let two = json!([{"id": 1, "tags": ["a"]}, {"id": 2.5}]);
    let text = b"{\"id\": 1, \"tags\": [\"a\"]}\r\n\n{\"id\": 2.5}";
    check("jsonl", "a.jsonl", text, json!({}), two.clone()).await;
    check("jsonl", "a.jsonl.gz", &gzip(text), json!({}), two).await;
    let folder = Folder::new();
    let path = folder.file("a.jsonl", text);
    let schema = &discover("jsonl", &with(&path, json!({})))
        .await
        .unwrap()
        .streams[0]
        .json_schema;
    assert_eq!(
        schema["properties"]["id"]["type"],
        json!(["null", "number"])
    );
    assert_eq!(
        schema["properties"]["tags"]["type"],
        json!(["null", "array"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_told_or_counted() {
    async fn check(connector: &str, content: &[u8], line: u64, reason: &str) {
        let folder = Folder::new();
        let path = folder.file("bad", content);
        let sample = if connector == "csv" {
            json!({"sample_records": 1})
        } else {
            json!({})
        };
        let heard = read(connector, &with(&path, sample.clone()), Vec::new(), false).await;
        let error = heard.error.unwrap();
        assert!(error.message().contains(reason), "{error:?}");
        assert_eq!(
            error.context()[..2],
            [("path", path.clone()), ("line", line.to_string())],
            "{reason}"
        );
        let mut skipping = with(&path, sample);
        skipping["bad_lines"] = json!("skip");
        let heard = read(connector, &skipping, Vec::new(), false).await;
        assert!(heard.error.is_none(), "{:?}", heard.error);
        assert_eq!((heard.records.len(), heard.dropped), (2, 1), "{reason}");
    }
    check(
        "csv",
        b"a,b\n1,2\n1,2,3\n3,4\n",
        3,
        "3 fields where there are 2",
    )
    .await;
    check("csv", b"a,b\n1,2\n1\n3,4\n", 3, "1 field where there are 2").await;
    check(
        "csv",
        b"a,b\n1,\"x\ny\"\nz,2\n3,4\n",
        4,
        "`a` is `z`, which is not a whole number",
    )
    .await;
    check("csv", b"a,b\n1,x\n2,\xff\n3,y\n", 3, "is not UTF-8").await;
    check("jsonl", b"{\"a\":1}\n{\"a\":\n{\"a\":2}\n", 2, "not JSON").await;
    check("jsonl", b"{\"a\":1}\n[1]\n{\"a\":2}\n", 2, "not an object").await;
    check(
        "jsonl",
        b"{\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":2}\n",
        2,
        "is not UTF-8",
    )
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let folder = Folder::new();
    let path = folder.file("a.txt", "a,a\n");
    let utf16 = folder.file("u.txt", [0xff, 0xfe, b'a', 0]);
    for (config, part) in [
        (json!({}), "neither `path` nor `streams`"),
        (
            json!({"path": path, "streams": {"b": "c"}}),
            "cannot be used together",
        ),
        (json!({"path": folder.at("none*.csv")}), "no such file"),
        (json!({"path": "["}), "not a valid pattern"),
        (json!({"path": folder.at("")}), "holds no file"),
        (json!({"path": path}), "two columns are named `a`"),
        (json!({"path": utf16}), "utf-16le, not UTF-8"),
        (
            json!({"path": path, "delimiter": ""}),
            "`delimiter` is empty",
        ),
        (
            json!({"path": path, "encoding": "x"}),
            "not a known encoding",
        ),
        (json!({"path": path, "columns": ["a"]}), "without a header"),
        (
            json!({"path": path, "header": false, "types": {"z": "integer"}}),
            "the column `z`",
        ),
        (json!({"path": path, "colour": 1}), "colour"),
    ] {
        let error = discover("csv", &config).await.unwrap_err();
        let text = format!("{} {:?}", error.message(), error.causes());
        assert!(text.contains(part), "{config}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_bytes_break_a_source(bytes in proptest::collection::vec(
        prop_oneof![any::<u8>(), proptest::sample::select(b"\",\n\r{}:1a\\".to_vec())], 0..200)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let folder = Folder::new();
        let path = folder.file("any", &bytes);
        for connector in ["csv", "jsonl"] {
            let config = with(&path, json!({"bad_lines": "skip"}));
            // Well or with an error, but without a panic, which would be an internal error.
            let heard = runtime.block_on(read(connector, &config, Vec::new(), false));
            if let Some(error) = heard.error {
                prop_assert_ne!(error.code().name, "internal");
            }
        }
    }
}
