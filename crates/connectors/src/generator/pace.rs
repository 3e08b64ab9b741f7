//! When the next records may come. Plain data; the caller waits.

use std::time::Duration;

/// A rate and bursts, in time since the beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Records per second; 0: no limit.
    rate: f64,
    sleep: Duration,
    burst: Duration,
}

impl Pace {
    pub(super) fn new(rate: f64, sleep: Duration, burst: Duration) -> Self {
        Self { rate, sleep, burst }
    }

    /// How many records may come at `now`, of which `made` have come already.
    pub(super) fn allowed(&self, now: Duration, made: u64) -> u64 {
        if self.awake_at(now) > now {
            return 0;
        }
        if self.rate <= 0.0 {
            return u64::MAX;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative"
        )]
        let due = (now.as_secs_f64() * self.rate) as u64 + 1;
        due.saturating_sub(made)
    }

    /// When to look again, if none was allowed at `now`.
    pub(super) fn again(&self, now: Duration) -> Duration {
        let awake = self.awake_at(now);
        if awake > now {
            return awake;
        }
        let one = Duration::try_from_secs_f64(1.0 / self.rate.max(1e-9)).unwrap_or(Duration::MAX);
        now.saturating_add(one.clamp(Duration::from_millis(1), Duration::from_secs(1)))
    }

    /// The end of the pause between bursts that `now` lies in; `now` if it lies in none.
    fn awake_at(&self, now: Duration) -> Duration {
        if self.sleep.is_zero() {
            return now;
        }
        let cycle = (self.burst + self.sleep).as_nanos().max(1);
        let begun = now.as_nanos() / cycle;
        let within = now.as_nanos() % cycle;
        if within < self.burst.as_nanos() {
            return now;
        }
        u64::try_from((begun + 1) * cycle).map_or(Duration::MAX, Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn rates_and_bursts_by_cases() {
        let check = |pace: Pace, now: u32, made: u64, allowed: u64, again: u32| {
            assert_eq!(pace.allowed(MS * now, made), allowed);
            if allowed == 0 {
                assert_eq!(pace.again(MS * now), MS * again);
            }
        };
        let free = Pace::new(0.0, Duration::ZERO, Duration::ZERO);
        check(free, 5, 100, u64::MAX, 0);
        let ten = Pace::new(10.0, Duration::ZERO, Duration::ZERO);
        check(ten, 0, 0, 1, 0);
        check(ten, 50, 1, 0, 150);
        check(ten, 1000, 1, 10, 0);
        let bursts = Pace::new(0.0, MS * 300, MS * 100);
        check(bursts, 99, 7, u64::MAX, 0);
        check(bursts, 100, 7, 0, 400);
        check(bursts, 450, 7, u64::MAX, 0);
        check(bursts, 799, 7, 0, 800);
    }
}
