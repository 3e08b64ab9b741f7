//! What a container is given beside its image and its command.

use std::fmt;

use crossdock_core::{Error, Result, code};

/// How containers of a connector are run.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DockerOptions {
    /// The network, e.g. `host` or `none`. `None`: Docker's own default.
    pub network: Option<String>,
    /// The memory that the container may use, in bytes; swap does not come on top.
    pub memory: Option<u64>,
    /// How many processors it may use, as a decimal number.
    pub cpus: Option<String>,
    /// What is mounted into it.
    pub volumes: Vec<Volume>,
    /// Environment variables. Values may be secret, and have no line ends.
    pub env: Vec<(String, String)>,
}

/// Something that is mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// A folder or file of the host, which begins with `/` or `.`, or the name of a volume of Docker's.
    pub source: String,
    /// Where it appears in the container, absolute.
    pub target: String,
    /// Whether the container may only read it.
    pub read_only: bool,
}

impl Volume {
    /// The volume in Docker's words. A path that is not there is refused: Docker would make a folder that
    /// belongs to root, and the data would not be seen.
    pub(super) fn word(&self) -> Result<String> {
        let rights = if self.read_only { ":ro" } else { "" };
        let is_path = self.source.starts_with(['/', '.']);
        let source = if is_path {
            let path = std::path::absolute(&self.source).map_err(|cause| {
                let message = "the path of a volume cannot be made absolute";
                Error::new(&code::CONFIG_INVALID, message)
                    .with("volume", &self.source)
                    .caused_by(cause)
            })?;
            if !path.exists() {
                let message = "what is to be mounted into the connector's container is not there";
                return Err(Error::new(&code::CONFIG_INVALID, message)
                    .with("volume", path.display())
                    .hint("make it, and let the image's user use it"));
            }
            path.display().to_string()
        } else {
            self.source.clone()
        };
        Ok(format!("{source}:{}{rights}", self.target))
    }
}

/// Values of variables are left out, since any of them may be a secret (P10).
impl fmt::Debug for DockerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("DockerOptions")
            .field("network", &self.network)
            .field("memory", &self.memory)
            .field("cpus", &self.cpus)
            .field("volumes", &self.volumes)
            .field("env", &names)
            .finish()
    }
}

/// A number of bytes for a person, in the largest unit that leaves it whole.
pub(super) fn size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes > 0 && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole() {
        for (bytes, expected) in [
            (512 << 20, "512 MiB"),
            (2 << 30, "2 GiB"),
            (1536, "1536 bytes"),
            (3072, "3 KiB"),
            (64_000_000, "62500 KiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn volumes_are_what_is_there() {
        let check = |source: &str, expected: Option<&str>| {
            let volume = Volume {
                source: source.to_owned(),
                target: "/t".to_owned(),
                read_only: true,
            };
            assert_eq!(volume.word().ok().as_deref(), expected, "{source}");
        };
        let here = std::path::absolute("src").expect("a path");
        check("./src", Some(&format!("{}:/t:ro", here.display())));
        check("/", Some("/:/t:ro"));
        check("cache", Some("cache:/t:ro"));
        check("./not-there", None);
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let options = DockerOptions {
            env: vec![("TOKEN".to_owned(), "hunter22".to_owned())],
            ..DockerOptions::default()
        };
        let shown = format!("{options:?}");
        assert!(
            shown.contains("TOKEN") && !shown.contains("hunter22"),
            "{shown}"
        );
    }
}
