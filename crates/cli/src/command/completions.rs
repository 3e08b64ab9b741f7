//! `crossdock completions` and `crossdock man`: what is made of the definition of the command line.

use clap_complete::generate;
use clap_mangen::Man;
use crossdock_core::{Error, code};

use crate::answer::Answer;
use crate::args::{self, Completions, Manual};

/// A script for a shell.
pub(super) fn script(args: &Completions) -> Result<Answer, Error> {
    let mut text = Vec::new();
    generate(args.shell, &mut args::definition(), "crossdock", &mut text);
    answer(text)
}

/// The manual page and one for each command behind it, or the reference page of all commands.
pub(super) fn manual(args: &Manual) -> Result<Answer, Error> {
    let mut definition = args::definition();
    definition.build();
    if args.markdown {
        return answer(markdown(&mut definition).into_bytes());
    }
    let mut text = Vec::new();
    let pages = std::iter::once(&definition).chain(definition.get_subcommands());
    for page in pages {
        Man::new(page.clone()).render(&mut text).map_err(|cause| {
            Error::new(&code::INTERNAL, "the manual could not be made").caused_by(cause)
        })?;
    }
    answer(text)
}

/// `docs/commands.md`.
fn markdown(definition: &mut clap::Command) -> String {
    let mut text = String::from(
        "# Commands\n\nMade by `crossdock man --markdown` and compared by a test.\n\n## Every command takes\n\n",
    );
    let is_global = |arg: &&clap::Arg| arg.is_global_set();
    for arg in definition.get_arguments().filter(is_global) {
        text += &option(arg);
    }
    text += "\nExit codes: [errors.md](errors.md).\n";
    for command in definition.get_subcommands_mut() {
        section(&mut text, command);
    }
    text
}

fn section(text: &mut String, command: &mut clap::Command) {
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let about = command.get_about().map(ToString::to_string);
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    *text += &format!(
        "\n## {name}\n\n{}\n\n```console\n$ {usage}\n```\n",
        about.unwrap_or_default()
    );
    let own = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && arg.get_id() != "help");
    let own: String = own.map(option).collect();
    if !own.is_empty() {
        *text += &format!("\n{own}");
    }
    for inner in command.get_subcommands_mut() {
        if inner.get_name() != "help" {
            section(text, inner);
        }
    }
}

fn option(arg: &clap::Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let default = match defaults.as_slice() {
        [] => String::new(),
        defaults => format!(" (default {})", defaults.join(", ")),
    };
    format!("* `{arg}`: {help}{default}\n")
}

fn answer(text: Vec<u8>) -> Result<Answer, Error> {
    let text = String::from_utf8(text)
        .map_err(|cause| Error::new(&code::INTERNAL, "not UTF-8").caused_by(cause))?;
    Answer::new(&text, text.clone())
}
