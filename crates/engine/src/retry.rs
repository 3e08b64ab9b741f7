//! Whether and when a failed run is tried again (Airbyte §3.8, with smaller defaults; streams that never
//! end as in Conduit §3.9). Pure: given the failures so far, say what to do.

use std::time::Duration;

use crossdock_core::error::Error;

/// How much patience to have with failures. All are settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Failures in a row in which nothing was committed.
    pub complete_in_a_row: u32,
    /// Such failures in all.
    pub complete_in_all: u32,
    /// Failures in a row that committed something.
    pub partial_in_a_row: u32,
    /// Such failures in all.
    pub partial_in_all: u32,
    /// The wait after the first complete failure.
    pub backoff: Duration,
    /// Each further wait is this many times the last.
    pub backoff_factor: u32,
    /// The longest wait.
    pub backoff_max: Duration,
    /// An attempt that went so long before it failed makes all earlier failures forgotten.
    pub window: Duration,
    /// Whether no number of failures ends the run.
    pub endless: Endless,
}

/// Whether no number of failures ends a run. If so, each is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endless {
    /// Some number does.
    #[default]
    No,
    /// None does, once something was moved: of a source without an end.
    OnceMoved,
    /// None does.
    Yes,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            complete_in_a_row: 3,
            complete_in_all: 5,
            partial_in_a_row: 10,
            partial_in_all: 20,
            backoff: Duration::from_secs(10),
            backoff_factor: 3,
            backoff_max: Duration::from_secs(30 * 60),
            window: Duration::from_secs(5 * 60),
            endless: Endless::No,
        }
    }
}

/// The failures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryState {
    complete_in_a_row: u32,
    complete_in_all: u32,
    partial_in_a_row: u32,
    partial_in_all: u32,
    has_progressed: bool,
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failed {
    /// It committed something.
    pub progress: bool,
    /// How long it went.
    pub lasted: Duration,
    /// A number from 0 to 1 by chance, so that many that failed together do not come again together: up
    /// to a quarter of a wait is left out by it.
    pub jitter: f64,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this long.
    Retry(Duration),
    /// Do not.
    GiveUp,
}

