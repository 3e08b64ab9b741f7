//! When a source is read from, left in peace, waited for and ended (§1.6). Pure: it is told what happened
//! and when, and says what is to be done.
//!
//! A source that sends checkpoints is read ahead: its next `read` goes out as soon as the last one is done.
//! One that sends none may take the next `read` for the word that everything before it arrived, since the
//! protocol has no other, so it gets none until that is true.

use std::time::{Duration, Instant};

use crate::wire::Finished;

/// At most so many messages for one `read`: its own default, too.
pub(super) const LIMIT: u64 = 1000;
/// The first pause after an empty read, and the longest: each is twice the one before.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];
/// How long a checkpoint may follow the end of its read.
const LATE: Duration = Duration::from_millis(100);

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send `read`.
    Read,
    /// Listen, at most until then if there is a limit; then tell [`Course::expired`].
    Listen(Option<Instant>),
    /// Say that everything so far may be committed, although the source has named no checkpoint.
    Mark,
    /// Nothing follows.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It may be read from.
    Due,
    /// It is being read from.
    Reading,
    /// A read is done, and its checkpoint may follow.
    Late {
        until: Instant,
        then: Then,
    },
    /// It is to be marked as far as it came.
    Marking {
        then: Then,
    },
    /// Everything so far must be committed first.
    Unconfirmed,
    /// There was nothing new.
    Pause {
        until: Instant,
    },
    Over,
}

/// What comes after a checkpoint that may be late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Read,
    Pause(Duration),
    End,
}

/// The course of one read.
#[derive(Debug)]
pub(super) struct Course {
    /// It ends when there is nothing more for now.
    is_bounded: bool,
    /// How long the configuration says to wait after an empty read.
    interval: Option<Duration>,
    phase: Phase,
    /// Messages and checkpoints of the read that is open or was last.
    messages: u64,
    checkpoints: u64,
    /// It has sent a checkpoint since it was started.
    has_checkpoints: bool,
    /// It has ended a read that had messages without a checkpoint.
    has_none: bool,
    /// Messages that nothing covers yet.
    uncovered: u64,
    pause: Duration,
    is_stopped: bool,
}

impl Course {
    pub(super) fn new(is_bounded: bool, interval: Option<Duration>) -> Self {
        Self {
            is_bounded,
            interval,
            phase: Phase::Due,
            messages: 0,
            checkpoints: 0,
            has_checkpoints: false,
            has_none: false,
            uncovered: 0,
            pause: PAUSES[0],
            is_stopped: false,
        }
    }

    /// What to do now.
    pub(super) fn next(&self) -> Next {
        match self.phase {
            Phase::Due if self.is_stopped => Next::End,
            Phase::Due => Next::Read,
            Phase::Reading | Phase::Unconfirmed => Next::Listen(None),
            Phase::Late { until, .. } | Phase::Pause { until } => Next::Listen(Some(until)),
            Phase::Marking { .. } => Next::Mark,
            Phase::Over => Next::End,
        }
    }

    /// Whether a `read` is open.
    pub(super) fn is_reading(&self) -> bool {
        self.phase == Phase::Reading
    }

    /// Whether it goes on only once everything so far is committed.
    pub(super) fn waits(&self) -> bool {
        self.phase == Phase::Unconfirmed
    }

    /// `read` was sent.
    pub(super) fn read(&mut self) {
        self.phase = Phase::Reading;
        self.messages = 0;
        self.checkpoints = 0;
    }

    /// A message came. `false`: nobody asked for it.
    pub(super) fn message(&mut self) -> bool {
        self.messages += 1;
        self.uncovered += 1;
        self.is_reading()
    }

    /// A checkpoint came, which covers everything before it.
    pub(super) fn checkpoint(&mut self) {
        self.has_checkpoints = true;
        self.checkpoints += 1;
        self.uncovered = 0;
        match self.phase {
            Phase::Late { then, .. } => self.go(then, None),
            Phase::Unconfirmed => self.phase = Phase::Due,
            _ => {}
        }
    }

    /// The read is done. `false`: none was open.
    pub(super) fn done(&mut self, finished: Finished, now: Instant) -> bool {
        if !self.is_reading() {
            return false;
        }
        let is_empty = self.messages == 0;
        if !is_empty {
            self.pause = PAUSES[0];
        }
        let then = match finished.more {
            _ if self.is_stopped => Then::End,
            Some(false) if self.is_bounded => Then::End,
            Some(true) if !is_empty => Then::Read,
            Some(true) => Then::Pause(self.longer()),
            _ if is_empty && self.is_bounded => Then::End,
            _ if is_empty => Then::Pause(self.interval.unwrap_or_else(|| self.longer())),
            _ => Then::Read,
        };
        let may_be_late = self.uncovered > 0 && self.checkpoints == 0;
        let waits = match then {
            // It has shown what it does, so only the last one is waited for.
            Then::End => true,
            _ => !self.has_checkpoints && !self.has_none,
        };
        if may_be_late && waits {
            let until = now + LATE;
            self.phase = Phase::Late { until, then };
        } else {
            self.covered(then, now);
        }
        true
    }

