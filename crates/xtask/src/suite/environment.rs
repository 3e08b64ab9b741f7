//! Virtual environments that are made once and kept.
//!
//! A marker, written last, says what an environment holds. Without it, or with other words in it, the folder is the
//! rest of a run that was cut off or of an older pin, and is made anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::suite::interpreter::Interpreter;
use crate::workspace;

const MARKER: &str = "crossdock-complete";

/// How often a long installation says that it is still at work.
const PATIENCE: Duration = Duration::from_secs(15);

/// A package with a connector in it.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    /// The name of the package.
    pub(crate) package: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The first version of Python it runs on.
    pub(crate) python_from: (u32, u32),
    /// The first version of Python it no longer runs on.
    pub(crate) python_before: (u32, u32),
    /// The requirements to install in place of those that the package itself names; empty to take the package's own.
    pub(crate) requirements: &'static [&'static str],
    /// The environment variables that lead a test to a program of the environment.
    pub(crate) programs: &'static [(&'static str, &'static str)],
}

/// Where the environments are kept.
pub(crate) fn cache() -> Result<PathBuf> {
    let root = match std::env::var_os("CROSSDOCK_CACHE_DIR").filter(|value| !value.is_empty()) {
        Some(root) => PathBuf::from(root),
        None => std::env::home_dir()
            .context("there is no home directory; set CROSSDOCK_CACHE_DIR")?
            .join(".cache/crossdock"),
    };
    let cache = root.join("test");
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    Ok(cache)
}

/// Waits until no other run works on the environments, and keeps the next one waiting until the lock is dropped.
pub(crate) fn lock(cache: &Path) -> Result<File> {
    let file = File::create(cache.join("lock"))?;
    if file.try_lock().is_err() {
        println!("    waiting for another run that prepares connectors");
        file.lock()?;
    }
    Ok(file)
}

/// The folder of the pin's environment, made now if it was not ready.
pub(crate) fn ready(cache: &Path, pin: &Pin, interpreter: &Interpreter) -> Result<PathBuf> {
    let folder = cache.join(format!("{}-{}", pin.package, pin.version));
    let expected = content(pin, interpreter);
    if is_complete(&folder, &expected) {
        println!(
            "    {} {}: ready in {}",
            pin.package,
            pin.version,
            folder.display()
        );
        return Ok(folder);
    }
    println!(
        "    {} {}: installing with {interpreter} into {}",
        pin.package,
        pin.version,
        folder.display()
    );
    let begin = Instant::now();
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let log = folder.join("install.log");
    for mut command in commands(&folder, pin, interpreter) {
        patiently(&mut command, &log)?;
    }
    fs::write(folder.join(MARKER), expected)?;
    println!(
        "    {} {}: installed in {:.0} s",
        pin.package,
        pin.version,
        begin.elapsed().as_secs_f64()
    );
    Ok(folder)
}

/// What the marker says: all that decides what is in the environment.
fn content(pin: &Pin, interpreter: &Interpreter) -> String {
    let (major, minor, patch) = interpreter.version;
    format!(
        "{}=={}\npython {major}.{minor}.{patch}\n{}\n",
        pin.package,
        pin.version,
        pin.requirements.join("\n")
    )
}

/// Whether the environment is whole, is the one wanted, and its interpreter still starts: it is a link into an
/// installation that may be gone.
fn is_complete(folder: &Path, expected: &str) -> bool {
    let starts = || {
        let python = folder.join("bin/python");
        Command::new(python)
            .args(["-c", ""])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    fs::read_to_string(folder.join(MARKER)).is_ok_and(|found| found == expected)
        && starts().is_ok_and(|status| status.success())
}

fn commands(folder: &Path, pin: &Pin, interpreter: &Interpreter) -> Vec<Command> {
    let mut make = Command::new(&interpreter.path);
    make.args(["-m", "venv"]).arg(folder);
    let pip = || {
        let mut command = Command::new(folder.join("bin/python"));
        command.args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar",
            "off",
        ]);
        command
    };
    let package = format!("{}=={}", pin.package, pin.version);
    let mut commands = vec![make];
    let mut last = pip();
    if !pin.requirements.is_empty() {
        let mut first = pip();
        first.args(pin.requirements);
        commands.push(first);
        last.arg("--no-deps");
    }
    last.arg(package);
    commands.push(last);
    commands
}

