//! References within a JSON Schema.

use serde_json::Value;

/// More steps than these are a circle.
const LONGEST: usize = 8;

/// What a `$ref` refers to; other schemas as they are. Followed a few times only, for it may go in a
/// circle.
pub(super) fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..LONGEST {
        let target = schema.get("$ref").and_then(Value::as_str);
        let Some(pointer) = target.and_then(|target| target.strip_prefix('#')) else {
            break;
        };
        match root.pointer(pointer) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}
