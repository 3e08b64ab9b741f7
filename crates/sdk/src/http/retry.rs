//! When a request is sent again. Pure, but for the dice.

use std::time::Duration;

use crossdock_core::error::{Error, ErrorKind};

/// How often, and after which pauses, a request is sent again that failed in a way that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// So often in all, the first time included.
    pub attempts: u32,
    /// The pause before the second attempt; each later one is twice as long, and a part of it is left to chance, so
    /// that those who failed together do not come again together.
    pub first_pause: Duration,
    /// No pause is longer, unless the server asks for it.
    pub longest_pause: Duration,
    /// If the server asks for a longer one, the stream fails instead, and the platform may try again later.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
            patience: Duration::from_secs(10 * 60),
        }
    }
}

impl Retry {
    /// The pause before the next attempt, or `None` if there is none. `attempt` is the number of those made; `dice` is
    /// from 0 to 1.
    pub(super) fn pause(&self, attempt: u32, error: &Error, dice: f64) -> Option<Duration> {
        let passes = matches!(error.kind(), ErrorKind::Transient | ErrorKind::RateLimited);
        if !passes || attempt >= self.attempts {
            return None;
        }
        if let Some(asked) = error.retry_after() {
            return (asked <= self.patience).then_some(asked);
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let pause = self.first_pause.saturating_mul(doubled);
        Some(
            pause
                .min(self.longest_pause)
                .mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;

    #[test]
    fn pauses_grow_and_end() {
        let retry = Retry {
            attempts: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(6),
            patience: Duration::from_secs(30),
        };
        let check = |attempt, error: &Error, dice, expected: Option<u64>| {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(
                retry.pause(attempt, error, dice),
                expected,
                "{attempt} {error:?}"
            );
        };
        let passes = failure::transient("x");
        check(1, &passes, 1.0, Some(1000));
        check(1, &passes, 0.0, Some(500));
        check(2, &passes, 1.0, Some(2000));
        check(3, &passes, 1.0, Some(4000));
        check(4, &passes, 1.0, Some(6000));
        check(5, &passes, 1.0, None);
        let asked = |seconds| failure::rate_limited("x", Duration::from_secs(seconds));
        check(1, &asked(30), 0.3, Some(30_000));
        check(1, &asked(31), 0.3, None);
        check(1, &failure::auth("x"), 0.5, None);
        check(1, &failure::config("x"), 0.5, None);
        let endless = Retry {
            attempts: u32::MAX,
            ..retry
        };
        let pause = endless.pause(1000, &passes, 1.0);
        assert_eq!(pause, Some(Duration::from_secs(6)));
    }
}
