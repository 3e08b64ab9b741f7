//! The parameters that users know from every connector (§5.1).

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use tracing::warn;

use crate::serve::parameter::Place;
use crate::wire::description::Param;
use crate::wire::proto::config::v1::parameter::Type;
use crate::wire::side::Side;

/// As many records go together unless the user says otherwise: one by one is what makes Conduit slow.
const BATCH: &str = "1000";

/// The form of records. A connector that writes records as texts has these among its own settings.
const RECORD_FORMAT: [&str; 2] = ["sdk.record.format", "sdk.record.format.options"];
/// The form that every connector has by default.
const WHOLE: &str = "opencdc/json";

/// What the parameters say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Middleware {
    /// At most so many records in one message (of a destination: in one write).
    pub(super) batch_size: usize,
    /// So long may a part of a batch wait for the rest.
    pub(super) batch_delay: Duration,
    /// Records a second; 0: no limit.
    pub(super) rate: f64,
    /// Records at once within that limit; 0: those of a second.
    pub(super) burst: u64,
    /// Structured payloads get a schema (source), or are decoded by theirs (destination).
    pub(super) payload: Extraction,
    /// The same of keys.
    pub(super) key: Extraction,
    /// What goes before subjects, if not the connector's id.
    pub(super) context: Option<String>,
    /// Whether anything does.
    pub(super) has_context: bool,
}

/// One kind of data and its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extraction {
    pub(super) enabled: bool,
    pub(super) subject: String,
}

/// The parameters of a side, for `Specify`.
pub(super) fn params(side: Side) -> BTreeMap<String, Param> {
    let common = [
        (
            "sdk.batch.size",
            Type::Int,
            BATCH,
            "How many records go together at most.",
        ),
        (
            "sdk.batch.delay",
            Type::Duration,
            "0",
            "How long a part of a batch may wait for the rest.",
        ),
        (
            "sdk.schema.extract.payload.enabled",
            Type::Bool,
            "true",
            "Whether payloads travel with their schema.",
        ),
        (
            "sdk.schema.extract.key.enabled",
            Type::Bool,
            "true",
            "Whether keys travel with their schema.",
        ),
    ];
    let source = [
        (
            "sdk.schema.context.enabled",
            Type::Bool,
            "true",
            "Whether subjects have a prefix.",
        ),
        (
            "sdk.schema.context.name",
            Type::String,
            "",
            "The prefix of subjects; empty: the connector's id.",
        ),
        (
            "sdk.schema.extract.type",
            Type::String,
            "avro",
            "The kind of the schemas; only `avro`.",
        ),
        (
            "sdk.schema.extract.payload.subject",
            Type::String,
            "payload",
            "The subject of payloads' schemas.",
        ),
        (
            "sdk.schema.extract.key.subject",
            Type::String,
            "key",
            "The subject of keys' schemas.",
        ),
    ];
    let destination = [
        (
            "sdk.rate.perSecond",
            Type::Float,
            "0",
            "How many records a second; 0: no limit.",
        ),
        (
            "sdk.rate.burst",
            Type::Int,
            "0",
            "How many records at once; 0: those of a second.",
        ),
        (
            RECORD_FORMAT[0],
            Type::String,
            WHOLE,
            "The form of records where they are written as texts; this connector does not.",
        ),
        (
            RECORD_FORMAT[1],
            Type::String,
            "",
            "What that form needs to know.",
        ),
    ];
    let own: &[_] = match side {
        Side::Source => &source,
        Side::Destination => &destination,
    };
    let all = common.iter().chain(own);
    all.map(|(name, kind, default, description)| {
        let param = Param {
            default: (*default).to_owned(),
            description: (*description).to_owned(),
            kind: *kind as i32,
            rules: Vec::new(),
        };
        ((*name).to_owned(), param)
    })
    .collect()
}

