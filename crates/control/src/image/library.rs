//! The libraries that a program needs, found where its loader would find them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crossdock_core::code;
use crossdock_core::error::{Error, Result};

use super::elf::{self, Elf, Processor};

/// A program with everything that it needs to run.
#[derive(Clone, Debug)]
pub(super) struct Examined {
    pub(super) path: PathBuf,
    pub(super) processor: Processor,
    /// Files by their path in the image: its loader, and the libraries.
    pub(super) files: BTreeMap<PathBuf, PathBuf>,
}

/// Reads a program and finds what it is linked to. One that is static needs nothing.
pub(super) fn examined(path: &Path) -> Result<Examined> {
    let refused =
        |why: &str| Error::new(&code::PROGRAM_NOT_FOUND, why).with("program", path.display());
    let bytes =
        fs::read(path).map_err(|cause| refused("the program cannot be read").caused_by(cause))?;
    let elf =
        elf::read(&bytes).ok_or_else(|| refused("the program is no native program of Linux"))?;
    let processor = elf.processor;
    let mut files = BTreeMap::new();
    if let Some(interpreter) = &elf.interpreter {
        let found = loader(Path::new(interpreter), processor).ok_or_else(|| {
            refused("its loader is not on this machine").with("loader", interpreter)
        })?;
        files.insert(PathBuf::from(interpreter), found);
    }
    let mut missing = Vec::new();
    let mut open = vec![(path.to_owned(), elf)];
    while let Some((user, elf)) = open.pop() {
        for name in &elf.needed {
            if files
                .keys()
                .any(|known| known.file_name() == Path::new(name).file_name())
            {
                continue;
            }
            let folders = folders(&user, &elf);
            match folders
                .iter()
                .find_map(|folder| fitting(&folder.join(name), processor))
            {
                Some((found, elf)) => {
                    files.insert(seen(&found, processor), found.clone());
                    open.push((found, elf));
                }
                None if missing.contains(name) => {}
                None => missing.push(name.clone()),
            }
        }
    }
    if !missing.is_empty() {
        let hint = format!(
            "link the program statically, or install its libraries for {} (Debian has `libc6-{}-cross`)",
            processor.name(),
            processor.name()
        );
        return Err(refused("libraries of the program are not on this machine")
            .with("missing", missing.join(", "))
            .hint(hint));
    }
    Ok(Examined {
        path: path.to_owned(),
        processor,
        files,
    })
}

/// Where a cross compiler of Debian's has the libraries of other processors.
fn cross(processor: Processor) -> PathBuf {
    Path::new("/usr").join(processor.triple()).join("lib")
}

fn loader(path: &Path, processor: Processor) -> Option<PathBuf> {
    let elsewhere = cross(processor).join(path.file_name()?);
    [path.to_owned(), elsewhere]
        .into_iter()
        .find(|path| fitting(path, processor).is_some())
}

/// The folders that are looked through, in order: those that the program names, then the usual ones.
fn folders(user: &Path, elf: &Elf) -> Vec<PathBuf> {
    let origin = user.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let named = elf.folders.iter().map(|folder| {
        let folder = folder
            .replace("${ORIGIN}", &origin)
            .replace("$ORIGIN", &origin);
        PathBuf::from(folder)
    });
    let triple = elf.processor.triple();
    let usual = [
        format!("/lib/{triple}"),
        format!("/usr/lib/{triple}"),
        "/lib64".to_owned(),
        "/usr/lib64".to_owned(),
        "/lib".to_owned(),
        "/usr/lib".to_owned(),
    ];
    named
        .chain(usual.map(PathBuf::from))
        .chain([cross(elf.processor)])
        .collect()
}

/// The library if it is there and for this processor.
fn fitting(path: &Path, processor: Processor) -> Option<(PathBuf, Elf)> {
    let elf = elf::read(&fs::read(path).ok()?)?;
    (elf.processor == processor).then(|| (path.to_owned(), elf))
}

/// Where the loader finds the library in the image.
fn seen(path: &Path, processor: Processor) -> PathBuf {
    match path.strip_prefix(cross(processor)) {
        Ok(name) => Path::new("/lib").join(name),
        Err(_) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_has_its_loader_and_its_libraries() {
        let own = examined(&std::env::current_exe().unwrap()).unwrap();
        let names: Vec<_> = own
            .files
            .keys()
            .filter_map(|path| path.file_name())
            .collect();
        assert!(
            names
                .iter()
                .any(|name| name.to_string_lossy().starts_with("ld-")),
            "{names:?}"
        );
        assert!(
            names
                .iter()
                .any(|name| name.to_string_lossy().starts_with("libc.")),
            "{names:?}"
        );
        assert!(own.files.values().all(|path| path.is_file()));
    }

    #[test]
    fn libraries_of_a_cross_compiler_are_put_where_the_loader_looks() {
        let check = |path: &str, expected: &str| {
            assert_eq!(seen(Path::new(path), Processor::Arm64), Path::new(expected));
        };
        check("/usr/aarch64-linux-gnu/lib/libc.so.6", "/lib/libc.so.6");
        check(
            "/lib/aarch64-linux-gnu/libc.so.6",
            "/lib/aarch64-linux-gnu/libc.so.6",
        );
    }
}
