//! Archives in the form of tar, in which Docker takes files together with their owners and rights.
//!
//! Only the parts of the form are written that are needed, so that no library is: files, folders, links.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;

/// An archive that is written from front to back.
#[derive(Debug)]
pub struct Archive<W> {
    out: W,
}

impl<W: Write> Archive<W> {
    /// An archive that goes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// A folder with these rights, owned by the user and group `owner`. Its parent has to come before.
    ///
    /// # Errors
    /// Those of writing; also for a path that is too long for the form.
    pub fn folder(&mut self, path: &str, mode: u32, owner: u32) -> io::Result<()> {
        let path = format!("{}/", path.trim_end_matches('/'));
        self.head(&path, mode, owner, 0, b'5', "")
    }

    /// A file with this content.
    ///
    /// # Errors
    /// As [`Self::folder`].
    pub fn file(&mut self, path: &str, mode: u32, owner: u32, content: &[u8]) -> io::Result<()> {
        self.stream(path, mode, owner, content.len() as u64, content)
    }

    /// A file whose content, `length` bytes of it, is read from `content`.
    ///
    /// # Errors
    /// As [`Self::folder`], those of reading, and if there is less to read.
    pub fn stream(
        &mut self,
        path: &str,
        mode: u32,
        owner: u32,
        length: u64,
        content: impl Read,
    ) -> io::Result<()> {
        self.head(path, mode, owner, length, b'0', "")?;
        let copied = io::copy(&mut content.take(length), &mut self.out)?;
        if copied < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        let rest = usize::try_from(length % BLOCK as u64).unwrap_or(0);
        if rest > 0 {
            self.out.write_all(&[0; BLOCK][rest..])?;
        }
        Ok(())
    }

    /// A symbolic link.
    ///
    /// # Errors
    /// As [`Self::folder`]; also for a target that is too long for the form.
    pub fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.head(path, 0o777, 0, 0, b'2', target)
    }

    /// Writes the end and gives the output back.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn head(
        &mut self,
        path: &str,
        mode: u32,
        owner: u32,
        length: u64,
        kind: u8,
        target: &str,
    ) -> io::Result<()> {
        let (prefix, name) = split(path.trim_start_matches('/'))?;
        let mut block = [0; BLOCK];
        put(&mut block, 0, 100, name)?;
        put(&mut block, 100, 8, &format!("{mode:07o}"))?;
        put(&mut block, 108, 8, &format!("{owner:07o}"))?;
        put(&mut block, 116, 8, &format!("{owner:07o}"))?;
        put(&mut block, 124, 12, &format!("{length:011o}"))?;
        // The same archive whenever it is written.
        put(&mut block, 136, 12, &format!("{:011o}", 0))?;
        put(&mut block, 148, 8, "        ")?;
        block[156] = kind;
        put(&mut block, 157, 100, target)?;
        put(&mut block, 257, 8, "ustar\x0000")?;
        put(&mut block, 345, 155, prefix)?;
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut block, 148, 8, &format!("{sum:06o}\0 "))?;
        self.out.write_all(&block)
    }
}

fn put(block: &mut [u8; BLOCK], at: usize, room: usize, text: &str) -> io::Result<()> {
    let bytes = text.as_bytes();
    match block.get_mut(at..at + bytes.len()) {
        Some(place) if bytes.len() <= room => place.copy_from_slice(bytes),
        _ => return Err(too_long(text)),
    }
    Ok(())
}

/// A path in the two parts that a header has room for.
fn split(path: &str) -> io::Result<(&str, &str)> {
    if path.len() <= 100 {
        return Ok(("", path));
    }
    let cuts = path.match_indices('/').map(|(at, _)| at);
    for at in cuts {
        let (prefix, name) = (&path[..at], &path[at + 1..]);
        if prefix.len() <= 155 && name.len() <= 100 && !name.is_empty() {
            return Ok((prefix, name));
        }
    }
    Err(too_long(path))
}

fn too_long(what: &str) -> io::Error {
    let message = format!("too long for an archive: {what}");
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn the_program_tar_reads_it() {
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(90));
        let mut archive = Archive::new(Vec::new());
        archive.folder("home", 0o700, 1000).expect("written");
        archive
            .file("home/config.json", 0o640, 1000, b"{}")
            .expect("written");
        archive
            .file("/tmp/block", 0o644, 0, &[b'x'; BLOCK])
            .expect("written");
        archive.link("lib64", "usr/lib64").expect("written");
        archive.file(&long, 0o644, 0, b"").expect("written");
        let bytes = archive.finish().expect("written");
        assert_eq!(bytes.len() % BLOCK, 0);
        let mut tar = Command::new("tar")
            .args([
                "--list",
                "--verbose",
                "--numeric-owner",
                "--utc",
                "--file",
                "-",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tar");
        let mut stdin = tar.stdin.take().expect("a pipe");
        stdin.write_all(&bytes).expect("taken");
        drop(stdin);
        let output = tar.wait_with_output().expect("an exit");
        assert!(output.status.success());
        let listed = String::from_utf8(output.stdout).expect("text");
        let lines: Vec<String> = listed
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let day = "1970-01-01 00:00";
        assert_eq!(
            lines,
            [
                format!("drwx------ 1000/1000 0 {day} home/"),
                format!("-rw-r----- 1000/1000 2 {day} home/config.json"),
                format!("-rw-r--r-- 0/0 512 {day} tmp/block"),
                format!("lrwxrwxrwx 0/0 0 {day} lib64 -> usr/lib64"),
                format!("-rw-r--r-- 0/0 0 {day} {long}"),
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut archive = Archive::new(Vec::new());
        assert!(archive.file(&"f".repeat(101), 0o644, 0, b"").is_err());
        assert!(archive.link("l", &"t".repeat(101)).is_err());
        let short = archive.stream("s", 0o644, 0, 5, &b"four"[..]);
        assert_eq!(
            short.expect_err("short").kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
