//! Recognising a key by its bytes, without looking for its end.

use super::text::write_string;

/// So many bytes are compared in one step.
const STEP: usize = 16;

/// `"name":` as most writers print it.
#[derive(Debug)]
pub(super) struct Key {
    text: Box<[u8]>,
    /// The first bytes of the text, and the mask of those that count.
    first: u128,
    mask: u128,
}

impl Key {
    pub(super) fn new(name: &str) -> Self {
        let mut text = Vec::new();
        write_string(&mut text, name.as_bytes());
        text.push(b':');
        let (mut first, mut mask) = ([0; STEP], [0; STEP]);
        for ((first, mask), byte) in first.iter_mut().zip(&mut mask).zip(&text) {
            (*first, *mask) = (*byte, 0xff);
        }
        Self {
            text: text.into_boxed_slice(),
            first: u128::from_le_bytes(first),
            mask: u128::from_le_bytes(mask),
        }
    }

    /// If the key stands at `at`: the offset of the value, past one space if there is one.
    #[inline(always)]
    pub(super) fn value_after(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let stands = match rest.first_chunk::<STEP>() {
            Some(chunk) => {
                (u128::from_le_bytes(*chunk) ^ self.first) & self.mask == 0
                    && (self.text.len() <= STEP || rest[STEP..].starts_with(&self.text[STEP..]))
            }
            None => rest.starts_with(&self.text),
        };
        let value = at + self.text.len();
        stands.then(|| value + usize::from(text.get(value) == Some(&b' ')))
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn keys_of_every_length_are_recognised() {
        for length in 0..40 {
            let name = "n".repeat(length);
            let key = Key::new(&name);
            for tail in ["1", "1,\"other\":true,\"another\":false}", " 1}"] {
                let text = format!("\"{name}\":{tail}");
                let value = length + 3 + usize::from(tail.starts_with(' '));
                assert_eq!(key.value_after(text.as_bytes(), 0), Some(value), "{text}");
                let shifted = format!("{{{text}");
                assert_eq!(key.value_after(shifted.as_bytes(), 1), Some(value + 1));
                assert_eq!(key.value_after(shifted.as_bytes(), 0), None);
                let longer = format!("\"{name}n\":{tail}");
                assert_eq!(key.value_after(longer.as_bytes(), 0), None, "{longer}");
                let other = text.replacen("n\"", "m\"", 1);
                assert_eq!(key.value_after(other.as_bytes(), 0).is_some(), length == 0);
                assert_eq!(key.value_after(&text.as_bytes()[..length + 2], 0), None);
            }
        }
    }
}
