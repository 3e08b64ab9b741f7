//! Names with `*`, and which streams they mean.

use crate::stream::StreamId;

/// Streams by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPattern {
    /// The stream's name, in which `*` stands for any text.
    pub name: String,
    /// Its namespace. `None`: any.
    pub namespace: Option<String>,
}

impl StreamPattern {
    /// Whether `stream` is meant.
    #[must_use]
    pub fn fits(&self, stream: &StreamId) -> bool {
        fits(&self.name, self.namespace.as_deref(), stream)
    }
}

/// Which streams something is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// These; empty: all.
    pub only: Vec<StreamPattern>,
    /// But not these.
    pub except: Vec<StreamPattern>,
}

impl Scope {
    /// Whether it is for `stream`.
    #[must_use]
    pub fn covers(&self, stream: &StreamId) -> bool {
        let fits = |pattern: &StreamPattern| pattern.fits(stream);
        (self.only.is_empty() || self.only.iter().any(fits)) && !self.except.iter().any(fits)
    }
}

/// Whether `stream` has a name that fits `pattern`, and this namespace; `None`: any.
#[must_use]
pub fn fits(pattern: &str, namespace: Option<&str>, stream: &StreamId) -> bool {
    let is_there = namespace.is_none_or(|namespace| stream.namespace.as_deref() == Some(namespace));
    is_there && matches(pattern, &stream.name)
}

/// Whether `name` fits `pattern`, in which each `*` stands for any text, also none. Takes at most
/// the product of both lengths, whatever the pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // Each middle part is taken as early as it comes, which leaves the most for those after it.
    for part in parts {
        match rest.find(part) {
            Some(start) => rest = &rest[start + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_what_is_named_without_what_is_left_out() {
        let pattern = |text: &str| {
            let (namespace, name) = text.split_once('.').unwrap_or(("", text));
            StreamPattern {
                name: name.to_owned(),
                namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            }
        };
        let check = |only: &[&str], except: &[&str], expected: bool| {
            let scope = Scope {
                only: only.iter().map(|text| pattern(text)).collect(),
                except: except.iter().map(|text| pattern(text)).collect(),
            };
            let stream = StreamId::with_namespace("public", "users");
            assert_eq!(scope.covers(&stream), expected, "{only:?} {except:?}");
        };
        check(&[], &[], true);
        check(&["users"], &[], true);
        check(&["orders"], &[], false);
        check(&["orders", "u*"], &[], true);
        check(&["public.users"], &[], true);
        check(&["other.users"], &[], false);
        check(&[], &["users"], false);
        check(&["users"], &["other.users"], true);
        check(&["u*"], &["users"], false);
    }

    #[test]
    fn stars_stand_for_any_text() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        };
        check("users", "users", true);
        check("users", "users2", false);
        check("users", "user", false);
        check("*", "", true);
        check("*", "größe", true);
        check("orders_*", "orders_", true);
        check("orders_*", "orders_2024", true);
        check("orders_*", "my_orders_1", false);
        check("*_log", "a_log", true);
        check("*_log", "a_logs", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*a", "a", false);
        check("a**b", "ab", true);
        check("", "", true);
        check("", "x", false);
    }
}
