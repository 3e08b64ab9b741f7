//! `crossdock spec`.

mod outline;

use crossdock_config::{Connector, ConnectorRef, Settings};
use crossdock_core::Error;

use crate::answer::Answer;
use crate::args::{Side, Spec};
use crate::context::{Context, config};

pub(super) use outline::type_name;

/// What a connector expects.
pub(super) async fn execute(args: Spec, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let ask = context.ask(Settings::default());
    // How its container is run, should it have one, is said by the environment.
    let connector = Connector::new(reference.clone(), config(None, "")?);
    let role = args.side.map(Side::role);
    let spec = crossdock_control::command::spec_of(&connector, role, &ask).await?;
    if args.raw {
        return Answer::document(&spec);
    }
    Answer::new(&spec, outline::outline(&reference, &spec))
}
