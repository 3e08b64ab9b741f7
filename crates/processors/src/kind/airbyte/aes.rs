//! AES in the modes that Airbyte's mapper names. The block cipher is RustCrypto's; what the modes do around it
//! is here, since a crate for each of them would be more than the house wants to carry.

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes192, Aes256};

use super::gcm;

/// Bytes that are encrypted together.
pub(super) const BLOCK: usize = 16;

pub(super) type Block = [u8; BLOCK];

/// A key, ready for use.
pub(super) enum Aes {
    Short(Box<Aes128>),
    Middle(Box<Aes192>),
    Long(Box<Aes256>),
}

impl Aes {
    /// `None`: a key has not so many bytes.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let short = Aes128::new_from_slice(key).map(|key| Self::Short(Box::new(key)));
        let middle = || Aes192::new_from_slice(key).map(|key| Self::Middle(Box::new(key)));
        let long = || Aes256::new_from_slice(key).map(|key| Self::Long(Box::new(key)));
        short.or_else(|_| middle()).or_else(|_| long()).ok()
    }

    /// One block, encrypted.
    pub(super) fn block(&self, mut block: Block) -> Block {
        let inside = GenericArray::from_mut_slice(&mut block);
        match self {
            Self::Short(key) => key.encrypt_block(inside),
            Self::Middle(key) => key.encrypt_block(inside),
            Self::Long(key) => key.encrypt_block(inside),
        }
        block
    }
}

/// How blocks hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Cbc,
    Cfb,
    Ofb,
    Ctr,
    Gcm,
    Ecb,
}

impl Mode {
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "CBC" => Self::Cbc,
            "CFB" => Self::Cfb,
            "OFB" => Self::Ofb,
            "CTR" => Self::Ctr,
            "GCM" => Self::Gcm,
            "ECB" => Self::Ecb,
            other => {
                return Err(format!(
                    "`{other}` is no mode; there are `CBC`, `CFB`, `OFB`, `CTR`, `GCM`, `ECB`"
                ));
            }
        })
    }

    /// How many random bytes each value begins with.
    pub(super) fn start(self) -> usize {
        match self {
            Self::Cbc | Self::Cfb | Self::Ofb | Self::Ctr => BLOCK,
            Self::Gcm => gcm::START,
            Self::Ecb => 0,
        }
    }

    /// Whether a text of any length can do without padding.
    pub(super) fn is_streaming(self) -> bool {
        !matches!(self, Self::Cbc | Self::Ecb)
    }

    /// Whether a text may be padded, though it need not be.
    pub(super) fn may_pad(self) -> bool {
        !matches!(self, Self::Ctr | Self::Gcm)
    }
}

/// Fills the last block up; a full one gets another after it.
pub(super) fn pad(text: &mut Vec<u8>) {
    let missing = BLOCK - text.len() % BLOCK;
    let byte = u8::try_from(missing).unwrap_or_default();
    text.resize(text.len() + missing, byte);
}

/// Encrypts in place. `start` has as many bytes as the mode says; of the modes that do not stream, the text has
/// whole blocks. With GCM the tag comes after it.
pub(super) fn encrypt(aes: &Aes, mode: Mode, start: &[u8], text: &mut Vec<u8>) {
    let mut before = Block::default();
    if mode == Mode::Gcm {
        return gcm::encrypt(aes, start, text);
    }
    for (own, given) in before.iter_mut().zip(start) {
        *own = *given;
    }
    for chunk in text.chunks_mut(BLOCK) {
        match mode {
            Mode::Cbc => {
                xor(&mut before, chunk);
                before = aes.block(before);
                chunk.copy_from_slice(&before[..chunk.len()]);
            }
            Mode::Ecb => {
                let mut block = Block::default();
                xor(&mut block, chunk);
                chunk.copy_from_slice(&aes.block(block)[..chunk.len()]);
            }
            Mode::Cfb => {
                before = aes.block(before);
                xor(chunk, &before);
                before[..chunk.len()].copy_from_slice(chunk);
            }
            Mode::Ofb => {
                before = aes.block(before);
                xor(chunk, &before);
            }
            Mode::Ctr | Mode::Gcm => {
                xor(chunk, &aes.block(before));
                before = u128::from_be_bytes(before).wrapping_add(1).to_be_bytes();
            }
        }
    }
}

/// Adds the second to the first, as far as both go.
pub(super) fn xor(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::airbyte::digest::{hex, unhex};

    /// NIST SP 800-38A, appendix F: the first two blocks of each mode with the key of 128, and of two with one
    /// of 192 and 256 bits.
    #[test]
    fn modes_are_those_of_the_standard() {
        let check = |mode: &str, key: &str, start: &str, expected: &str| {
            let text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
            let mode = Mode::parse(mode).unwrap();
            let aes = Aes::new(&unhex(key).unwrap()).unwrap();
            let mut text = unhex(text).unwrap();
            encrypt(&aes, mode, &unhex(start).unwrap(), &mut text);
            assert_eq!(hex(&text), expected, "{mode:?}");
        };
        let short = "2b7e151628aed2a6abf7158809cf4f3c";
        let middle = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
        let long = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        let start = "000102030405060708090a0b0c0d0e0f";
        check(
            "ECB",
            short,
            "",
            "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
        );
        check(
            "CBC",
            short,
            start,
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
        );
        check(
            "CFB",
            short,
            start,
            "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b",
        );
        check(
            "OFB",
            short,
            start,
            "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825",
        );
        check(
            "CTR",
            short,
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
        );
        check(
            "CBC",
            middle,
            start,
            "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a",
        );
        check(
            "CBC",
            long,
            start,
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
        );
    }

    #[test]
    fn a_key_has_16_24_or_32_bytes() {
        let is_key = |length: usize| Aes::new(&vec![7; length]).is_some();
        let fitting: Vec<_> = (0..=40).filter(|length| is_key(*length)).collect();
        assert_eq!(fitting, [16, 24, 32]);
    }

    #[test]
    fn padding_makes_whole_blocks() {
        let check = |length: usize, expected: usize, last: u8| {
            let mut text = vec![0; length];
            pad(&mut text);
            assert_eq!((text.len(), text.last()), (expected, Some(&last)));
        };
        check(0, 16, 16);
        check(15, 16, 1);
        check(16, 32, 16);
    }

    /// The last part of a block is as long as it was.
    #[test]
    fn modes_that_stream_keep_the_length() {
        let aes = Aes::new(&[1; 16]).unwrap();
        for mode in [Mode::Cfb, Mode::Ofb, Mode::Ctr] {
            let (mut whole, mut part) = (vec![3; 32], vec![3; 21]);
            encrypt(&aes, mode, &[9; 16], &mut whole);
            encrypt(&aes, mode, &[9; 16], &mut part);
            assert_eq!(part, whole[..21], "{mode:?}");
        }
    }
}
