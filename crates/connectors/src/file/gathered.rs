//! Batches of a partitioned stream before their rows go to the files of their folders.
//!
//! A batch may have a row for each of hundreds of folders. Writing each alone would cost more than
//! all else, so batches wait until they are worth it, and then each file gets its rows at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::semantics::partitioner::Folders;

/// See the module's documentation.
pub(crate) struct Gathered<S> {
    batches: Vec<S>,
    folders: BTreeMap<Arc<str>, Waiting>,
    bytes: u64,
}

/// What a folder is to get.
#[derive(Default)]
struct Waiting {
    /// Batch and row, in order.
    rows: Vec<(usize, usize)>,
    bytes: u64,
}

/// What a batch added to a folder.
pub(crate) struct Added {
    pub(crate) folder: Arc<str>,
    /// Rows of the batch.
    pub(crate) rows: u64,
    /// About how many bytes wait for the folder now.
    pub(crate) bytes: u64,
}

impl<S> Default for Gathered<S> {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            folders: BTreeMap::new(),
            bytes: 0,
        }
    }
}

impl<S> Gathered<S> {
    /// Takes a batch.
    pub(crate) fn add(&mut self, shaped: S, bytes: u64, folders: &Folders) -> Vec<Added> {
        let batch = self.batches.len();
        self.batches.push(shaped);
        self.bytes += bytes;
        let mut lists: Vec<Vec<(usize, usize)>> = vec![Vec::new(); folders.names.len()];
        for (row, folder) in folders.of_row.iter().enumerate() {
            lists[*folder as usize].push((batch, row));
        }
        let all = (folders.of_row.len() as u64).max(1);
        let named = folders.names.iter().zip(lists);
        named
            .map(|(folder, list)| {
                let rows = list.len() as u64;
                let waiting = self.folders.entry(folder.clone()).or_default();
                waiting.rows.extend(list);
                waiting.bytes += bytes * rows / all;
                Added {
                    folder: folder.clone(),
                    rows,
                    bytes: waiting.bytes,
                }
            })
            .collect()
    }

    /// About how much memory the batches take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The folders that are to get rows.
    pub(crate) fn folders(&self) -> Vec<Arc<str>> {
        self.folders.keys().cloned().collect()
    }

    /// Takes what a folder is to get; `make` makes it of the batches. When nothing is left the
    /// batches go.
    pub(crate) fn take<T>(
        &mut self,
        folder: &str,
        make: impl FnOnce(&[S], &[(usize, usize)]) -> T,
    ) -> Option<T> {
        let Waiting { rows, .. } = self.folders.remove(folder)?;
        let made = make(&self.batches, &rows);
        if self.folders.is_empty() {
            self.batches.clear();
            self.bytes = 0;
        }
        Some(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_to_their_folders_in_order() {
        let of = |names: &[&str], of_row: &[u32]| Folders {
            names: names.iter().map(|name| Arc::from(*name)).collect(),
            of_row: of_row.to_vec(),
        };
        let mut gathered = Gathered::default();
        gathered.add(["a0", "b1", "a2"], 30, &of(&["a", "b"], &[0, 1, 0]));
        let added = gathered.add(["b3", "a4", "a5"], 60, &of(&["b", "a"], &[0, 1, 1]));
        let told: Vec<_> = added
            .iter()
            .map(|a| (&*a.folder, a.rows, a.bytes))
            .collect();
        assert_eq!(told, [("b", 1, 30), ("a", 2, 60)]);
        assert_eq!(gathered.bytes(), 90);
        let take = |gathered: &mut Gathered<[&'static str; 3]>, folder: &str| {
            gathered.take(folder, |batches, rows| {
                let row = |(batch, row): &(usize, usize)| batches[*batch][*row];
                rows.iter().map(row).collect::<Vec<_>>()
            })
        };
        assert_eq!(take(&mut gathered, "a"), Some(vec!["a0", "a2", "a4", "a5"]));
        assert_eq!(take(&mut gathered, "a"), None);
        assert_eq!(gathered.bytes(), 90, "the batches are still needed");
        assert_eq!(take(&mut gathered, "b"), Some(vec!["b1", "b3"]));
        assert_eq!(gathered.bytes(), 0);
    }
}
