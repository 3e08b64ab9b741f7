//! A file's text: decompressed, decoded, without its byte order mark.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use encoding_rs::Encoding;

use super::list::Found;
use super::setting::Compression;
use crate::file::fault::io;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
const BUFFER: usize = 256 << 10;

/// A file's text from some offset on.
pub(crate) struct Input {
    /// The text.
    pub(crate) text: Box<dyn BufRead + Send>,
    /// Where in the decoded text it begins.
    pub(crate) offset: u64,
}

/// Whether the text before an offset ends a line, where `before` is the text from the byte before
/// it on: a file that was replaced by a longer one is not taken for one that has grown. Only plain
/// files can grow.
pub(crate) fn ends_a_line(before: &mut Input) -> bool {
    let mut byte = [0];
    matches!(before.text.read(&mut byte), Ok(1)) && byte[0] == b'\n'
}

/// Opens `found` at `offset` of its decoded text. An offset in a compressed or converted file costs
/// reading what comes before it.
pub(crate) fn open(
    found: &Found,
    compression: Compression,
    encoding: Option<&'static Encoding>,
    offset: u64,
) -> Result<Input> {
    let fault = || io("read the file", &found.path);
    let mut file = File::open(&found.path).map_err(io("open the file", &found.path))?;
    let mut head = [0; 4];
    let length = read_head(&mut file, &mut head).map_err(fault())?;
    file.seek(SeekFrom::Start(0)).map_err(fault())?;
    let compression = match compression {
        Compression::Auto if head[..length].starts_with(GZIP) => Compression::Gzip,
        Compression::Auto if head[..length].starts_with(ZSTD) => Compression::Zstd,
        other => other,
    };
    let plain = matches!(compression, Compression::Auto | Compression::None);
    if plain && encoding.is_none() && offset > 0 {
        file.seek(SeekFrom::Start(offset)).map_err(fault())?;
        let text = Box::new(BufReader::with_capacity(BUFFER, file));
        return Ok(Input { text, offset });
    }
    let bytes: Box<dyn Read + Send> = match compression {
        Compression::Auto | Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(
            BufReader::with_capacity(BUFFER, file),
        )),
        Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(fault())?),
    };
    let mut text: Box<dyn BufRead + Send> = match encoding {
        None => Box::new(BufReader::with_capacity(BUFFER, bytes)),
        Some(encoding) => Box::new(BufReader::with_capacity(BUFFER, decoded(bytes, encoding))),
    };
    if offset > 0 {
        io::copy(&mut (&mut text).take(offset), &mut io::sink()).map_err(fault())?;
        return Ok(Input { text, offset });
    }
    let start = text.fill_buf().map_err(fault())?;
    if start.starts_with(UTF8_MARK) {
        text.consume(UTF8_MARK.len());
        return Ok(Input {
            text,
            offset: UTF8_MARK.len() as u64,
        });
    }
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        let name = if start[0] == 0xff {
            "utf-16le"
        } else {
            "utf-16be"
        };
        return Err(Error::new(
            &code::DATA_INVALID,
            format!("the file is {name}, not UTF-8"),
        )
        .with("path", &found.name)
        .hint(format!(
            "set `encoding: {name}` in the source's configuration"
        )));
    }
    Ok(Input { text, offset: 0 })
}

fn decoded(bytes: Box<dyn Read + Send>, encoding: &'static Encoding) -> impl Read + Send {
    encoding_rs_io::DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .bom_sniffing(false)
        .strip_bom(true)
        .build(bytes)
}

fn read_head(file: &mut File, head: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < head.len() {
        match file.read(&mut head[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// Says why bytes are not text, and what to do.
pub(crate) fn not_utf8(what: &str) -> String {
    format!(
        "{what} is not UTF-8; if the file has another encoding, set `encoding`, e.g. `encoding: windows-1252`"
    )
}

/// Ends a read that goes on for too long without a record being found, so that a quotation mark
/// that is never closed does not fill the memory (P7, P11).
pub(crate) struct Limited<R> {
    inner: R,
    taken: Arc<AtomicU64>,
    limit: u64,
}

impl<R: Read> Limited<R> {
    /// Fails once more than `limit` bytes were taken since `taken` was last set to 0.
    pub(crate) fn new(inner: R, taken: Arc<AtomicU64>, limit: u64) -> Self {
        Self {
            inner,
            taken,
            limit,
        }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken.load(Ordering::Relaxed) > self.limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a record is longer than {} bytes", self.limit),
            ));
        }
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
