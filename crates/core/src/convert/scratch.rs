//! What one row leaves behind until its end.

use super::change::Change;
use super::structured::Findings;
use crate::json::scan::Member;

/// Kept from row to row for its memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What had to be changed.
    pub(super) changes: Vec<(Changed, Change)>,
    /// The members that no column is declared for.
    pub(super) undeclared: Vec<Member>,
    /// The members of these columns whose value had more than the column holds.
    kept: Vec<(usize, Member)>,
}

/// The field that was changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// The declared one with this index.
    Column(usize),
    /// A part of it, by the path below its name.
    Part(usize, String),
    /// A member that is not declared.
    Undeclared(String),
}

impl Changed {
    fn is_of(&self, column: usize) -> bool {
        matches!(self, Self::Column(index) | Self::Part(index, _) if *index == column)
    }
}

impl Scratch {
    /// Begins a row.
    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.undeclared.clear();
        self.kept.clear();
    }

    /// Takes back what was noted of a column.
    pub(super) fn forget(&mut self, column: usize) {
        self.changes.retain(|(field, _)| !field.is_of(column));
        self.kept.retain(|(index, _)| *index != column);
    }

    /// Notes what was found in the value of a column with parts.
    pub(super) fn found(&mut self, column: usize, member: Member, findings: Findings) {
        if findings.lossy {
            self.kept.push((column, member));
        }
        let changes = findings.changes.into_iter();
        self.changes.extend(changes.map(|(path, change)| {
            let field = match path.is_empty() {
                true => Changed::Column(column),
                false => Changed::Part(column, path),
            };
            (field, change)
        }));
    }

    /// No member follows: what is undeclared is known.
    pub(super) fn end_members(&mut self) {
        let kept = self.kept.drain(..);
        self.undeclared.extend(kept.map(|(_, member)| member));
    }
}
