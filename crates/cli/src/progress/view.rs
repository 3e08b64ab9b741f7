//! What of a run's progress is shown, as text. Pure: the same progress gives the same lines.

use crossdock_control::{Progress, StreamProgress};
use crossdock_core::StreamStatus;
use crossdock_core::event::Estimate;

use super::rate::Rates;
use crate::quantity;
use crate::text;

/// Characters of a drawn bar.
const BAR: usize = 16;
/// A stream's name is cut after so many characters.
const NAME: usize = 32;

/// One line about everything, for a log.
pub(super) fn sentence(progress: &Progress, rates: &Rates) -> String {
    let mut parts = totals(progress, rates);
    let done = progress.streams.iter().filter(|s| is_done(s)).count();
    if progress.streams.len() > 1 {
        parts.push(format!("{done} of {} streams done", progress.streams.len()));
    }
    parts.join(", ")
}

/// A line for each of the most active streams, at most `most`, one for the others, and one for the
/// whole.
pub(super) fn lines(progress: &Progress, rates: &Rates, most: usize) -> Vec<String> {
    let shown = most_active(progress, rates, most);
    let width = shown.iter().map(|s| name(s).chars().count()).max();
    let width = width.unwrap_or(0);
    let mut lines: Vec<String> = shown.iter().map(|s| line(s, rates, width)).collect();
    let others = progress.streams.len() - shown.len();
    if others > 0 {
        let done = progress.streams.iter().filter(|s| is_done(s)).count();
        lines.push(format!(
            "  {others} more ({done} of {} done)",
            progress.streams.len()
        ));
    }
    let mut parts = totals(progress, rates);
    parts.push(quantity::duration(progress.elapsed));
    lines.push(format!("  {}", parts.join(" · ")));
    lines
}

fn totals(progress: &Progress, rates: &Rates) -> Vec<String> {
    let records: u64 = progress.streams.iter().map(|s| s.counts.read).sum();
    let bytes: u64 = progress.streams.iter().map(|s| s.counts.bytes).sum();
    let mut parts = vec![
        quantity::of(records, "record"),
        quantity::bytes(bytes),
        format!("{} records/s", quantity::count(rates.records())),
        format!("{}/s", quantity::bytes(rates.bytes())),
    ];
    if let Some(percent) = percent(records, bytes, whole(progress).as_ref()) {
        parts.push(format!("{percent}%"));
    }
    parts.push(match progress.since_commit {
        Some(since) => format!("last checkpoint {} ago", quantity::duration(since)),
        None => "no checkpoint yet".to_owned(),
    });
    parts
}

/// Which part is done: by records, else by bytes, which some sources alone can estimate.
fn percent(records: u64, bytes: u64, whole: Option<&Estimate>) -> Option<u8> {
    let whole = whole?;
    quantity::percent(records, whole.records).or_else(|| quantity::percent(bytes, whole.bytes))
}

/// How much there will be: as the source said of the whole, else of every stream.
fn whole(progress: &Progress) -> Option<Estimate> {
    if progress.estimate.is_some() {
        return progress.estimate.clone();
    }
    let estimates: Option<Vec<&Estimate>> = progress
        .streams
        .iter()
        .map(|s| s.estimate.as_ref())
        .collect();
    let estimates = estimates.filter(|all| !all.is_empty())?;
    let sum = |of: fn(&Estimate) -> Option<u64>| {
        let mut each = estimates.iter().map(|estimate| of(estimate));
        // What a source says of itself may be any number.
        each.try_fold(0, |sum: u64, one| Some(sum.saturating_add(one?)))
    };
    Some(Estimate {
        stream: None,
        records: sum(|estimate| estimate.records),
        bytes: sum(|estimate| estimate.bytes),
    })
}

fn is_done(stream: &StreamProgress) -> bool {
    stream.status == Some(StreamStatus::Complete)
}

