//! `crossdock refresh`.

use crossdock_control::refresh;
use crossdock_core::Error;
use crossdock_core::store::RefreshMode;
use serde_json::json;

use crate::answer::Answer;
use crate::args::Refresh;
use crate::context::Context;
use crate::quantity;
use crate::text;

/// Notes which streams the next run reads anew.
pub(super) async fn execute(args: Refresh, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    let mode = args.mode.map(RefreshMode::from);
    let named = args.streams.named();
    let streams = refresh::request(&*store, &args.pipeline, &named, mode).await?;
    let what = match streams.as_slice() {
        [stream] => format!("`{}`", text::printable(&stream.to_string())),
        many => quantity::of(u64::try_from(many.len()).unwrap_or(u64::MAX), "stream"),
    };
    let old_rows = match mode {
        Some(RefreshMode::Merge) => "; the rows of before stay",
        Some(RefreshMode::Truncate) => "; the rows of before go when that is done",
        None => "",
    };
    let printer = &context.printer;
    printer.talk(&format!(
        "{} the next run of `{}` reads {what} anew{old_rows}",
        printer.palette().success("ok:"),
        text::printable(&args.pipeline),
    ));
    let data = json!({
        "pipeline": args.pipeline, "mode": mode.map(RefreshMode::as_str), "streams": streams,
    });
    Answer::new(&data, "")
}
