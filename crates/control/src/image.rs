//! Our connectors as images of Airbyte: a folder with a Dockerfile and a root for each kind of
//! processor, and the image itself where Docker runs.
//!
//! The image begins FROM scratch and runs nothing while it is built: what it needs of this machine is this
//! very program and the libraries that it is linked to. So it is built without a network, and for other
//! processors without a machine of their kind. A program that is a connector of Airbyte by itself stands there
//! alone.

mod elf;
mod file;
mod library;
mod root;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crossdock_config::{Connector, ConnectorConfig, ConnectorRef, Launcher, Protocol};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_launch::Docker;

use crate::command::Ask;
use crate::prepare::first_session;
use crate::serve;
use crate::ui::Role;

pub use elf::Processor;

/// Where the program is in the image.
const PROGRAM: &str = "/usr/local/bin/crossdock";
/// Where the program of a connector that is one is in the image.
const CONNECTOR: &str = "/usr/local/lib/connector";

/// The image that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The connector.
    pub reference: ConnectorRef,
    /// The half of one that is both; `None`: whatever is asked for.
    pub role: Option<Role>,
    /// What the image is to be called.
    pub tag: String,
    /// The folder to write.
    pub folder: PathBuf,
    /// This program for other kinds of processors.
    pub programs: BTreeMap<Processor, PathBuf>,
    /// Whether to build it where Docker answers.
    pub build: bool,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// The processors that the folder has a root for.
    pub processors: Vec<Processor>,
    /// The entry point, as one line.
    pub entrypoint: String,
    /// What builds the image by hand.
    pub command: String,
    /// Why it is not built, in a few words; `None`: it is.
    pub unbuilt: Option<&'static str>,
}

/// Writes the folder, and builds the image where Docker answers.
///
/// # Errors
/// `config.reference` for a connector that cannot be put into an image, `launch.not_found` for a program
/// that is not one, `docker.failed` for what Docker says while it builds, `io`.
pub async fn make(wanted: &Wanted, ask: &Ask) -> Result<Made> {
    let contents = contents(&wanted.reference)?;
    // A connector that is not there is told now rather than by the platform.
    serve::look(&wanted.reference, ask).await?;
    let speaks_for_itself = wanted.role.is_none() && contents.speaks_airbyte;
    let mut programs = match &contents.program {
        Some(program) if speaks_for_itself => BTreeMap::from([(program.processor, None)]),
        _ => {
            let own = std::env::current_exe().map_err(|cause| {
                Error::new(&code::IO, "the path of this program cannot be told").caused_by(cause)
            })?;
            let own = library::examined(&own)?;
            BTreeMap::from([(own.processor, Some(own))])
        }
    };
    for (processor, path) in &wanted.programs {
        let program = library::examined(path)?;
        if program.processor != *processor {
            return Err(Error::new(
                &code::PROGRAM_NOT_FOUND,
                format!(
                    "the program is made for {}, not for {}",
                    program.processor.name(),
                    processor.name()
                ),
            )
            .with("program", path.display()));
        }
        programs.insert(*processor, Some(program));
    }
    if let Some(connector) = &contents.program
        && let Some(other) = programs.keys().find(|p| **p != connector.processor)
    {
        let message = format!("the connector's program is not made for {}", other.name());
        return Err(Error::new(&code::PROGRAM_NOT_FOUND, message)
            .with("program", connector.path.display())
            .hint("leave the other processors out, or make an image for each"));
    }
    let entry = match speaks_for_itself {
        true => vec![CONNECTOR.to_owned()],
        false => entry(&contents.reference, wanted.role),
    };
    write(wanted, &programs, &contents, &entry).map_err(|cause| {
        Error::new(&code::IO, "the image's folder cannot be written")
            .with("folder", wanted.folder.display())
            .caused_by(cause)
    })?;
    let processors: Vec<Processor> = programs.keys().copied().collect();
    let connector = Connector::new(wanted.reference.clone(), ConnectorConfig::default());
    let role = wanted.role.unwrap_or(Role::Source);
    let session = first_session(&connector, role, &ask.ui, &ask.settings);
    let unbuilt = match wanted.build {
        false => Some("nobody asked for it"),
        true => match Docker::build(&wanted.folder, &wanted.tag, &session).await {
            Ok(()) => None,
            Err(error) if *error.code() == code::DOCKER_NOT_FOUND => Some("Docker is not here"),
            Err(error) if *error.code() == code::DOCKER_UNAVAILABLE => {
                Some("Docker's engine does not answer")
            }
            Err(error) => return Err(error.with("folder", wanted.folder.display())),
        },
    };
    Ok(Made {
        command: file::command(&wanted.tag, &wanted.folder, &processors),
        processors,
        entrypoint: entry.join(" "),
        unbuilt,
    })
}

/// What goes into the image beside this program.
struct Contents {
    /// The reference as it is in the image.
    reference: ConnectorRef,
    /// The connector's own program, if it is one.
    program: Option<library::Examined>,
    /// Whether that program is a connector of Airbyte as it stands.
    speaks_airbyte: bool,
}

