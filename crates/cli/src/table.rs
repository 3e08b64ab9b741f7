//! Plain tables: columns side by side, nothing drawn.

use crate::text::printable;

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A table's lines, each ended. The last column is not filled up. Lines that a row brings along
/// stand below it.
#[derive(Debug)]
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<(Vec<String>, Vec<String>)>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new<const N: usize>(columns: [(&str, Side); N]) -> Self {
        let (heads, sides) = columns
            .into_iter()
            .map(|(head, side)| (head.to_owned(), side))
            .unzip();
        Self {
            sides,
            rows: vec![(heads, Vec::new())],
        }
    }

    /// A table with any number of headings.
    pub(crate) fn of(columns: impl IntoIterator<Item = (String, Side)>) -> Self {
        let (heads, sides) = columns.into_iter().unzip();
        Self {
            sides,
            rows: vec![(heads, Vec::new())],
        }
    }

    /// Adds a row of any number of cells.
    pub(crate) fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| one_line(&cell)).collect();
        self.rows.push((cells, Vec::new()));
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push((
            cells.iter().map(|cell| one_line(cell)).collect(),
            Vec::new(),
        ));
    }

    /// Adds a line below the last row.
    pub(crate) fn below(&mut self, line: impl Into<String>) {
        if let Some((_, below)) = self.rows.last_mut() {
            below.push(line.into());
        }
    }

    /// The text, moved right by `indent`.
    pub(crate) fn render(&self, indent: usize) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|(cells, _)| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        let mut text = String::new();
        for (cells, below) in &self.rows {
            let mut line = " ".repeat(indent);
            for ((cell, side), width) in cells.iter().zip(&self.sides).zip(&widths) {
                let gap = " ".repeat(width - cell.chars().count());
                match side {
                    Side::Left => line += &format!("{cell}{gap}  "),
                    Side::Right => line += &format!("{gap}{cell}  "),
                }
            }
            text += line.trim_end();
            text.push('\n');
            for line in below {
                text += &format!("{:indent$}  {line}\n", "");
            }
        }
        text
    }
}

fn one_line(cell: &str) -> String {
    printable(cell).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let mut table = Table::new([
            ("stream", Side::Left),
            ("records", Side::Right),
            ("", Side::Left),
        ]);
        table.row(["ü".into(), "1,000".into(), String::new()]);
        table.below("note");
        table.row(["purchases".into(), "7".into(), "new".into()]);
        assert_eq!(
            table.render(1),
            " stream     records\n ü            1,000\n   note\n purchases        7  new\n"
        );
    }
}
