//! MD2 (RFC 1319), for data that were hashed with it before: nobody should begin with it today. The crate for it
//! would be one more in the lockfile for forty lines that nobody will ever change.

/// The substitution of the RFC, made of digits of pi.
const PI: [u8; 256] = [
    41, 46, 67, 201, 162, 216, 124, 1, 61, 54, 84, 161, 236, 240, 6, 19, 98, 167, 5, 243, 192, 199,
    115, 140, 152, 147, 43, 217, 188, 76, 130, 202, 30, 155, 87, 60, 253, 212, 224, 22, 103, 66,
    111, 24, 138, 23, 229, 18, 190, 78, 196, 214, 218, 158, 222, 73, 160, 251, 245, 142, 187, 47,
    238, 122, 169, 104, 121, 145, 21, 178, 7, 63, 148, 194, 16, 137, 11, 34, 95, 33, 128, 127, 93,
    154, 90, 144, 50, 39, 53, 62, 204, 231, 191, 247, 151, 3, 255, 25, 48, 179, 72, 165, 181, 209,
    215, 94, 146, 42, 172, 86, 170, 198, 79, 184, 56, 210, 150, 164, 125, 182, 118, 252, 107, 226,
    156, 116, 4, 241, 69, 157, 112, 89, 100, 113, 135, 32, 134, 91, 207, 101, 230, 45, 168, 2, 27,
    96, 37, 173, 174, 176, 185, 246, 28, 70, 97, 105, 52, 64, 126, 15, 85, 71, 163, 35, 221, 81,
    175, 58, 195, 92, 249, 206, 186, 197, 234, 38, 44, 83, 13, 110, 133, 40, 132, 9, 211, 223, 205,
    244, 65, 129, 77, 82, 106, 220, 55, 200, 108, 193, 171, 250, 36, 225, 123, 8, 12, 189, 177, 74,
    120, 136, 149, 139, 227, 99, 232, 109, 233, 203, 213, 254, 59, 0, 29, 57, 242, 239, 183, 14,
    102, 88, 208, 228, 166, 119, 114, 248, 235, 117, 75, 10, 49, 68, 80, 180, 143, 237, 31, 26,
    219, 153, 141, 51, 159, 17, 131, 20,
];

const BLOCK: usize = 16;
const ROUNDS: u8 = 18;

/// The digest of a text.
pub(super) fn digest(text: &[u8]) -> [u8; BLOCK] {
    let missing = BLOCK - text.len() % BLOCK;
    let padding = u8::try_from(missing).unwrap_or_default();
    let mut padded = text.to_vec();
    padded.resize(text.len() + missing, padding);
    let mut state = [0; BLOCK];
    let mut checksum = [0; BLOCK];
    for block in padded.chunks_exact(BLOCK) {
        absorb(&mut state, block);
        let mut last = checksum[BLOCK - 1];
        for (sum, byte) in checksum.iter_mut().zip(block) {
            *sum ^= substituted(byte ^ last);
            last = *sum;
        }
    }
    absorb(&mut state, &checksum);
    state
}

fn substituted(byte: u8) -> u8 {
    PI[usize::from(byte)]
}

/// Takes a block into the state.
fn absorb(state: &mut [u8; BLOCK], block: &[u8]) {
    let mut mixed = [0; 3 * BLOCK];
    for (at, (own, new)) in state.iter().zip(block).enumerate() {
        mixed[at] = *own;
        mixed[BLOCK + at] = *new;
        mixed[2 * BLOCK + at] = own ^ new;
    }
    let mut carry = 0;
    for round in 0..ROUNDS {
        for byte in &mut mixed {
            *byte ^= substituted(carry);
            carry = *byte;
        }
        carry = carry.wrapping_add(round);
    }
    state.copy_from_slice(&mixed[..BLOCK]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::airbyte::digest::hex;

    /// The suite of the RFC, A.5.
    #[test]
    fn digests_are_those_of_the_rfc() {
        let check = |text: &str, expected: &str| {
            assert_eq!(hex(&digest(text.as_bytes())), expected, "{text}");
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
}
