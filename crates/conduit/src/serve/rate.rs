//! A limit of records a second: a bucket that fills with time (§5.1, `sdk.rate.*`). Pure.

use std::time::Duration;

/// The bucket. Time is counted by the caller, in seconds since some beginning.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    size: f64,
    level: f64,
    last: f64,
}

impl Bucket {
    /// `per_second` records, and at once as many as `size`, or for 0 as many as in a second.
    pub(super) fn new(per_second: f64, size: u64) -> Self {
        let size = if size == 0 {
            per_second.ceil()
        } else {
            size as f64
        };
        let size = size.max(1.0);
        Self {
            per_second,
            size,
            level: size,
            last: 0.0,
        }
    }

    /// Takes `records` out, and says how long to wait before they may go.
    pub(super) fn take(&mut self, records: u64, now: f64) -> Duration {
        self.level = (self.level + (now - self.last) * self.per_second).min(self.size);
        self.last = now;
        self.level -= records as f64;
        Duration::from_secs_f64((-self.level / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bucket_waits() {
        let mut bucket = Bucket::new(10.0, 0);
        assert_eq!(bucket.take(10, 0.0), Duration::ZERO);
        assert_eq!(bucket.take(5, 0.0), Duration::from_millis(500));
        assert_eq!(bucket.take(0, 0.5), Duration::ZERO);
        assert_eq!(bucket.take(10, 100.0), Duration::ZERO);
        let mut bucket = Bucket::new(0.5, 3);
        assert_eq!(bucket.take(4, 0.0), Duration::from_secs(2));
    }
}