impl Middleware {
    /// Takes its parameters out of a configuration.
    pub(super) fn take(config: &mut BTreeMap<String, String>) -> Result<Self> {
        let mut take = |name: &'static str, default: &str| {
            let given = config.remove(name).map(|text| text.trim().to_owned());
            let text = given
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| default.to_owned());
            Setting { name, text }
        };
        let kind = take("sdk.schema.extract.type", "avro");
        if kind.text != "avro" {
            return Err(kind.wrong("`avro`"));
        }
        let context = take("sdk.schema.context.name", "").text;
        Ok(Self {
            batch_size: take("sdk.batch.size", BATCH).number()?,
            batch_delay: take("sdk.batch.delay", "0").duration()?,
            rate: take("sdk.rate.perSecond", "0").rate()?,
            burst: take("sdk.rate.burst", "0").number()?,
            payload: Extraction {
                enabled: take("sdk.schema.extract.payload.enabled", "true").boolean()?,
                subject: take("sdk.schema.extract.payload.subject", "payload").text,
            },
            key: Extraction {
                enabled: take("sdk.schema.extract.key.enabled", "true").boolean()?,
                subject: take("sdk.schema.extract.key.subject", "key").text,
            },
            has_context: take("sdk.schema.context.enabled", "true").boolean()?,
            context: Some(context).filter(|context| !context.is_empty()),
        })
    }
}

/// Takes the form of records from the configuration of a connector that has no use for it: every
/// connector accepts it.
pub(super) fn drop_record_format(
    places: &BTreeMap<String, Place>,
    config: &mut BTreeMap<String, String>,
) {
    for name in RECORD_FORMAT {
        if places.contains_key(name) {
            continue;
        }
        let given = config.remove(name).unwrap_or_default();
        if !["", WHOLE].contains(&given.trim()) {
            warn!("`{name}` has no effect: this connector writes no records as texts");
        }
    }
}

struct Setting {
    name: &'static str,
    text: String,
}

impl Setting {
    fn wrong(&self, what: &str) -> Error {
        let Self { name, text } = self;
        Error::new(
            &code::CONFIG_INVALID,
            format!("`{name}` is `{text}`, which is not {what}"),
        )
    }

    fn number<T: std::str::FromStr>(&self) -> Result<T> {
        self.text.parse().map_err(|_| self.wrong("a whole number"))
    }

    fn rate(&self) -> Result<f64> {
        let rate: Option<f64> = self.text.parse().ok();
        let is_rate = |rate: &f64| rate.is_finite() && *rate >= 0.0;
        rate.filter(is_rate)
            .ok_or_else(|| self.wrong("a number of records a second"))
    }

    fn boolean(&self) -> Result<bool> {
        boolean(&self.text).ok_or_else(|| self.wrong("`true` or `false`"))
    }

    fn duration(&self) -> Result<Duration> {
        duration(&self.text).ok_or_else(|| self.wrong("a duration such as `1m30s`"))
    }
}

/// As Go reads one (§5.3).
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// As Go writes one: numbers with units, `1h15m`, `1.5s`, `100ms`, `0`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let units = [
            ("ns", 1e-9),
            ("us", 1e-6),
            ("µs", 1e-6),
            ("ms", 1e-3),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
        ];
        let (unit, seconds) = units.iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        let check = |text, millis: Option<u64>| {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        };
        check("1m30s", Some(90_000));
        check("1.5s", Some(1_500));
        check("100ms", Some(100));
        check("1h0m0s", Some(3_600_000));
        check("0", Some(0));
        for wrong in ["", "5", "s", "-1s", "1 s", "1d"] {
            check(wrong, None);
        }
    }

    #[test]
    fn defaults_and_what_is_given() {
        let mut config = BTreeMap::from([("path".to_owned(), "x".to_owned())]);
        let middleware = Middleware::take(&mut config).unwrap();
        assert_eq!(
            (middleware.batch_size, middleware.batch_delay),
            (1000, Duration::ZERO)
        );
        assert!(middleware.payload.enabled && middleware.has_context);
        assert_eq!(config.len(), 1);
        for (name, value) in [
            ("sdk.batch.size", "x"),
            ("sdk.batch.delay", "1"),
            ("sdk.rate.perSecond", "-1"),
            ("sdk.schema.extract.key.enabled", "yes"),
            ("sdk.schema.extract.type", "json"),
        ] {
            let mut config = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            let error = Middleware::take(&mut config).unwrap_err();
            assert!(error.message().contains(name), "{error:?}");
        }
    }
}
