//! What a run did: a table for people, and data for programs.

mod data;

use std::time::Duration;

use crossdock_control::schema_review::Effect;
use crossdock_control::{SchemaFindings, StreamSummary, Summary};
use crossdock_core::store::{RunKind, RunStatus};
use crossdock_core::{StreamStatus, code};

use crate::palette::Palette;
use crate::quantity;
use crate::table::{Side, Table};
use crate::text;

pub(crate) use data::{counts, data, failed_data, statistics};

/// The summary of a run, without the last line's end. Its error, if any, is printed apart.
pub(crate) fn text(summary: &Summary, palette: Palette) -> String {
    let mut text = format!("{}\n", head(summary, palette));
    text += &table(
        &summary.streams,
        summary.elapsed,
        went_through(summary),
        palette,
    );
    for change in &summary.schema_changes {
        let left_out = match change.effect {
            Effect::LeftOut => " (left out)",
            _ => "",
        };
        for line in change.lines() {
            text += &format!(
                "  {} {}{left_out}\n",
                palette.warning("changed"),
                crate::text::printable(&line)
            );
        }
    }
    for (reason, records) in &summary.unattributed {
        text += &format!(
            "  {} {} of no known stream: {reason}\n",
            palette.warning("dropped"),
            quantity::of(*records, "record")
        );
    }
    text.trim_end().to_owned()
}

/// Whether everything that was read had the time to arrive: only then must the counts add up.
fn went_through(summary: &Summary) -> bool {
    match &summary.error {
        Some(error) => *error.code() == code::COUNT_MISMATCH,
        None => !summary.cancelled,
    }
}

fn head(summary: &Summary, palette: Palette) -> String {
    let (word, preposition) = match summary.status() {
        RunStatus::Succeeded if summary.kind == RunKind::Clear => {
            (palette.success("cleared"), "in")
        }
        RunStatus::Succeeded => (palette.success("succeeded"), "in"),
        RunStatus::Cancelled => (palette.warning("cancelled"), "after"),
        RunStatus::Failed | RunStatus::Running => (palette.error("failed"), "after"),
    };
    let mut head = format!(
        "{} {word} {preposition} {}",
        palette.strong(&text::shortened(&summary.pipeline, 128)),
        quantity::duration(summary.elapsed)
    );
    if summary.attempts > 1 {
        head += &format!(", {} attempts", summary.attempts);
    }
    let moves = summary.kind == RunKind::Sync;
    if summary.status() == RunStatus::Succeeded && summary.records() == 0 && moves {
        head += ": nothing new";
    }
    head
}

/// A row for each stream, with what is remarkable below it, and one for all.
fn table(
    streams: &[StreamSummary],
    elapsed: Duration,
    went_through: bool,
    palette: Palette,
) -> String {
    let mut table = Table::new([
        ("stream", Side::Left),
        ("records", Side::Right),
        ("bytes", Side::Right),
        ("records/s", Side::Right),
        ("checkpoints", Side::Right),
        ("", Side::Left),
    ]);
    let row = |name: String, records, bytes, checkpoints, state: &str| {
        [
            name,
            quantity::count(records),
            quantity::bytes(bytes),
            quantity::count(quantity::per_second(records, elapsed)),
            quantity::count(checkpoints),
            state.to_owned(),
        ]
    };
    for stream in streams {
        let counts = &stream.counts;
        table.row(row(
            counts.stream.to_string(),
            counts.read,
            counts.bytes,
            counts.checkpoints,
            state(stream),
        ));
        for line in remarks(stream, went_through, palette) {
            table.below(line);
        }
    }
    if streams.len() != 1 {
        let sum = |of: fn(&StreamSummary) -> u64| streams.iter().map(of).sum::<u64>();
        table.row(row(
            "total".to_owned(),
            sum(|s| s.counts.read),
            sum(|s| s.counts.bytes),
            sum(|s| s.counts.checkpoints),
            "",
        ));
    }
    table.render(2)
}

/// Only what is not as it should be.
fn state(stream: &StreamSummary) -> &'static str {
    match stream.status {
        _ if stream.failure.is_some() => "failed",
        Some(StreamStatus::Incomplete) => "incomplete",
        Some(StreamStatus::Started | StreamStatus::Running) => "not complete",
        Some(StreamStatus::RateLimited { .. }) => "stopped at the source's rate limit",
        Some(StreamStatus::Complete) | None => "",
    }
}

/// P6: where the records went, if not all of them were written.
fn remarks(stream: &StreamSummary, went_through: bool, palette: Palette) -> Vec<String> {
    let counts = &stream.counts;
    let mut lines = Vec::new();
    if counts.written != counts.read {
        let mut parts = vec![format!("{} written", quantity::count(counts.written))];
        let others = [
            (counts.filtered, "filtered"),
            (counts.dead_lettered, "dead-lettered"),
            (counts.rejected, "rejected"),
            (counts.dropped, "dropped"),
        ];
        for (number, what) in others.into_iter().filter(|(number, _)| *number > 0) {
            parts.push(format!("{} {what}", quantity::count(number)));
        }
        lines.push(parts.join(", "));
    }
    for (reason, records) in &stream.drops {
        lines.push(format!(
            "{} {}: {reason}",
            palette.warning("dropped"),
            quantity::of(*records, "record")
        ));
    }
    let accounted = counts.accounted();
    if went_through && accounted != counts.read {
        lines.push(mismatch(counts.read, accounted, palette));
    }
    // A stream that never has checkpoints is whole without them.
    if counts.committed < counts.read && (counts.checkpoints > 0 || !went_through) {
        let number = counts.read - counts.committed;
        lines.push(format!(
            "{} not covered by a checkpoint: the next run reads {} again",
            quantity::of(number, "record"),
            if number == 1 { "it" } else { "them" }
        ));
    }
    if let Some(found) = &stream.schema {
        lines.extend(misfits(found, palette));
    }
    if let Some(failure) = &stream.failure {
        lines.push(format!(
            "{} {}",
            palette.error("failed:"),
            text::indented(failure, 6)
        ));
    }
    lines
}

/// How many faults are shown to people; `--json` has all that were kept.
const FAULTS: usize = 3;

/// Records that are not as the source has announced them, which is no failure.
fn misfits(found: &SchemaFindings, palette: Palette) -> Vec<String> {
    let mut lines = Vec::new();
    let word = palette.warning("schema:");
    if found.failing > 0 {
        lines.push(format!(
            "{word} {} of {} looked at {} not fit",
            quantity::count(found.failing),
            quantity::of(found.checked, "record"),
            if found.failing == 1 { "does" } else { "do" }
        ));
        for (record, fault) in found.faults.iter().take(FAULTS) {
            let fault = text::shortened(fault, 200);
            lines.push(format!("  record {}: {fault}", quantity::count(*record)));
        }
    }
    if !found.unexpected.is_empty() {
        let names = found.unexpected.join(", ");
        lines.push(format!(
            "{word} not announced: {}",
            text::shortened(&names, 200)
        ));
    }
    lines
}

fn mismatch(read: u64, accounted: u64, palette: Palette) -> String {
    let word = palette.error("mismatch:");
    let (number, what) = if read > accounted {
        (read - accounted, "read and not accounted for")
    } else {
        (accounted - read, "accounted for and never read")
    };
    format!("{word} {} {what}", quantity::of(number, "record"))
}

#[cfg(test)]
mod tests;
