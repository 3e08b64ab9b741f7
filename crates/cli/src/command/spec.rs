//! `crossdock spec`.

mod outline;

use crossdock_config::{ConnectorRef, Settings};
use crossdock_core::Error;

use crate::answer::Answer;
use crate::args::{Side, Spec};
use crate::context::Context;

pub(super) use outline::type_name;

/// What a connector expects.
pub(super) async fn execute(args: Spec, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let ask = context.ask(Settings::default());
    let spec =
        crossdock_control::command::spec(&reference, args.side.map(Side::role), &ask).await?;
    if args.raw {
        return Answer::document(&spec);
    }
    Answer::new(&spec, outline::outline(&reference, &spec))
}
