//! How the containers of connectors are run, as a user says it.

use std::collections::BTreeMap;
use std::fmt;

/// How a connector's container is run. What is `None` or empty is left to Docker.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Docker {
    /// The network.
    pub network: Option<String>,
    /// The memory that it may use, in bytes.
    pub memory: Option<usize>,
    /// How many processors it may use, as a decimal number.
    pub cpus: Option<String>,
    /// What is mounted into it.
    pub volumes: Vec<Volume>,
    /// Environment variables. Values may be secret, and have no line ends.
    pub env: BTreeMap<String, String>,
}

/// Something that is mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// A path of the host, which begins with `/` or `.`, or the name of a volume of Docker's.
    pub source: String,
    /// Where it appears in the container, absolute.
    pub target: String,
    /// Whether the container may only read it.
    pub read_only: bool,
}

impl Volume {
    /// Reads `SOURCE:TARGET` and `SOURCE:TARGET:ro`. The error is what to tell the user.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "write `SOURCE:TARGET` or `SOURCE:TARGET:ro`, e.g. `./out:/local`";
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, read_only) = match parts.as_slice() {
            [source, target] | [source, target, "rw"] => (source, target, false),
            [source, target, "ro"] => (source, target, true),
            _ => return Err(FORM),
        };
        if source.starts_with('~') {
            return Err("`~` is the shell's; write the path itself");
        }
        let is_path = source.starts_with(['/', '.']);
        let is_name = source.starts_with(|c: char| c.is_ascii_alphanumeric())
            && source
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if !is_path && !is_name {
            return Err(match source.contains('/') {
                true => "begin a relative path with `./`",
                false => FORM,
            });
        }
        if !target.starts_with('/') {
            return Err("the path in the container begins with `/`");
        }
        Ok(Self {
            source: (*source).to_owned(),
            target: (*target).to_owned(),
            read_only,
        })
    }
}

impl Docker {
    /// What `later` says counts, key by key; a list counts as a whole, variables one by one.
    #[must_use]
    pub fn overridden_by(&self, later: &Self) -> Self {
        let mut env = self.env.clone();
        env.extend(later.env.clone());
        Self {
            network: later.network.clone().or_else(|| self.network.clone()),
            memory: later.memory.or(self.memory),
            cpus: later.cpus.clone().or_else(|| self.cpus.clone()),
            volumes: match later.volumes.is_empty() {
                true => self.volumes.clone(),
                false => later.volumes.clone(),
            },
            env,
        }
    }
}

/// Values of variables are left out, since any of them may be a secret (P10).
impl fmt::Debug for Docker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Docker")
            .field("network", &self.network)
            .field("memory", &self.memory)
            .field("cpus", &self.cpus)
            .field("volumes", &self.volumes)
            .field("env", &self.env.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_read() {
        let check = |text: &str, expected: Option<(&str, &str, bool)>| {
            let read = Volume::parse(text).ok();
            let expected = expected.map(|(source, target, read_only)| Volume {
                source: source.to_owned(),
                target: target.to_owned(),
                read_only,
            });
            assert_eq!(read, expected, "{text}");
        };
        check("./out:/local", Some(("./out", "/local", false)));
        check("/a b:/local:ro", Some(("/a b", "/local", true)));
        check("cache_1:/c:rw", Some(("cache_1", "/c", false)));
        for wrong in [
            "",
            ":",
            "./out",
            "out/x:/local",
            "~/out:/local",
            "./out:local",
            "./out:/local:z",
            "a:b:c:d",
            "-x:/y",
            ":/local",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn the_later_word_counts_key_by_key() {
        let volume = |text: &str| Volume::parse(text).unwrap();
        let env = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            owned.collect()
        };
        let first = Docker {
            network: Some("host".into()),
            memory: Some(1),
            cpus: None,
            volumes: vec![volume("/a:/a")],
            env: env(&[("A", "1"), ("B", "2")]),
        };
        let later = Docker {
            network: Some("none".into()),
            cpus: Some("2".into()),
            env: env(&[("B", "3")]),
            ..Docker::default()
        };
        let both = first.overridden_by(&later);
        assert_eq!(both.network.as_deref(), Some("none"));
        assert_eq!((both.memory, both.cpus.as_deref()), (Some(1), Some("2")));
        assert_eq!(both.volumes, first.volumes);
        assert_eq!(both.env, env(&[("A", "1"), ("B", "3")]));
        assert!(!format!("{both:?}").contains('3'));
        assert_eq!(Docker::default().overridden_by(&first), first);
    }
}
