//! How far a table is read: the state, and the values that a query goes on after. Pure.

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use rusqlite::types::{Value, ValueRef};
use serde::{Deserialize, Serialize};

/// The state of one stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The columns that the rows are read in the order of.
    pub(crate) order: Vec<String>,
    /// Their values in the last row that was read.
    pub(crate) after: Vec<Mark>,
}

/// A value in a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    Null,
    Integer(i64),
    /// Its bits, since JSON has no infinity.
    Real(u64),
    Text(String),
    Blob(Vec<u8>),
}

impl Mark {
    pub(crate) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Integer(value),
            ValueRef::Real(value) => Self::Real(value.to_bits()),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Blob(text.to_vec()),
            },
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(value) => Value::Integer(*value),
            Self::Real(bits) => Value::Real(f64::from_bits(*bits)),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Blob(bytes) => Value::Blob(bytes.clone()),
        }
    }
}

impl Place {
    /// Reads a state that [`Place::to_state`] wrote, for a read in this order.
    pub(crate) fn from_state(state: &Json, order: &[String]) -> Result<Self> {
        // Beginning anew would double what was written.
        let hint = "`crossdock state reset` lets the stream begin anew";
        let place: Self = serde_json::from_slice(state.bytes()).map_err(|cause| {
            Error::new(
                &code::STATE_INVALID,
                "the state is not one of a SQLite source",
            )
            .hint(hint)
            .caused_by(cause)
        })?;
        if place.order != order || place.after.len() != order.len() {
            return Err(Error::new(
                &code::STATE_INVALID,
                "the state is of a read in another order",
            )
            .with("then", place.order.join(", "))
            .with("now", order.join(", "))
            .hint(hint));
        }
        Ok(place)
    }

    /// The state's text.
    pub(crate) fn to_state(&self) -> Result<Json> {
        serde_json::to_vec(self)
            .map(|text| Json::from_scanned(text.into()))
            .map_err(|cause| {
                Error::new(&code::INTERNAL, "a state cannot be written").caused_by(cause)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_survives_the_state() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(i64::MIN),
            ValueRef::Real(f64::INFINITY),
            ValueRef::Real(0.1),
            ValueRef::Text("Ö".as_bytes()),
            ValueRef::Text(b"\xff"),
            ValueRef::Blob(b"\0"),
        ];
        let order: Vec<_> = (0..values.len()).map(|n| format!("c{n}")).collect();
        let place = Place {
            order: order.clone(),
            after: values.map(Mark::of).to_vec(),
        };
        let back = Place::from_state(&place.to_state().unwrap(), &order).unwrap();
        assert_eq!(back, place);
        assert_eq!(back.after[1].value(), Value::Integer(i64::MIN));
        let other = Place::from_state(&place.to_state().unwrap(), &order[1..]).unwrap_err();
        assert_eq!(other.code().name, "protocol.state_invalid");
    }
}
