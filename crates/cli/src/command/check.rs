//! `crossdock check`.

use crossdock_config::{ConnectorRef, Settings};
use crossdock_core::spec::Checked;
use crossdock_core::{Error, code};
use serde_json::json;

use crate::answer::Answer;
use crate::args::{Check, Side};
use crate::context::{self, Context};

/// Asks whether a configuration works. If not, that is an error, so that scripts see it.
pub(super) async fn execute(args: Check, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let config = context::config(args.config.as_deref(), "--config")?;
    let ask = context.ask(Settings::default());
    let checked =
        crossdock_control::command::check(&reference, args.side.map(Side::role), config, &ask)
            .await?;
    context.screen.clear();
    match checked {
        Checked::Succeeded => {
            let word = context.printer.palette().success("ok:");
            context
                .printer
                .talk(&format!("{word} the configuration of `{reference}` works"));
            Answer::new(&json!({"status": "succeeded"}), "")
        }
        Checked::Failed(reason) => Err(failed(&reference, reason)),
    }
}

/// The connector's "no", with its reason as the cause.
pub(super) fn failed(reference: &ConnectorRef, reason: String) -> Error {
    let message = "the connector says that its configuration does not work";
    Error::new(&code::CHECK_FAILED, message)
        .during("check")
        .with("connector", reference)
        .caused_by(reason)
}
