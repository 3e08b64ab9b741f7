//! Records that a destination refused: how many are tolerated, and who keeps them (Conduit §3.9).

use std::collections::VecDeque;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::Seq;
use crossdock_core::error::Result;

/// How many refused records a run puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// The last so many records of a destination are looked at; 0: any number of refusals is put up
    /// with.
    pub window: u64,
    /// So many of them may be refused; one more ends the run.
    pub threshold: u64,
}

/// The refusals among the last records of one destination. Pure.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    tolerance: Tolerance,
    refused: VecDeque<u64>,
}

impl Window {
    pub(crate) fn new(tolerance: Tolerance) -> Self {
        Self {
            tolerance,
            refused: VecDeque::new(),
        }
    }

    /// Record number `at` of this destination was refused. `false`: that is one too many. Refusals
    /// come in the order of the records.
    pub(crate) fn tolerates(&mut self, at: u64) -> bool {
        let Tolerance { window, threshold } = self.tolerance;
        if window == 0 {
            return true;
        }
        self.refused.push_back(at);
        while self
            .refused
            .front()
            .is_some_and(|first| first.saturating_add(window) <= at)
        {
            self.refused.pop_front();
        }
        self.refused.len() as u64 <= threshold
    }
}

/// Records of one batch that a destination refused for one reason.
#[derive(Clone, Debug)]
pub struct Letters {
    /// The batch that they were in.
    pub seq: Seq,
    /// Who refused them.
    pub by: Refuser,
    /// The records, and nothing but them.
    pub batch: Batch,
    /// Why, as the destination put it.
    pub reason: String,
}

/// Who refused records.
#[derive(Clone, Debug)]
pub enum Refuser {
    /// A destination, from 0.
    Destination(usize),
    /// A processor on the way to all destinations.
    Processor {
        /// The list that it is in.
        list: String,
        /// The processor.
        id: String,
        /// The records as it saw them.
        seen: Box<Batch>,
    },
}

/// Where dead letters go.
#[async_trait]
pub trait DeadLetterOffice: Send {
    /// Keeps the letters. When it returns `Ok`, they survive the death of this process and of the
    /// machine: only then is what they were part of committed (P1).
    async fn keep(&mut self, letters: &[Letters]) -> Result<()>;

    /// Ends what it has started. Called once, as the last call, also after errors.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What a run does with records that are refused.
pub struct DeadLetters {
    /// How many are put up with.
    pub tolerance: Tolerance,
    /// Where they go.
    pub office: Box<dyn DeadLetterOffice>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_by_cases() {
        let check = |window, threshold, refused: &[u64], expected: &[bool]| {
            let mut window = Window::new(Tolerance { window, threshold });
            let said: Vec<bool> = refused.iter().map(|at| window.tolerates(*at)).collect();
            assert_eq!(said, expected, "{refused:?}");
        };
        // Conduit's default: the first refusal ends the run.
        check(1, 0, &[7], &[false]);
        check(0, 0, &[0, 1, 2], &[true, true, true]);
        // Two of any three.
        check(3, 2, &[0, 1, 2], &[true, true, false]);
        check(3, 2, &[0, 1, 3, 4, 5], &[true, true, true, true, false]);
        check(10, 1, &[0, 10, 19], &[true, true, false]);
    }
}
