//! What messages may have in them. A sink may refuse a payload; what it may not do is stay silent, or end.

use serde_json::{Value, json};

use super::subject::{Subject, message, write};
use super::talk::WRITE;
use super::write::{takes, working};
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "payload/large" Should "Crossdock's profile of the protocol, Lines" "a message of 1 MiB is answered by `done` or an error, and the process goes on"
    "readers take lines of 64 MiB at least" large;
    "payload/megabytes" Should "Crossdock's profile of the protocol, Lines" "a `write` of several megabytes is answered by `done` or an error, and the process goes on"
    "readers take lines of 64 MiB at least" megabytes;
    "payload/empty-object" Must "Connector Protocol, Lifecycle" "an empty object is answered by `done` or an error, and the process goes on"
    "a record may have no fields" empty_object;
    "payload/unicode" Must "Connector Protocol, Protocol Format" "names and texts in any script are answered by `done` or an error, and the process goes on"
    "count characters, not bytes, where a system has limits" unicode;
    "payload/numbers" Must "Connector Protocol, Message Format" "numbers at the edges are answered by `done` or an error, and the process goes on"
    "JSON has no largest number: keep the digits, or refuse the message" numbers;
    "payload/nested" Must "Connector Protocol, Message Format" "objects within objects are answered by `done` or an error, and the process goes on"
    "payloads are any JSON" nested;
    "payload/no-object" Must "Connector Protocol, Message Format" "payloads that are JSON and no objects are answered by `done` or an error, and the process goes on"
    "payloads are any JSON" no_object;
    "payload/text" Must "Connector Protocol, Message Format" "payloads that are no JSON are answered by `done` or an error, and the process goes on"
    "`data` is the raw payload" text;
    "payload/base64" Should "Crossdock's profile of the protocol, Messages" "payloads that the metadata say are base64 are answered by `done` or an error, and the process goes on"
    "undo `\"dataflow.encoding\": \"base64\"`" base64;
    "payload/not-a-text" Should "Crossdock's profile of the protocol, Messages" "`data` that is no text is answered by `done` or an error, and the process goes on"
    "it stands for its own JSON" not_a_text;
    "message/no-metadata" Should "Crossdock's profile of the protocol, Messages" "a message without `metadata` is written"
    "it is as good as one with `{}`" no_metadata;
    "message/null-metadata" Should "Crossdock's profile of the protocol, Messages" "a message whose `metadata` are null is written"
    "it is as good as one with `{}`" null_metadata;
    "message/rich-metadata" Must "Connector Protocol, Message Format" "metadata with values of any kind are answered by `done` or an error, and the process goes on"
    "do not take all values for texts" rich_metadata;
    "message/no-timestamp" Should "Crossdock's profile of the protocol, Messages" "a message without `timestamp` is written"
    "take the time at which it came" no_timestamp;
    "message/timestamp-forms" Must "Connector Protocol, Message Format" "times with a fraction and with an offset are written"
    "RFC 3339 has both" timestamp_forms;
}

/// Answers each of these payloads once, and goes on.
async fn answers(it: &Subject, messages: Vec<Value>) -> Outcome {
    let mut talk = working(it).await?;
    for message in messages {
        let answer = talk.ask(&write(&[message]), WRITE).await;
        if !answer.is("done") {
            talk.expect(&answer, "error", "such a message")?;
        }
        if !answer.before.is_empty() {
            return broken("there was more than one answer", talk.shown());
        }
        talk.is_well().await?;
    }
    Ok(())
}

async fn payloads(it: &Subject, payloads: &[&str]) -> Outcome {
    let messages = payloads.iter().map(|data| message(data)).collect();
    answers(it, messages).await
}

async fn large(it: &Subject) -> Outcome {
    let data = json!({"id": 1, "text": "x".repeat(1 << 20)}).to_string();
    payloads(it, &[&data]).await
}

async fn megabytes(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    let messages: Vec<Value> = (0..5000)
        .map(|id| message(&json!({"id": id, "text": "y".repeat(1000)}).to_string()))
        .collect();
    let answer = talk.ask(&write(&messages), WRITE).await;
    if !answer.is("done") {
        talk.expect(&answer, "error", "a `write` of several megabytes")?;
    }
    talk.is_well().await
}

