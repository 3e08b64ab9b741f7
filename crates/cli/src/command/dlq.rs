//! `crossdock dlq`: the records that destinations refused.

use std::path::Path;

use crossdock_config::{Pipeline, ProcessEnvironment, load};
use crossdock_control::Surroundings;
use crossdock_control::dead_letter::{self, Letter};
use crossdock_control::replay;
use crossdock_core::{Error, code};
use serde_json::{Value, json};

use super::run::choose;
use crate::answer::Answer;
use crate::args::{Dlq, DlqPipelines};
use crate::context::Context;
use crate::quantity;
use crate::table::{Side, Table};
use crate::text;

/// Reasons are cut to so many characters in the list.
const REASON: usize = 80;

/// Lists dead letters, shows one, or writes them after all.
pub(super) async fn execute(args: Dlq, context: &Context) -> Result<Answer, Error> {
    match args {
        Dlq::Show {
            file,
            letter,
            pipeline,
        } => {
            let wanted: Vec<String> = pipeline.into_iter().collect();
            let (pipelines, around) = pipelines(&file, &wanted, context)?;
            let [pipeline] = pipelines.as_slice() else {
                let error = Error::new(&code::USAGE, "the file has several pipelines");
                return Err(error.hint("say which by `--pipeline ID`"));
            };
            let letters =
                dead_letter::read(&dead_letter::path(pipeline, &around.dead_letters), true)?;
            let found = letters.iter().find(|known| known.number == letter);
            let found = found.ok_or_else(|| unknown(pipeline, letter))?;
            Answer::new(found, shown(found))
        }
        Dlq::List {
            pipelines: DlqPipelines { file, pipeline },
            all,
        } => list(&file, &pipeline, all, context),
        Dlq::Replay { pipelines, letter } => replay(pipelines, &letter, context).await,
    }
}

fn pipelines(
    file: &Path,
    wanted: &[String],
    context: &Context,
) -> Result<(Vec<Pipeline>, Surroundings), Error> {
    let plan = load(file, &ProcessEnvironment)?;
    let around = context.onlooking(plan.settings.store.as_deref())?;
    let chosen =
        choose(plan.pipelines, wanted).map_err(|error| error.with("file", file.display()))?;
    Ok((chosen, around))
}

fn unknown(pipeline: &Pipeline, letter: u64) -> Error {
    Error::new(&code::USAGE, format!("there is no dead letter {letter}"))
        .with("pipeline", &pipeline.id)
        .hint("`crossdock dlq list FILE` lists them")
}

fn list(file: &Path, wanted: &[String], all: bool, context: &Context) -> Result<Answer, Error> {
    let (pipelines, around) = pipelines(file, wanted, context)?;
    let mut letters = Vec::new();
    for pipeline in &pipelines {
        letters.extend(dead_letter::read(
            &dead_letter::path(pipeline, &around.dead_letters),
            all,
        )?);
    }
    if letters.is_empty() {
        let mut shown = "there are no dead letters\n".to_owned();
        for pipeline in &pipelines {
            let kept = pipeline.dead_letters.as_ref();
            if let Some(connector) = kept.and_then(|kept| kept.connector.as_ref()) {
                shown += &format!(
                    "those of {} are with `{}`, which is not read here\n",
                    text::printable(&pipeline.id),
                    connector.reference
                );
            }
        }
        return Answer::new(&letters, shown);
    }
    let mut table = Table::new([
        ("letter", Side::Right),
        ("pipeline", Side::Left),
        ("run", Side::Right),
        ("refused", Side::Left),
        ("stream", Side::Left),
        ("operation", Side::Left),
        ("reason", Side::Left),
    ]);
    for letter in &letters {
        table.row([
            letter.number.to_string(),
            letter.pipeline.clone(),
            letter.run.to_string(),
            quantity::moment(letter.at),
            text::printable(&letter.stream_id().to_string()),
            letter.record.operation.clone(),
            text::shortened(&text::printable(&letter.reason), REASON),
        ]);
    }
    Answer::new(&letters, table.render(0))
}

fn shown(letter: &Letter) -> String {
    let mut out = format!(
        "dead letter {} of {}\n\n",
        letter.number,
        text::printable(&letter.pipeline)
    );
    let mut line = |name: &str, value: &str| {
        out += &format!("  {name:<12}{}\n", text::indented(value, 14));
    };
    line("refused", &quantity::moment(letter.at));
    line("run", &letter.run.to_string());
    let by = match letter.destination {
        0 => format!("{}, `{}`", letter.connector, letter.processor),
        number => format!("destination {number}, {}", letter.connector),
    };
    line("by", &by);
    line("reason", &letter.reason);
    line("stream", &letter.stream_id().to_string());
    let record = &letter.record;
    line("operation", &record.operation);
    line("emitted", &quantity::moment(record.emitted_at));
    for (name, part) in [
        ("key", &record.key),
        ("before", &record.before),
        ("after", &record.after),
        ("metadata", &record.metadata),
    ] {
        if let Some(part) = part {
            line(name, part.get());
        }
    }
    out
}

/// Writes dead letters to the destinations that refused them.
async fn replay(args: DlqPipelines, wanted: &[u64], context: &Context) -> Result<Answer, Error> {
    let (pipelines, around) = pipelines(&args.file, &args.pipeline, context)?;
    if !wanted.is_empty() && pipelines.len() > 1 {
        let error = Error::new(
            &code::USAGE,
            "`--letter` is for one pipeline, the file has several",
        );
        return Err(error.hint("say which by `--pipeline ID`"));
    }
    let (mut data, mut out, mut errors) = (Vec::<Value>::new(), String::new(), Vec::new());
    for pipeline in &pipelines {
        let path = dead_letter::path(pipeline, &around.dead_letters);
        let mut letters = dead_letter::read(&path, false)?;
        if let Some(absent) = wanted
            .iter()
            .find(|number| !letters.iter().any(|known| known.number == **number))
        {
            return Err(unknown(pipeline, *absent)
                .hint("`crossdock dlq list FILE` lists those that can be replayed"));
        }
        letters.retain(|letter| wanted.is_empty() || wanted.contains(&letter.number));
        let summaries = replay::replay(pipeline, letters, &path, &around).await?;
        let mut replayed = 0;
        for summary in summaries {
            match summary.error {
                Some(error) => errors.push(error.with("pipeline", &pipeline.id)),
                None => {
                    replayed += summary
                        .streams
                        .iter()
                        .map(|s| s.counts.written)
                        .sum::<u64>()
                }
            }
        }
        data.push(json!({"pipeline": pipeline.id, "replayed": replayed}));
        out += &format!(
            "{}: {} replayed\n",
            text::printable(&pipeline.id),
            quantity::of(replayed, "dead letter")
        );
    }
    Ok(Answer::new(&json!({"pipelines": data}), out)?.failed(errors))
}
