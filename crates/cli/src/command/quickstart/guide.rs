//! What the quickstart says before and after.

use std::path::Path;

use crossdock_config::Pipeline;

use super::layout::Layout;
use super::shown;
use crate::context::Context;
use crate::quantity;

/// The first line.
pub(super) fn heading(context: &Context) {
    let printer = &context.printer;
    printer.talk(&printer.palette().strong("Crossdock quickstart"));
}

/// What is going to happen.
pub(super) fn opening(layout: &Layout, written: bool, pipeline: &Pipeline, context: &Context) {
    let printer = &context.printer;
    printer.talk(&format!(
        "  {} -> Parquet files in {}",
        pipeline.sources[0].reference,
        shown(&layout.data)
    ));
    let how = if written { "written to" } else { "taken from" };
    printer.talk(&format!(
        "  the pipeline is {how} {}\n",
        shown(&layout.file)
    ));
}

/// What happened, and what to type next. `again`: the records of a run that had a state to begin
/// with.
pub(super) fn ending(
    layout: &Layout,
    pipeline: &Pipeline,
    store: &Path,
    again: Option<u64>,
    context: &Context,
) {
    let printer = &context.printer;
    let palette = printer.palette();
    let said = match again {
        None => "everything was read, and what to go on from is remembered".to_owned(),
        Some(0) => {
            "incremental: nothing was new since the last run, so nothing was read".to_owned()
        }
        Some(records) => format!(
            "incremental: only what was new since the last run was read, {}",
            quantity::of(records, "record")
        ),
    };
    printer.talk(&format!("\n{}", palette.success(&said)));
    printer.talk(&format!("\n{}", palette.strong("What to type next")));
    let me = program();
    let next = [
        (
            "run it again; only what is new is read",
            format!("{me} run {}", word(&layout.file)),
        ),
        ("look at the files", format!("ls -R {}", word(&layout.data))),
        (
            "see what is remembered",
            format!("{me} state show {} --store {}", pipeline.id, word(store)),
        ),
        (
            "change the pipeline",
            format!("${{EDITOR:-vi}} {}", word(&layout.file)),
        ),
        ("see other connectors", format!("{me} connector list")),
    ];
    for (what, command) in next {
        printer.talk(&format!(
            "  {}\n    {}",
            palette.dim(&format!("# {what}")),
            palette.hint(&command)
        ));
    }
}

/// How this program was called, so that what is shown can be typed.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called.contains('/') {
        word(Path::new(&called))
    } else {
        "crossdock".to_owned()
    }
}

/// A path as a word of a shell.
fn word(path: &Path) -> String {
    let text = shown(path);
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '=' | ':');
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_can_be_typed() {
        let check = |path: &str, expected: &str| assert_eq!(word(Path::new(path)), expected);
        check("./a/b-c.yaml", "./a/b-c.yaml");
        check("a b", "'a b'");
        check("it's", r"'it'\''s'");
        check("", "''");
    }
}
