//! Every command line in the documents is one that the program takes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{ColorWhen, parse};

/// The documents that show command lines. `docs/commands.md` is made from the definition itself.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for (folder, is_crates) in [("docs", false), ("crates", true), ("examples", true)] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            found.push(if is_crates {
                path.join("README.md")
            } else {
                path
            });
        }
    }
    found.retain(|path| path.extension().is_some_and(|end| end == "md") && path.is_file());
    found.retain(|path| !path.ends_with("docs/commands.md"));
    found
}

/// The commands in the blocks of a document that show a terminal.
fn commands(text: &str) -> Vec<String> {
    let (mut found, mut fence) = (Vec::new(), None);
    let mut open = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(word) = line.strip_prefix("```") {
            fence = fence.is_none().then_some(word);
            continue;
        }
        let command = match fence {
            Some("console") if open.is_empty() => line.strip_prefix("$ "),
            Some("console" | "sh") => Some(line),
            _ => None,
        };
        let Some(command) = command else { continue };
        match command.strip_suffix('\\') {
            Some(part) => open += part,
            None => found.push(std::mem::take(&mut open) + command),
        }
    }
    found
}

/// What the program is given, if the command starts it: without a comment, and without what is the shell's.
fn words(command: &str) -> Option<Vec<String>> {
    let words = shlex::split(command).unwrap_or_else(|| panic!("quotes: {command}"));
    let is_variable = |word: &String| {
        word.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name == name.to_uppercase())
    };
    let words: Vec<String> = words.into_iter().skip_while(is_variable).collect();
    let ends = words
        .iter()
        .position(|word| ["|", "<", ">", "&", "&&", ";", "2>/dev/null"].contains(&word.as_str()));
    let own = &words[..ends.unwrap_or(words.len())];
    (own.first()? == "crossdock").then(|| own.to_vec())
}

#[test]
fn every_command_in_the_documents_is_one_that_the_program_takes() {
    let (mut wrong, mut count) = (String::new(), 0);
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for command in commands(&text) {
            let Some(words) = words(&command) else {
                continue;
            };
            let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
            count += 1;
            let refused = parse(&words, ColorWhen::Never).err();
            // `--help` is no error.
            if let Some(refused) = refused.filter(clap::Error::use_stderr) {
                wrong += &format!("{}: {command}\n{refused}\n", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 40, "only {count} commands were found");
}
