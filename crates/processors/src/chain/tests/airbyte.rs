//! The mappers of Airbyte, by cases.

use serde_json::{Value as Json, json};

use super::*;

mod catalog;

/// A mapper `airbyte.NAME` with these settings.
fn wanted(name: &str, settings: &Json) -> Wanted {
    let settings = settings.as_object().unwrap().clone();
    Wanted {
        id: "m".into(),
        plugin: format!("airbyte.{name}"),
        settings: settings.into_iter().collect(),
        ..Wanted::default()
    }
}

/// What becomes of a row, and why it is none.
fn outcome(wanted: &Wanted, row: Row<'_>) -> String {
    let mut chain = Chain::new(std::slice::from_ref(wanted)).unwrap();
    let processed = now(chain.process(batch(&[row]))).unwrap();
    let mut lines = shown(&processed);
    lines.extend((0..processed.filtered).map(|_| "filtered".to_owned()));
    let failed = processed.failed.iter();
    lines.extend(failed.map(|failed| format!("failed: {}", failed.reason)));
    lines.join("\n")
}

/// The value after the change.
fn check(name: &str, settings: &Json, after: &str, expected: &str) {
    let row = (Operation::Create, "", "", "", after);
    let found = outcome(&wanted(name, settings), row);
    let found = found.strip_prefix("users Create - - - ").unwrap_or(&found);
    assert_eq!(found, expected, "{name} {settings} of {after}");
}

fn refused(name: &str, settings: &Json, expected: &str) {
    let error = Chain::new(&[wanted(name, settings)]).err();
    let error = error.unwrap_or_else(|| panic!("{name} {settings} is accepted"));
    assert_eq!(error.message(), expected, "{name} {settings}");
}

