//! `cargo xtask test`: installs what the tests need, and runs all of them in named steps.
//!
//! The steps are in the order in which a mistake is cheap to find. The first that fails ends the run. Nothing is
//! skipped: the tests are told to fail where they cannot run, instead of passing by doing nothing.

pub(crate) mod connector;
mod docker;
pub(crate) mod environment;
pub(crate) mod go;
pub(crate) mod interpreter;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::arguments::{Arguments, Usage};
use crate::{tidy, workspace};

/// How many seeds the simulation of crashes runs through here; its own default is for a developer's patience.
const SIMULATION_SEEDS: &str = "10000";

/// Programs of the system that the tests run, by the variables that name them. Debian's packages have the same names.
const SYSTEM_PROGRAMS: [(&str, &str); 2] = [
    ("CROSSDOCK_TEST_STRACE", "strace"),
    ("CROSSDOCK_TEST_SQLITE3", "sqlite3"),
];

/// One step of the run.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: [Step; 7] = [
    Step {
        name: "format",
        what: "the text is as rustfmt writes it",
        run: format,
    },
    Step {
        name: "tidy",
        what: "the house rules are kept",
        run: rules,
    },
    Step {
        name: "connectors",
        what: "real connectors are installed for the tests",
        run: connectors,
    },
    Step {
        name: "lint",
        what: "clippy has nothing to say",
        run: lint,
    },
    Step {
        name: "build",
        what: "all programs are built",
        run: build,
    },
    Step {
        name: "test",
        what: "every test of the workspace passes",
        run: test,
    },
    Step {
        name: "document",
        what: "the documentation builds, links included",
        run: document,
    },
];

/// Runs all steps, or the one named.
pub(crate) fn main(arguments: Vec<String>) -> Result<()> {
    let arguments = Arguments::parse(arguments, &["list"], &["only"])?;
    if let Some(word) = arguments.words.first() {
        return Err(Usage(format!("`test` takes no `{word}`; `--only STEP` chooses")).into());
    }
    if arguments.has("list") {
        for step in &STEPS {
            println!("{:<12}{}", step.name, step.what);
        }
        return Ok(());
    }
    let only = arguments.value("only");
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| only.is_none_or(|only| only == step.name))
        .collect();
    if chosen.is_empty() {
        return Err(Usage(format!(
            "there is no step `{}`; see `--list`",
            only.unwrap_or_default()
        ))
        .into());
    }
    let mut table = Vec::new();
    let mut failure = None;
    for (index, step) in chosen.iter().enumerate() {
        println!(
            "==> {}/{} {}: {}",
            index + 1,
            chosen.len(),
            step.name,
            step.what
        );
        let begin = Instant::now();
        let result = (step.run)();
        table.push((step.name, result.is_ok(), begin.elapsed()));
        if let Err(error) = result {
            failure = Some((step.name, error));
            break;
        }
    }
    print!(
        "{}",
        summary(
            &table,
            chosen.iter().skip(table.len()).map(|step| step.name)
        )
    );
    match failure {
        Some((name, error)) => Err(error).context(format!("step `{name}` failed")),
        None => Ok(()),
    }
}

/// The closing table: what each step came to, and how long it took.
fn summary<'a>(done: &[(&str, bool, Duration)], left: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("\n  step        result   seconds\n");
    for (name, passed, time) in done {
        let result = if *passed { "passed" } else { "FAILED" };
        text += &format!("  {name:<12}{result:<8}{:>8.1}\n", time.as_secs_f64());
    }
    for name in left {
        text += &format!("  {name:<12}not run\n");
    }
    let total: Duration = done.iter().map(|(.., time)| *time).sum();
    text + &format!("  {:<20}{:>8.1}\n", "total", total.as_secs_f64())
}

fn format() -> Result<()> {
    tools()?;
    workspace::run(&mut workspace::cargo(&["fmt", "--all", "--check"]))
}

