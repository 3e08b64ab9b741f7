//! Files of several YAML documents, as other worlds have them.

/// Splits a text into its YAML documents, each with the others' lines left blank so that places stay.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut starts = vec![0];
    let lines: Vec<&str> = text.split('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let is_marker = *line == "---" || line.starts_with("--- ") || line.trim_end() == "---";
        if is_marker {
            starts.push(at);
        }
    }
    let mut documents = Vec::new();
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(lines.len());
        let own = &lines[*start..end];
        let is_blank = |line: &&str| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "---" || line == "..."
        };
        if own.iter().all(is_blank) {
            continue;
        }
        let mut document = "\n".repeat(*start);
        document.push_str(&own.join("\n"));
        documents.push(document);
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn documents_keep_their_places() {
        let texts = split("# only a comment\n---\na: 1\n---\n\nb: 2\n...\n");
        assert_eq!(texts, ["\n---\na: 1", "\n\n\n---\n\nb: 2\n...\n"]);
    }
}
