//! `crossdock accept`.

use crossdock_control::acceptance;
use crossdock_core::Error;
use serde_json::json;

use crate::answer::Answer;
use crate::args::Accept;
use crate::context::Context;
use crate::text;

/// Takes the changes that wait, and says what they were and what is left to do about them.
pub(super) async fn execute(args: Accept, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    let taken = acceptance::accept(&*store, &args.pipeline).await?;
    let printer = &context.printer;
    for line in taken.changes.iter().flat_map(|change| change.lines()) {
        printer.talk(&format!("  {}", text::printable(&line)));
    }
    printer.talk(&format!(
        "{} the next run of `{}` goes by these changes",
        printer.palette().success("ok:"),
        text::printable(&args.pipeline)
    ));
    let advice: Vec<String> = taken
        .changes
        .iter()
        .filter_map(|change| change.advice())
        .collect();
    for line in &advice {
        let hint = printer.palette().hint("hint:");
        printer.talk(&format!("{hint} {}", text::printable(line)));
    }
    let data = json!({
        "pipeline": args.pipeline, "run": taken.run, "changes": taken.changes, "advice": advice,
    });
    Answer::new(&data, "")
}
