//! AES in the modes that Airbyte's mapper names: which crate does what.

use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    AsyncStreamCipher as _, BlockCipher, BlockEncrypt, BlockEncryptMut as _, InnerIvInit as _,
    KeyInit as _, StreamCipher as _, StreamCipherCoreWrapper,
};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::aead::consts::U12;
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;

/// Bytes that are encrypted together.
pub(super) const BLOCK: usize = 16;

/// Random bytes that a text begins with in Galois/counter mode: the length for which the mode needs no detour.
const GCM_START: usize = 12;

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
            Self::Gcm => GCM_START,
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

/// Fills the last block up; a full one gets another after it. It is the same for all modes, and OFB has no other in its
/// crate, being a stream.
pub(super) fn pad(text: &mut Vec<u8>) {
    let missing = BLOCK - text.len() % BLOCK;
    let byte = u8::try_from(missing).unwrap_or_default();
    text.resize(text.len() + missing, byte);
}

/// Encrypts in place; with GCM the tag comes after the text. `None`: `start` has not as many bytes as the mode says, or
/// the text has no whole blocks and the mode does not stream.
pub(super) fn encrypt(aes: &Aes, mode: Mode, start: &[u8], text: &mut Vec<u8>) -> Option<()> {
    match aes {
        Aes::Short(key) => encrypt_with(key.as_ref(), mode, start, text),
        Aes::Middle(key) => encrypt_with(key.as_ref(), mode, start, text),
        Aes::Long(key) => encrypt_with(key.as_ref(), mode, start, text),
    }
}

fn encrypt_with<C>(key: &C, mode: Mode, start: &[u8], text: &mut Vec<u8>) -> Option<()>
where
    C: BlockCipher + BlockEncrypt<BlockSize = U16>,
{
    match mode {
        Mode::Cbc => {
            let mut chain = cbc::Encryptor::inner_iv_slice_init(key, start).ok()?;
            let (blocks, rest) = InOutBuf::from(text.as_mut_slice()).into_chunks();
            rest.is_empty().then_some(())?;
            chain.encrypt_blocks_inout_mut(blocks);
        }
        // The cipher itself, block by block: there is nothing for a crate to do.
        Mode::Ecb => {
            let (blocks, rest) = InOutBuf::from(text.as_mut_slice()).into_chunks();
            rest.is_empty().then_some(())?;
            key.encrypt_blocks_inout(blocks);
        }
        Mode::Cfb => {
            let chain = cfb_mode::Encryptor::inner_iv_slice_init(key, start).ok()?;
            chain.encrypt(text);
        }
        Mode::Ofb => {
            let core = ofb::OfbCore::inner_iv_slice_init(key, start).ok()?;
            let mut stream = StreamCipherCoreWrapper::from_core(core);
            stream.try_apply_keystream(text).ok()?;
        }
        Mode::Ctr => {
            let core = CtrCore::<_, Ctr128BE>::inner_iv_slice_init(key, start).ok()?;
            let mut stream = StreamCipherCoreWrapper::from_core(core);
            stream.try_apply_keystream(text).ok()?;
        }
        Mode::Gcm => {
            let nonce: [u8; GCM_START] = start.try_into().ok()?;
            let sealing = AesGcm::<&C, U12>::from(key);
            let tag = sealing.encrypt_in_place_detached(&nonce.into(), &[], text);
            text.extend_from_slice(&tag.ok()?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::airbyte::digest::{hex, unhex};

    /// NIST SP 800-38A, appendix F: the first two blocks of each mode with each key.
    #[test]
    fn modes_are_those_of_the_standard() {
        let check = |mode: &str, key: &str, start: &str, expected: &str| {
            let text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
            let mode = Mode::parse(mode).unwrap();
            let aes = Aes::new(&unhex(key).unwrap()).unwrap();
            let mut text = unhex(text).unwrap();
            encrypt(&aes, mode, &unhex(start).unwrap(), &mut text).unwrap();
            assert_eq!(hex(&text), expected, "{mode:?}");
        };
        let short = "2b7e151628aed2a6abf7158809cf4f3c";
        let middle = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
        let long = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        let start = "000102030405060708090a0b0c0d0e0f";
        let counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
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
            counter,
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
        check(
            "ECB",
            middle,
            "",
            "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef",
        );
        check(
            "CFB",
            middle,
            start,
            "cdc80d6fddf18cab34c25909c99a417467ce7f7f81173621961a2b70171d3d7a",
        );
        check(
            "OFB",
            middle,
            start,
            "cdc80d6fddf18cab34c25909c99a4174fcc28b8d4c63837c09e81700c1100401",
        );
        check(
            "CTR",
            middle,
            counter,
            "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94",
        );
        check(
            "ECB",
            long,
            "",
            "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870",
        );
        check(
            "CFB",
            long,
            start,
            "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b",
        );
        check(
            "OFB",
            long,
            start,
            "dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d",
        );
        check(
            "CTR",
            long,
            counter,
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
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
            encrypt(&aes, mode, &[9; 16], &mut whole).unwrap();
            encrypt(&aes, mode, &[9; 16], &mut part).unwrap();
            assert_eq!(part, whole[..21], "{mode:?}");
        }
    }

    /// The counter has all bits of a block, so zero comes after the last one.
    #[test]
    fn a_counter_goes_on_with_zero() {
        let aes = Aes::new(&[1; 16]).unwrap();
        let (mut whole, mut zero) = (vec![0; 32], vec![0; 16]);
        encrypt(&aes, Mode::Ctr, &[0xff; 16], &mut whole).unwrap();
        encrypt(&aes, Mode::Ctr, &[0; 16], &mut zero).unwrap();
        assert_eq!(whole[16..], zero);
    }

    #[test]
    fn what_does_not_fit_is_not_encrypted() {
        let aes = Aes::new(&[1; 16]).unwrap();
        let is_done = |mode, start: usize, length: usize| {
            encrypt(&aes, mode, &vec![0; start], &mut vec![0; length]).is_some()
        };
        for mode in [Mode::Cbc, Mode::Cfb, Mode::Ofb, Mode::Ctr, Mode::Gcm] {
            assert!(is_done(mode, mode.start(), 16), "{mode:?}");
            assert!(!is_done(mode, mode.start() - 1, 16), "{mode:?}");
            assert_eq!(
                is_done(mode, mode.start(), 17),
                mode != Mode::Cbc,
                "{mode:?}"
            );
        }
        assert!(is_done(Mode::Ecb, 0, 32) && !is_done(Mode::Ecb, 0, 31));
    }

    /// Cases of the mode's first publication (McGrew and Viega, appendix B) without further data.
    #[test]
    fn sealed_texts_are_those_of_the_publication() {
        let check = |key: &str, start: &str, text: &str, expected: &str| {
            let aes = Aes::new(&unhex(key).unwrap()).unwrap();
            let mut text = unhex(text).unwrap();
            encrypt(&aes, Mode::Gcm, &unhex(start).unwrap(), &mut text).unwrap();
            assert_eq!(hex(&text), expected);
        };
        let (key, start) = ("0".repeat(32), "0".repeat(24));
        check(&key, &start, "", "58e2fccefa7e3061367f1d57a4e7455a");
        check(
            &key,
            &start,
            &"0".repeat(32),
            "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
        );
        // The second with the longer keys.
        check(
            &"0".repeat(48),
            &start,
            &"0".repeat(32),
            "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb",
        );
        check(
            &"0".repeat(64),
            &start,
            &"0".repeat(32),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        );
        check(
            "feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4",
        );
    }
}
