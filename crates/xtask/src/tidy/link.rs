//! Every link of a document leads somewhere, and the book has every page.
//!
//! Links are read as a plain code host reads them: relative to the file, with the anchors that headings make.

use crate::tidy::Breach;
use crate::tidy::tree::Tree;

/// What the book has, in its order.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Finds links to files or headings that are not there, and pages that the book leaves out.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let documents = || tree.files().filter(|(path, _)| path.ends_with(".md"));
    for (path, text) in documents() {
        for (line, target) in links(text) {
            if let Some(what) = fault(tree, path, text, target) {
                breaches.push(Breach::at(path, line, what));
            }
        }
    }
    let pages = documents().filter(|(path, _)| path.starts_with("docs/") && *path != SUMMARY);
    let listed: Vec<&str> = links(tree.text(SUMMARY).unwrap_or_default())
        .map(|(_, target)| target)
        .collect();
    for (path, _) in pages {
        let name = path.trim_start_matches("docs/");
        if !listed.contains(&name) {
            breaches.push(Breach::in_file(
                SUMMARY,
                format!("does not list the page `{name}`"),
            ));
        }
    }
    breaches
}

fn fault(tree: &Tree, from: &str, text: &str, target: &str) -> Option<String> {
    let is_foreign = ["http://", "https://", "mailto:"]
        .iter()
        .any(|start| target.starts_with(start));
    if is_foreign {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let (path, text) = match file {
        "" => (from.to_owned(), Some(text)),
        file => {
            let path = resolved(from, file);
            let text = tree.text(&path);
            (path, text)
        }
    };
    let Some(text) = text else {
        let folder = format!("{path}/");
        let is_folder = tree.files().any(|(known, _)| known.starts_with(&folder));
        return (!is_folder).then(|| format!("leads to `{path}`, which is not there"));
    };
    let is_there = heading.is_empty() || anchors(text).any(|anchor| anchor == heading);
    (!is_there).then(|| format!("leads to `#{heading}`, and `{path}` has no such heading"))
}

/// The path that a link of the file `from` means.
fn resolved(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The lines of a document that are no code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((number, line))
    })
}

/// The targets of all links, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        let found = line.match_indices("](").filter_map(move |(at, _)| {
            let is_code = line[..at].matches('`').count() % 2 == 1;
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            (!is_code).then_some((number, target))
        });
        found.collect::<Vec<_>>()
    })
}

/// The anchors of all headings: small letters, digits, `-` and `_`; a space is a `-`.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text).filter_map(|(_, line)| {
        let rest = line.trim_start_matches('#');
        (rest.len() < line.len()).then(|| rest.strip_prefix(' '))?
    });
    headings.map(|heading| {
        let kept = heading.trim().chars();
        let kept = kept.filter(|c| c.is_alphanumeric() || " _-".contains(*c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(link: &str, red: bool) {
        let page = format!("# A page\n\n## `set_it`: how\n\nSee [it]({link}).\n");
        let tree = Tree::sample(&[
            ("docs/a.md", &page),
            ("docs/b.md", "# B\n\n```text\n# no heading\n```\n"),
            ("docs/SUMMARY.md", "* [A](a.md)\n* [B](b.md)\n"),
            ("README.md", "# Top\n"),
            ("crates/x/src/lib.rs", ""),
        ]);
        assert_eq!(!check(&tree).is_empty(), red, "{link}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_red() {
        for link in [
            "b.md",
            "b.md#b",
            "#set_it-how",
            "../README.md#top",
            "../crates/x",
            "../crates/x/src/lib.rs",
            "https://example.com/x#y",
        ] {
            check_one(link, false);
        }
        for link in [
            "c.md",
            "b.md#c",
            "b.md#no-heading",
            "#how",
            "README.md",
            "../crates/y",
        ] {
            check_one(link, true);
        }
    }

    #[test]
    fn links_in_code_are_none() {
        check_one("b.md) and `[x](y.md)` and [z](b.md", false);
        let tree = Tree::sample(&[("README.md", "```text\n[x](y.md)\n```\n")]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_page_that_the_book_leaves_out_is_red() {
        let check = |summary: &str, red: bool| {
            let tree = Tree::sample(&[("docs/a.md", "# A\n"), ("docs/SUMMARY.md", summary)]);
            assert_eq!(!check(&tree).is_empty(), red, "{summary}");
        };
        check("* [A](a.md)\n", false);
        check("* A\n", true);
    }
}
