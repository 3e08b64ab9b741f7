//! Lines to files: plain, gzip or zstd.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crossdock_core::error::Result;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::io;
use super::format::Encode;
use super::row_texts::RowTexts;

/// How files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// Zstandard, level 1.
    Zstd,
}

impl Compression {
    fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A record each.
    Json,
    /// A header, and a record each, except where a field in quotes holds a line end.
    Csv,
}

impl Lines {
    /// The extension of files with such lines, written so.
    pub(crate) fn extension(self, compression: Compression) -> String {
        let name = match self {
            Self::Json => "jsonl",
            Self::Csv => "csv",
        };
        format!("{name}{}", compression.suffix())
    }

    /// What an extension tells.
    pub(crate) fn of(extension: &str) -> Option<(Self, Compression)> {
        [Self::Json, Self::Csv].into_iter().find_map(|lines| {
            [Compression::None, Compression::Gzip, Compression::Zstd]
                .into_iter()
                .find(|c| lines.extension(*c) == extension)
                .map(|compression| (lines, compression))
        })
    }

    /// Appends a record to `out`; `false` at the end.
    fn read_record(self, from: &mut impl BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let start = out.len();
        loop {
            if from.read_until(b'\n', out)? == 0 {
                return Ok(out.len() > start);
            }
            // What we write in quotes has its quotation marks doubled, so an odd number says that
            // a field goes on.
            let quotes = || out[start..].iter().filter(|b| **b == b'"').count();
            if self == Self::Json || quotes() % 2 == 0 {
                return Ok(true);
            }
        }
    }
}

/// How much is copied at once.
const CHUNK: usize = 1 << 20;

/// A file that counts what went into it.
struct Counted {
    file: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buf)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

enum Sink {
    Plain(Counted),
    Gzip(flate2::write::GzEncoder<Counted>),
    Zstd(zstd::Encoder<'static, Counted>),
}

/// A file of lines that is being written.
pub(crate) struct LineFile {
    path: PathBuf,
    sink: Sink,
}

impl LineFile {
    /// Begins a file.
    pub(crate) fn create(path: &Path, compression: Compression) -> Result<Self> {
        let create = || {
            let file = Counted {
                file: File::create_new(path)?,
                bytes: 0,
            };
            Ok(match compression {
                Compression::None => Sink::Plain(file),
                Compression::Gzip => Sink::Gzip(flate2::write::GzEncoder::new(
                    file,
                    flate2::Compression::fast(),
                )),
                Compression::Zstd => Sink::Zstd(zstd::Encoder::new(file, 1)?),
            })
        };
        let sink = create().map_err(io("create the file", path))?;
        Ok(Self {
            path: path.to_owned(),
            sink,
        })
    }

    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.sink {
            Sink::Plain(sink) => sink.write_all(bytes),
            Sink::Gzip(sink) => sink.write_all(bytes),
            Sink::Zstd(sink) => sink.write_all(bytes),
        };
        written.map_err(io("write the file", &self.path))
    }
}

impl Encode<RowTexts> for LineFile {
    fn takes(&self, _: &RowTexts) -> bool {
        true
    }

    fn write(&mut self, rows: &RowTexts) -> Result<()> {
        self.write_bytes(&rows.text)
    }

    fn bytes(&self) -> u64 {
        match &self.sink {
            Sink::Plain(sink) => sink.bytes,
            Sink::Gzip(sink) => sink.get_ref().bytes,
            Sink::Zstd(sink) => sink.get_ref().bytes,
        }
    }

    fn memory(&self) -> u64 {
        // The compressors' windows are small and cannot be let go of.
        0
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<File> {
        let Self { path, sink } = *self;
        let sink = match sink {
            Sink::Plain(sink) => Ok(sink),
            Sink::Gzip(sink) => sink.finish(),
            Sink::Zstd(sink) => sink.finish(),
        };
        Ok(sink.map_err(io("end the file", &path))?.file)
    }
}

/// See [`super::split::split`].
pub(crate) fn split(
    from: &Path,
    (lines, compression): (Lines, Compression),
    rows: u64,
    head: &Path,
    tail: Option<&Path>,
) -> Result<()> {
    let file = File::open(from).map_err(io("read the file", from))?;
    let reader: Box<dyn Read> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(io("read the file", from))?),
    };
    let mut reader = BufReader::with_capacity(CHUNK, reader);
    let mut header = Vec::new();
    if lines == Lines::Csv {
        lines
            .read_record(&mut reader, &mut header)
            .map_err(io("read the file", from))?;
    }
    let mut chunk = Vec::new();
    let mut copy = |to: &Path, limit: u64| -> Result<()> {
        let mut out = Box::new(LineFile::create(to, compression)?);
        out.write_bytes(&header)?;
        for _ in 0..limit {
            let is_there = lines
                .read_record(&mut reader, &mut chunk)
                .map_err(io("read the file", from))?;
            if !is_there {
                break;
            }
            if chunk.len() >= CHUNK {
                out.write_bytes(&chunk)?;
                chunk.clear();
            }
        }
        out.write_bytes(&chunk)?;
        chunk.clear();
        out.finish().map(drop)
    };
    copy(head, rows)?;
    tail.map_or(Ok(()), |tail| copy(tail, u64::MAX))
}
