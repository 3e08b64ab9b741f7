//! A connector may replace its own configuration (a rotated refresh token, §1.6), and the user may
//! edit the pipeline file afterwards. Both count: what the user changed since is the user's, the
//! rest is the connector's. Pure.

use crossdock_core::store::StoredConfig;
use serde_json::{Map, Value};

/// The configuration to use, given the user's present one and what the connector stored.
#[must_use]
pub fn merge(current: &Value, stored: &StoredConfig) -> Value {
    merge_value(Some(current), Some(&stored.base), Some(&stored.config)).unwrap_or(Value::Null)
}

fn merge_value(
    current: Option<&Value>,
    base: Option<&Value>,
    connector: Option<&Value>,
) -> Option<Value> {
    if current == base {
        return connector.cloned();
    }
    match (current, base, connector) {
        (Some(Value::Object(current)), base, Some(Value::Object(connector))) => {
            let empty = Map::new();
            let base = base.and_then(Value::as_object).unwrap_or(&empty);
            let mut keys: Vec<&String> = current.keys().collect();
            keys.extend(connector.keys().filter(|key| !current.contains_key(*key)));
            let merged = keys.into_iter().filter_map(|key| {
                merge_value(current.get(key), base.get(key), connector.get(key))
                    .map(|value| (key.clone(), value))
            });
            Some(Value::Object(merged.collect()))
        }
        (current, ..) => current.cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whoever_changed_a_value_last_wins() {
        let check = |current: Value, base: Value, config: Value, expected: Value| {
            assert_eq!(merge(&current, &StoredConfig { base, config }), expected);
        };
        let base = json!({"count": 1, "auth": {"token": "old", "id": "x"}});
        let rotated = json!({"count": 1, "auth": {"token": "new", "id": "x", "expiry": 5}});
        check(base.clone(), base.clone(), rotated.clone(), rotated.clone());
        check(
            json!({"count": 2, "auth": {"token": "old", "id": "x"}}),
            base.clone(),
            rotated.clone(),
            json!({"count": 2, "auth": {"token": "new", "id": "x", "expiry": 5}}),
        );
        check(
            json!({"count": 1, "auth": {"token": "mine", "id": "y"}}),
            base.clone(),
            rotated.clone(),
            json!({"count": 1, "auth": {"token": "mine", "id": "y", "expiry": 5}}),
        );
        check(json!({"auth": 3}), base, rotated, json!({"auth": 3}));
    }
}