#[test]
fn hashing_puts_a_digest_in_the_place_of_a_value() {
    let hash = |suffix: Option<&str>| {
        let mut settings = json!({"targetField": "a", "method": "MD5"});
        if let Some(suffix) = suffix {
            settings["fieldNameSuffix"] = suffix.into();
        }
        settings
    };
    let check = |suffix: Option<&str>, after: &str, expected: &str| {
        check("hashing", &hash(suffix), after, expected);
    };
    // MD5 of `abc`, `1.10`, `true`, `{"x":1}` and nothing, from Python's hashlib.
    check(
        None,
        r#"{"z":1,"a":"abc","b":2}"#,
        r#"{"z":1,"a_hashed":"900150983cd24fb0d6963f7d28e17f72","b":2}"#,
    );
    check(
        Some(""),
        r#"{"a":"abc"}"#,
        r#"{"a":"900150983cd24fb0d6963f7d28e17f72"}"#,
    );
    check(
        Some("_x"),
        r#"{"a":1.10}"#,
        r#"{"a_x":"bdca6efb043178ef172612dd1e173dde"}"#,
    );
    check(
        Some("_x"),
        r#"{"a":true}"#,
        r#"{"a_x":"b326b5062b2f0e69046810717534cb09"}"#,
    );
    check(
        Some("_x"),
        r#"{"a":{"x":1}}"#,
        r#"{"a_x":"ac3ef48caa08fa3ed5e025da69edc645"}"#,
    );
    check(
        Some("_x"),
        r#"{"a":""}"#,
        r#"{"a_x":"d41d8cd98f00b204e9800998ecf8427e"}"#,
    );
    check(Some("_x"), r#"{"a":null}"#, r#"{"a_x":null}"#);
    check(Some("_x"), r#"{"b":1}"#, r#"{"b":1}"#);
    // What a record has under the new name, though nobody declared it, gives way.
    check(Some("_x"), r#"{"a_x":5,"a":null}"#, r#"{"a_x":null}"#);
}

#[test]
fn all_rows_of_a_record_are_changed() {
    let hash = wanted("hashing", &json!({"targetField": "a", "method": "SHA-1"}));
    let digest = "a9993e364706816aba3e25717850c26c9cd0d89d";
    let row = (
        Operation::Update,
        "",
        r#"{"a":"abc","k":1}"#,
        r#"{"a":"abc","b":1}"#,
        r#"{"a":"abc","b":2}"#,
    );
    let expected = format!(
        r#"users Update - {{"a_hashed":"{digest}","k":1}} {{"a_hashed":"{digest}","b":1}} {{"a_hashed":"{digest}","b":2}}"#
    );
    assert_eq!(outcome(&hash, row), expected);
    let drop = wanted("field-filtering", &json!({"targetField": "a"}));
    assert_eq!(
        outcome(&drop, row),
        r#"users Update - {"k":1} {"b":1} {"b":2}"#
    );
    let gone = (Operation::Delete, "", r#"{"a":"abc"}"#, "", "");
    let expected = format!(r#"users Delete - {{"a_hashed":"{digest}"}} - "#);
    assert_eq!(outcome(&hash, gone), expected);
}

/// Raw data hide nothing: what cannot be looked into is refused.
#[test]
fn raw_data_are_rows_if_they_are_objects() {
    let drop = wanted("field-filtering", &json!({"targetField": "a"}));
    let check = |text: &str, expected: &str| {
        let mut after = Vec::new();
        crossdock_core::raw::wrap(text.as_bytes(), &mut after);
        let after = String::from_utf8(after).unwrap();
        let metadata = r#"{"opencdc.version":"v1","crossdock.raw":"after"}"#;
        let row = (Operation::Create, metadata, "", "", after.as_str());
        assert_eq!(outcome(&drop, row), expected);
    };
    check(
        r#"{"a":1,"b":2}"#,
        r#"users Create {"opencdc.version":"v1"} - - {"b":2}"#,
    );
    check(
        "a=1",
        "failed: the record is raw data and has no fields; `json.decode` makes them",
    );
}

#[test]
fn renaming_and_filtering_change_the_row() {
    let rename = json!({"originalFieldName": "a", "newFieldName": "b"});
    check(
        "field-renaming",
        &rename,
        r#"{"x":0,"a":1.50}"#,
        r#"{"x":0,"b":1.50}"#,
    );
    check("field-renaming", &rename, r#"{"b":2}"#, r#"{"b":2}"#);
    let same = json!({"originalFieldName": "a", "newFieldName": "a"});
    check("field-renaming", &same, r#"{"a":1}"#, r#"{"a":1}"#);
    // A dot is a part of the name.
    let dotted = json!({"originalFieldName": "a.b", "newFieldName": "c"});
    check(
        "field-renaming",
        &dotted,
        r#"{"a.b":1,"a":{"b":2}}"#,
        r#"{"c":1,"a":{"b":2}}"#,
    );
    let filter = json!({"targetField": "a"});
    check("field-filtering", &filter, r#"{"a":1,"b":2}"#, r#"{"b":2}"#);
}

/// A text that is too long for the key of RSA is the failure that cannot be known before.
#[test]
fn a_mapper_that_fails_nulls_the_field_and_says_so() {
    let key = "30819f300d06092a864886f70d010101050003818d0030818902818100ab518387b735edc8e5ffd0e954ebe0bef9dace3dc027c265e65c4684df5b9918c551cd1269755204145651875ea186d1f428d14a7ac992a16958ca6aa452d9e5386d291fd4f9c2cf220c2cb049c477fe375226fa0d7404e5707dda66c6ef1809506c79106c2020cc745c1cbe57a1610ae46be35b5fb66e629a02e2cc62bc4fad0203010001";
    let encrypt =
        json!({"algorithm": "RSA", "targetField": "a", "publicKey": key, "fieldNameSuffix": "_e"});
    let encrypt = wanted("encryption", &encrypt);
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(118));
    let check = |metadata: &str, expected: &str| {
        let row = (Operation::Create, metadata, "", "", long.as_str());
        assert_eq!(outcome(&encrypt, row), expected);
    };
    let change = r#"{"field":"a_e","change":"NULLED","reason":"PLATFORM_SERIALIZATION_ERROR"}"#;
    check(
        "",
        &format!(r#"users Create {{"changes":[{change}]}} - - {{"a_e":null}}"#),
    );
    check(
        r#"{"changes":[{"field":"z"}],"x":1}"#,
        &format!(
            r#"users Create {{"changes":[{{"field":"z"}},{change}],"x":1}} - - {{"a_e":null}}"#
        ),
    );
}

#[test]
fn encryption_is_of_a_value_in_hexadecimal_digits() {
    let mut settings = json!({
        "algorithm": "AES", "targetField": "a", "mode": "CBC", "padding": "PKCS5Padding",
        "key": "2b7e151628aed2a6abf7158809cf4f3c",
    });
    let lengths = |settings: &Json| {
        let row = (Operation::Create, "", "", "", r#"{"a":"0123456789"}"#);
        let value = |_| {
            let found = outcome(&wanted("encryption", settings), row);
            let found = found
                .strip_prefix(r#"users Create - - - {"a":""#)
                .unwrap()
                .to_owned();
            found.strip_suffix(r#""}"#).unwrap().to_owned()
        };
        let [first, second] = [1, 2].map(value);
        (first.len(), first == second)
    };
    // The start and a block; the same value is another text each time.
    assert_eq!(lengths(&settings), (64, false));
    for (mode, padding, expected) in [
        ("CFB", "NoPadding", (52, false)),
        ("CFB", "PKCS5Padding", (64, false)),
        ("OFB", "NoPadding", (52, false)),
        ("CTR", "NoPadding", (52, false)),
        ("GCM", "NoPadding", (24 + 20 + 32, false)),
        ("ECB", "PKCS5Padding", (32, true)),
    ] {
        settings["mode"] = mode.into();
        settings["padding"] = padding.into();
        assert_eq!(lengths(&settings), expected, "{mode} {padding}");
    }
}

#[test]
fn rows_are_kept_by_their_fields() {
    let equal =
        |field: &str, to: Json| json!({"type": "EQUAL", "fieldName": field, "comparisonValue": to});
    let check = |conditions: &Json, after: &str, expected: bool| {
        let settings = json!({"conditions": conditions});
        let row = (Operation::Create, "", "", "", after);
        let found = outcome(&wanted("row-filtering", &settings), row);
        assert_eq!(
            found != "filtered",
            expected,
            "{conditions} {after}: {found}"
        );
    };
    let active = equal("s", "active".into());
    check(&active, r#"{"s":"active"}"#, true);
    check(&active, r#"{"s":"Active"}"#, false);
    check(&active, r#"{"t":"active"}"#, false);
    check(&equal("n", "1.50".into()), r#"{"n":1.50}"#, true);
    check(&equal("n", "1.5".into()), r#"{"n":1.50}"#, false);
    check(&equal("n", 5.into()), r#"{"n":5}"#, true);
    check(&equal("n", true.into()), r#"{"n":true}"#, true);
    check(&equal("n", "null".into()), r#"{"n":null}"#, true);
    let both = |kind: &str| json!({"type": kind, "conditions": [active, equal("r", "eu".into())]});
    let rows = [
        r#"{"s":"active","r":"eu"}"#,
        r#"{"s":"active","r":"us"}"#,
        r#"{"s":"x","r":"us"}"#,
    ];
    for (kind, expected) in [
        ("AND", [true, false, false]),
        ("OR", [true, true, false]),
        ("NOT", [false, false, true]),
        ("and", [true, false, false]),
    ] {
        for (row, expected) in rows.iter().zip(expected) {
            check(&both(kind), row, expected);
        }
    }
    let nested = json!({"type": "NOT", "conditions": [both("AND")]});
    check(&nested, rows[0], false);
    check(&nested, rows[1], true);
}

#[test]
fn a_delete_goes_on_unless_its_row_says_otherwise() {
    let condition = json!({"type": "EQUAL", "fieldName": "s", "comparisonValue": "x"});
    let filter = wanted("row-filtering", &json!({"conditions": condition}));
    let check = |key: &str, before: &str, expected: bool| {
        let found = outcome(&filter, (Operation::Delete, "", key, before, ""));
        assert_eq!(found != "filtered", expected, "{key} {before}: {found}");
    };
    check(r#"{"id":1}"#, "", true);
    check(r#"{"id":1}"#, r#"{"id":1}"#, true);
    check(r#"{"id":1}"#, r#"{"id":1,"s":"x"}"#, true);
    check(r#"{"id":1}"#, r#"{"id":1,"s":"y"}"#, false);
    // An update is judged by what the row is now.
    let update = (Operation::Update, "", "", r#"{"s":"x"}"#, r#"{"s":"y"}"#);
    assert_eq!(outcome(&filter, update), "filtered");
}

#[test]
fn wrong_settings_are_explained_without_their_values() {
    let hash = |method: &str| json!({"targetField": "a", "method": method});
    refused(
        "hashing",
        &hash("SHA256"),
        "the setting `method`: `SHA256` is no method; there are `MD2`, `MD5`, `SHA-1`, `SHA-224`, `SHA-256`, `SHA-384`, `SHA-512`",
    );
    refused(
        "hashing",
        &json!({"method": "MD5"}),
        "the setting `targetField` is missing",
    );
    refused(
        "hashing",
        &json!({"targetFeld": "a", "method": "MD5"}),
        "the setting `targetFeld` is not known; did you mean `targetField`?",
    );
    refused(
        "hashng",
        &json!({}),
        "there is no processor `airbyte.hashng`; did you mean `airbyte.hashing`?",
    );
    let aes = |mode: &str, padding: &str, key: &str| json!({"algorithm": "AES", "targetField": "a", "mode": mode, "padding": padding, "key": key});
    let key = "2b7e151628aed2a6abf7158809cf4f3c";
    let wrong = "the setting `key` is not 16, 24 or 32 bytes in hexadecimal digits; `openssl rand -hex 32` makes one";
    refused("encryption", &aes("CBC", "PKCS5Padding", "2b7e15"), wrong);
    refused("encryption", &aes("CBC", "PKCS5Padding", "geheim"), wrong);
    refused(
        "encryption",
        &aes("CBC", "NoPadding", key),
        "the setting `padding`: CBC needs `PKCS5Padding`, since it encrypts whole blocks of 16 bytes",
    );
    refused(
        "encryption",
        &aes("GCM", "PKCS5Padding", key),
        "the setting `padding`: GCM has no padding; write `NoPadding`",
    );
    refused(
        "encryption",
        &aes("XTS", "NoPadding", key),
        "the setting `mode`: `XTS` is no mode; there are `CBC`, `CFB`, `OFB`, `CTR`, `GCM`, `ECB`",
    );
    refused(
        "encryption",
        &json!({"algorithm": "DES", "targetField": "a"}),
        "the setting `algorithm`: `DES` is none; there are `AES`, `RSA`",
    );
    refused(
        "encryption",
        &json!({"algorithm": "RSA", "targetField": "a", "publicKey": "00", "mode": "CBC"}),
        "the setting `mode` has no meaning with RSA",
    );
    refused(
        "encryption",
        &json!({"algorithm": "RSA", "targetField": "a", "publicKey": "00ff"}),
        "the setting `publicKey`: it is no public key of X.509 in DER",
    );
    let filter = |conditions: Json| json!({"conditions": conditions});
    refused(
        "row-filtering",
        &json!({}),
        "the setting `conditions` is missing",
    );
    refused(
        "row-filtering",
        &filter(json!({"type": "AND", "conditions": [{"type": "LESS"}]})),
        "the setting `conditions.conditions.0.type`: `LESS` is no condition; there are `AND`, `OR`, `NOT`, `EQUAL`",
    );
    refused(
        "row-filtering",
        &filter(json!({"type": "NOT", "conditions": []})),
        "the setting `conditions.conditions` is missing",
    );
    refused(
        "row-filtering",
        &filter(json!({"type": "EQUAL", "fieldName": "a", "comparisonValue": 1.5})),
        "the setting `conditions.comparisonValue` is a fraction; put it in quotes, so that its digits count as they stand",
    );
    refused(
        "row-filtering",
        &filter(json!({"type": "EQUAL", "fieldName": "a", "value": 1})),
        "the setting `conditions.value` is not known; there are `type`, `fieldName`, `comparisonValue`",
    );
    let wanted = wanted("encryption", &aes("CBC", "PKCS5Padding", key));
    assert!(!format!("{wanted:?}").contains(key), "a key is shown");
}