    /// A pause that is twice as long as the one before it.
    fn longer(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES[1]);
        pause
    }

    /// No checkpoint follows the read.
    fn covered(&mut self, then: Then, now: Instant) {
        if self.uncovered > 0 && !self.has_checkpoints {
            self.has_none = true;
            self.phase = Phase::Marking { then };
        } else {
            self.go(then, Some(now));
        }
    }

    fn go(&mut self, then: Then, now: Option<Instant>) {
        self.phase = match (then, now) {
            (Then::Read, _) | (Then::Pause(_), None) => Phase::Due,
            (Then::Pause(pause), Some(now)) => Phase::Pause { until: now + pause },
            (Then::End, _) => Phase::Over,
        };
    }

    /// Everything so far was marked.
    pub(super) fn marked(&mut self, now: Instant) {
        self.uncovered = 0;
        if let Phase::Marking { then } = self.phase {
            match then {
                Then::Read => self.phase = Phase::Unconfirmed,
                then => self.go(then, Some(now)),
            }
        }
    }

    /// A checkpoint was committed.
    pub(super) fn committed(&mut self) {
        if self.phase == Phase::Unconfirmed {
            self.phase = Phase::Due;
        }
    }

    /// The time that [`Course::next`] named has come.
    pub(super) fn expired(&mut self, now: Instant) {
        match self.phase {
            Phase::Late { then, .. } => self.covered(then, now),
            Phase::Pause { .. } => self.phase = Phase::Due,
            _ => {}
        }
    }

    /// It is to come to an end. An open read is heard out.
    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
        match self.phase {
            Phase::Due | Phase::Pause { .. } | Phase::Unconfirmed => self.phase = Phase::Over,
            Phase::Late { until, .. } => {
                let then = Then::End;
                self.phase = Phase::Late { until, then };
            }
            Phase::Marking { .. } => self.phase = Phase::Marking { then: Then::End },
            Phase::Reading | Phase::Over => {}
        }
    }

    /// Nothing of the source is waited for any longer.
    pub(super) fn over(&mut self) {
        self.phase = Phase::Over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens, one letter each: `r` read sent, `m` message, `c` checkpoint, `d` done, `+`/`-` done with
    /// more or no more, `w` marked, `k` committed, `x` expired, `s` stopped. Returns what comes next.
    fn after(is_bounded: bool, events: &str) -> String {
        let start = Instant::now();
        let mut course = Course::new(is_bounded, None);
        for event in events.chars() {
            let done = |more| Finished { more };
            match event {
                'r' => course.read(),
                'm' => assert!(course.message()),
                'c' => course.checkpoint(),
                'd' => assert!(course.done(done(None), start)),
                '+' => assert!(course.done(done(Some(true)), start)),
                '-' => assert!(course.done(done(Some(false)), start)),
                'w' => course.marked(start),
                'k' => course.committed(),
                'x' => course.expired(start),
                's' => course.stop(),
                _ => unreachable!(),
            }
        }
        match course.next() {
            Next::Read => "read".to_owned(),
            Next::Listen(None) => "listen".to_owned(),
            Next::Listen(Some(until)) => format!("{:?}", until - start),
            Next::Mark => "mark".to_owned(),
            Next::End => "end".to_owned(),
        }
    }

    #[test]
    fn a_source_with_checkpoints_is_read_ahead() {
        let check = |events, expected| {
            assert_eq!(after(true, events), expected, "{events}");
            assert_eq!(after(false, events), expected, "{events}");
        };
        check("", "read");
        check("r", "listen");
        check("rmmcd", "read");
        check("rmcdrmd", "read");
        check("rmdc", "read");
        // Its first checkpoint may come after its first `done`.
        check("rmd", "100ms");
        check("rmdcrmd", "read");
    }

    #[test]
    fn one_without_is_not_asked_before_everything_is_committed() {
        let check = |events, expected| assert_eq!(after(false, events), expected, "{events}");
        check("rmdx", "mark");
        check("rmdxw", "listen");
        check("rmdxwk", "read");
        check("rmdxwkrmd", "mark");
        check("rmdxwc", "read");
    }

    #[test]
    fn a_bounded_read_ends_with_the_first_empty_answer_and_another_pauses() {
        assert_eq!(after(true, "rd"), "end");
        assert_eq!(after(true, "rmcdrd"), "end");
        assert_eq!(after(true, "rmc-"), "end");
        assert_eq!(after(true, "rm-"), "100ms");
        assert_eq!(after(true, "rm-c"), "end");
        assert_eq!(after(true, "rm-x"), "mark");
        assert_eq!(after(true, "rm-xw"), "end");
        assert_eq!(after(true, "r+"), "50ms");
        assert_eq!(after(true, "r+xr"), "listen");
        assert_eq!(after(true, "r+xr+"), "100ms");
        assert_eq!(after(false, "rd"), "50ms");
        assert_eq!(after(false, "r-"), "50ms");
        assert_eq!(after(false, &"rdx".repeat(20)), "read");
        assert_eq!(after(false, &("rdx".repeat(20) + "rd")), "5s");
        assert_eq!(after(false, &("rdx".repeat(20) + "rmcdrd")), "50ms");
    }

    #[test]
    fn a_source_that_is_stopped_is_heard_out() {
        assert_eq!(after(false, "s"), "end");
        assert_eq!(after(false, "rs"), "listen");
        assert_eq!(after(false, "rsmcd"), "end");
        assert_eq!(after(false, "rsmd"), "100ms");
        assert_eq!(after(false, "rsmdc"), "end");
        assert_eq!(after(false, "rmdxws"), "end");
        assert_eq!(after(false, "rds"), "end");
    }

    #[test]
    fn the_pause_of_the_configuration_counts() {
        let start = Instant::now();
        let mut course = Course::new(false, Some(Duration::from_secs(7)));
        course.read();
        assert!(course.done(Finished::default(), start));
        let until = Some(start + Duration::from_secs(7));
        assert_eq!(course.next(), Next::Listen(until));
    }

    #[test]
    fn what_nobody_asked_for_is_told() {
        let mut course = Course::new(false, None);
        assert!(!course.message());
        assert!(!course.done(Finished::default(), Instant::now()));
    }
}