/// In the order of the catalog, so that lines stay where they are.
fn most_active<'a>(progress: &'a Progress, rates: &Rates, most: usize) -> Vec<&'a StreamProgress> {
    let mut order: Vec<usize> = (0..progress.streams.len()).collect();
    order.sort_by_key(|at| {
        let stream = &progress.streams[*at];
        let begun = stream.status.is_some() || stream.counts.read > 0;
        let rank = match (is_done(stream), begun) {
            (false, true) => 0,
            (true, _) => 1,
            (false, false) => 2,
        };
        (rank, std::cmp::Reverse(rates.of(&stream.counts.stream)))
    });
    order.truncate(most);
    order.sort_unstable();
    order.into_iter().map(|at| &progress.streams[at]).collect()
}

fn name(stream: &StreamProgress) -> String {
    text::shortened(&stream.counts.stream.to_string(), NAME)
}

fn line(stream: &StreamProgress, rates: &Rates, width: usize) -> String {
    let counts = &stream.counts;
    // What is done has no speed.
    let speed = if is_done(stream) {
        String::new()
    } else {
        format!("{}/s", quantity::count(rates.of(&counts.stream)))
    };
    let mut line = format!(
        "  {:<width$}  {:>12} records  {:>9}  {speed:>13}",
        name(stream),
        quantity::count(counts.read),
        quantity::bytes(counts.bytes),
    );
    match percent(counts.read, counts.bytes, stream.estimate.as_ref()) {
        Some(percent) if !is_done(stream) => {
            let filled = usize::from(percent) * BAR / 100;
            let (full, rest) = ("#".repeat(filled), ".".repeat(BAR - filled));
            line += &format!("  [{full}{rest}] {percent:>3}%");
        }
        _ => {}
    }
    match state(stream) {
        "" => line,
        state => format!("{line}  {state}"),
    }
}

