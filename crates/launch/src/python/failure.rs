//! Why pip or uv failed, found in what they said.

use crossdock_core::{Error, ErrorKind, code};

use super::tool::Output;

/// How many lines of a tool's output an error shows.
const SHOWN: usize = 12;
/// How much of a line a message shows: pip lists every version that there ever was.
const WIDTH: usize = 300;

/// What made a tool fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The package index could not be reached.
    Network,
    /// The package, or the version, is not there.
    Missing,
    Other,
}

/// The error for a tool that failed while it did `what`.
pub(super) fn failed(message: &str, package: &str, output: &Output) -> Error {
    let (cause, line) = cause(&output.said);
    let error = Error::new(&code::PYTHON_INSTALL, message).with("package", package);
    let error = match cause {
        Cause::Network => {
            error.hint("check the network, the proxy and pip's or uv's index settings")
        }
        Cause::Missing => error
            .with_kind(ErrorKind::Config)
            .hint("check the package's name and version"),
        Cause::Other => error.hint("see the tool's last lines"),
    };
    let line = line.map_or_else(|| output.exit.in_words(), shortened);
    let from = output.said.len().saturating_sub(SHOWN);
    let last: Vec<_> = output.said[from..]
        .iter()
        .map(|line| shortened(line))
        .collect();
    error.with("output", last.join("\n")).caused_by(line)
}

/// Whether trying with another interpreter can help.
pub(super) fn depends_on_interpreter(output: &Output) -> bool {
    cause(&output.said).0 == Cause::Other
}

/// The first line that tells the real cause.
///
/// pip only warns that it cannot connect, and then says that there is no such package: the warning
/// is the truth. uv says that a request failed and tells the reason last.
fn cause(said: &[String]) -> (Cause, Option<&str>) {
    let lines = || {
        said.iter()
            .map(|line| line.trim())
            .filter(|line| !line.is_empty())
    };
    let verdict = lines().find(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("error:") || line.starts_with("error ") || line.starts_with("× ")
    });
    let has = |text: &str| lines().any(|line| line.contains(text));
    let missing = has("No matching distribution found")
        || has("Could not find a version that satisfies")
        || has("was not found in the package registry")
        || has("there is no version of");
    let unreachable = lines().find(|line| is_network(line));
    match unreachable {
        // A warning that was followed by versions found is a fault that passed.
        Some(line)
            if has("(from versions: none)") || !missing && verdict.is_none_or(is_request) =>
        {
            (Cause::Network, Some(line))
        }
        _ if missing => (Cause::Missing, verdict),
        _ => (Cause::Other, verdict.or_else(|| lines().next_back())),
    }
}

fn is_network(line: &str) -> bool {
    let signs = [
        "connection broken by",
        "Failed to establish a new connection",
        "Connection refused",
        "Connection reset",
        "Connection aborted",
        "Network is unreachable",
        "name resolution",
        "Name or service not known",
        "dns error",
        "timed out",
        "CERTIFICATE_VERIFY_FAILED",
        "invalid peer certificate",
    ];
    signs.iter().any(|sign| line.contains(sign))
}

/// A verdict that is about a request.
fn is_request(verdict: &str) -> bool {
    let signs = [
        "Request failed",
        "Failed to fetch",
        "HTTPSConnectionPool",
        "HTTPConnectionPool",
    ];
    is_network(verdict) || signs.iter().any(|sign| verdict.contains(sign))
}

/// The line's beginning and end, if it is long.
fn shortened(line: &str) -> String {
    let count = line.chars().count();
    if count <= WIDTH {
        return line.to_owned();
    }
    let head: String = line.chars().take(WIDTH * 2 / 3).collect();
    let tail: String = line.chars().skip(count - WIDTH / 3).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_real_cause_is_found() {
        let check = |said: &[&str], expected: Cause, part: &str| {
            let said: Vec<_> = said.iter().map(|&line| line.to_owned()).collect();
            let (cause, line) = cause(&said);
            assert_eq!(cause, expected, "{said:?}");
            assert!(line.unwrap_or_default().contains(part), "{line:?}");
        };
        let warning = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError: [Errno 111] Connection refused'";
        let none = "ERROR: Could not find a version that satisfies the requirement x (from versions: none)";
        let some = "ERROR: Could not find a version that satisfies the requirement x==9 (from versions: 1.0, 2.0)";
        let no_match = "ERROR: No matching distribution found for x";
        check(&[warning, none, no_match], Cause::Network, "refused");
        check(&[none, no_match], Cause::Missing, "from versions: none");
        check(&[warning, some, no_match], Cause::Missing, "1.0, 2.0");
        check(
            &[
                warning,
                "  gcc: not found",
                "ERROR: Failed building wheel for y",
            ],
            Cause::Other,
            "Failed building",
        );
        check(
            &[
                "error: Request failed after 3 retries in 4.5s",
                "  cause: Failed to fetch: an address",
                "  cause: Connection refused (os error 111)",
            ],
            Cause::Network,
            "os error 111",
        );
        check(
            &[
                "error: No solution found when resolving dependencies",
                "  cause: Because x was not found in the package registry and you require x, no.",
            ],
            Cause::Missing,
            "No solution",
        );
        check(
            &["ERROR: [Errno 28] No space left on device"],
            Cause::Other,
            "space",
        );
        check(&["first", "last", ""], Cause::Other, "last");
        check(&[], Cause::Other, "");
    }

    #[test]
    fn long_lines_are_shortened_in_the_middle() {
        let long = format!("start {} end", "1.0, ".repeat(1000));
        let short = shortened(&long);
        assert!(short.starts_with("start ") && short.ends_with(" end"));
        assert!(short.chars().count() <= WIDTH + 3);
        assert_eq!(shortened("ä"), "ä");
    }
}
