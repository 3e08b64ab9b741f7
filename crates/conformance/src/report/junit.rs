//! JUnit XML: a `testsuite` with a `testcase` for each rule.

use std::fmt::Write as _;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Report;
use crate::{Finding, Judged, Verdict};

pub(super) fn write(report: &Report) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // A vector takes everything.
    let _ = suite(&mut writer, report);
    String::from_utf8_lossy(&writer.into_inner()).into_owned()
}

fn suite(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let seconds: u64 = report.checks.iter().map(|judged| judged.milliseconds).sum();
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", report.connector.as_str()),
            ("tests", report.checks.len().to_string().as_str()),
            ("failures", report.failed.to_string().as_str()),
            ("skipped", report.skipped.to_string().as_str()),
            ("time", in_seconds(seconds).as_str()),
        ])
        .write_inner_content(|writer| {
            let class = format!("{}.{}", report.protocol, report.role.as_str());
            report
                .checks
                .iter()
                .try_for_each(|judged| case(writer, &class, judged))
        })?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, class: &str, judged: &Judged) -> io::Result<()> {
    let case = writer.create_element("testcase").with_attributes([
        ("classname", class),
        ("name", judged.rule.name),
        ("time", in_seconds(judged.milliseconds).as_str()),
    ]);
    match &judged.verdict {
        Verdict::Passed => case.write_empty()?,
        Verdict::Skipped { reason } => case.write_inner_content(|writer| {
            let skipped = writer.create_element("skipped");
            skipped
                .with_attribute(("message", reason.as_str()))
                .write_empty()?;
            Ok(())
        })?,
        Verdict::Failed(finding) => case.write_inner_content(|writer| {
            let element = if judged.is_violation() {
                let failure = writer.create_element("failure");
                failure.with_attribute(("message", finding.seen.as_str()))
            } else {
                writer.create_element("system-out")
            };
            element.write_text_content(BytesText::new(&told(judged, finding)))?;
            Ok(())
        })?,
    };
    Ok(())
}

fn told(judged: &Judged, finding: &Finding) -> String {
    let rule = judged.rule;
    let mut text = format!(
        "{}\n{}\nclause: {}\nhint: {}\n",
        rule.says, finding.seen, rule.clause, rule.hint
    );
    for line in &finding.exchange {
        let _ = writeln!(text, "{} {}", line.from.sign(), line.text);
    }
    // XML has no way to write other control characters.
    text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    text
}

fn in_seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}
