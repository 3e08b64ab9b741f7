//! RSA with a public key, padded as in PKCS #1 v1.5 (RFC 8017, 7.2.1). Nothing secret is computed with here but
//! the text itself, so a plain big number does; the crate for RSA would bring some twenty others.

use num_bigint::BigUint;

/// Smaller keys protect nothing, larger ones are a slip.
const BITS: std::ops::RangeInclusive<u64> = 1024..=16_384;

/// The longest key that is read, in bytes of DER.
const LONGEST: usize = 8192;

/// Bytes of padding at least, and those around it.
const PADDING: usize = 8;
const AROUND: usize = 3;

/// The identifier of RSA among algorithms: 1.2.840.113549.1.1.1.
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const IDENTIFIER: u8 = 0x06;

/// A public key.
#[derive(Debug)]
pub(super) struct PublicKey {
    modulus: BigUint,
    exponent: BigUint,
    /// Bytes of the modulus, and of every encrypted text.
    length: usize,
}

impl PublicKey {
    /// Reads a key as X.509 has it: `SubjectPublicKeyInfo`, in DER.
    pub(super) fn read(der: &[u8]) -> Result<Self, &'static str> {
        if der.len() > LONGEST {
            return Err("it is too long");
        }
        let broken = "it is no public key of X.509 in DER";
        let (mut key, rest) = part(der, SEQUENCE).ok_or(broken)?;
        let algorithm = taken(&mut key, SEQUENCE).ok_or(broken)?;
        let (identifier, _) = part(algorithm, IDENTIFIER).ok_or(broken)?;
        let bits = taken(&mut key, BIT_STRING).ok_or(broken)?;
        if identifier != RSA {
            return Err("it is a key of something else than RSA");
        }
        // The first byte says how many bits of the last one do not count.
        let numbers = bits.strip_prefix(&[0]).ok_or(broken)?;
        let (mut numbers, _) = part(numbers, SEQUENCE).ok_or(broken)?;
        let modulus = taken(&mut numbers, INTEGER).ok_or(broken)?;
        let exponent = taken(&mut numbers, INTEGER).ok_or(broken)?;
        let is_positive = |number: &[u8]| number.first().is_some_and(|first| *first < 0x80);
        if !rest.is_empty() || !is_positive(modulus) || !is_positive(exponent) {
            return Err(broken);
        }
        let modulus = BigUint::from_bytes_be(modulus);
        let exponent = BigUint::from_bytes_be(exponent);
        if !BITS.contains(&modulus.bits()) {
            return Err("it has less than 1024 or more than 16384 bits");
        }
        if !modulus.bit(0) || !exponent.bit(0) || exponent < 3_u8.into() || exponent >= modulus {
            return Err("its numbers are not those of a key of RSA");
        }
        let length = usize::try_from(modulus.bits().div_ceil(8)).unwrap_or_default();
        Ok(Self {
            modulus,
            exponent,
            length,
        })
    }

    /// Encrypts a text. `random` fills bytes. `None`: the text is too long for the key, or there is no chance.
    pub(super) fn encrypt(
        &self,
        text: &[u8],
        random: impl Fn(&mut [u8]) -> Option<()>,
    ) -> Option<Vec<u8>> {
        let padding = self.length.checked_sub(text.len() + AROUND)?;
        if padding < PADDING {
            return None;
        }
        let mut message = vec![0; self.length];
        let (head, body) = message.split_at_mut(2);
        head.copy_from_slice(&[0, 2]);
        let (chance, body) = body.split_at_mut(padding);
        random(chance)?;
        // Zero ends the padding.
        for byte in chance {
            while *byte == 0 {
                random(std::slice::from_mut(byte))?;
            }
        }
        body[1..].copy_from_slice(text);
        let number = BigUint::from_bytes_be(&message).modpow(&self.exponent, &self.modulus);
        let encrypted = number.to_bytes_be();
        let mut out = vec![0; self.length.checked_sub(encrypted.len())?];
        out.extend_from_slice(&encrypted);
        Some(out)
    }
}

