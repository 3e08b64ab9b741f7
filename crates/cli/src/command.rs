//! One module for each command: it asks control, and answers.

mod accept;
mod check;
mod clear;
mod completions;
pub(crate) mod connector;
mod connector_new;
mod connector_test;
mod discover;
mod dlq;
mod doctor;
mod errors;
mod image;
mod init;
mod logs;
mod pipeline;
mod plan;
mod preview;
mod quickstart;
mod read;
mod refresh;
mod run;
mod runs;
mod schema;
mod spec;
mod state;
mod status;
mod sync;
mod validate;
mod write;

use crate::answer::Answer;
use crate::args::{Command, Connector, Dlq};
use crate::context::Context;

impl Command {
    /// Whether the command, once it is asked to end, still finishes what it began.
    pub(crate) fn drains(&self) -> bool {
        matches!(
            self,
            Self::Quickstart(_)
                | Self::Run(_)
                | Self::Clear(_)
                | Self::Sync(_)
                | Self::Read(_)
                | Self::Write(_)
                | Self::Dlq(Dlq::Replay { .. })
        )
    }
}

/// Does what was asked.
pub(crate) async fn execute(command: Command, context: &Context) -> Answer {
    let answer = match command {
        Command::Quickstart(args) => Box::pin(quickstart::execute(args, context)).await,
        Command::Run(args) => Box::pin(run::execute(args, context)).await,
        Command::Sync(args) => Box::pin(sync::execute(args, context)).await,
        Command::Clear(args) => Box::pin(clear::execute(args, context)).await,
        Command::Dlq(args) => Box::pin(dlq::execute(args, context)).await,
        Command::Read(args) => Box::pin(read::execute(args, context)).await,
        Command::Write(args) => Box::pin(write::execute(args, context)).await,
        short => {
            context
                .unless_cancelled(Box::pin(question(short, context)))
                .await
        }
    };
    context.screen.clear();
    answer.unwrap_or_else(Answer::from)
}

/// The commands that are dropped when somebody wants the end.
async fn question(command: Command, context: &Context) -> Result<Answer, crossdock_core::Error> {
    match command {
        Command::Spec(args) => spec::execute(args, context).await,
        Command::Check(args) => check::execute(args, context).await,
        Command::Discover(args) => discover::execute(args, context).await,
        Command::State(args) => state::execute(args, context).await,
        Command::Connector(Connector::List) => connector::list(),
        Command::Connector(Connector::New(args)) => connector_new::execute(&args),
        Command::Connector(Connector::Package(args)) => connector::package(&args, context).await,
        Command::Connector(Connector::Test(args)) => connector_test::execute(&args, context).await,
        Command::Connector(Connector::Image(args)) => image::execute(&args, context).await,
        Command::Connector(Connector::Serve(args)) => Err(connector::not_here(&args)),
        Command::Validate(args) => validate::execute(args, context).await,
        Command::Errors(args) => errors::execute(&args),
        Command::Init(args) => init::execute(args, context).await,
        Command::Plan(args) => plan::execute(args, context).await,
        Command::Preview(args) => preview::execute(args, context).await,
        Command::Runs(args) => runs::execute(args, context).await,
        Command::Logs(args) => logs::execute(args, context).await,
        Command::Status(args) => status::execute(args, context).await,
        Command::Accept(args) => accept::execute(args, context).await,
        Command::Refresh(args) => refresh::execute(args, context).await,
        Command::Doctor => doctor::execute(context).await,
        Command::Completions(args) => completions::script(&args),
        Command::Man(args) => completions::manual(&args),
        _ => schema::execute(),
    }
}
