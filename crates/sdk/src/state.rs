//! States of an author's own type, which outlive the version of the connector that wrote them (P12).

use bytes::Bytes;
use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The member that says which version wrote a state; the first one says nothing.
const VERSION: &str = "state_version";

/// What a stream needs to know to go on where it was. [`Default`] is the beginning. It is kept by the platform as a
/// JSON object: the names of its members are a promise to later versions.
///
/// ```
/// use crossdock_sdk::{Result, State};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct Since {
///     updated_after: Option<String>,
/// }
///
/// impl State for Since {
///     const VERSION: u32 = 2;
///
///     // The first version called it otherwise.
///     fn upgrade(_: u32, old: serde_json::Value) -> Result<Self> {
///         let updated_after = old["since"].as_str().map(str::to_owned);
///         Ok(Self { updated_after })
///     }
/// }
/// ```
pub trait State: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// The version of the form. Raise it when an older state no longer means the same if it is read as this one. A new
    /// member with `#[serde(default)]` needs no new version.
    const VERSION: u32 = 1;

    /// The state that an older version wrote. Without it, such a state is refused, and nothing is read twice or left
    /// out by mistake.
    ///
    /// # Errors
    /// What stands in the way.
    fn upgrade(version: u32, _old: Value) -> Result<Self> {
        Err(invalid(format!(
            "the state was written by an older version of the connector (form {version} of the state, not {})",
            Self::VERSION
        )))
    }
}

/// For streams that are always read as a whole.
impl State for () {}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(&code::STATE_INVALID, message)
}

/// The text of a state.
pub(crate) fn encode<S: State>(state: &S) -> Result<Json> {
    let failed = |cause| invalid("a state cannot be written as JSON").caused_by(cause);
    if S::VERSION == 1 {
        let text = serde_json::to_vec(state).map_err(failed)?;
        return Ok(Json::from_scanned(Bytes::from(text)));
    }
    let mut value = serde_json::to_value(state).map_err(failed)?;
    match &mut value {
        Value::Object(members) => members.insert(VERSION.to_owned(), S::VERSION.into()),
        _ => return Err(invalid("a state with a version must be an object")),
    };
    Ok(Json::from_value(&value))
}

/// The state of a text that this or an older version wrote.
pub(crate) fn decode<S: State>(text: &Json) -> Result<S> {
    if text.is_null() {
        return Ok(S::default());
    }
    let mut value = text.to_value()?;
    let version = value
        .as_object_mut()
        .and_then(|members| members.remove(VERSION));
    let version = match version {
        None => 1,
        Some(version) => version
            .as_u64()
            .and_then(|version| u32::try_from(version).ok())
            .ok_or_else(|| invalid(format!("`{VERSION}` of the state is no number: {version}")))?,
    };
    if version > S::VERSION {
        return Err(invalid(format!(
            "the state was written by a newer version of the connector (form {version} of the state, not {})",
            S::VERSION
        ))
        .hint("use that version, or a newer one"));
    }
    if version < S::VERSION {
        return S::upgrade(version, value);
    }
    serde_json::from_value(value)
        .map_err(|cause| invalid("the state has not the form that it should have").caused_by(cause))
}

/// The state of the whole source, as [`Output::checkpoint_all`](crate::Output::checkpoint_all) wrote it; the beginning if
/// there is none.
///
/// # Errors
/// `protocol.state_invalid` if it cannot be read.
pub fn resumed<S: State>(states: &[LaneState]) -> Result<S> {
    let state = states.iter().find(|state| state.lane == Lane::Global);
    state.map_or_else(|| Ok(S::default()), |state| decode(&state.state))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Old {
        page: u64,
    }

    impl State for Old {}

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct New {
        offset: u64,
    }

    impl State for New {
        const VERSION: u32 = 2;

        fn upgrade(_: u32, old: Value) -> Result<Self> {
            let page = old["page"].as_u64().unwrap_or_default();
            Ok(Self { offset: page * 100 })
        }
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Strict {}

    impl State for Strict {
        const VERSION: u32 = 3;
    }

    #[test]
    fn a_state_outlives_its_version() {
        let old = encode(&Old { page: 7 }).expect("a state");
        assert_eq!(old.bytes().as_ref(), br#"{"page":7}"#);
        assert_eq!(decode::<Old>(&old).expect("the same"), Old { page: 7 });
        assert_eq!(decode::<New>(&old).expect("a newer"), New { offset: 700 });
        let new = encode(&New { offset: 5 }).expect("a state");
        assert_eq!(
            new.to_value().expect("JSON"),
            json!({"offset": 5, "state_version": 2})
        );
        assert_eq!(decode::<New>(&new).expect("the same"), New { offset: 5 });
        assert_eq!(
            decode::<New>(&Json::null()).expect("none"),
            New { offset: 0 }
        );
        let check = |error: Error, part: &str| {
            assert_eq!(error.code().name, "protocol.state_invalid");
            assert!(
                error.in_one_line().contains(part),
                "{}",
                error.in_one_line()
            );
        };
        check(decode::<Old>(&new).expect_err("newer"), "newer version");
        check(decode::<Strict>(&new).expect_err("older"), "older version");
        let odd = Json::from_value(&json!({"state_version": "x"}));
        check(decode::<New>(&odd).expect_err("odd"), "no number");
        let odd = Json::from_value(&json!({"page": "x"}));
        check(decode::<Old>(&odd).expect_err("odd"), "form");
    }
}