/// The inside of a value of this kind at the begin, and what comes after it.
fn part(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der {
        [own, length, rest @ ..] if *own == kind => (*length, rest),
        _ => return None,
    };
    // A short length is the byte itself; a long one says how many bytes it has.
    if length < 0x80 {
        return rest.split_at_checked(usize::from(length));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    if digits.len() > 4 {
        return None;
    }
    let length = digits
        .iter()
        .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// Takes a value of this kind from the begin.
fn taken<'a>(der: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let (inside, rest) = part(der, kind)?;
    *der = rest;
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::airbyte::digest::unhex;

    /// A key of 1024 bits, made by OpenSSL.
    const KEY: &str = "30819f300d06092a864886f70d010101050003818d0030818902818100ab518387b735edc8e5ffd0e954ebe0bef9dace3dc027c265e65c4684df5b9918c551cd1269755204145651875ea186d1f428d14a7ac992a16958ca6aa452d9e5386d291fd4f9c2cf220c2cb049c477fe375226fa0d7404e5707dda66c6ef1809506c79106c2020cc745c1cbe57a1610ae46be35b5fb66e629a02e2cc62bc4fad0203010001";
    /// Its private exponent.
    const PRIVATE: &str = "59cdc6f6f3710f8e8a12493ea6c766ee7526df89bb1a9c6ab21098deb9fed8080617553a5b91a646812aa65e219ae683544bb93a23975a87c623472813af628c4b8217618d6541255a6710ae73ccf0bc6d9b010551f9486a302c816be66a4d5857bf81fea8352d38fe92c2113bdf0423a0415689fe101a150ff9539009563701";

    fn key() -> PublicKey {
        PublicKey::read(&unhex(KEY).unwrap()).unwrap()
    }

    fn decrypted(key: &PublicKey, text: &[u8]) -> Vec<u8> {
        let private = BigUint::from_bytes_be(&unhex(PRIVATE).unwrap());
        let number = BigUint::from_bytes_be(text).modpow(&private, &key.modulus);
        number.to_bytes_be()
    }

    #[test]
    fn the_private_key_gives_the_padded_text_back() {
        let key = key();
        let random = |bytes: &mut [u8]| {
            // Zeros are asked for again.
            let is_whole = bytes.len() > 1;
            bytes.fill(if is_whole { 0 } else { 7 });
            Some(())
        };
        let encrypted = key.encrypt(b"secret", random).unwrap();
        assert_eq!(encrypted.len(), 128);
        let mut expected = vec![2];
        expected.extend([7; 119]);
        expected.extend(b"\0secret");
        assert_eq!(decrypted(&key, &encrypted), expected);
    }

    #[test]
    fn a_text_that_is_too_long_is_not_encrypted() {
        let key = key();
        let random = |bytes: &mut [u8]| {
            bytes.fill(1);
            Some(())
        };
        assert!(key.encrypt(&[b'x'; 117], random).is_some());
        assert!(key.encrypt(&[b'x'; 118], random).is_none());
        assert!(key.encrypt(&[b'x'; 1000], random).is_none());
        assert!(key.encrypt(b"x", |_: &mut [u8]| None).is_none());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let whole = unhex(KEY).unwrap();
        for end in 0..whole.len() {
            assert!(PublicKey::read(&whole[..end]).is_err(), "{end}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(PublicKey::read(&longer).is_err());
        // Whatever is changed in it, there is no panic (P11).
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0x84, 0xff] {
                let mut broken = whole.clone();
                broken[at] = byte;
                drop(PublicKey::read(&broken));
            }
        }
        let check = |change: fn(&mut Vec<u8>), expected: &str| {
            let mut broken = whole.clone();
            change(&mut broken);
            assert_eq!(PublicKey::read(&broken).unwrap_err(), expected);
        };
        check(|key| key[14] = 2, "it is a key of something else than RSA");
        check(|key| key.resize(10_000, 0), "it is too long");
        let last = |key: &mut Vec<u8>| {
            let last = key.len() - 1;
            key[last] = 0;
        };
        check(last, "its numbers are not those of a key of RSA");
    }
}