fn state(stream: &StreamProgress) -> &'static str {
    match stream.status {
        Some(StreamStatus::Complete) => "done",
        Some(StreamStatus::Incomplete) => "failed",
        Some(StreamStatus::RateLimited { .. }) => "waiting for the source's rate limit",
        None if stream.counts.read == 0 => "waiting",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crossdock_core::StreamId;
    use crossdock_core::event::Estimate;
    use crossdock_core::store::StreamCounts;

    fn stream(
        name: &str,
        read: u64,
        status: Option<StreamStatus>,
        whole: Option<u64>,
    ) -> StreamProgress {
        let mut counts = StreamCounts::new(StreamId::new(name));
        counts.read = read;
        counts.bytes = read * 100;
        StreamProgress {
            estimate: whole.map(|whole| Estimate {
                stream: Some(counts.stream.clone()),
                records: Some(whole),
                bytes: None,
            }),
            counts,
            status,
        }
    }

    fn progress(streams: Vec<StreamProgress>, since_commit: Option<u64>) -> (Progress, Rates) {
        let progress = Progress {
            elapsed: Duration::from_secs(10),
            since_commit: since_commit.map(Duration::from_secs),
            streams,
            ..Progress::default()
        };
        let mut rates = Rates::default();
        rates.see(&progress);
        (progress, rates)
    }

    #[test]
    fn each_stream_has_a_line_and_the_whole_another() {
        let running = Some(StreamStatus::Running);
        let (progress, rates) = progress(
            vec![
                stream("users", 12_000, running, Some(24_000)),
                stream("products", 100, Some(StreamStatus::Complete), Some(100)),
                stream("purchases", 0, None, None),
            ],
            Some(3),
        );
        insta::assert_snapshot!(lines(&progress, &rates, 12).join("\n"), @r"
          users            12,000 records     1.2 MB        1,200/s  [########........]  50%
          products            100 records    10.0 kB                 done
          purchases             0 records        0 B            0/s  waiting
          12,100 records · 1.2 MB · 1,210 records/s · 121.0 kB/s · last checkpoint 3.0s ago · 10s
        ");
        assert_eq!(
            sentence(&progress, &rates),
            "12,100 records, 1.2 MB, 1,210 records/s, 121.0 kB/s, last checkpoint 3.0s ago, 1 of 3 streams done"
        );
    }

    #[test]
    fn only_the_most_active_have_a_line() {
        let mut streams: Vec<_> = (0..30)
            .map(|n| stream(&format!("s{n}"), 0, None, None))
            .collect();
        streams[20] = stream("busy", 500, Some(StreamStatus::Running), None);
        streams[3] = stream("slow", 10, Some(StreamStatus::Running), None);
        streams[25] = stream("done", 900, Some(StreamStatus::Complete), None);
        let (progress, rates) = progress(streams, None);
        insta::assert_snapshot!(lines(&progress, &rates, 2).join("\n"), @r"
          slow            10 records     1.0 kB            1/s
          busy           500 records    50.0 kB           50/s
          28 more (1 of 30 done)
          1,410 records · 141.0 kB · 141 records/s · 14.1 kB/s · no checkpoint yet · 10s
        ");
    }

    #[test]
    fn a_percentage_needs_an_estimate_of_everything() {
        // Of each stream one record of 100 bytes is read.
        type Estimates = &'static [Option<(Option<u64>, Option<u64>)>];
        let check = |estimates: Estimates, expected: Option<u8>| {
            let streams = estimates.iter().map(|estimate| {
                let mut stream = stream("s", 1, None, None);
                stream.estimate = estimate.map(|(records, bytes)| Estimate {
                    stream: None,
                    records,
                    bytes,
                });
                stream
            });
            let (progress, rates) = progress(streams.collect(), None);
            let sentence = sentence(&progress, &rates);
            match expected {
                Some(percent) => assert!(sentence.contains(&format!(" {percent}%,")), "{sentence}"),
                None => assert!(!sentence.contains('%'), "{sentence}"),
            }
        };
        check(&[], None);
        check(&[Some((Some(5), None)), None], None);
        check(&[Some((Some(4), None)), Some((Some(6), None))], Some(20));
        check(&[Some((None, Some(400)))], Some(25));
        check(&[Some((Some(5), Some(400)))], Some(20));
        check(&[Some((Some(0), Some(400)))], Some(25));
        check(
            &[Some((Some(4), Some(300))), Some((None, Some(500)))],
            Some(25),
        );
        check(&[Some((Some(4), None)), Some((None, Some(500)))], None);
        check(
            &[Some((Some(u64::MAX), None)), Some((Some(1), None))],
            Some(0),
        );
    }

    #[test]
    fn bytes_tell_how_far_a_stream_is_where_records_are_not_estimated() {
        let mut by_bytes = stream("users", 10, Some(StreamStatus::Running), None);
        by_bytes.estimate = Some(Estimate {
            stream: Some(by_bytes.counts.stream.clone()),
            records: None,
            bytes: Some(2000),
        });
        let (mut progress, rates) = progress(vec![by_bytes], None);
        let line = lines(&progress, &rates, 1).remove(0);
        assert!(line.ends_with("[########........]  50%"), "{line}");
        // What the source says of the whole comes before what it says of streams.
        progress.estimate = Some(Estimate {
            stream: None,
            records: None,
            bytes: Some(4000),
        });
        let sentence = sentence(&progress, &rates);
        assert!(sentence.contains(" 25%,"), "{sentence}");
    }

    #[test]
    fn speeds_follow_what_happens_and_begin_anew_with_an_attempt() {
        let mut rates = Rates::default();
        let mut see = |seconds, read| {
            rates.see(&Progress {
                elapsed: Duration::from_secs(seconds),
                streams: vec![stream("s", read, None, None)],
                ..Progress::default()
            });
            rates.records()
        };
        assert_eq!(see(1, 100), 100);
        assert_eq!(see(2, 300), 150);
        for second in 3..30 {
            see(second, 300);
        }
        assert_eq!(see(30, 300), 0);
        assert_eq!(see(1, 50), 50);
    }
}
