//! So many requests in a time.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets requests through at an even pace, after a first burst of as many as the whole time allows.
#[derive(Debug)]
pub(super) struct RateLimit {
    /// Between two requests.
    step: Duration,
    /// So far ahead of the pace requests may be.
    burst: Duration,
    /// When the next one is due.
    due: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// At most `requests` (at least one) in each `time`.
    pub(super) fn new(requests: u32, time: Duration) -> Self {
        let step = time / requests.max(1);
        Self {
            step,
            burst: time.saturating_sub(step),
            due: Mutex::new(None),
        }
    }

    /// Waits for the turn. Those who wait have theirs in the order in which they came.
    pub(super) async fn turn(&self) {
        let mut due = self.due.lock().await;
        let now = Instant::now();
        // An idle time is not saved up beyond the burst.
        let earliest = now.checked_sub(self.burst).unwrap_or(now);
        let next = due.map_or(earliest, |due| due.max(earliest));
        sleep_until(next).await;
        *due = Some(next + self.step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_keep_the_pace() {
        let limit = RateLimit::new(10, Duration::from_secs(1));
        let start = Instant::now();
        for _ in 0..10 {
            limit.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "a burst");
        for _ in 0..10 {
            limit.turn().await;
        }
        assert_eq!(start.elapsed().as_millis(), 1000);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..11 {
            limit.turn().await;
        }
        assert_eq!(
            start.elapsed().as_millis(),
            100,
            "idle time is not saved up"
        );
    }
}
