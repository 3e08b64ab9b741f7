//! Runs the battery of Conduit on a program:
//! `cargo run -p crossdock-conformance --example conduit -- source ./connector key=value …`
//!
//! Without any `key=value` there is no configuration, and what needs one is skipped; `-` is the empty configuration.

use std::io::Write as _;
use std::sync::Arc;

use crossdock_conformance::conduit::{Config, Launched, Patience, Role, Subject, checks};
use crossdock_conformance::{Verdict, judge};
use crossdock_core::secret::Masker;
use crossdock_core::session::{Session, Unobserved};
use crossdock_launch::Exec;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let role = match words.next().as_deref() {
        Some("source") => Role::Source,
        Some("destination") => Role::Destination,
        _ => return Err("first `source` or `destination`, then the program".into()),
    };
    let program = words.next().ok_or("the program lacks")?;
    let words: Vec<String> = words.collect();
    let configured = !words.is_empty();
    let pairs = words.iter().filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let config: Config = pairs.collect();
    let config = configured.then_some(config);
    let session = Session::new(Arc::new(Unobserved));
    let launcher = Arc::new(Exec::new(vec![program]));
    let peer = Launched::new(launcher, session, role);
    let subject = Subject::new(Box::new(peer), role, config, Patience::default());
    let mut out = std::io::stdout();
    let mut write = |text: String| {
        // Nobody is left to tell if nobody reads this.
        let _ = writeln!(out, "{text}");
    };
    judge(checks(role), &subject, &Masker::default(), |judged| {
        let rule = &judged.rule;
        let head = format!(
            "{:24} {:?} {:>6} ms",
            rule.name, rule.level, judged.milliseconds
        );
        match &judged.verdict {
            Verdict::Passed => write(format!("{head} passed")),
            Verdict::Skipped { reason } => write(format!("{head} skipped: {reason}")),
            Verdict::Failed(finding) => {
                write(format!("{head} FAILED: {}", finding.seen));
                for line in &finding.exchange {
                    write(format!("    {} {}", line.from.sign(), line.text));
                }
            }
        }
    })
    .await?;
    Ok(())
}
