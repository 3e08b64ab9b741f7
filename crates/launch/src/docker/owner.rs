//! Whose a container is, so that what a crash of the machine left behind can be told from what runs.

use std::fs;
use std::path::Path;

use super::client::Client;

/// The label that names the owner.
pub(super) const LABEL: &str = "crossdock.owner";

/// A process that made a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The machine.
    host: String,
    /// Which of its starts.
    boot: String,
    /// The space that process numbers are of: containers have their own.
    space: String,
    /// The process's number, and when it began, since numbers are given again.
    process: String,
    begun: String,
}

impl Owner {
    /// This very process; `None` where the system does not tell.
    pub(super) fn me() -> Option<Self> {
        let read = |path| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let machine = read("/etc/machine-id").unwrap_or_default();
        let process = std::process::id().to_string();
        let space = fs::read_link("/proc/self/ns/pid").ok()?;
        Some(Self {
            host: format!("{}/{machine}", read("/proc/sys/kernel/hostname")?),
            boot: read("/proc/sys/kernel/random/boot_id")?,
            space: space.to_string_lossy().into_owned(),
            begun: begun(&process)?,
            process,
        })
    }

    /// The label's text.
    pub(super) fn text(&self) -> String {
        let words = [
            &self.host,
            &self.boot,
            &self.space,
            &self.process,
            &self.begun,
        ];
        words.map(String::as_str).join(" ")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').map(str::to_owned);
        let owner = Self {
            host: words.next()?,
            boot: words.next()?,
            space: words.next()?,
            process: words.next()?,
            begun: words.next()?,
        };
        words.next().is_none().then_some(owner)
    }

    /// Whether it is certain that this owner is no more. What happens on other machines, and in other
    /// containers of this one, cannot be seen from here.
    fn is_gone(&self, me: &Self, begun: impl Fn(&str) -> Option<String>) -> bool {
        self.host == me.host
            && (self.boot != me.boot
                || (self.space == me.space && begun(&self.process).as_ref() != Some(&self.begun)))
    }
}

/// When a process began, in ticks since the system's start.
fn begun(process: &str) -> Option<String> {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    // The name in brackets may hold anything; what follows it does not.
    let after = stat.rsplit(')').next()?;
    after.split_whitespace().nth(19).map(str::to_owned)
}

/// Removes containers whose owner is no more. Best effort: what cannot be removed now is at the next use.
pub(super) async fn sweep(client: &Client) {
    let Some(me) = Owner::me() else {
        return;
    };
    let filter = format!("label={LABEL}");
    let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
    let words = ["ps", "--all", "--filter", &filter, "--format", &format];
    let Ok(listed) = client.ask(words, &[]).await else {
        return;
    };
    for line in listed.lines() {
        let Some((id, text)) = line.split_once(' ') else {
            continue;
        };
        if Owner::parse(text).is_some_and(|owner| owner.is_gone(&me, begun)) {
            tracing::debug!(container = id, "removing an abandoned container");
            let _ = client.ask(["rm", "--force", "--volumes", id], &[]).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owners_that_are_surely_gone_are_gone() {
        let me = Owner::parse("h/1 b pid:[1] 10 500").expect("an owner");
        let begun = |process: &str| match process {
            "10" => Some("500".to_owned()),
            "11" => Some("700".to_owned()),
            _ => None,
        };
        let check = |text: &str, expected: bool| {
            let gone = Owner::parse(text).is_some_and(|owner| owner.is_gone(&me, begun));
            assert_eq!(gone, expected, "{text}");
        };
        check("h/1 b pid:[1] 10 500", false);
        check("h/1 b pid:[1] 11 700", false);
        check("h/1 b pid:[1] 11 699", true);
        check("h/1 b pid:[1] 12 1", true);
        check("h/1 b pid:[2] 12 1", false);
        check("h/1 a pid:[2] 10 500", true);
        check("g/1 a pid:[1] 12 1", false);
        check("h/1 b", false);
        check("h/1 b pid:[1] 12 1 more", false);
        check("", false);
    }

    #[test]
    fn we_know_ourselves() {
        let me = Owner::me().expect("an owner");
        assert_eq!(Owner::parse(&me.text()), Some(me.clone()));
        assert!(!me.is_gone(&me, begun));
    }
}
