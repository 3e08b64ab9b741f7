//! `crossdock read`.

use crossdock_config::{ConnectorRef, Settings, StreamSelection};
use crossdock_control::pipe;
use crossdock_core::Error;

use super::pipeline;
use crate::answer::Answer;
use crate::args::Read;
use crate::command::state::text_of;
use crate::context::{self, Context};

/// Reads a source; its messages go to stdout, so everything else goes to stderr.
pub(super) async fn execute(args: Read, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let config = context::config(args.config.as_deref(), "--config")?;
    let streams = args
        .stream
        .into_iter()
        .map(StreamSelection::named)
        .collect();
    let state = match &args.state {
        Some(path) => Some(text_of(path).await?),
        None => None,
    };
    let ask = context.ask(Settings::default());
    let cancel = context.cancel.clone();
    let out = tokio::io::stdout();
    let done = pipe::read(&reference, config, streams, state, out, &ask, cancel).await;
    context.screen.clear();
    let finished = pipeline::tell_pipe(done?, &reference, context);
    Ok(Answer::new(&finished.data, "")?
        .failed(finished.error)
        .after_records())
}
