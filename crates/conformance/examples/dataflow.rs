//! Runs the battery of DataFlow on a program and prints what came of it, a line for each rule.
//!
//! ```text
//! cargo run -p crossdock-conformance --example dataflow -- source my-type '{"count":50}' ./my-connector
//! ```
//!
//! The configuration may be `-`: there is none. Whatever follows the program are its arguments.
#![expect(clippy::print_stdout, reason = "it prints its findings")]

use std::sync::Arc;

use crossdock_conformance::dataflow::{Launched, Role, Subject, checks};
use crossdock_conformance::{Judged, Level, Verdict, judge};
use crossdock_core::secret::Masker;
use crossdock_core::session::{Session, Unobserved};
use crossdock_launch::Exec;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut word = |what: &str| words.next().ok_or(format!("{what} is missing"));
    let role = match word("the role")?.as_str() {
        "source" => Role::Source,
        "sink" => Role::Sink,
        other => return Err(format!("the role is `{other}`, neither source nor sink").into()),
    };
    let kind = word("the type")?;
    let config = match word("the configuration")?.as_str() {
        "-" => None,
        text => Some(serde_json::from_str(text)?),
    };
    let launcher = Arc::new(Exec::new(words.collect()));
    let peer = Launched::new(launcher, Session::new(Arc::new(Unobserved)));
    let subject = Subject::new(Box::new(peer), role, &kind, config);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(judge(checks(role), &subject, &Masker::default(), told))?;
    Ok(())
}

fn told(judged: &Judged) {
    let (sign, seen) = match &judged.verdict {
        Verdict::Passed => ("ok", ""),
        Verdict::Skipped { reason } => ("skipped", reason.as_str()),
        Verdict::Failed(finding) if judged.rule.level == Level::Must => {
            ("BROKEN", finding.seen.as_str())
        }
        Verdict::Failed(finding) => ("advice", finding.seen.as_str()),
    };
    println!(
        "{sign:>8}  {:30} {:>6} ms  {seen}",
        judged.rule.name, judged.milliseconds
    );
    if let Verdict::Failed(finding) = &judged.verdict {
        for line in &finding.exchange {
            println!("{:>12} {}", line.from.sign(), line.text);
        }
    }
}
