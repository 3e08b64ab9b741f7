//! Time, processor time and peak memory of child processes, read from `/proc`.
//!
//! A process that has ended keeps its figures of processor time until it is waited for, so these are exact. Its memory
//! is gone by then; but the kernel keeps the high-water mark while it lives, so what asking now and then can miss is
//! only a peak of the very last moment.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often the processes are looked at: rarely enough to cost nothing that counts.
const INTERVAL: Duration = Duration::from_millis(5);

/// The kernel's clock for processor time, the same for all programs on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Use {
    /// Seconds from the start of the measurement until the process ended.
    pub(crate) seconds: f64,
    /// Processor seconds of the process itself, without its children.
    pub(crate) cpu: f64,
    /// The most memory that was resident at once, in bytes.
    pub(crate) peak: u64,
}

/// Waits until all children have ended, and says what each took. Fails if one of them fails.
pub(crate) fn wait(begin: Instant, mut children: Vec<Child>) -> Result<Vec<Use>> {
    let mut uses = vec![Use::default(); children.len()];
    loop {
        let mut running = false;
        for (child, used) in children
            .iter()
            .zip(&mut uses)
            .filter(|(_, used)| used.seconds == 0.0)
        {
            let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))
                .context("a child is not in /proc")?;
            let (state, cpu) = read_stat(&stat).context("/proc/PID/stat has another form here")?;
            used.cpu = cpu;
            if state == 'Z' {
                used.seconds = begin.elapsed().as_secs_f64();
                continue;
            }
            running = true;
            let status =
                fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            used.peak = used.peak.max(read_peak(&status).unwrap_or(0));
        }
        if !running {
            break;
        }
        std::thread::sleep(INTERVAL);
    }
    for child in &mut children {
        let status = child.wait()?;
        if !status.success() {
            bail!("a measured process ended with {status}");
        }
    }
    Ok(uses)
}

/// What a process that runs has taken so far.
pub(crate) fn look(pid: u32) -> Result<Use> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is not in /proc")?;
    let (_, cpu) = read_stat(&stat).context("/proc/PID/stat has another form here")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    Ok(Use {
        seconds: 0.0,
        cpu,
        peak: read_peak(&status).unwrap_or(0),
    })
}

/// The state letter and the processor seconds out of `/proc/PID/stat`. The program's name, in parentheses, may hold
/// anything, so the fields are counted from the last parenthesis.
fn read_stat(text: &str) -> Option<(char, f64)> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((
        fields.first()?.chars().next()?,
        ticks as f64 / TICKS_PER_SECOND,
    ))
}

/// The high-water mark in bytes out of `/proc/PID/status`.
fn read_peak(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_kernels_text_is_read() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 7 8 20 0 1 0 100 1000 200";
        assert_eq!(read_stat(stat), Some(('S', 2.0)));
        assert_eq!(read_stat("42"), None);
        assert_eq!(
            read_peak("Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(read_peak("Name:\ta\n"), None);
    }

    #[test]
    fn a_process_is_measured() {
        let begin = Instant::now();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let child = Command::new("sh").args(["-c", busy]).spawn().unwrap();
        let uses = wait(begin, vec![child]).unwrap();
        assert!(
            uses[0].seconds > 0.0 && uses[0].cpu > 0.0 && uses[0].peak > 100_000,
            "{uses:?}"
        );
    }

    #[test]
    fn a_process_that_fails_is_an_error() {
        let child = Command::new("false").spawn().unwrap();
        assert!(wait(Instant::now(), vec![child]).is_err());
    }
}
