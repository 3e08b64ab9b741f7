//! Whether a connector keeps the rules of its protocol.

mod read_back;

use std::sync::Arc;

use crossdock_conduit::host::flat;
use crossdock_config::{Connector, ConnectorConfig, ConnectorRef, Protocol};
use crossdock_conformance::{
    Check, Judged, Reach, Report, Store, airbyte, conduit, dataflow, judge,
};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::secret::Masker;
use crossdock_dataflow::Found;
use crossdock_launch::{Exec, Launcher};

pub use crossdock_conformance as battery;

use read_back::ReadBack;

use crate::command::Ask;
use crate::connector;
use crate::prepare::first_session;
use crate::serve;
use crate::ui::Role;

/// What is tested, and how much of it.
pub struct Examination {
    /// The connector.
    pub reference: ConnectorRef,
    /// What it is tested as; `None`: as what its name says.
    pub role: Option<Role>,
    /// The protocol that one of ours is to speak; others have theirs.
    pub protocol: Option<Protocol>,
    /// A configuration that works, if there is one.
    pub config: Option<ConnectorConfig>,
    /// Where it is interrupted and gone on from.
    pub places: battery::Places,
    /// A source of the system that a destination writes to, and its configuration: what was written is read back.
    pub verify: Option<(ConnectorRef, ConnectorConfig)>,
    /// Only rules whose name contains one of these are tested; none: all.
    pub only: Vec<String>,
}

/// Tests a connector, and tells `heard` of each rule at once.
///
/// # Errors
/// What keeps the connector from being started at all. A broken rule is none; it stands in the report.
pub async fn examine(
    examination: Examination,
    ask: &Ask,
    heard: impl FnMut(&Judged),
) -> Result<Report> {
    let Examination {
        reference,
        role,
        config,
        only,
        ..
    } = &examination;
    let role =
        role.unwrap_or_else(
            || match connector::is_destination_only(reference, &ask.registry) {
                true => Role::Destination,
                false => Role::Source,
            },
        );
    let protocol = protocol(&examination)?;
    if reference.protocol == Protocol::Native {
        // Its own words would come from a process that nobody asked for.
        let (registry, native) = (&ask.registry, reference);
        match role {
            Role::Source => drop(connector::source(native, registry)?),
            Role::Destination => drop(connector::destination(native, registry)?),
        }
    }
    let connector = Connector::new(reference.clone(), config.clone().unwrap_or_default());
    let session = first_session(&connector, role, &ask.ui, &ask.settings);
    let launcher = launcher(&connector, protocol, role)?;
    let settings = config.as_ref().map(|config| config.value.clone());
    let reach = Reach {
        places: examination.places,
        store: read_back(&examination, ask),
    };
    let known = Masker::new(connector.secrets.iter().cloned());
    // Before it is flattened for Conduit: each secret of a list is one.
    let named = settings.as_ref().map(Masker::by_name).unwrap_or_default();
    let masker = known.join(&named);
    let mut table = Table {
        only,
        masker,
        heard,
    };
    let judged = match protocol {
        Protocol::Conduit => {
            let config = settings.as_ref().map(flat).transpose()?;
            let peer = Box::new(conduit::Launched::new(launcher, session, role));
            let patience = conduit::Patience::default();
            let subject = conduit::Subject::new(peer, role, config, patience).reaching(reach);
            table.run(conduit::checks(role), &subject).await?
        }
        Protocol::DataFlow => {
            let kind = serve::name(reference);
            let kind = kind.strip_prefix("dataflow-connector-").unwrap_or(&kind);
            let peer = Box::new(dataflow::Launched::new(launcher, session));
            let subject = dataflow::Subject::new(peer, role, kind, settings).reaching(reach);
            table.run(dataflow::checks(role), &subject).await?
        }
        _ => {
            let peer = Box::new(airbyte::Launched::new(launcher, session));
            let subject = airbyte::Subject::new(peer, role, settings).reaching(reach);
            table.masker = table.masker.join(&subject.masker().await?);
            table.run(airbyte::checks(role), &subject).await?
        }
    };
    Ok(Report::new(
        reference.to_string(),
        protocol.as_str(),
        role,
        judged,
    ))
}

/// The protocol that is spoken.
fn protocol(examination: &Examination) -> Result<Protocol> {
    match (examination.reference.protocol, examination.protocol) {
        (Protocol::Native, None) => Ok(Protocol::Airbyte),
        (Protocol::Native, Some(chosen)) => Ok(chosen),
        (own, Some(chosen)) if own != chosen => Err(Error::new(
            &code::USAGE,
            format!("`{}` speaks the protocol of {own}", examination.reference),
        )
        .hint("leave `--protocol` out; it is for connectors that are built in")),
        (own, _) => Ok(own),
    }
}

/// What starts it. One of ours is started as the connector of the platform that it is tested for.
fn launcher(connector: &Connector, protocol: Protocol, role: Role) -> Result<Arc<dyn Launcher>> {
    let reference = &connector.reference;
    match (reference.protocol, reference.launcher) {
        (Protocol::Native, _) => {}
        (Protocol::DataFlow, None) => {
            let found = Found::new(&reference.what);
            return match found.is_there() {
                true => Ok(Arc::new(found)),
                false => Err(found.absent()),
            };
        }
        _ => return connector::launcher(reference, &connector.docker),
    }
    let program = std::env::current_exe().map_err(|cause| {
        Error::new(&code::IO, "the path of this program cannot be told").caused_by(cause)
    })?;
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(["connector", "serve", "--protocol", protocol.as_str()].map(str::to_owned));
    if protocol == Protocol::Airbyte {
        words.extend(["--as", role.as_str()].map(str::to_owned));
    }
    words.push(reference.to_string());
    if protocol == Protocol::Airbyte {
        words.push("--".to_owned());
    }
    Ok(Arc::new(Exec::new(words)))
}

/// What stands in the system of a destination, if there is a source of it.
fn read_back(examination: &Examination, ask: &Ask) -> Option<Box<dyn Store>> {
    let (reference, config) = examination.verify.clone()?;
    let ask = ask.clone();
    Some(Box::new(ReadBack {
        reference,
        config,
        ask,
    }))
}

/// What the tables of all protocols are run with.
struct Table<'a, H> {
    only: &'a [String],
    masker: Masker,
    heard: H,
}

impl<H: FnMut(&Judged)> Table<'_, H> {
    async fn run<S: 'static>(
        self,
        checks: impl Iterator<Item = &'static Check<S>>,
        subject: &S,
    ) -> Result<Vec<Judged>> {
        let wanted = |check: &&Check<S>| {
            self.only.is_empty() || self.only.iter().any(|text| check.rule.name.contains(text))
        };
        let checks: Vec<&'static Check<S>> = checks.filter(wanted).collect();
        if checks.is_empty() {
            let message = "there is no rule of such a name";
            return Err(Error::new(&code::USAGE, message).with("only", self.only.join(", ")));
        }
        judge(checks, subject, &self.masker, self.heard).await
    }
}
