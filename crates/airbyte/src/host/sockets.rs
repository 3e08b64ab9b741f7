//! The sockets of one use of a connector (§4.2): a folder of their own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_launch::PrivateDir;

use crate::channel::{DataChannel, Format};

/// The channel, and where its sockets are. Gone with it.
#[derive(Debug)]
pub(super) struct Sockets {
    channel: DataChannel,
    folder: PathBuf,
    /// Nobody else may enter it (P10).
    _dir: PrivateDir,
}

impl Sockets {
    /// Makes the folder. `count`: how many sockets; `None`: two for each processor, as the platform has it.
    pub(super) fn create(format: Format, count: Option<usize>) -> Result<Self> {
        let dir = PrivateDir::create()?;
        // In a folder that is private the inner one need not be: a container's user makes its sockets there.
        let folder = dir.path().join("s");
        let made = fs::create_dir(&folder)
            .and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(0o777)));
        made.map_err(|cause| {
            Error::new(&code::IO, "the folder of the sockets cannot be made").caused_by(cause)
        })?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = count.unwrap_or(2 * processors).max(1);
        let paths = (1..=count).map(|number| folder.join(format!("{number}.sock")));
        Ok(Self {
            channel: DataChannel {
                format,
                paths: paths.collect(),
            },
            folder,
            _dir: dir,
        })
    }

    pub(super) fn channel(&self) -> &DataChannel {
        &self.channel
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}
