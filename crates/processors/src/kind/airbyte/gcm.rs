//! Galois/counter mode (NIST SP 800-38D) without further data beside the text.

use super::aes::{Aes, BLOCK, Block, xor};

/// Random bytes that a text begins with: the length for which the mode needs no detour.
pub(super) const START: usize = 12;

/// The polynomial of the field, bits the other way round.
const REDUCTION: u128 = 0xe1 << 120;

/// Encrypts in place; the tag comes after the text.
pub(super) fn encrypt(aes: &Aes, start: &[u8], text: &mut Vec<u8>) {
    let first = counter(start, 1);
    for (number, chunk) in (2..).zip(text.chunks_mut(BLOCK)) {
        xor(chunk, &aes.block(counter(start, number)));
    }
    let mut tag = hash(u128::from_be_bytes(aes.block(Block::default())), text);
    xor(&mut tag, &aes.block(first));
    text.extend_from_slice(&tag);
}

/// The block of this number.
fn counter(start: &[u8], number: u32) -> Block {
    let mut block = Block::default();
    let (head, tail) = block.split_at_mut(START);
    xor(head, start);
    tail.copy_from_slice(&number.to_be_bytes());
    block
}

/// The hash of an encrypted text by a key.
fn hash(key: u128, text: &[u8]) -> Block {
    let mut sum = 0;
    for chunk in text.chunks(BLOCK) {
        let mut block = Block::default();
        xor(&mut block, chunk);
        sum = product(sum ^ u128::from_be_bytes(block), key);
    }
    let bits = (text.len() as u128) * 8;
    product(sum ^ bits, key).to_be_bytes()
}

/// The product in the field of 2^128 elements. It takes the same way for all values.
fn product(left: u128, right: u128) -> u128 {
    let (mut sum, mut factor) = (0, right);
    for bit in (0..128).rev() {
        sum ^= factor & mask(left >> bit & 1);
        factor = factor >> 1 ^ REDUCTION & mask(factor & 1);
    }
    sum
}

/// All bits, or none.
fn mask(bit: u128) -> u128 {
    0_u128.wrapping_sub(bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::airbyte::digest::{hex, unhex};

    /// Cases of the mode's first publication (McGrew and Viega, appendix B) without further data.
    #[test]
    fn texts_are_those_of_the_publication() {
        let check = |key: &str, start: &str, text: &str, expected: &str| {
            let aes = Aes::new(&unhex(key).unwrap()).unwrap();
            let mut text = unhex(text).unwrap();
            encrypt(&aes, &unhex(start).unwrap(), &mut text);
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
        check(
            "feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4",
        );
    }
}
