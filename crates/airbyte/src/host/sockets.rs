//! The sockets of one use of a connector (§4.2): a folder of their own.

use std::fs::{self, Permissions};
use std::io;
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
        made.map_err(failed)?;
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

    /// Whoever may enter the folder may connect to the sockets that are there now.
    pub(super) fn open_to_all(&self) -> Result<()> {
        for path in &self.channel.paths {
            fs::set_permissions(path, Permissions::from_mode(0o666)).map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn channel(&self) -> &DataChannel {
        &self.channel
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn failed(cause: io::Error) -> Error {
    Error::new(&code::IO, "the sockets of a connector cannot be made").caused_by(cause)
}