fn contents(reference: &ConnectorRef) -> Result<Contents> {
    let refused = |why: &str, hint: &str| {
        Error::new(&code::REFERENCE_INVALID, why)
            .with("connector", reference)
            .hint(hint)
    };
    match (reference.protocol, reference.launcher) {
        (Protocol::Native, _) => Ok(Contents {
            reference: reference.clone(),
            program: None,
            speaks_airbyte: false,
        }),
        (protocol, Some(Launcher::Exec)) => {
            let [path] = <[String; 1]>::try_from(reference.command()).map_err(|_| {
                refused(
                    "a program with arguments cannot be put into an image",
                    "write a program without arguments around it",
                )
            })?;
            let program = library::examined(Path::new(&path)).map_err(|error| {
                error.hint(
                    "only native programs are put into an image: what a script needs to run cannot be told",
                )
            })?;
            Ok(Contents {
                reference: ConnectorRef {
                    protocol,
                    launcher: Some(Launcher::Exec),
                    what: CONNECTOR.to_owned(),
                },
                program: Some(program),
                speaks_airbyte: protocol == Protocol::Airbyte,
            })
        }
        (_, Some(Launcher::Docker)) => Err(refused(
            "the connector is an image already",
            "give it another name by `docker tag`",
        )),
        (_, Some(Launcher::Python)) => Err(refused(
            "a Python package cannot be put into an image of ours",
            "its publisher has an image of it; use `airbyte:docker:IMAGE`",
        )),
        (_, None) => Err(refused(
            "which program this is depends on the folder in which it is started",
            "name the program: `conduit:exec:PROGRAM` or `dataflow:exec:PROGRAM`",
        )),
    }
}

/// The entry point's words. The last one keeps the platform's own apart from ours.
fn entry(reference: &ConnectorRef, role: Option<Role>) -> Vec<String> {
    let mut words = vec![PROGRAM, "connector", "serve", "--protocol", "airbyte"];
    if let Some(role) = role {
        words.extend(["--as", role.as_str()]);
    }
    let reference = reference.to_string();
    words.extend([reference.as_str(), "--"]);
    words.into_iter().map(str::to_owned).collect()
}

fn write(
    wanted: &Wanted,
    programs: &BTreeMap<Processor, Option<library::Examined>>,
    contents: &Contents,
    entry: &[String],
) -> io::Result<()> {
    fs::create_dir_all(&wanted.folder)?;
    for (processor, program) in programs {
        let path = wanted.folder.join(file::root(*processor));
        let out = BufWriter::new(File::create(path)?);
        let own = program.as_ref().map(|program| (PROGRAM, program));
        let connector = contents
            .program
            .as_ref()
            .map(|program| (CONNECTOR, program));
        let programs: Vec<_> = own.into_iter().chain(connector).collect();
        root::write(out, &programs)?;
    }
    // Where a builder does not tell the processor, it is the one that is there, or ours.
    let usual = programs.keys().next().copied().unwrap_or(Processor::Amd64);
    let has_certificates = root::certificates().is_some();
    let text = file::dockerfile(entry, &wanted.tag, usual, has_certificates);
    fs::write(wanted.folder.join("Dockerfile"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_in_an_image_is_refused_with_what_can() {
        let check = |reference: &str, expected: Option<&str>| {
            let reference: ConnectorRef = reference.parse().unwrap();
            let got = contents(&reference).map_err(|error| error.message().to_owned());
            match (got, expected) {
                (Ok(contents), None) => assert_eq!(contents.reference, reference),
                (Err(message), Some(expected)) => assert_eq!(message, expected),
                (got, _) => panic!("{reference}: {:?}", got.err()),
            }
        };
        check("native:parquet", None);
        check(
            "airbyte:docker:a/b:1",
            Some("the connector is an image already"),
        );
        check(
            "airbyte:python:airbyte-source-faker",
            Some("a Python package cannot be put into an image of ours"),
        );
        check(
            "conduit:exec:./x --flag",
            Some("a program with arguments cannot be put into an image"),
        );
        check(
            "conduit:file",
            Some("which program this is depends on the folder in which it is started"),
        );
        check(
            "airbyte:exec:./Cargo.toml",
            Some("the program is no native program of Linux"),
        );
    }

    #[test]
    fn a_program_is_served_from_where_the_image_has_it() {
        let own = std::env::current_exe().unwrap();
        let reference: ConnectorRef = format!("dataflow:exec:{}", own.display()).parse().unwrap();
        let contents = contents(&reference).unwrap();
        let words = entry(&contents.reference, Some(Role::Source)).join(" ");
        assert_eq!(
            words,
            "/usr/local/bin/crossdock connector serve --protocol airbyte --as source \
             dataflow:exec:/usr/local/lib/connector --"
        );
        assert_eq!(contents.program.unwrap().path, own);
    }
}
