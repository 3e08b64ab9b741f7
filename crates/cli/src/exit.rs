//! Exit codes: documented constants, and the one function from kinds to codes.

use crossdock_core::ErrorKind;

/// Everything went well.
pub(crate) const SUCCESS: u8 = 0;
/// A connector failed or broke its protocol, or Crossdock has a defect.
pub(crate) const FAILURE: u8 = 1;
/// The command line, a file, a connector's configuration or its credentials are wrong; also when
/// `check` says that a configuration does not work. A retry cannot help.
pub(crate) const CONFIG: u8 = 2;
/// The data: counts that do not add up, rejected records, values that go nowhere.
pub(crate) const DATA: u8 = 3;
/// It may pass: the network, a limit of the other side, a stall, a store or a pipeline in use. The
/// same command later may succeed.
pub(crate) const TEMPORARY: u8 = 4;
/// Somebody asked for the end (128 + SIGINT, as shells count).
pub(crate) const CANCELLED: u8 = 130;

/// The exit code of an error of this kind.
pub(crate) fn of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Config | ErrorKind::Auth => CONFIG,
        ErrorKind::Connector | ErrorKind::Protocol | ErrorKind::Internal => FAILURE,
        ErrorKind::Data => DATA,
        ErrorKind::Transient | ErrorKind::RateLimited | ErrorKind::Stalled => TEMPORARY,
        ErrorKind::Cancelled => CANCELLED,
    }
}

/// Which of several codes a caller has to know: the one that needs a person most. What heals by
/// itself comes last.
pub(crate) fn gravity(code: u8) -> u8 {
    match code {
        SUCCESS => 0,
        TEMPORARY => 1,
        CONFIG => 2,
        DATA => 3,
        CANCELLED => 5,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_code_wins() {
        let check = |codes: &[u8], expected: u8| {
            let worst = codes.iter().copied().max_by_key(|code| gravity(*code));
            assert_eq!(worst, Some(expected), "{codes:?}");
        };
        check(&[SUCCESS, TEMPORARY], TEMPORARY);
        check(&[CONFIG, TEMPORARY, SUCCESS], CONFIG);
        check(&[CONFIG, DATA], DATA);
        check(&[FAILURE, DATA, CONFIG], FAILURE);
        check(&[FAILURE, CANCELLED], CANCELLED);
    }
}
