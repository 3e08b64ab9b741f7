//! Who is to blame when nothing moves (P9). A pure judgement over what the actors show.

use std::time::Duration;

use crossdock_core::code;
use crossdock_core::error::Error;

/// How long each side may be silent. All are settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The source, while it is being waited for.
    pub source: Duration,
    /// A destination, while it is busy with one item; also the one of dead letters.
    pub destination: Duration,
    /// A destination, while it finishes.
    pub finish: Duration,
    /// A destination that has everything, while a checkpoint is not returned.
    pub checkpoint: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            source: Duration::from_secs(3 * 60 * 60),
            destination: Duration::from_secs(2 * 60 * 60),
            finish: Duration::from_secs(24 * 60 * 60),
            checkpoint: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What one destination shows. Times are ms since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DestinationSight {
    /// Since when it has been busy with one call.
    pub busy_since: Option<i64>,
    /// Whether that call is its end, which may take longer.
    pub finishing: bool,
    /// Its last sign of life.
    pub last_life: i64,
}

/// What the run shows. Times are ms since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Since when the source has been waited for; `None` while it is the one that waits.
    pub source_since: Option<i64>,
    /// The source's last sign of life.
    pub source_life: i64,
    /// The destinations.
    pub destinations: Vec<DestinationSight>,
    /// Since when the oldest checkpoint has waited for its return.
    pub checkpoint_since: Option<i64>,
    /// Since when the dead-letter office has been busy with one call.
    pub office_since: Option<i64>,
}

fn overdue(now: i64, since: i64, last_life: i64, limit: Duration) -> Option<Duration> {
    let silent = now.saturating_sub(since.max(last_life));
    let silent = Duration::from_millis(u64::try_from(silent).unwrap_or(0));
    (silent > limit).then_some(silent)
}

/// The error that ends the run, if one side has been silent for longer than its limit.
#[must_use]
pub fn judge(now: i64, sight: &Sight, patience: &Patience) -> Option<Error> {
    let mut all_idle = true;
    for (at, destination) in sight.destinations.iter().enumerate() {
        let Some(since) = destination.busy_since else {
            continue;
        };
        all_idle = false;
        let limit = if destination.finishing {
            patience.finish
        } else {
            patience.destination
        };
        if let Some(silent) = overdue(now, since, destination.last_life, limit) {
            return Some(
                Error::new(
                    &code::DESTINATION_STUCK,
                    format!(
                        "the destination has accepted nothing for {} s",
                        silent.as_secs()
                    ),
                )
                .with("destination", at + 1),
            );
        }
    }
    if let Some(since) = sight.office_since
        && let Some(silent) = overdue(now, since, since, patience.destination)
    {
        let silent = silent.as_secs();
        let message = format!("the destination of dead letters has kept nothing for {silent} s");
        return Some(Error::new(&code::DESTINATION_STUCK, message));
    }
    if let Some(since) = sight.source_since
        && let Some(silent) = overdue(now, since, sight.source_life, patience.source)
    {
        return Some(Error::new(
            &code::SOURCE_SILENT,
            format!("the source has sent nothing for {} s", silent.as_secs()),
        ));
    }
    let life = sight
        .destinations
        .iter()
        .map(|d| d.last_life)
        .max()
        .unwrap_or(0);
    if all_idle
        && let Some(since) = sight.checkpoint_since
        && let Some(silent) = overdue(now, since, life, patience.checkpoint)
    {
        return Some(Error::new(
            &code::CHECKPOINT_NOT_RETURNED,
            format!(
                "a checkpoint has not been returned for {} s",
                silent.as_secs()
            ),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guilty_side_is_named() {
        let patience = Patience {
            source: Duration::from_secs(10),
            destination: Duration::from_secs(20),
            finish: Duration::from_secs(25),
            checkpoint: Duration::from_secs(30),
        };
        let check = |sight: Sight, now_s: i64, expected: Option<&str>| {
            let error = judge(now_s * 1000, &sight, &patience);
            assert_eq!(
                error.as_ref().map(|e| e.code().name),
                expected,
                "{sight:?} at {now_s}"
            );
        };
        let idle = DestinationSight::default();
        let waiting = |source_life: i64| Sight {
            source_since: Some(0),
            source_life,
            destinations: vec![idle],
            ..Sight::default()
        };
        check(waiting(0), 10, None);
        check(waiting(0), 11, Some("run.source_silent"));
        check(waiting(5000), 11, None);
        let busy = Sight {
            // The source waits for the destination: it is not to blame.
            source_since: None,
            source_life: 0,
            destinations: vec![
                idle,
                DestinationSight {
                    busy_since: Some(0),
                    ..DestinationSight::default()
                },
            ],
            checkpoint_since: Some(0),
            office_since: None,
        };
        let mut finishing = busy.clone();
        finishing.destinations[1].finishing = true;
        check(finishing.clone(), 25, None);
        check(finishing, 26, Some("run.destination_stuck"));
        check(busy.clone(), 20, None);
        check(busy, 21, Some("run.destination_stuck"));
        let owed = Sight {
            source_since: Some(30_000),
            source_life: 30_000,
            destinations: vec![idle],
            checkpoint_since: Some(0),
            office_since: None,
        };
        check(owed.clone(), 30, None);
        check(owed, 31, Some("run.checkpoint_not_returned"));
        let keeping = Sight {
            office_since: Some(0),
            ..waiting(20_000)
        };
        check(keeping.clone(), 20, None);
        check(keeping, 21, Some("run.destination_stuck"));
    }
}
