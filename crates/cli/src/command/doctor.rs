//! `crossdock doctor`.

use crossdock_control::doctor::{self, Finding, Health};
use crossdock_core::{Error, code};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::context::Context;
use crate::table::{Side, Table};

/// What this machine lacks, each with the remedy. Fails if nothing can work.
pub(super) async fn execute(context: &Context) -> Result<Answer, Error> {
    let findings = doctor::examine(&context.store_path(None)).await;
    let data: Vec<Value> = findings.iter().map(data).collect();
    let mut table = Table::new([("", Side::Left), ("", Side::Left), ("", Side::Left)]);
    for finding in &findings {
        let word = match finding.health {
            Health::Good => "ok",
            Health::Missing => "missing",
            Health::Broken => "BROKEN",
        };
        let subject = finding.subject.to_owned();
        table.row([subject, word.to_owned(), finding.found.clone()]);
        if let Some(remedy) = &finding.remedy {
            table.below(format!("→ {remedy}"));
        }
    }
    let text = table.render(0);
    let text = text.strip_prefix('\n').unwrap_or(&text);
    let broken = findings.iter().find(|f| f.health == Health::Broken);
    let error = broken.map(|finding| {
        let error = Error::new(
            &code::STORE_UNAVAILABLE,
            format!("the {} is broken: {}", finding.subject, finding.found),
        );
        match &finding.remedy {
            Some(remedy) => error.hint(remedy),
            None => error,
        }
    });
    Ok(Answer::new(&data, text)?.failed(error))
}

fn data(finding: &Finding) -> Value {
    json!({
        "subject": finding.subject,
        "health": finding.health.as_str(),
        "found": finding.found,
        "remedy": finding.remedy,
    })
}
