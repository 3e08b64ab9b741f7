//! `encryption`: an encrypted text in place of a value, in hexadecimal digits.

use super::aes::{self, Aes, Mode};
use super::digest::{hex, unhex};
use super::rsa::PublicKey;
use super::{Make, Replacing};
use crate::demand::Keeps;
use crate::kind::Processor;
use crate::kind::config::{Config, of_setting};

/// As in Airbyte, a field keeps its name if nothing else is asked for.
const SUFFIX: &str = "";

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let foreign = |names: &[&str], algorithm: &str| {
        let given = names.iter().find(|name| config.has(name));
        given.map_or(Ok(()), |name| {
            Err(format!(
                "the setting `{name}` has no meaning with {algorithm}"
            ))
        })
    };
    match config.need("algorithm")? {
        "AES" => {
            foreign(&["publicKey"], "AES")?;
            Replacing::boxed(config, SUFFIX, Symmetric::read(config)?)
        }
        "RSA" => {
            foreign(&["key", "mode", "padding"], "RSA")?;
            let key = public_key(config.need("publicKey")?);
            let key = of_setting("publicKey", key)?;
            Replacing::boxed(config, SUFFIX, Asymmetric(key))
        }
        other => Err(format!(
            "the setting `algorithm`: `{other}` is none; there are `AES`, `RSA`"
        )),
    }
}

/// What is wrong with a key is told without a part of it (P10).
fn public_key(text: &str) -> Result<PublicKey, String> {
    let der = unhex(text.trim()).ok_or(
        "it is not in hexadecimal digits; `openssl pkey -pubin -in key.pem -outform DER | xxd -p -c 0` writes it so",
    )?;
    PublicKey::read(&der).map_err(str::to_owned)
}

/// Fills bytes that nobody can foretell. `None`: the system has none.
fn random(bytes: &mut [u8]) -> Option<()> {
    getrandom::fill(bytes).ok()
}

struct Symmetric {
    key: Aes,
    mode: Mode,
    pads: bool,
}

impl Symmetric {
    fn read(config: &Config<'_>) -> Result<Self, String> {
        let mode = of_setting("mode", Mode::parse(config.need("mode")?))?;
        let pads = match config.need("padding")? {
            "NoPadding" => false,
            "PKCS5Padding" => true,
            other => {
                return Err(format!(
                    "the setting `padding`: `{other}` is none; there are `NoPadding`, `PKCS5Padding`"
                ));
            }
        };
        if !pads && !mode.is_streaming() {
            return Err(format!(
                "the setting `padding`: {} needs `PKCS5Padding`, since it encrypts whole blocks of {} bytes",
                config.need("mode")?,
                aes::BLOCK
            ));
        }
        if pads && !mode.may_pad() {
            return Err(format!(
                "the setting `padding`: {} has no padding; write `NoPadding`",
                config.need("mode")?
            ));
        }
        let key = unhex(config.need("key")?.trim());
        let key = key.and_then(|key| Aes::new(&key)).ok_or(
            "the setting `key` is not 16, 24 or 32 bytes in hexadecimal digits; `openssl rand -hex 32` makes one",
        )?;
        Ok(Self { key, mode, pads })
    }
}

impl Make for Symmetric {
    fn make(&self, text: &str) -> Option<String> {
        let mut start = vec![0; self.mode.start()];
        random(&mut start)?;
        let mut text = text.as_bytes().to_vec();
        if self.pads {
            aes::pad(&mut text);
        }
        aes::encrypt(&self.key, self.mode, &start, &mut text)?;
        start.extend_from_slice(&text);
        Some(hex(&start))
    }

    fn keeps(&self) -> Keeps {
        match self.mode {
            Mode::Ecb => Keeps::Sameness,
            _ => Keeps::Nothing,
        }
    }
}

struct Asymmetric(PublicKey);

impl Make for Asymmetric {
    fn make(&self, text: &str) -> Option<String> {
        let encrypted = self.0.encrypt(text.as_bytes(), random)?;
        Some(hex(&encrypted))
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }
}
