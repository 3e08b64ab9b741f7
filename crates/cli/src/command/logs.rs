//! `crossdock logs`: what was said in a run.

use crossdock_control::run_log::{self, Line};
use crossdock_control::state;
use crossdock_core::{Error, code};

use crate::answer::Answer;
use crate::args::{Gravity, Logs};
use crate::context::Context;
use crate::quantity;
use crate::text;

/// Prints the log of a run.
pub(super) async fn execute(args: Logs, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    let run = match args.run {
        Some(run) => {
            let known = store.run(run).await?;
            known.ok_or_else(|| super::runs::unknown(run))?.run
        }
        None => {
            if let Some(pipeline) = &args.pipeline {
                state::known(&*store, pipeline).await?;
            }
            let newest = store.runs(args.pipeline.as_deref(), 1).await?;
            let newest = newest.first().map(|run| run.run);
            newest.ok_or_else(|| Error::new(&code::RUN_UNKNOWN, "nothing has run yet"))?
        }
    };
    let mut lines = run_log::read(&context.store_path(None), run)?;
    lines.retain(|line| gravity(line) >= args.level);
    let text: String = lines.iter().map(shown).collect();
    Answer::new(&lines, text)
}

fn gravity(line: &Line) -> Gravity {
    match line.level.as_str() {
        "trace" => Gravity::Trace,
        "debug" => Gravity::Debug,
        "info" => Gravity::Info,
        "warn" => Gravity::Warn,
        // Also what a newer version may write.
        _ => Gravity::Error,
    }
}

fn shown(line: &Line) -> String {
    let mut shown = format!(
        "{} {:<5} {}: {}\n",
        quantity::moment(line.at),
        line.level,
        text::printable(&line.from),
        text::indented(&line.message, 4)
    );
    if let Some(trace) = &line.stack_trace {
        shown += &format!("    {}\n", text::indented(trace, 4));
    }
    shown
}
