//! `crossdock connector test`.

use std::fmt::Write as _;

use crossdock_config::{Protocol, Settings};
use crossdock_control::conformance::battery::{Finding, Judged, Level, Places, Report, Verdict};
use crossdock_control::conformance::{Examination, examine};
use crossdock_core::{Error, code};

use crate::answer::Answer;
use crate::args::{Platform, Side, Test};
use crate::context::{self, Context};
use crate::palette::Palette;

/// Runs the battery. A broken rule that binds is an error, so that scripts see it.
pub(super) async fn execute(args: &Test, context: &Context) -> Result<Answer, Error> {
    let config = args.config.as_deref();
    let examination = Examination {
        reference: args.reference.parse()?,
        role: args.role.map(Side::role),
        protocol: args.protocol.map(|platform| match platform {
            Platform::Airbyte => Protocol::Airbyte,
            Platform::Conduit => Protocol::Conduit,
            Platform::DataFlow => Protocol::DataFlow,
        }),
        config: config
            .map(|text| context::config(Some(text), "--config"))
            .transpose()?,
        places: match args.every {
            true => Places::Every,
            false => Places::Some,
        },
        verify: match &args.verify {
            Some(reference) => {
                let config = args.verify_config.as_deref();
                let config = context::config(config, "--verify-config")?;
                Some((reference.parse()?, config))
            }
            None => None,
        },
        only: args.only.clone(),
    };
    let palette = context.printer.palette();
    let heard = |judged: &Judged| {
        if let Some(line) = line(judged, palette) {
            context.printer.talk(&line);
        }
    };
    let report = examine(examination, &context.ask(Settings::default()), heard).await?;
    context.screen.clear();
    if let Some(path) = &args.junit {
        std::fs::write(path, report.junit()).map_err(|cause| {
            Error::new(&code::IO, "the results cannot be written")
                .with("file", path.display())
                .caused_by(cause)
        })?;
    }
    let answer = Answer::new(&report, text(&report, palette))?;
    if report.failed == 0 {
        return Ok(answer);
    }
    let rules = match report.failed {
        1 => "a rule".to_owned(),
        count => format!("{count} rules"),
    };
    let message = format!("the connector breaks {rules} of its protocol");
    let error = Error::new(&code::CONNECTOR_NONCONFORMING, message);
    let error = match report.is_config_refused() {
        true => error.hint("it refuses the configuration; is that one right? What needs one that works was not tested"),
        false => error,
    };
    Ok(answer.failed([error.with("connector", &args.reference)]))
}

/// One rule while the test runs. Those that are not tested come at the end, by their reasons.
fn line(judged: &Judged, palette: Palette) -> Option<String> {
    let word = match &judged.verdict {
        Verdict::Passed => palette.success("ok    "),
        Verdict::Failed(_) if judged.is_violation() => palette.error("broken"),
        Verdict::Failed(_) => palette.warning("advice"),
        Verdict::Skipped { .. } => return None,
    };
    Some(format!("{word} {}", judged.rule.name))
}

/// What is broken, with all that helps to mend it, and the counts.
fn text(report: &Report, palette: Palette) -> String {
    let mut text = String::new();
    for judged in &report.checks {
        if let Verdict::Failed(finding) = &judged.verdict {
            text += &told(judged, finding, palette);
        }
    }
    for (reason, rules) in untested(report) {
        let rules = match rules.len() {
            0..=3 => rules.join(", "),
            many => format!("{many} rules"),
        };
        let _ = writeln!(text, "not tested: {rules}: {reason}");
    }
    let counts = [
        (report.passed, "kept"),
        (report.failed, "broken"),
        (report.warned, "worth a look"),
        (report.skipped, "not tested"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let _ = writeln!(
        text,
        "{} as a {} of {}: {}",
        report.connector,
        report.role.as_str(),
        platform(report.protocol),
        counts.join(", ")
    );
    text
}

/// The reasons for which rules were not tested, each with its rules, in the order of the first.
fn untested(report: &Report) -> Vec<(&str, Vec<&'static str>)> {
    let mut reasons: Vec<(&str, Vec<&'static str>)> = Vec::new();
    for judged in &report.checks {
        let Verdict::Skipped { reason } = &judged.verdict else {
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, rules)) => rules.push(judged.rule.name),
            None => reasons.push((reason, vec![judged.rule.name])),
        }
    }
    reasons
}

fn platform(protocol: &str) -> &str {
    match protocol {
        "airbyte" => "Airbyte",
        "conduit" => "Conduit",
        "dataflow" => "DataFlow",
        other => other,
    }
}

fn told(judged: &Judged, finding: &Finding, palette: Palette) -> String {
    let rule = judged.rule;
    let name = match rule.level {
        Level::Must => palette.error(rule.name),
        Level::Should => palette.warning(rule.name),
    };
    let mut text = format!(
        "{name}: {}\n  seen:   {}\n  clause: {}\n  {} {}\n",
        rule.says,
        finding.seen,
        rule.clause,
        palette.hint("hint:  "),
        rule.hint
    );
    for line in &finding.exchange {
        let _ = writeln!(
            text,
            "  {} {}",
            palette.dim(&line.from.sign().to_string()),
            line.text
        );
    }
    text.push('\n');
    text
}
