//! Foreign text on its way to a terminal.

/// The text without control characters, which could move the cursor or change colours. Ends of
/// lines stay; tabs become spaces.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// As [`printable`], on one line and of at most `longest` characters.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    let line = printable(text).replace('\n', " ");
    if line.chars().count() <= longest {
        return line;
    }
    let kept: String = line.chars().take(longest.saturating_sub(1)).collect();
    kept + "…"
}

/// Further lines moved right by so many columns, so that they are seen to belong to the first.
pub(crate) fn indented(text: &str, by: usize) -> String {
    printable(text.trim_end()).replace('\n', &format!("\n{:by$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\r\nc\td"), "a\u{fffd}[31mb\nc d");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
        assert_eq!(shortened("a\nb", 9), "a b");
    }
}
