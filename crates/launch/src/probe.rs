//! Whether a program is there, and which version.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first line that `program` prints when called with `args`; `None` if it is not there, fails
/// or does not answer.
pub async fn version(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output).await.ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    // Some print their version to standard error.
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[tokio::test]
    async fn a_program_tells_its_version_or_is_not_there() {
        assert!(version("sh", &["-c", "echo 1.2; echo more"]).await == Some("1.2".to_owned()));
        assert!(version("sh", &["-c", "exit 1"]).await.is_none());
        assert!(version("no-such-program-here", &[]).await.is_none());
    }
}
