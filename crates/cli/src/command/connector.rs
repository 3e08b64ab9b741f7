//! `crossdock connector list`, `package` and `serve`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crossdock_config::{ConnectorRef, Launcher};
use crossdock_control::command::{Listed, connectors};
use crossdock_control::serve;
use crossdock_core::{Error, code};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::args::{self, Package, Platform, Serve};
use crate::context::Context;
use crate::exit;
use crate::signal;
use crate::table::{Side, Table};

/// What to write for a connector that is not built in.
const OTHERS: &str = "
Others are started as programs, or as images:
  airbyte:python:PACKAGE[==VERSION]   a package from PyPI, e.g. airbyte:python:airbyte-source-faker
  airbyte:docker:IMAGE[:TAG]          an image, run by Docker
  airbyte:exec:PROGRAM [ARGUMENT]...  a program on this machine
  conduit:exec:PROGRAM                a connector of Conduit on this machine
  dataflow:exec:PROGRAM [ARGUMENT]... a connector of DataFlow on this machine
  dataflow:TYPE                       the program dataflow-connector-TYPE, where DataFlow looks for it
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

/// Is the connector of a platform until that platform has enough. Speaks to nobody else: stdout and
/// stderr belong to the protocol.
pub(crate) async fn serve(args: &Serve) -> Result<u8, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let registry = crossdock_control::registry();
    match args.protocol {
        Platform::Airbyte => {
            let role = args.role.map(args::Side::role);
            serve::airbyte(&reference, role, &args.words, &registry, signal::asked()?).await
        }
        Platform::Conduit => {
            no_words(args)?;
            serve::conduit(&reference, &registry).await?;
            Ok(exit::SUCCESS)
        }
        Platform::DataFlow => {
            no_words(args)?;
            serve::dataflow(&reference, &registry, signal::asked()?).await?;
            Ok(exit::SUCCESS)
        }
    }
}

/// Only Airbyte's platform says on the command line what it wants.
fn no_words(args: &Serve) -> Result<(), Error> {
    match args.words.first() {
        None => Ok(()),
        Some(word) => {
            let message = format!("`{}` is one word too many", word.to_string_lossy());
            Err(Error::new(&code::USAGE, message))
        }
    }
}

/// Serving is begun before anything that would print; see `start`.
pub(super) fn not_here(args: &Serve) -> Error {
    Error::new(
        &code::INTERNAL,
        format!("`{}` is served elsewhere", args.reference),
    )
}

/// Writes a script that starts this very program as the connector.
pub(super) async fn package(args: &Package, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let (platform, word) = match args.protocol {
        Platform::Airbyte => ("Airbyte", "airbyte"),
        Platform::Conduit => ("Conduit", "conduit"),
        Platform::DataFlow => ("DataFlow", "dataflow"),
    };
    let kind = serve::name(&reference);
    let name = match args.protocol {
        // As connectors of Airbyte are called.
        Platform::Airbyte => match args.role {
            Some(args::Side::Source) => format!("source-{kind}"),
            Some(args::Side::Destination) => format!("destination-{kind}"),
            None => kind.clone(),
        },
        Platform::Conduit => kind.clone(),
        Platform::DataFlow => format!("dataflow-connector-{kind}"),
    };
    // A connector that is not there is told now rather than by the platform.
    serve::look(
        &reference,
        &context.ask(crossdock_config::Settings::default()),
    )
    .await?;
    let path = args.to.join(&name);
    let script = match is_one_itself(&reference, word) {
        true => own_script(&reference.command())?,
        false => script(args, word)?,
    };
    write(&path, &script).map_err(|cause| {
        Error::new(&code::IO, "the script cannot be written")
            .with("path", path.display())
            .caused_by(cause)
    })?;
    let how = match args.protocol {
        Platform::Airbyte => format!("`{} spec`", path.display()),
        Platform::Conduit => format!("`plugin: standalone:{kind}`"),
        Platform::DataFlow => format!("`type: {kind}`"),
    };
    let text = format!(
        "{} is the connector `{kind}` of {platform}: {how}\n",
        path.display()
    );
    Answer::new(&json!({"path": path, "name": name}), text)
}

/// A script that starts this program, to be the connector.
fn script(args: &Package, word: &str) -> Result<String, Error> {
    let program = std::env::current_exe().map_err(unknown_path)?;
    let mut script = format!(
        "#!/bin/sh\nexec {} connector serve --protocol {word}",
        quoted(&program.to_string_lossy()),
    );
    if let (Platform::Airbyte, Some(role)) = (args.protocol, args.role) {
        script += match role {
            args::Side::Source => " --as source",
            args::Side::Destination => " --as destination",
        };
    }
    script += &format!(" {}", quoted(&args.reference));
    if args.protocol == Platform::Airbyte {
        script += " -- \"$@\"";
    }
    Ok(script + "\n")
}

/// Whether it is a program of this machine that speaks the platform's protocol.
fn is_one_itself(reference: &ConnectorRef, word: &str) -> bool {
    reference.launcher == Some(Launcher::Exec) && reference.protocol.as_str() == word
}

/// A script that starts a program which is such a connector itself, e.g. one on the SDK.
fn own_script(words: &[String]) -> Result<String, Error> {
    let mut script = "#!/bin/sh\nexec".to_owned();
    for (index, word) in words.iter().enumerate() {
        // The platform starts it elsewhere.
        let word = match index == 0 && word.contains('/') {
            true => std::path::absolute(word).map_err(unknown_path)?,
            false => PathBuf::from(word),
        };
        script += &format!(" {}", quoted(&word.to_string_lossy()));
    }
    Ok(script + " \"$@\"\n")
}

fn unknown_path(cause: std::io::Error) -> Error {
    Error::new(&code::IO, "the path of the program cannot be told").caused_by(cause)
}

fn write(path: &PathBuf, script: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, script)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_of_the_platform_needs_nobody_between() {
        let check = |text: &str, word: &str, expected| {
            let reference: ConnectorRef = text.parse().unwrap();
            assert_eq!(is_one_itself(&reference, word), expected, "{text} {word}");
        };
        check("airbyte:exec:./x", "airbyte", true);
        check("conduit:exec:./x --flag", "conduit", true);
        check("airbyte:exec:./x", "conduit", false);
        check("airbyte:python:airbyte-source-faker", "airbyte", false);
        check("airbyte:docker:a/b", "airbyte", false);
        check("conduit:file", "conduit", false);
        check("dataflow:file", "dataflow", false);
        check("native:sample", "airbyte", false);
        let script = own_script(&["./a b".to_owned(), "it's".to_owned()]).unwrap();
        assert!(script.ends_with("/a b' 'it'\\''s' \"$@\"\n"), "{script}");
        assert!(script.starts_with("#!/bin/sh\nexec '/"), "{script}");
    }
}
