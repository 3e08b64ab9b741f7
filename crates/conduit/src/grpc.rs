//! gRPC without encryption, as go-plugin uses it (§1.1). Messages pass as bytes: who reads them decides
//! how.

pub(crate) mod client;
pub(crate) mod server;

use bytes::{Buf as _, BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The metadata in which a connector names its token to the schema service.
pub(crate) const TOKEN: &str = "conduit-connector-token";

/// Bytes that the other side may send before we have read them (P7), in one call; in all of a
/// connection, twice that.
const WINDOW: u32 = 512 << 10;
/// Bytes of a frame: fewer of them cost less.
const FRAME: u32 = 256 << 10;

/// Messages as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(item.len());
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}
