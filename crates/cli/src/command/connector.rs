//! `crossdock connector list`.

use crossdock_control::command::{Listed, connectors};
use crossdock_core::Error;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::table::{Side, Table};

/// What to write for a connector that is not built in.
const OTHERS: &str = "
Others are started as programs:
  airbyte:python:PACKAGE[==VERSION]   a package from PyPI, e.g. airbyte:python:airbyte-source-faker
  airbyte:exec:PROGRAM [ARGUMENT]...  a program on this machine
";

/// The native connectors.
pub(super) fn list() -> Result<Answer, Error> {
    let listed = connectors(&crossdock_control::registry());
    let mut table = Table::new([
        ("connector", Side::Left),
        ("role", Side::Left),
        ("what it is for", Side::Left),
    ]);
    for connector in &listed {
        table.row([
            connector.reference.clone(),
            roles(connector).join(", "),
            connector.summary.to_owned(),
        ]);
    }
    let data: Vec<Value> = listed
        .iter()
        .map(|connector| {
            json!({
                "connector": connector.reference,
                "roles": roles(connector),
                "summary": connector.summary,
            })
        })
        .collect();
    Answer::new(&data, table.render(0) + OTHERS)
}

fn roles(connector: &Listed) -> Vec<&'static str> {
    let roles = [
        (connector.source, "source"),
        (connector.destination, "destination"),
    ];
    roles
        .into_iter()
        .filter_map(|(can, role)| can.then_some(role))
        .collect()
}