async fn empty_object(it: &Subject) -> Outcome {
    payloads(it, &["{}"]).await
}

async fn unicode(it: &Subject) -> Outcome {
    payloads(
        it,
        &[
            "{\"имя\":\"Ωmega\",\"名前\":\"値\",\"emoji 🙂\":\"👩‍🚀\",\"with space\":1,\"\":2}",
            "{\"escaped\":\"\\u0000\\u001f\\ud83d\\ude42\",\"quote\\\"d\":\"\\\\\"}",
        ],
    )
    .await
}

async fn numbers(it: &Subject) -> Outcome {
    payloads(
        it,
        &[
            "{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":18446744073709551616}",
            "{\"a\":0.1,\"b\":-0.0,\"c\":1e308,\"d\":5e-324}",
            "{\"a\":123456789012345678901234567890.123456789,\"b\":1e400}",
        ],
    )
    .await
}

async fn nested(it: &Subject) -> Outcome {
    let deep = format!("{}1{}", "{\"a\":[".repeat(30), "]}".repeat(30));
    payloads(it, &[&deep, "{\"a\":{\"b\":[{},[],null,[[1]]]}}"]).await
}

async fn no_object(it: &Subject) -> Outcome {
    payloads(it, &["[1,2]", "7", "null", "\"text\"", "true"]).await
}

async fn text(it: &Subject) -> Outcome {
    payloads(it, &["plain text", "", "{\"half\":", "line\nafter line"]).await
}

async fn base64(it: &Subject) -> Outcome {
    let mut encoded = message("AP/+gA==");
    encoded["metadata"]["dataflow.encoding"] = json!("base64");
    answers(it, vec![encoded]).await
}

async fn not_a_text(it: &Subject) -> Outcome {
    let with = |data: Value| {
        let mut message = message("");
        message["data"] = data;
        message
    };
    answers(
        it,
        vec![with(json!({"id": 1})), with(json!(null)), with(json!([1]))],
    )
    .await
}

/// Such a message is written.
async fn writes(it: &Subject, message: Value, what: &str) -> Outcome {
    takes(&mut working(it).await?, &[message], what).await
}

async fn no_metadata(it: &Subject) -> Outcome {
    let bare =
        json!({"data": "{\"id\":1,\"name\":\"row 1\"}", "timestamp": "2024-01-15T10:30:00Z"});
    writes(it, bare, "a message without metadata").await
}

async fn null_metadata(it: &Subject) -> Outcome {
    let bare = json!({"data": "{\"id\":1,\"name\":\"row 1\"}", "metadata": null, "timestamp": "2024-01-15T10:30:00Z"});
    writes(it, bare, "a message with metadata of null").await
}

async fn rich_metadata(it: &Subject) -> Outcome {
    let mut rich = message("{\"id\":1,\"name\":\"row 1\"}");
    rich["metadata"] = json!({"table": "conformance", "kafka_partition": 0, "kafka_offset": 42, "headers": {"a": "b"},
        "list": [1, null, true], "none": null, "ключ": "значение", "big": 18_446_744_073_709_551_615u64});
    answers(it, vec![rich]).await
}

async fn no_timestamp(it: &Subject) -> Outcome {
    let bare =
        json!({"data": "{\"id\":1,\"name\":\"row 1\"}", "metadata": {"table": "conformance"}});
    writes(it, bare, "a message without a timestamp").await
}

async fn timestamp_forms(it: &Subject) -> Outcome {
    let mut talk = working(it).await?;
    for time in [
        "2024-01-15T10:30:00.5Z",
        "2024-01-15T10:30:00.123456789Z",
        "2024-01-15T10:30:00+05:30",
        "2024-01-15T10:30:00.000-08:00",
    ] {
        let mut message = message("{\"id\":1,\"name\":\"row 1\"}");
        message["timestamp"] = json!(time);
        takes(&mut talk, &[message], &format!("a message of {time}")).await?;
    }
    Ok(())
}