/// Runs a command with its output in a file, says now and then that it is still running, and shows the end of the
/// file if it fails.
fn patiently(command: &mut Command, log: &Path) -> Result<()> {
    let output = File::options().create(true).append(true).open(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot start {}", workspace::name(command)))?;
    let begin = Instant::now();
    let mut said = begin;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if said.elapsed() >= PATIENCE {
            println!(
                "      still installing after {:.0} s",
                begin.elapsed().as_secs_f64()
            );
            said = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if status.success() {
        return Ok(());
    }
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(20)..].join("\n");
    bail!(
        "{} ended with {status}; the end of {}:\n{end}",
        workspace::name(command),
        log.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: Pin = Pin {
        package: "a",
        version: "1",
        python_from: (3, 10),
        python_before: (3, 12),
        requirements: &["b==2"],
        programs: &[],
    };

    /// An interpreter that can do nothing but end well, so that "installing" needs no network.
    fn willing() -> Interpreter {
        Interpreter {
            path: "true".into(),
            version: (3, 11, 0),
            makes_environments: true,
        }
    }

    /// A folder as an installation leaves it, its interpreter being a program that ends well.
    fn environment(cache: &Path, marker: Option<&str>) -> PathBuf {
        let folder = cache.join("a-1");
        fs::create_dir_all(folder.join("bin")).unwrap();
        std::os::unix::fs::symlink("/bin/true", folder.join("bin/python")).unwrap();
        if let Some(marker) = marker {
            fs::write(folder.join(MARKER), marker).unwrap();
        }
        folder
    }

    #[test]
    fn a_whole_environment_is_kept() {
        let cache = tempfile::tempdir().unwrap();
        let folder = environment(cache.path(), Some(&content(&PIN, &willing())));
        fs::write(folder.join("kept"), "").unwrap();
        assert_eq!(ready(cache.path(), &PIN, &willing()).unwrap(), folder);
        assert!(folder.join("kept").exists());
    }

    #[test]
    fn half_made_and_stale_environments_are_made_anew() {
        for marker in [
            None,
            Some("a==0\npython 3.11.0\nb==2\n"),
            Some("a==1\npython 3.10.0\nb==2\n"),
        ] {
            let cache = tempfile::tempdir().unwrap();
            let folder = environment(cache.path(), marker);
            fs::write(folder.join("stale"), "").unwrap();
            // The installation begins, and fails since this interpreter makes no environment.
            assert!(ready(cache.path(), &PIN, &willing()).is_err(), "{marker:?}");
            assert!(!folder.join("stale").exists(), "{marker:?}");
            assert!(!folder.join(MARKER).exists(), "{marker:?}");
        }
    }

    #[test]
    fn an_environment_whose_interpreter_is_gone_is_not_complete() {
        let cache = tempfile::tempdir().unwrap();
        let expected = content(&PIN, &willing());
        let folder = environment(cache.path(), Some(&expected));
        assert!(is_complete(&folder, &expected));
        fs::remove_file(folder.join("bin/python")).unwrap();
        assert!(!is_complete(&folder, &expected));
    }

    #[test]
    fn requirements_of_our_own_replace_those_of_the_package() {
        let names = |pin: &Pin| -> Vec<String> {
            commands(Path::new("/e"), pin, &willing())
                .iter()
                .map(workspace::name)
                .collect()
        };
        let own = names(&PIN);
        assert!(
            own[1].ends_with(" b==2") && own[2].ends_with(" --no-deps a==1"),
            "{own:?}"
        );
        let plain = names(&Pin {
            requirements: &[],
            ..PIN
        });
        assert!(
            plain.len() == 2 && plain[1].ends_with(" off a==1"),
            "{plain:?}"
        );
    }

    #[test]
    fn a_failure_shows_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let error = patiently(
            Command::new("sh").args(["-c", "echo it broke; exit 3"]),
            &log,
        )
        .unwrap_err();
        assert!(error.to_string().contains("it broke"), "{error}");
    }
}
