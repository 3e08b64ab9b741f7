//! The house rules, as tests and as `cargo xtask tidy`.
//!
//! Each rule is a pure function over the texts of the tree ([`tree::Tree`]) or over what cargo knows of the packages
//! ([`package::Package`]), so that each can be shown to be red on a broken sample. Reading both happens here only.

mod circle;
mod document;
mod edge;
mod fence;
mod length;
mod licence;
mod link;
mod lockfile;
mod name;
mod package;
mod rust;
mod tree;
mod workplace;

use std::fmt;

use anyhow::{Result, bail};

use crate::arguments::{Arguments, Usage};
use crate::tidy::package::Package;
use crate::tidy::tree::Tree;
use crate::workspace;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The file, relative to the root.
    path: String,
    /// The line, where one line is to blame; counted from 1.
    line: Option<usize>,
    /// What is wrong, and what would be right.
    what: String,
}

impl Breach {
    fn in_file(path: &str, what: impl Into<String>) -> Self {
        Breach {
            path: path.to_owned(),
            line: None,
            what: what.into(),
        }
    }

    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Breach {
            path: path.to_owned(),
            line: Some(line),
            what: what.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

/// What a rule looks at.
enum Look {
    Texts(fn(&Tree) -> Vec<Breach>),
    Packages(fn(&[Package]) -> Vec<Breach>),
}

/// A rule of the house.
struct Rule {
    name: &'static str,
    promise: &'static str,
    look: Look,
}

const RULES: [Rule; 11] = [
    Rule {
        name: "edges",
        promise: "crates depend on each other only as the plan allows",
        look: Look::Packages(edge::crates),
    },
    Rule {
        name: "libraries",
        promise: "only the crate that owns a library depends on it",
        look: Look::Packages(edge::libraries),
    },
    Rule {
        name: "fences",
        promise: "only `launch` starts processes; what decides does no I/O",
        look: Look::Texts(fence::check),
    },
    Rule {
        name: "length",
        promise: "no hand-written file has more than 500 lines",
        look: Look::Texts(length::check),
    },
    Rule {
        name: "documents",
        promise: "every module and every crate says what it is for",
        look: Look::Texts(document::check),
    },
    Rule {
        name: "links",
        promise: "every link of a document leads somewhere, and the book has every page",
        look: Look::Texts(link::check),
    },
    Rule {
        name: "names",
        promise: "no file has a name that says nothing",
        look: Look::Texts(name::check),
    },
    Rule {
        name: "circles",
        promise: "the modules of a crate have no circles",
        look: Look::Texts(circle::check),
    },
    Rule {
        name: "lockfile",
        promise: "few packages, one of each, none that is banned",
        look: Look::Texts(lockfile::check),
    },
    Rule {
        name: "licences",
        promise: "every package may be shipped with ours",
        look: Look::Packages(licence::check),
    },
    Rule {
        name: "workplace",
        promise: "no file speaks of the machine it was written on",
        look: Look::Texts(workplace::check),
    },
];

/// `cargo xtask tidy`: prints every breach and fails if there is one.
pub(crate) fn main(arguments: Vec<String>) -> Result<()> {
    let arguments = Arguments::parse(arguments, &[], &[])?;
    if let Some(word) = arguments.words.first() {
        return Err(Usage(format!("`tidy` takes no `{word}`")).into());
    }
    let tree = Tree::read(workspace::root())?;
    let packages = package::of(&workspace::metadata()?)?;
    let mut count = 0;
    for rule in &RULES {
        let breaches = match rule.look {
            Look::Texts(check) => check(&tree),
            Look::Packages(check) => check(&packages),
        };
        println!(
            "{:>10}  {}: {}",
            if breaches.is_empty() {
                "kept"
            } else {
                "broken"
            },
            rule.name,
            rule.promise
        );
        for breach in &breaches {
            println!("{:>12}{breach}", "");
        }
        count += breaches.len();
    }
    if count > 0 {
        bail!("the house rules are broken in {count} place(s)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(name: &str) {
        let rule = RULES.iter().find(|rule| rule.name == name).unwrap();
        let breaches = match rule.look {
            Look::Texts(check) => check(&Tree::read(workspace::root()).unwrap()),
            Look::Packages(check) => check(&package::of(&workspace::metadata().unwrap()).unwrap()),
        };
        let list: Vec<String> = breaches
            .iter()
            .map(|breach| format!("\n  {breach}"))
            .collect();
        assert!(list.is_empty(), "{}:{}", rule.promise, list.concat());
    }

    /// One test for each rule, so that a broken one is named by the summary.
    macro_rules! house {
        ($($name:ident)*) => {
            $(#[test] fn $name() { holds(stringify!($name)); })*

            #[test]
            fn every_rule_has_its_test() {
                let tested = [$(stringify!($name)),*];
                assert_eq!(RULES.map(|rule| rule.name), tested);
            }
        };
    }

    house! { edges libraries fences length documents links names circles lockfile licences workplace }
}