impl RetryState {
    /// Takes one failure.
    pub fn failed(&mut self, error: &Error, failed: Failed, policy: &RetryPolicy) -> Verdict {
        let Failed {
            progress,
            lasted,
            jitter,
        } = failed;
        let has_progressed = self.has_progressed || progress;
        if progress && lasted >= policy.window {
            *self = Self::default();
        }
        self.has_progressed = has_progressed;
        if progress {
            self.partial_in_a_row += 1;
            self.partial_in_all += 1;
            self.complete_in_a_row = 0;
        } else {
            self.complete_in_a_row += 1;
            self.complete_in_all += 1;
            self.partial_in_a_row = 0;
        }
        let spent = self.complete_in_a_row >= policy.complete_in_a_row
            || self.complete_in_all >= policy.complete_in_all
            || self.partial_in_a_row >= policy.partial_in_a_row
            || self.partial_in_all >= policy.partial_in_all;
        // A person has to act on these; a new attempt would only fail again, later.
        let goes_on = match policy.endless {
            Endless::No => false,
            Endless::OnceMoved => has_progressed,
            Endless::Yes => true,
        };
        if (spent && !goes_on) || !error.kind().is_retryable() {
            return Verdict::GiveUp;
        }
        let steps = if goes_on {
            // One that always commits a little before it fails must not be tried without a rest.
            Some(self.complete_in_all + self.partial_in_all - 1)
        } else {
            self.complete_in_a_row.checked_sub(1)
        };
        let backoff = steps.map_or(Duration::ZERO, |steps| {
            let factor = policy.backoff_factor.saturating_pow(steps);
            let wait = policy.backoff.saturating_mul(factor);
            let wait = wait.min(policy.backoff_max);
            wait.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 4.0)
        });
        Verdict::Retry(backoff.max(error.retry_after().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::code;

    #[test]
    fn the_policy_by_cases() {
        let policy = RetryPolicy::default();
        let failure = || Error::new(&code::CONNECTOR_FAILED, "x");
        let check = |steps: &[bool], expected: Verdict| {
            let mut state = RetryState::default();
            let mut last = Verdict::GiveUp;
            for progress in steps {
                last = state.failed(&failure(), short(*progress), &policy);
            }
            assert_eq!(last, expected, "{steps:?}");
        };
        let wait = |seconds| Verdict::Retry(Duration::from_secs(seconds));
        check(&[false], wait(10));
        check(&[false, false], wait(30));
        check(&[false, false, false], Verdict::GiveUp);
        check(&[false, false, true], wait(0));
        check(&[false, false, true, false], wait(10));
        check(&[true; 9], wait(0));
        check(&[true; 10], Verdict::GiveUp);
        check(
            &[false, false, true, false, false, true, false],
            Verdict::GiveUp,
        );
        let mut state = RetryState::default();
        let config = Error::new(&code::CHECK_FAILED, "x");
        assert_eq!(state.failed(&config, short(true), &policy), Verdict::GiveUp);
        let mut state = RetryState::default();
        let limited = Error::new(&code::CONNECTOR_FAILED, "x").after(Duration::from_secs(60));
        assert_eq!(state.failed(&limited, short(false), &policy), wait(60));
    }

    #[test]
    fn a_stream_without_end_is_tried_for_ever_once_it_has_moved_something() {
        let policy = RetryPolicy {
            endless: Endless::OnceMoved,
            ..RetryPolicy::default()
        };
        let failure = Error::new(&code::CONNECTOR_FAILED, "x");
        let run = |steps: &[Failed]| {
            let mut state = RetryState::default();
            let said = steps.iter().map(|s| state.failed(&failure, *s, &policy));
            said.collect::<Vec<_>>()
        };
        // It may never have worked, so somebody should look.
        assert_eq!(run(&[short(false); 3])[2], Verdict::GiveUp);
        let mut steps = vec![short(true)];
        steps.extend([short(false); 99]);
        let said = run(&steps);
        let seconds = [10, 30, 90, 270, 810, 1800, 1800];
        assert_eq!(
            said[..7],
            seconds.map(|s| Verdict::Retry(Duration::from_secs(s)))
        );
        assert!(!said.contains(&Verdict::GiveUp), "no number ends it");
        let flapping = run(&[short(true); 3]);
        assert_eq!(flapping[2], Verdict::Retry(Duration::from_secs(90)));
        let long = Failed {
            lasted: policy.window,
            ..short(true)
        };
        let said = run(&[short(true), short(false), long, short(false)]);
        let seconds = [10, 30, 10, 30].map(|s| Verdict::Retry(Duration::from_secs(s)));
        assert_eq!(said, seconds, "after a while all is forgotten");
        let by_chance = run(&[Failed {
            jitter: 1.0,
            ..short(true)
        }]);
        assert_eq!(by_chance, [Verdict::Retry(Duration::from_millis(7500))]);
    }

    #[test]
    fn who_wants_to_be_tried_for_ever_is_so_from_the_beginning() {
        let policy = RetryPolicy {
            endless: Endless::Yes,
            backoff: Duration::from_secs(30),
            backoff_factor: 2,
            backoff_max: Duration::from_secs(300),
            ..RetryPolicy::default()
        };
        let failure = Error::new(&code::CONNECTOR_FAILED, "x");
        let mut state = RetryState::default();
        let mut said = [false; 99].map(|step| state.failed(&failure, short(step), &policy));
        let seconds = [30, 60, 120, 240, 300, 300];
        assert_eq!(
            said[..6],
            seconds.map(|s| Verdict::Retry(Duration::from_secs(s)))
        );
        said.reverse();
        assert_eq!(said[0], Verdict::Retry(Duration::from_secs(300)));
    }

    fn short(progress: bool) -> Failed {
        Failed {
            progress,
            lasted: Duration::from_secs(1),
            jitter: 0.0,
        }
    }
}
