//! The messages of a source.

use std::sync::Arc;

use serde_json::Value;

use super::subject::Subject;
use super::whole::Whole;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "message/data" Must "Connector Protocol, Message Format" "`data` of a message is a text"
    "JSON goes in as a text, with its quotes escaped" data;
    "message/metadata" Must "Connector Protocol, Message Format" "`metadata` of a message, where there are any, are an object"
    "leave them out, or say `{}`" metadata;
    "message/timestamp" Must "Connector Protocol, Message Format" "`timestamp` of a message, where there is one, is a time of RFC 3339"
    "e.g. 2024-01-15T10:30:00Z, with `T` and a zone" timestamp;
    "message/base64" Should "Crossdock's profile of the protocol, Messages" "`data` of a message whose metadata say `\"dataflow.encoding\": \"base64\"` is base64"
    "with padding, and without line ends" base64;
}

/// The source read to its end, if it had messages.
async fn messages(it: &Subject) -> Outcome<Arc<Whole>> {
    let whole = it.whole().await?;
    match whole.messages.is_empty() {
        true => skip("no message came"),
        false => Ok(whole),
    }
}

/// Looks at each message; says of the first that is wrong what it is.
async fn each(it: &Subject, fault: impl Fn(&Value) -> Option<String>) -> Outcome {
    let whole = messages(it).await?;
    for message in &whole.messages {
        if let Some(seen) = fault(message) {
            let line = crate::Line::new(crate::From::Connector, message.to_string());
            return broken(seen, vec![line]);
        }
    }
    Ok(())
}

async fn data(it: &Subject) -> Outcome {
    each(it, |message| match message.get("data") {
        Some(Value::String(_)) => None,
        Some(_) => Some("`data` is no text".to_owned()),
        None => Some("there is no `data`".to_owned()),
    })
    .await
}

async fn metadata(it: &Subject) -> Outcome {
    each(it, |message| match message.get("metadata") {
        None | Some(Value::Object(_) | Value::Null) => None,
        Some(_) => Some("`metadata` are no object".to_owned()),
    })
    .await
}

async fn timestamp(it: &Subject) -> Outcome {
    each(it, |message| {
        let timestamp = message.get("timestamp").filter(|time| !time.is_null())?;
        let good = timestamp.as_str().is_some_and(is_rfc3339);
        (!good).then(|| format!("`timestamp` is {timestamp}"))
    })
    .await
}

fn encoding(message: &Value) -> Option<&Value> {
    message["metadata"].get("dataflow.encoding")
}

async fn base64(it: &Subject) -> Outcome {
    let whole = messages(it).await?;
    if !whole
        .messages
        .iter()
        .any(|message| encoding(message).is_some())
    {
        return skip("no message says that it is encoded");
    }
    each(it, |message| {
        let encoding = encoding(message)?;
        let data = message["data"].as_str().unwrap_or_default();
        match encoding.as_str() {
            Some("base64") if is_base64(data) => None,
            Some("base64") => Some("it is no base64".to_owned()),
            _ => Some(format!("the encoding is {encoding}")),
        }
    })
    .await
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len().is_multiple_of(4) && text.len() - body.len() <= 2 && body.bytes().all(known)
}

/// Whether it is a time as RFC 3339 writes it.
fn is_rfc3339(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else {
        return false;
    };
    let Some((time, rest)) = rest.split_at_checked(9) else {
        return false;
    };
    let fraction = rest
        .strip_prefix('.')
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let zone = match fraction {
        // A point needs a digit.
        Some(zone) if zone.len() + 1 == rest.len() => return false,
        Some(zone) => zone,
        None => rest,
    };
    let offset = zone
        .strip_prefix(['+', '-'])
        .is_some_and(|offset| is_like(offset, "00:00"));
    is_like(date, "0000-00-00")
        && is_like(&time.to_ascii_uppercase(), "T00:00:00")
        && in_range(date, 5, 1, 12)
        && in_range(date, 8, 1, 31)
        && in_range(time, 1, 0, 23)
        && in_range(time, 4, 0, 59)
        && in_range(time, 7, 0, 60)
        && (offset || zone.eq_ignore_ascii_case("z"))
}

fn is_like(text: &str, form: &str) -> bool {
    let digit_or_same = |(byte, form): (u8, u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(digit_or_same)
}

fn in_range(text: &str, at: usize, least: u8, most: u8) -> bool {
    let number = text
        .get(at..at + 2)
        .and_then(|digits| digits.parse::<u8>().ok());
    number.is_some_and(|number| (least..=most).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_encodings_are_told_from_others() {
        let check = |text: &str, expected| assert_eq!(is_rfc3339(text), expected, "{text}");
        for good in [
            "2024-01-15T10:30:00Z",
            "2024-01-15t10:30:00.123456789+05:30",
            "2016-12-31T23:59:60z",
        ] {
            check(good, true);
        }
        for bad in [
            "",
            "2024-01-15",
            "2024-01-15T10:30:00",
            "2024-01-15 10:30:00Z",
            "2024-13-15T10:30:00Z",
            "2024-01-15T10:30:00.Z",
            "2024-01-15T10:30:00+0530",
            "2024-01-15T24:30:00Z",
            "2024-01-15T10:30:00ZZ",
            "ä024-01-15T10:30:00Z",
        ] {
            check(bad, false);
        }
        assert!(is_base64("") && is_base64("/+8=") && is_base64("AAAA"));
        assert!(
            !is_base64("A") && !is_base64("A===") && !is_base64("{\"a\":1}") && !is_base64("AA\nA")
        );
    }
}
