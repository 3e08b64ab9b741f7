//! Whether and when a failed run is tried again (Airbyte §3.8, with smaller defaults). Pure: given
//! the failures so far, say what to do.

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
    /// Takes one failure. `progress`: whether the attempt committed anything.
    pub fn failed(&mut self, error: &Error, progress: bool, policy: &RetryPolicy) -> Verdict {
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
        if spent || !error.kind().is_retryable() {
            return Verdict::GiveUp;
        }
        let backoff = if progress {
            Duration::ZERO
        } else {
            let steps = self.complete_in_a_row - 1;
            let factor = policy.backoff_factor.saturating_pow(steps);
            policy
                .backoff
                .saturating_mul(factor)
                .min(policy.backoff_max)
        };
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
                last = state.failed(&failure(), *progress, &policy);
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
        assert_eq!(state.failed(&config, true, &policy), Verdict::GiveUp);
        let mut state = RetryState::default();
        let limited = Error::new(&code::CONNECTOR_FAILED, "x").after(Duration::from_secs(60));
        assert_eq!(state.failed(&limited, false, &policy), wait(60));
    }
}