/// A toolchain of the smallest profile has neither rustfmt nor clippy; rustup adds them.
fn tools() -> Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if workspace::cargo(&[command, "--version"])
            .output()
            .is_ok_and(|found| found.status.success())
        {
            continue;
        }
        println!("    installing {component} with rustup");
        let mut rustup = Command::new("rustup");
        workspace::run(rustup.current_dir(workspace::root()).args([
            "component",
            "add",
            component,
        ]))?;
    }
    Ok(())
}

fn rules() -> Result<()> {
    tidy::main(Vec::new())
}

fn connectors() -> Result<()> {
    connector::prepare()?;
    go::prepare()?;
    let is_missing = |program: &str| Command::new(program).arg("--version").output().is_err();
    let missing: Vec<&str> = SYSTEM_PROGRAMS
        .iter()
        .map(|(_, program)| *program)
        .filter(|program| is_missing(program))
        .collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    postgres()?;
    docker::prepare()
}

/// Where the programs of PostgreSQL's server are: Debian puts them beside each version, out of `PATH`.
fn postgres() -> Result<PathBuf> {
    let find = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let folders = versions.map(|version| version.path().join("bin"));
        folders.filter(|bin| bin.join("initdb").is_file()).max()
    };
    match find() {
        Some(found) => Ok(found),
        None => {
            install(&["postgresql"])?;
            find().context("the package `postgresql` has no server in /usr/lib/postgresql")
        }
    }
}

fn lint() -> Result<()> {
    tools()?;
    workspace::run(&mut workspace::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))
}

// The whole workspace, as in every step: with a choice of packages, cargo would unite their features anew and build
// half of the dependencies once more.
fn build() -> Result<()> {
    workspace::run(&mut workspace::cargo(&[
        "build",
        "--workspace",
        "--locked",
        "--quiet",
    ]))
}

fn test() -> Result<()> {
    let mut command = workspace::cargo(&["test", "--workspace", "--locked"]);
    for (name, value) in connector::prepare()? {
        command.env(name, value);
    }
    for (name, program) in SYSTEM_PROGRAMS {
        command.env(name, program);
    }
    command.env("CROSSDOCK_TEST_CONDUIT", go::prepare()?);
    command.env("CROSSDOCK_TEST_POSTGRES", postgres()?);
    let engine = docker::Engine::start()?;
    command.env("CROSSDOCK_TEST_DOCKER", engine.host());
    command
        .env("CROSSDOCK_TEST_PYPI", "1")
        .env("CROSSDOCK_TEST_REQUIRED", "1")
        .env("CROSSDOCK_SIM_SEEDS", SIMULATION_SEEDS);
    workspace::run(&mut command)
}

fn document() -> Result<()> {
    let mut command = workspace::cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    workspace::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Installs packages of the system where we may: as root, on a system with apt.
fn install(packages: &[&str]) -> Result<()> {
    let id = workspace::output(Command::new("id").arg("-u"))?;
    if id.trim() != "0" || Command::new("apt-get").arg("--version").output().is_err() {
        bail!(
            "install {} with the package manager of your system, then run this again",
            packages.join(" and ")
        );
    }
    println!("    installing {} with apt-get", packages.join(" and "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(arguments);
        workspace::run(command.stdin(std::process::Stdio::null()))
    };
    apt(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_passed_what_failed_and_what_was_not_run() {
        let done = [
            ("format", true, Duration::from_millis(1_500)),
            ("lint", false, Duration::from_secs(90)),
        ];
        let text = summary(&done, ["build"].into_iter());
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[2], ["format", "passed", "1.5"]);
        assert_eq!(lines[3], ["lint", "FAILED", "90.0"]);
        assert_eq!(lines[4], ["build", "not", "run"]);
        assert_eq!(lines[5], ["total", "91.5"]);
    }

    #[test]
    fn a_step_that_is_not_there_is_refused() {
        for line in [&["--only", "dance"][..], &["dance"], &["--dance"]] {
            let error = main(line.iter().map(|word| (*word).to_owned()).collect()).unwrap_err();
            assert!(error.is::<Usage>(), "{line:?}: {error}");
        }
    }
}
