//! `crossdock init`: a pipeline file to begin with.

use std::io::{self, BufRead as _, IsTerminal as _};

use crossdock_config::{ConnectorRef, Settings};
use crossdock_control::command;
use crossdock_control::init::{Half, Wanted, pipeline_file};
use crossdock_control::ui::Role;
use crossdock_core::{Error, code};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::args::Init;
use crate::context::Context;
use crate::text;

/// Asks for what flags do not say, and writes the file.
pub(super) async fn execute(args: Init, context: &Context) -> Result<Answer, Error> {
    if args.file.exists() && !args.force {
        return Err(Error::new(&code::USAGE, "the file is there already")
            .with("file", args.file.display())
            .hint("name another file, or replace it by `--force`"));
    }
    let (source_settings, destination_settings) = given(&args.set)?;
    let asker = Asker {
        context,
        asks: !context.printer.is_for_programs(),
    };
    let source = asker
        .half(Role::Source, args.source, source_settings)
        .await?;
    let destination = asker
        .half(Role::Destination, args.destination, destination_settings)
        .await?;
    let id = args.id.unwrap_or_else(|| {
        format!(
            "{}-to-{}",
            source.reference.short_name(),
            destination.reference.short_name()
        )
    });
    let text = pipeline_file(&id, &source, &destination);
    std::fs::write(&args.file, &text).map_err(|cause| {
        Error::new(&code::IO, "the pipeline file could not be written")
            .with("file", args.file.display())
            .caused_by(cause)
    })?;
    let file = args.file.display();
    let left: Vec<_> = source
        .wanted()
        .into_iter()
        .chain(destination.wanted())
        .collect();
    let mut say = format!("wrote {file}\n");
    if !left.is_empty() {
        let names: Vec<_> = left.iter().map(|w| format!("`{}`", w.name)).collect();
        say += &format!("fill in {}, then\n", text::printable(&names.join(", ")));
    }
    say +=
        &format!("\n  crossdock validate {file}\n  crossdock plan {file}\n  crossdock run {file}");
    context.printer.talk(&say);
    let left: Vec<&str> = left.iter().map(|w| w.name.as_str()).collect();
    Answer::new(&json!({"file": args.file, "id": id, "fill_in": left}), "")
}

type Given = (Map<String, Value>, Map<String, Value>);

/// The settings of both sides that flags say.
fn given(set: &[String]) -> Result<Given, Error> {
    let mut given = Given::default();
    for word in set {
        let parts = word
            .split_once('=')
            .and_then(|(name, value)| Some((name.split_once('.')?, value)));
        let side = match parts {
            Some((("source", _), _)) => Some(&mut given.0),
            Some((("destination", _), _)) => Some(&mut given.1),
            _ => None,
        };
        let (Some(((_, name), value)), Some(side)) = (parts, side) else {
            return Err(Error::new(
                &code::USAGE,
                format!("`--set {word}` is not of the form SIDE.NAME=VALUE"),
            )
            .hint("e.g. `--set source.count=100` or `--set destination.path=./lake`"));
        };
        side.insert(name.to_owned(), typed(value));
    }
    Ok(given)
}

/// A number, `true`, a list … if it is JSON, else text.
fn typed(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
}

struct Asker<'a> {
    context: &'a Context,
    /// Whether there is somebody to ask.
    asks: bool,
}

impl Asker<'_> {
    async fn half(
        &self,
        role: Role,
        reference: Option<String>,
        mut known: Map<String, Value>,
    ) -> Result<Half, Error> {
        let name = role.as_str();
        let reference = match reference {
            Some(reference) => reference,
            None => self.answer(&format!("{name} connector"))?.ok_or_else(|| {
                Error::new(&code::USAGE, format!("no {name} is named")).hint(format!(
                    "name one by `--{name} REF`; `crossdock connector list` has some"
                ))
            })?,
        };
        let reference: ConnectorRef = reference.parse()?;
        let ask = self.context.ask(Settings::default());
        let spec = command::spec(&reference, Some(role), &ask).await?;
        self.context.screen.clear();
        refuse_unknown(role, &spec.connection_specification, &known)?;
        let mut half = Half {
            reference,
            spec,
            known: Map::new(),
        };
        half.known.append(&mut known);
        for wanted in half.wanted() {
            // A secret belongs into a variable, not into the file (P10).
            if wanted.is_secret {
                continue;
            }
            if let Some(value) = self.answer(&question(role, &wanted))? {
                half.known.insert(wanted.name, typed(&value));
            }
        }
        Ok(half)
    }

    /// The answer to a question; `None` without one.
    fn answer(&self, question: &str) -> Result<Option<String>, Error> {
        if !self.asks {
            return Ok(None);
        }
        if io::stdin().is_terminal() {
            self.context.printer.talk(&format!("{question}:"));
        }
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|cause| Error::new(&code::IO, "no answer could be read").caused_by(cause))?;
        let answer = line.trim();
        Ok((!answer.is_empty()).then(|| answer.to_owned()))
    }
}

fn question(role: Role, wanted: &Wanted) -> String {
    let about = wanted.description.as_deref().unwrap_or_default();
    let about = text::shortened(about, 100);
    let about = about.trim_end_matches('.');
    let name = format!("{}.{}", role.as_str(), wanted.name);
    if about.is_empty() {
        name
    } else {
        format!("{name} ({about})")
    }
}

fn refuse_unknown(role: Role, schema: &Value, known: &Map<String, Value>) -> Result<(), Error> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    let Some(name) = known.keys().find(|name| !properties.contains_key(*name)) else {
        return Ok(());
    };
    let near = crossdock_config::nearest(name, properties.keys().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `{}.{near}`?", role.as_str()),
        None => "`crossdock spec REF` prints all settings".to_owned(),
    };
    Err(Error::new(
        &code::USAGE,
        format!("the {} has no setting `{name}`", role.as_str()),
    )
    .hint(hint))
}
