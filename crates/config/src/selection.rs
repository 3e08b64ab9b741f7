//! Which entries of a pipeline speak of which stream, found without comparing every entry with
//! every stream: catalogs have tens of thousands of streams, and so may pipeline files.

use std::collections::HashMap;

use crossdock_core::StreamId;

use crate::plan::StreamSelection;

/// The entries of a pipeline's `streams`, by the name that they give.
pub struct Selections<'a> {
    entries: &'a [StreamSelection],
    named: HashMap<&'a str, Vec<usize>>,
    patterns: Vec<usize>,
}

impl<'a> Selections<'a> {
    /// Sorts the entries. Takes time in proportion to their number.
    #[must_use]
    pub fn new(entries: &'a [StreamSelection]) -> Self {
        let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut patterns = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            if entry.is_pattern() {
                patterns.push(at);
            } else {
                named.entry(&entry.name).or_default().push(at);
            }
        }
        Self {
            entries,
            named,
            patterns,
        }
    }

    /// The entries that speak of `stream`, in the file's order.
    pub fn matching(&self, stream: &StreamId) -> impl Iterator<Item = &'a StreamSelection> {
        let named = self.named.get(&*stream.name).into_iter().flatten();
        let mut places: Vec<usize> = named
            .chain(&self.patterns)
            .copied()
            .filter(|at| self.entries[*at].matches(stream))
            .collect();
        places.sort_unstable();
        places.into_iter().map(|at| &self.entries[at])
    }

    /// How `stream` was selected: the entries that match it, joined, with a later entry's keys
    /// before an earlier one's; its `name` and `namespace` are then the stream's own. `None`: it
    /// was not selected. Without any entry, every stream is.
    #[must_use]
    pub fn of(&self, stream: &StreamId) -> Option<StreamSelection> {
        let mut joined = StreamSelection {
            name: stream.name.to_string(),
            namespace: stream.namespace.as_deref().map(ToOwned::to_owned),
            ..StreamSelection::default()
        };
        let mut selected = self.entries.is_empty();
        for entry in self.matching(stream) {
            selected = true;
            joined.override_by(entry);
        }
        selected.then_some(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_order_decides_whatever_the_kind_of_entry() {
        let entries = ["users", "u*", "orders", "*", "users"].map(StreamSelection::named);
        let selections = Selections::new(&entries);
        let check = |stream: &str, expected: &[&str]| {
            let found: Vec<_> = selections
                .matching(&StreamId::new(stream))
                .map(|entry| entry.name.as_str())
                .collect();
            assert_eq!(found, expected, "{stream}");
        };
        check("users", &["users", "u*", "*", "users"]);
        check("orders", &["orders", "*"]);
        check("units", &["u*", "*"]);
        check("x", &["*"]);
    }

    #[test]
    fn a_namespace_narrows_an_entry() {
        let entries = [StreamSelection {
            namespace: Some("public".into()),
            ..StreamSelection::named("users")
        }];
        let selections = Selections::new(&entries);
        assert!(
            selections
                .of(&StreamId::with_namespace("public", "users"))
                .is_some()
        );
        assert!(selections.of(&StreamId::new("users")).is_none());
    }
}
