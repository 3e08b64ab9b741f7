//! Airbyte's mappers in whole runs: what they encrypt is opened by another library, the digests are Python's own,
//! and a destination gets the mapped catalog and the notes of what failed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::lab::{Lab, program};
use crate::script::{Script, raw, source};

/// Runs `mapper.py`.
fn python(python: &str, verb: &str, input: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/mapper.py");
    let mut child = Command::new(python)
        .args([script.to_str().unwrap(), verb])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each mode with the padding that it is used with.
const MODES: [(&str, &str); 9] = [
    ("CBC", "PKCS5Padding"),
    ("CFB", "PKCS5Padding"),
    ("CFB", "NoPadding"),
    ("OFB", "PKCS5Padding"),
    ("OFB", "NoPadding"),
    ("CTR", "NoPadding"),
    ("GCM", "NoPadding"),
    ("ECB", "PKCS5Padding"),
    ("RSA", ""),
];

/// Texts of lengths around those of a block.
const TEXTS: [&str; 5] = [
    "a",
    "fifteen letters",
    "sixteen letters!",
    "größer als zuvor, und zwar deutlich",
    "1.10",
];

#[test]
fn what_is_encrypted_is_opened_by_another_library() {
    let Some(interpreter) = program("CROSSDOCK_TEST_CDK_PYTHON") else {
        return;
    };
    let keys = python(&interpreter, "keys", &Value::Null);
    let lab = Lab::new();
    let names: Vec<String> = (0..MODES.len()).map(|at| format!("f{at}")).collect();
    let mut csv = format!("{}\n", names.join(","));
    for text in TEXTS {
        csv += &format!("{}\n", vec![format!("\"{text}\""); names.len()].join(","));
    }
    std::fs::create_dir(lab.path("in")).unwrap();
    std::fs::write(lab.path("in/rows.csv"), csv).unwrap();
    let mapper = |(name, (mode, padding)): (&String, &(&str, &str))| {
        let mut config = match *mode {
            "RSA" => json!({"algorithm": "RSA", "publicKey": "${env:MAPPER_PUBLIC}"}),
            mode => {
                json!({"algorithm": "AES", "mode": mode, "padding": padding, "key": "${env:MAPPER_KEY}"})
            }
        };
        config["targetField"] = name.as_str().into();
        json!({"type": "encryption", "mapperConfiguration": config})
    };
    let mappers: Vec<Value> = names.iter().zip(&MODES).map(mapper).collect();
    let file = lab.pipeline(
        ("native:csv", json!({"path": lab.text("in/rows.csv")})),
        ("native:jsonl", json!({"path": lab.text("out")})),
        json!({"streams": [{"name": "rows", "mappers": mappers}]}),
    );
    let output = lab
        .command(&["-vv", "run", file.to_str().unwrap()])
        .env("MAPPER_KEY", keys["aes"].as_str().unwrap())
        .env("MAPPER_PUBLIC", keys["public"].as_str().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // The key is nowhere to be seen (P10).
    let key = keys["aes"].as_str().unwrap().as_bytes();
    let state = std::fs::read(lab.path("state.db")).unwrap();
    for shown in [&output.stdout, &output.stderr, &state] {
        assert!(!shown.windows(key.len()).any(|part| part == key));
    }
    let rows = lab.folders("out").remove("rows").unwrap();
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|row| row.get("_airbyte_data").cloned().unwrap_or(row))
        .collect();
    let fields = names.iter().zip(&MODES);
    let fields: Vec<_> = fields
        .map(|(name, (mode, padding))| json!([name, mode, *padding == "PKCS5Padding"]))
        .collect();
    let opened = python(
        &interpreter,
        "open",
        &json!({"keys": keys, "fields": fields, "rows": rows}),
    );
    let expected: Vec<Value> = TEXTS
        .iter()
        .map(|text| {
            names
                .iter()
                .map(|name| (name.clone(), json!(text)))
                .collect()
        })
        .collect();
    assert_eq!(opened, json!(expected));
}

/// The stream `a` with a key, as the source announces it.
fn announced() -> Value {
    json!({
        "name": "a", "source_defined_cursor": true, "default_cursor_field": ["at"],
        "source_defined_primary_key": [["id"]],
        "json_schema": {"type": "object", "properties": {
            "id": {"type": "integer"}, "at": {"type": "string"}, "mail": {"type": "string"},
            "status": {"type": "string"}, "note": {"type": "string"}}},
        "supported_sync_modes": ["full_refresh", "incremental"]})
}

fn record(data: &Value) -> Value {
    raw(&json!({"type": "RECORD", "record": {"stream": "a", "data": data, "emitted_at": 1}}))
}

#[test]
fn a_destination_gets_the_mapped_catalog_and_the_source_its_own() {
    let script = Script::new();
    let long = "x".repeat(500);
    let steps = json!([
        ["show", "a", null],
        record(&json!({"id": 1, "at": "t1", "mail": "a@x", "status": "on", "note": "short", "extra": 1})),
        record(&json!({"id": 2, "at": "t2", "mail": "b@x", "status": "off", "note": "n"})),
        record(&json!({"id": 3, "at": "t3", "mail": null, "status": "on", "note": long})),
        ["state", "a", {"at": "t3"}],
    ]);
    // The public half of a key of 1024 bits: its texts have up to 117 bytes.
    let key = "30819f300d06092a864886f70d010101050003818d0030818902818100ab518387b735edc8e5ffd0e954ebe0bef9dace3dc027c265e65c4684df5b9918c551cd1269755204145651875ea186d1f428d14a7ac992a16958ca6aa452d9e5386d291fd4f9c2cf220c2cb049c477fe375226fa0d7404e5707dda66c6ef1809506c79106c2020cc745c1cbe57a1610ae46be35b5fb66e629a02e2cc62bc4fad0203010001";
    let mappers = json!([
        {"type": "row-filtering", "mapperConfiguration": {"conditions": {
            "type": "NOT", "conditions": [{"type": "EQUAL", "fieldName": "status", "comparisonValue": "off"}]}}},
        {"type": "field-filtering", "mapperConfiguration": {"targetField": "status"}},
        {"type": "field-renaming", "mapperConfiguration": {"originalFieldName": "at", "newFieldName": "changed"}},
        {"type": "hashing", "mapperConfiguration": {"targetField": "id", "method": "SHA-256"}},
        {"type": "hashing", "mapperConfiguration": {
            "targetField": "mail", "method": "MD5", "fieldNameSuffix": "_md5"}},
        {"id": "secret", "type": "encryption", "mapperConfiguration": {
            "algorithm": "RSA", "targetField": "note", "fieldNameSuffix": "_rsa", "publicKey": key}},
    ]);
    let fields = ["id", "at", "mail", "status", "note"];
    let more = json!({"streams": [{"name": "a",
        "fields": fields, "mappers": mappers}]});
    let envelope = script.good(source(&[announced()], &steps), "echo", more);

    let stream = &script.catalog()["streams"][0];
    let properties = stream["stream"]["json_schema"]["properties"]
        .as_object()
        .unwrap();
    let names: Vec<_> = properties.keys().map(String::as_str).collect();
    assert_eq!(names, ["changed", "id_hashed", "mail_md5", "note_rsa"]);
    assert_eq!(stream["primary_key"], json!([["id_hashed"]]));
    assert_eq!(stream["cursor_field"], json!(["changed"]));

    let records = script.received_of("RECORD");
    // What the source was given, which the mappers took apart like any other record.
    let [shown, first, third] = records.as_slice() else {
        panic!("{records:#?}")
    };
    assert_eq!(shown["data"], json!({}));
    // SHA-256 of `1` and MD5 of `a@x`, from Python's hashlib.
    assert_eq!(
        first["data"]["id_hashed"],
        "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    );
    assert_eq!(
        first["data"]["mail_md5"],
        "4895b1d4ed83c6da448e89f72e1103a0"
    );
    assert_eq!(first["data"]["changed"], "t1");
    assert_eq!(first["data"]["note_rsa"].as_str().unwrap().len(), 256);
    assert_eq!(first["data"].as_object().unwrap().len(), 4, "{first}");
    assert!(first["meta"].is_null(), "{first}");
    assert_eq!(third["data"]["mail_md5"], Value::Null);
    assert_eq!(third["data"]["note_rsa"], Value::Null);
    assert_eq!(
        third["meta"]["changes"],
        json!([{"field": "note_rsa", "change": "NULLED", "reason": "PLATFORM_SERIALIZATION_ERROR"}])
    );

    let counts = crate::lab::stream(&envelope["data"], "a");
    assert_eq!(counts["dropped"], 1, "{counts}");
    assert_eq!(counts["written"], 3, "{counts}");
}
