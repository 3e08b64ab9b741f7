//! `crossdock clear`.

use crossdock_config::{ProcessEnvironment, load};
use crossdock_core::{Error, code};

use super::pipeline;
use super::run::choose;
use crate::answer::Answer;
use crate::args::Clear;
use crate::context::Context;

/// Empties streams at the destinations of one pipeline.
pub(super) async fn execute(args: Clear, context: &Context) -> Result<Answer, Error> {
    let plan = load(&args.file, &ProcessEnvironment)?;
    context.warn(&plan);
    let store_path = plan.settings.store.clone();
    let in_file = |error: Error| error.with("file", args.file.display());
    // What is emptied is gone, so it is never more than was meant.
    let wanted = match (&args.pipeline, plan.pipelines.as_slice()) {
        (Some(id), _) => vec![id.clone()],
        (None, [only]) => vec![only.id.clone()],
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|p| p.id.as_str()).collect();
            let message = "the file has several pipelines, and which is to be cleared is not said";
            let hint = format!("add `--pipeline`: `{}`", ids.join("`, `"));
            return Err(in_file(Error::new(&code::USAGE, message).hint(hint)));
        }
    };
    let chosen = choose(plan.pipelines, &wanted).map_err(in_file)?;
    // Without a store nothing is known of what could be cleared, and none is made.
    let path = context.store_path(store_path.as_deref());
    if !path.exists() {
        return Err(
            Error::new(&code::STORE_UNAVAILABLE, "there is no state store yet")
                .with("store", path.display())
                .hint("name the store by `--store`, or run the pipeline first"),
        );
    }
    let around = context.surroundings(context.store(store_path.as_deref())?, &path);
    let named = args.streams.named();
    let mut answer = Answer::default();
    for pipeline in &chosen {
        let finished = pipeline::clear(pipeline, &named, &around, context).await;
        answer = Answer::new(&finished.data, "")?.failed(finished.error);
    }
    Ok(answer)
}
