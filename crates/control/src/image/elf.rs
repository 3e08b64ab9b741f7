//! What a native program of Linux says of itself: for which processor it is, and what it is linked to.
//!
//! Foreign bytes: every place is looked at before it is used (P11).

/// A kind of processor, as images have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Processor {
    /// 64-bit Intel and AMD.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Processor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// The name that Docker has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The name that Debian's folders of libraries have for it.
    pub(super) fn triple(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-linux-gnu",
            Self::Arm64 => "aarch64-linux-gnu",
        }
    }
}

/// A program or library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Elf {
    pub(super) processor: Processor,
    /// The program that loads its libraries; `None`: it needs none, or is a library.
    pub(super) interpreter: Option<String>,
    /// The libraries that it names.
    pub(super) needed: Vec<String>,
    /// Folders in which it wants them looked for first; `$ORIGIN` stands for its own.
    pub(super) folders: Vec<String>,
}

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;

const NEEDED: u64 = 1;
const STRINGS: u64 = 5;
const OLD_FOLDERS: u64 = 15;
const FOLDERS: u64 = 29;

/// A part of the file, and where it is in memory.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    length: u64,
}

/// Reads it; `None` for anything but a 64-bit file in little-endian order for a processor that we know.
pub(super) fn read(bytes: &[u8]) -> Option<Elf> {
    if bytes.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let processor = match u16_at(bytes, 18)? {
        62 => Processor::Amd64,
        183 => Processor::Arm64,
        _ => return None,
    };
    let segments = segments(bytes)?;
    let content = |segment: &Segment| part(bytes, segment.offset, segment.length);
    let of_kind = |kind| segments.iter().find(|segment| segment.kind == kind);
    let interpreter = match of_kind(INTERPRETER) {
        Some(segment) => Some(text(content(segment)?, 0)?),
        None => None,
    };
    let mut elf = Elf {
        processor,
        interpreter,
        needed: Vec::new(),
        folders: Vec::new(),
    };
    let Some(dynamic) = of_kind(DYNAMIC) else {
        return Some(elf);
    };
    let entries: Vec<(u64, u64)> = content(dynamic)?
        .chunks_exact(16)
        .filter_map(|entry| Some((u64_at(entry, 0)?, u64_at(entry, 8)?)))
        .take_while(|(tag, _)| *tag != 0)
        .collect();
    let Some((_, address)) = entries.iter().find(|(tag, _)| *tag == STRINGS) else {
        return Some(elf);
    };
    let home = segments.iter().find(|segment| {
        let end = segment.address.checked_add(segment.length);
        segment.kind == LOAD && segment.address <= *address && end.is_some_and(|e| *address < e)
    })?;
    let into = address.checked_sub(home.address)?;
    let strings = part(
        bytes,
        home.offset.checked_add(into)?,
        home.length.checked_sub(into)?,
    )?;
    for (tag, value) in entries {
        match tag {
            NEEDED => elf.needed.push(text(strings, value)?),
            FOLDERS | OLD_FOLDERS => {
                let list = text(strings, value)?;
                elf.folders.extend(list.split(':').map(str::to_owned));
            }
            _ => {}
        }
    }
    Some(elf)
}

fn segments(bytes: &[u8]) -> Option<Vec<Segment>> {
    let begin = u64_at(bytes, 32)?;
    let (size, count) = (u16_at(bytes, 54)?, u16_at(bytes, 56)?);
    let table = part(bytes, begin, u64::from(size).checked_mul(u64::from(count))?)?;
    let size = usize::from(size);
    if size < 56 {
        return (count == 0).then(Vec::new);
    }
    table
        .chunks_exact(size)
        .map(|head| {
            Some(Segment {
                kind: u32_at(head, 0)?,
                offset: u64_at(head, 8)?,
                address: u64_at(head, 16)?,
                length: u64_at(head, 32)?,
            })
        })
        .collect()
}

fn part(bytes: &[u8], begin: u64, length: u64) -> Option<&[u8]> {
    let begin = usize::try_from(begin).ok()?;
    let end = begin.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(begin..end)
}

fn text(bytes: &[u8], at: u64) -> Option<String> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest.get(..end)?.to_owned()).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_says_what_it_needs() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = read(&own).unwrap();
        assert!(elf.interpreter.unwrap().contains("ld-"));
        assert!(elf.needed.iter().any(|name| name.starts_with("libc.")));
    }

    #[test]
    fn bytes_that_are_no_program_or_half_of_one_are_refused_without_harm() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0x7f; 100]] {
            assert_eq!(read(bytes), None);
        }
        // Cut off, and with each byte of the head changed.
        for end in (0..5000).step_by(7) {
            let _ = read(&own[..end]);
        }
        let mut changed = own[..20_000].to_vec();
        for at in 0..2000 {
            for value in [0, 0x7f, 0xff] {
                let kept = std::mem::replace(&mut changed[at], value);
                let _ = read(&changed);
                changed[at] = kept;
            }
        }
    }
}
