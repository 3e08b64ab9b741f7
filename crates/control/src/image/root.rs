//! The root folder of an image, as an archive: owners and rights come from here and not from the machine
//! on which the folder lies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crossdock_launch::Archive;

use super::library::Examined;

/// The number of the user `airbyte`, as in the images of Airbyte.
const USER: u32 = 1000;
/// Where distributions keep the certificates of those whom the world trusts.
const CERTIFICATES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
/// Where the image has them.
pub(super) const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The file with this machine's certificates, if it has one.
pub(super) fn certificates() -> Option<PathBuf> {
    let paths = CERTIFICATES.iter().map(PathBuf::from);
    paths.into_iter().find(|path| path.is_file())
}

/// Writes the root: programs with the paths at which they stand there, and what they need.
pub(super) fn write(out: impl Write, programs: &[(&str, &Examined)]) -> io::Result<()> {
    let mut root = Root {
        archive: Archive::new(out),
        made: BTreeSet::new(),
    };
    root.text(
        "/etc/passwd",
        &format!("root:x:0:0:root:/root:/\nairbyte:x:{USER}:{USER}:airbyte:/airbyte:/\n"),
    )?;
    root.text("/etc/group", &format!("root:x:0:\nairbyte:x:{USER}:\n"))?;
    // Without it, names of other machines would not be asked for in the usual order.
    root.text("/etc/nsswitch.conf", "hosts: files dns\n")?;
    if let Some(path) = certificates() {
        root.copy(TRUSTED, &path, 0o644)?;
    }
    root.archive.folder("/tmp", 0o1777, 0)?;
    // The platform puts its files here, and connectors theirs.
    root.archive.folder("/airbyte", 0o755, USER)?;
    let mut files = BTreeMap::new();
    for (path, program) in programs {
        root.copy(path, &program.path, 0o755)?;
        files.extend(program.files.clone());
    }
    for (path, found) in files {
        root.copy(&path.to_string_lossy(), &found, 0o755)?;
    }
    root.archive.finish().map(drop)
}

struct Root<W> {
    archive: Archive<W>,
    made: BTreeSet<PathBuf>,
}

impl<W: Write> Root<W> {
    fn text(&mut self, path: &str, content: &str) -> io::Result<()> {
        self.parents(Path::new(path))?;
        self.archive.file(path, 0o644, 0, content.as_bytes())
    }

    fn copy(&mut self, path: &str, from: &Path, mode: u32) -> io::Result<()> {
        self.parents(Path::new(path))?;
        let file = File::open(from)?;
        let length = file.metadata()?.len();
        self.archive.stream(path, mode, 0, length, file)
    }

    fn parents(&mut self, path: &Path) -> io::Result<()> {
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.reverse();
        for parent in parents {
            if parent != Path::new("/") && self.made.insert(parent.to_owned()) {
                self.archive.folder(&parent.to_string_lossy(), 0o755, 0)?;
            }
        }
        Ok(())
    }
}
