//! `crossdock connector image`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crossdock_config::{ConnectorRef, Settings};
use crossdock_control::image::{self, Processor, Wanted};
use crossdock_control::serve;
use crossdock_core::{Error, code};
use serde_json::json;

use crate::answer::Answer;
use crate::args::{Image, Side};
use crate::context::Context;

/// Writes an image's folder, and builds the image where Docker runs.
pub(super) async fn execute(args: &Image, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let programs = programs(&args.program)?;
    let ask = context.ask(Settings::default());
    let folder = match &args.to {
        Some(folder) => folder.clone(),
        None => PathBuf::from(format!("./image-{}", serve::name(&reference))),
    };
    let wanted = Wanted {
        reference,
        role: args.role.map(Side::role),
        tag: args.tag.clone(),
        folder,
        programs,
        build: !args.no_build,
    };
    let made = image::make(&wanted, &ask).await?;
    let (tag, folder) = (&wanted.tag, wanted.folder.display());
    let processors: Vec<&str> = made.processors.iter().map(|p| p.name()).collect();
    let mut text = format!(
        "{folder} has the Dockerfile of {tag}, for {}\n",
        processors.join(" and ")
    );
    text += &match &made.unbuilt {
        None => format!("{tag} is built\n"),
        Some(why) => format!("{tag} is not built: {why}\n  {}\n", made.command),
    };
    if made.unbuilt.is_none() && processors.len() > 1 {
        text += &format!("  for all processors: {}\n", made.command);
    }
    let data = json!({
        "folder": wanted.folder, "image": tag, "processors": processors,
        "entrypoint": made.entrypoint, "built": made.unbuilt.is_none(), "command": made.command,
    });
    Answer::new(&data, text)
}

fn programs(given: &[String]) -> Result<BTreeMap<Processor, PathBuf>, Error> {
    let mut programs = BTreeMap::new();
    for text in given {
        let (name, path) = text.split_once('=').unwrap_or((text, ""));
        let processor = Processor::ALL.into_iter().find(|p| p.name() == name);
        match processor {
            Some(processor) if !path.is_empty() => {
                programs.insert(processor, PathBuf::from(path));
            }
            _ => {
                let message = format!("`--program {text}` names no processor and program");
                return Err(Error::new(&code::USAGE, message)
                    .hint("write `--program amd64=FILE` or `--program arm64=FILE`"));
            }
        }
    }
    Ok(programs)
}
