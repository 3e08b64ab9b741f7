//! Lines to files: plain, gzip or zstd.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crossdock_core::error::Result;

use super::config::Compression;
use super::line::Lines;
use crate::file::fault::io;
use crate::file::format::Encode;

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

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.sink {
            Sink::Plain(sink) => sink.write_all(bytes),
            Sink::Gzip(sink) => sink.write_all(bytes),
            Sink::Zstd(sink) => sink.write_all(bytes),
        };
        written.map_err(io("write the file", &self.path))
    }
}

impl Encode<Lines> for LineFile {
    fn takes(&self, _: &Lines) -> bool {
        true
    }

    fn write(&mut self, lines: &Lines) -> Result<()> {
        self.write_bytes(lines)
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

/// See [`crate::file::split::split`].
pub(crate) fn split(
    from: &Path,
    compression: Compression,
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
    let mut chunk = Vec::new();
    let mut copy = |to: &Path, limit: u64| -> Result<()> {
        let mut out = Box::new(LineFile::create(to, compression)?);
        for _ in 0..limit {
            if reader
                .read_until(b'\n', &mut chunk)
                .map_err(io("read the file", from))?
                == 0
            {
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
