//! RSA with a public key, padded as in PKCS #1 v1.5 (RFC 8017, 7.2.1), by the crate `rsa`.
//!
//! The crate's known weakness (RUSTSEC-2023-0071, "Marvin") is that the time of an operation with the private key
//! tells of the key. Here is no private key: with a public one alone there is nothing to find out by a clock.
//!
//! Keys are read here: the crate's reader ends at 4096 bits, and wants the parameters of the algorithm in one form.

use rsa::rand_core::{self, CryptoRng, RngCore};
use rsa::{BigUint, Pkcs1v15Encrypt, RsaPublicKey};

/// Smaller keys protect nothing, larger ones are a slip.
const BITS: std::ops::RangeInclusive<usize> = 1024..=16_384;

/// The longest key that is read, in bytes of DER.
const LONGEST: usize = 8192;

/// The identifier of RSA among algorithms: 1.2.840.113549.1.1.1.
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const IDENTIFIER: u8 = 0x06;

/// A public key.
#[derive(Debug)]
pub(super) struct PublicKey(RsaPublicKey);

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
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        let are_odd = is_odd(modulus) && is_odd(exponent);
        let modulus = BigUint::from_bytes_be(modulus);
        let exponent = BigUint::from_bytes_be(exponent);
        if !BITS.contains(&modulus.bits()) {
            return Err("it has less than 1024 or more than 16384 bits");
        }
        let is_small = exponent < modulus;
        // Checks what makes a key; exponents of more than 33 bits, which nobody uses, are none to the crate.
        match RsaPublicKey::new_with_max_size(modulus, exponent, *BITS.end()) {
            Ok(key) => Ok(Self(key)),
            Err(rsa::Error::PublicExponentTooLarge) if are_odd && is_small => {
                Err("its exponent has more than 33 bits")
            }
            Err(_) => Err("its numbers are not those of a key of RSA"),
        }
    }

    /// Encrypts a text. `random` fills bytes. `None`: the text is too long for the key, or there is no chance.
    pub(super) fn encrypt(
        &self,
        text: &[u8],
        random: impl Fn(&mut [u8]) -> Option<()>,
    ) -> Option<Vec<u8>> {
        let mut chance = Chance {
            random,
            is_gone: false,
        };
        let encrypted = self.0.encrypt(&mut chance, Pkcs1v15Encrypt, text).ok()?;
        (!chance.is_gone).then_some(encrypted)
    }
}

/// Random bytes for the crate, which knows no chance that fails: what was made without is thrown away.
struct Chance<F> {
    random: F,
    is_gone: bool,
}

impl<F: Fn(&mut [u8]) -> Option<()>> RngCore for Chance<F> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        if (self.random)(bytes).is_none() {
            self.is_gone = true;
            // Zeros would be asked for again without end.
            bytes.fill(1);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl<F: Fn(&mut [u8]) -> Option<()>> CryptoRng for Chance<F> {}

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
    use rsa::traits::PublicKeyParts as _;

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
        let number = BigUint::from_bytes_be(text).modpow(&private, key.0.n());
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
        // The exponent may have eleven bytes then.
        let large = |key: &mut Vec<u8>| {
            let exponent = key.len() - 5;
            key.truncate(exponent);
            key.extend([INTEGER, 11, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            for length in [2, 20, 24] {
                key[length] += 8;
            }
        };
        check(large, "its exponent has more than 33 bits");
    }
}
