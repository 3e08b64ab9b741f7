//! Which of two connectors that hang on one channel failed first (§4.9): the other one fails from that, and its
//! reason explains nothing. Pure.

use crossdock_launch::Exit;

use super::super::exit::End;

/// An end of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Side {
    Source,
    Destination,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// How a connector ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    Well,
    /// By its own decision.
    Failed,
    /// Somebody killed it, so it is no answer to anything that the other one did.
    Killed,
}

impl Death {
    pub(super) fn of(end: &End) -> Self {
        match end.exit {
            Some(exit) if exit.success() => Self::Well,
            Some(Exit::Signal(_) | Exit::Code(137)) => Self::Killed,
            _ => Self::Failed,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Life {
    /// The place in the order of what was heard of its first word of failure, or of its end.
    first: Option<u32>,
    death: Option<Death>,
}

/// What was heard of both ends.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Lives {
    heard: u32,
    /// The source is to end before its data does.
    is_cut_short: bool,
    source: Life,
    destination: Life,
}

impl Lives {
    fn of(&self, side: Side) -> &Life {
        match side {
            Side::Source => &self.source,
            Side::Destination => &self.destination,
        }
    }

    fn hear(&mut self, side: Side) -> &mut Life {
        self.heard += 1;
        let life = match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        };
        life.first.get_or_insert(self.heard);
        life
    }

    /// The source was asked to stop. What either side makes of that is no failure of its own; what else ails the
    /// destination is told when its input is closed.
    pub(super) fn cut_short(&mut self) {
        self.is_cut_short = true;
    }

    pub(in super::super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// It says that it failed.
    pub(super) fn failing(&mut self, side: Side) {
        self.hear(side);
    }

    pub(super) fn ended(&mut self, side: Side, death: Death) {
        self.hear(side).death = Some(death);
    }

    pub(super) fn is_over(&self, side: Side) -> bool {
        self.of(side).death.is_some()
    }

    pub(super) fn is_well(&self, side: Side) -> bool {
        self.of(side).death == Some(Death::Well)
    }

    /// Whose failure it is; `None`: nobody failed.
    pub(super) fn culprit(&self) -> Option<Side> {
        use Death::{Failed, Killed, Well};
        if self.is_cut_short {
            return None;
        }
        let earlier = match (self.source.first, self.destination.first) {
            (Some(source), Some(destination)) if destination < source => Side::Destination,
            _ => Side::Source,
        };
        match (self.source.death, self.destination.death) {
            (Some(Killed), Some(Killed)) | (Some(Failed), Some(Failed)) => Some(earlier),
            (Some(Killed), _) => Some(Side::Source),
            (_, Some(Killed)) => Some(Side::Destination),
            // It went away in the middle, and called that well.
            (Some(Failed), Some(Well)) => Some(earlier),
            (Some(Failed), None) => Some(Side::Source),
            (_, Some(Failed)) => Some(Side::Destination),
            (None | Some(Well), None | Some(Well)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_failed_is_to_blame() {
        use Side::{Destination, Source};
        let check = |events: &[(Side, Option<Death>)], expected: Option<Side>| {
            let mut lives = Lives::default();
            for (side, death) in events {
                match death {
                    None => lives.failing(*side),
                    Some(death) => lives.ended(*side, *death),
                }
            }
            assert_eq!(lives.culprit(), expected, "{events:?}");
        };
        let (well, failed, killed) = (Some(Death::Well), Some(Death::Failed), Some(Death::Killed));
        check(&[], None);
        check(&[(Source, well), (Destination, well)], None);
        check(&[(Source, failed)], Some(Source));
        check(&[(Source, failed), (Destination, failed)], Some(Source));
        check(
            &[(Destination, failed), (Source, failed)],
            Some(Destination),
        );
        check(
            &[(Source, None), (Destination, failed), (Source, failed)],
            Some(Source),
        );
        check(
            &[(Destination, None), (Source, failed), (Destination, failed)],
            Some(Destination),
        );
        check(&[(Source, well), (Destination, failed)], Some(Destination));
        check(&[(Destination, well), (Source, failed)], Some(Destination));
        check(&[(Source, failed), (Destination, well)], Some(Source));
        let mut lives = Lives::default();
        lives.cut_short();
        lives.ended(Source, Death::Well);
        lives.ended(Destination, Death::Failed);
        assert_eq!(lives.culprit(), None, "its input was not complete");
        check(
            &[(Source, failed), (Destination, killed)],
            Some(Destination),
        );
        check(&[(Destination, failed), (Source, killed)], Some(Source));
    }

    #[test]
    fn an_exit_tells_who_was_killed() {
        let of = |exit| {
            Death::of(&End {
                exit,
                ..End::default()
            })
        };
        assert_eq!(of(Some(Exit::Code(0))), Death::Well);
        assert_eq!(of(Some(Exit::Code(1))), Death::Failed);
        assert_eq!(of(Some(Exit::Signal(9))), Death::Killed);
        assert_eq!(of(Some(Exit::Code(137))), Death::Killed);
        assert_eq!(of(None), Death::Failed);
    }
}
