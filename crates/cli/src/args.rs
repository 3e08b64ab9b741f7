//! The words of the command line. What they mean to a user is said here, in the doc comments,
//! which are the help texts.

mod command;
mod connector;
mod dlq;
#[cfg(test)]
mod documented;
mod refresh;
mod side;
mod state;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};

pub(crate) use command::{
    Check, Command, Completions, Discover, Errors, Gravity, Init, Logs, Manual, Plan, Preview,
    Quickstart, QuickstartSource, Read, Run, Runs, RunsCommand, Spec, Sync, Validate, Write,
};
pub(crate) use connector::{Connector, Image, New, Package, Platform, Serve, Template, Test};
pub(crate) use dlq::{Dlq, DlqPipelines};
pub(crate) use refresh::{Accept, Clear, Refresh, Status};
pub(crate) use side::Side;
pub(crate) use state::{Export, History, Import, Reset, Rollback, Show, State};

/// Moves data from any connector to any other
#[derive(Debug, Parser)]
#[command(
    name = "crossdock",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true,
    styles = Styles::styled().header(AnsiColor::Green.on_default().bold()).usage(AnsiColor::Green.on_default().bold()),
    after_help = "First time here? Try `crossdock quickstart`."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print one JSON envelope instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The file that keeps the state of pipelines
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "CROSSDOCK_STORE",
        hide_env_values = true
    )]
    pub(crate) store: Option<PathBuf>,
    /// Show connectors' logs: `-v` progress, `-vv` everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// How logs are written to standard error
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "CROSSDOCK_LOG_FORMAT",
        hide_env_values = true,
        value_enum,
        default_value_t
    )]
    pub(crate) log_format: LogFormat,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: ColorWhen,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object on each line, for programs.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What can be known of a command line that clap refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glimpse {
    pub(crate) json: bool,
    pub(crate) color: ColorWhen,
}

impl Glimpse {
    /// Looks for the flags that decide how an error is shown.
    pub(crate) fn of(words: &[OsString]) -> Self {
        let mut glimpse = Self::default();
        let mut words = words.iter().skip(1).map(OsString::as_os_str);
        let color = |value: Option<&OsStr>| {
            let value = value.and_then(OsStr::to_str).unwrap_or_default();
            ColorWhen::from_str(value, false).unwrap_or_default()
        };
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--") => break,
                Some("--json") => glimpse.json = true,
                Some("--color") => glimpse.color = color(words.next()),
                Some(word) => {
                    if let Some(value) = word.strip_prefix("--color=") {
                        glimpse.color = color(Some(OsStr::new(value)));
                    }
                }
                None => {}
            }
        }
        glimpse
    }
}

/// The definition of the command line, for what is made of it.
pub(crate) fn definition() -> clap::Command {
    Args::command()
}

/// Reads the command line.
pub(crate) fn parse(words: &[OsString], color: ColorWhen) -> Result<Args, clap::Error> {
    let choice = match color {
        ColorWhen::Auto => ColorChoice::Auto,
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
    };
    let matches = Args::command().color(choice).try_get_matches_from(words)?;
    Args::from_arg_matches(&matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_refused_line_still_says_how_to_answer() {
        let check = |line: &str, json, color| {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            assert_eq!(Glimpse::of(&words), Glimpse { json, color }, "{line}");
        };
        check("crossdock run --jsn", false, ColorWhen::Auto);
        check("crossdock --json nonsense", true, ColorWhen::Auto);
        check("crossdock x --color never --json", true, ColorWhen::Never);
        check("crossdock x --color=always", false, ColorWhen::Always);
        check("crossdock x --color", false, ColorWhen::Auto);
        check("crossdock x -- --json", false, ColorWhen::Auto);
    }
}
