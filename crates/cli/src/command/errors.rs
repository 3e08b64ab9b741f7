//! `crossdock errors`: what the codes mean and what to do.

use std::fmt::Write as _;

use crossdock_config::nearest;
use crossdock_core::Error;
use crossdock_core::code::{self, Code};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::args::Errors;
use crate::exit;
use crate::table::{Side, Table};

/// One code, or all of them.
pub(super) fn execute(args: &Errors) -> Result<Answer, Error> {
    if args.markdown {
        return Answer::new(&codes(code::ALL), page());
    }
    let Some(name) = &args.code else {
        let mut table = Table::new([
            ("code", Side::Left),
            ("exit", Side::Right),
            ("what it means", Side::Left),
        ]);
        for code in code::ALL {
            table.row([
                code.name.to_owned(),
                exit::of(code.kind).to_string(),
                code.summary.to_owned(),
            ]);
        }
        return Answer::new(&codes(code::ALL), table.render(0));
    };
    let name = name.trim_matches(['[', ']']);
    let Some(code) = code::ALL.iter().find(|code| code.name == name) else {
        let error = Error::new(&code::USAGE, format!("there is no error code `{name}`"));
        return Err(
            match nearest(name, code::ALL.iter().map(|code| code.name)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`crossdock errors` lists all of them"),
            },
        );
    };
    let text = format!(
        "{}\n  {}\n  what to do: {}\n  kind: {}; exit code {}\n",
        code.name,
        code.summary,
        code.remedy,
        kind(code),
        exit::of(code.kind)
    );
    Answer::new(&one(code), text)
}

fn codes(all: &[&Code]) -> Vec<Value> {
    all.iter().map(|code| one(code)).collect()
}

fn one(code: &Code) -> Value {
    json!({
        "code": code.name,
        "kind": code.kind.as_str(),
        "retried": code.kind.is_retryable(),
        "exit": exit::of(code.kind),
        "summary": code.summary,
        "remedy": code.remedy,
    })
}

/// The kind in words.
fn kind(code: &Code) -> String {
    let kind = code.kind.as_str();
    if code.kind.is_retryable() {
        format!("{kind}, tried again by itself")
    } else {
        format!("{kind}, not tried again by itself")
    }
}

/// The reference page, `docs/errors.md`.
fn page() -> String {
    let mut page = "\
# Error codes

Every error ends with its code in brackets, and has it in `--json` under `error.code`. Codes are API: a
name never changes its meaning. `crossdock errors CODE` shows one of them.

This page is made by `crossdock errors --markdown`, and a test compares it.
"
    .to_owned();
    for code in code::ALL {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## `{}`\n\n{}\n\n* What to do: {}.\n* Kind: {}. Exit code {}.\n",
            code.name,
            code.summary,
            code.remedy,
            kind(code),
            exit::of(code.kind)
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_page_in_the_docs_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
        let page = super::page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap_or_default() == page,
            "docs/errors.md is old: run the test again with UPDATE=1"
        );
    }
}
