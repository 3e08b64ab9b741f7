//! Digests by the names that Airbyte gives them.

use md2::Md2;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

/// How a digest is made. MD2 is for data that were hashed with it before: nobody should begin with it today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Md2,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// All of them by name.
const METHODS: [(&str, Method); 7] = [
    ("MD2", Method::Md2),
    ("MD5", Method::Md5),
    ("SHA-1", Method::Sha1),
    ("SHA-224", Method::Sha224),
    ("SHA-256", Method::Sha256),
    ("SHA-384", Method::Sha384),
    ("SHA-512", Method::Sha512),
];

impl Method {
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        let found = METHODS.iter().find(|(known, _)| *known == name);
        found.map(|(_, method)| *method).ok_or_else(|| {
            let known = METHODS.map(|(known, _)| format!("`{known}`")).join(", ");
            format!("`{name}` is no method; there are {known}")
        })
    }

    /// The digest in small hexadecimal digits.
    pub(super) fn digest(self, bytes: &[u8]) -> String {
        match self {
            Self::Md2 => hex(&Md2::digest(bytes)),
            Self::Md5 => hex(&Md5::digest(bytes)),
            Self::Sha1 => hex(&Sha1::digest(bytes)),
            Self::Sha224 => hex(&Sha224::digest(bytes)),
            Self::Sha256 => hex(&Sha256::digest(bytes)),
            Self::Sha384 => hex(&Sha384::digest(bytes)),
            Self::Sha512 => hex(&Sha512::digest(bytes)),
        }
    }
}

/// Bytes as small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)]);
    digits.collect()
}

/// The bytes of hexadecimal digits, small or large. `None`: it is something else.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let byte = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |sum, digit| sum << 4 | digit)).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `hashlib` has them.
    #[test]
    fn digests_are_those_of_others() {
        let check = |name: &str, text: &str, expected: &str| {
            let method = Method::parse(name).unwrap();
            assert_eq!(method.digest(text.as_bytes()), expected, "{name} of {text}");
        };
        check("MD5", "abc", "900150983cd24fb0d6963f7d28e17f72");
        check("MD5", "", "d41d8cd98f00b204e9800998ecf8427e");
        check("MD5", "größe", "fdbb3a56280acfa9031707622c599ccb");
        check("SHA-1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
        check(
            "SHA-224",
            "abc",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        );
        check(
            "SHA-256",
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        check(
            "SHA-384",
            "abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        );
        check(
            "SHA-512",
            "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        );
        check(
            "SHA-512",
            "größe",
            "4079747068d80d483e8aedaf374c5a905dde63f358bb7cdda7cc48b093f791e2d75f94a6b82076c3d0440e4f278b7b65a41ec20b1de47201a55612e8387de0a0",
        );
        check("MD2", "abc", "da853b0d3f88d99b30283a69e6ded6bb");
    }

    /// The suite of RFC 1319, A.5.
    #[test]
    fn digests_of_md2_are_those_of_the_rfc() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Method::Md2.digest(text.as_bytes()), expected, "{text}");
        };
        check("", "8350e5a3e24c153df2275c9f80692773");
        check("a", "32ec01ec4a6dac72c0ab96fb34c0b5d1");
        check("abc", "da853b0d3f88d99b30283a69e6ded6bb");
        check("message digest", "ab4f496bfb2a530b219ff33031fe06b0");
        check(
            "abcdefghijklmnopqrstuvwxyz",
            "4e8ddff3650292ab5a4108c3aa47940b",
        );
        check(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "da33def2a42df13975352846c30338cd",
        );
        check(&"1234567890".repeat(8), "d5976f79d83d3a0dc9806c3c66f3efd8");
    }

    #[test]
    fn names_are_exact() {
        let check = |name: &str| {
            let error = Method::parse(name).unwrap_err();
            assert!(error.starts_with(&format!("`{name}` is no method; there are `MD2`, ")));
        };
        check("sha-256");
        check("SHA256");
        check("");
    }

    #[test]
    fn hexadecimal_digits_come_back() {
        let check = |text: &str, expected: Option<&[u8]>| {
            assert_eq!(unhex(text).as_deref(), expected, "{text}");
        };
        check("", Some(&[]));
        check("00ffA0a0", Some(&[0, 255, 0xa0, 0xa0]));
        check("0", None);
        check("0g", None);
        check("0 ", None);
        check("é0", None);
        assert_eq!(hex(&[0, 255, 0xa0]), "00ffa0");
    }
}
