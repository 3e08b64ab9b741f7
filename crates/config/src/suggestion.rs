//! The nearest known word, for "did you mean".

/// Words longer than this are no slip of the pen, and comparing them would take long.
const LONGEST: usize = 64;

/// The known word that `given` most likely stands for: at most a third of its letters differ.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = given.chars().count();
    if length > LONGEST {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace(['-', ' '], "_");
    let given = plain(given);
    known
        .into_iter()
        .map(|word| (strsim::osa_distance(&given, &plain(word)), word))
        .filter(|(distance, _)| *distance <= (length / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// "did you mean `x`?", or else the list of what is known.
pub(crate) fn hint(given: &str, known: &[&str], what: &str) -> String {
    match nearest(given, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("the {what} are {}", list(known)),
    }
}

/// The words in backquotes, with commas.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["connector", "config", "sync_mode", "id"];
        let check = |given: &str, expected: Option<&str>| {
            assert_eq!(nearest(given, known), expected, "{given}");
        };
        check("conector", Some("connector"));
        check("cofnig", Some("config"));
        check("syncMode", Some("sync_mode"));
        check("sync-mode", Some("sync_mode"));
        check("Id", Some("id"));
        check("banana", None);
        check(&"c".repeat(100_000), None);
    }
}
