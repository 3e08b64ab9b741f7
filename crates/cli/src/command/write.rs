//! `crossdock write`.

use crossdock_config::{ConnectorRef, Settings};
use crossdock_control::pipe;
use crossdock_core::Error;

use super::pipeline;
use crate::answer::Answer;
use crate::args::Write;
use crate::command::state::text_of;
use crate::context::{self, Context};

/// Writes messages from stdin to a destination. Checkpoints that became durable go to stdout, so
/// everything else goes to stderr.
pub(super) async fn execute(args: Write, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let config = context::config(args.config.as_deref(), "--config")?;
    let catalog = text_of(&args.catalog).await?;
    let ask = context.ask(Settings::default());
    let cancel = context.cancel.clone();
    let (input, out) = (tokio::io::stdin(), tokio::io::stdout());
    let done = pipe::write(&reference, config, &catalog, input, out, &ask, cancel).await;
    context.screen.clear();
    let finished = pipeline::tell_pipe(done?, &reference, context);
    Ok(Answer::new(&finished.data, "")?
        .failed(finished.error)
        .after_records())
}
