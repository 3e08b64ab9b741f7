//! Base-128 numbers.

/// The number that starts at `at`, and the offset after it. `None` if it is cut off or longer than
/// 64 bits.
#[inline(always)]
pub(super) fn read(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    read_long(bytes, at)
}

#[inline(always)]
fn read_long(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    if let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let ends = !word & 0x8080_8080_8080_8080;
        if ends != 0 {
            // The bytes of the number alone, then their groups of seven bits joined in three steps.
            let groups = word & (ends ^ ends.wrapping_sub(1)) & 0x7f7f_7f7f_7f7f_7f7f;
            let pairs = (groups & 0x7f00_7f00_7f00_7f00) >> 1 | (groups & 0x007f_007f_007f_007f);
            let fours = (pairs & 0x3fff_0000_3fff_0000) >> 2 | (pairs & 0x0000_3fff_0000_3fff);
            let value = (fours & 0x0fff_ffff_0000_0000) >> 4 | (fours & 0x0fff_ffff);
            return Some((value, at + ends.trailing_zeros() as usize / 8 + 1));
        }
    }
    read_slowly(bytes, at)
}

#[cold]
fn read_slowly(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.get(at..)?.iter().take(10).enumerate() {
        // What does not fit 64 bits is cut off, as protobuf's own readers do.
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, at + index + 1));
        }
    }
    None
}

/// How many bytes the number takes.
#[inline(always)]
pub(super) fn length(value: u64) -> usize {
    // Seven bits a byte, and one byte for zero.
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// The bytes of the number, and how many they are. All are put in their places at once: a number of random
/// length costs no branch for each of its bytes.
#[inline(always)]
pub(super) fn spread(value: u64) -> (u128, usize) {
    if value >> 56 != 0 {
        return spread_long(value);
    }
    let groups = groups(value);
    let before_last = (63 - (groups | 1).leading_zeros()) & !7;
    // All but the last byte say that more follow.
    let more = MORE & ((1 << before_last) - 1);
    ((groups | more).into(), before_last as usize / 8 + 1)
}

/// The highest bit of each byte.
const MORE: u64 = 0x8080_8080_8080_8080;

/// The lowest 56 bits, seven in each byte.
#[inline(always)]
fn groups(value: u64) -> u64 {
    let fours = (value & 0x00ff_ffff_f000_0000) << 4 | (value & 0x0fff_ffff);
    let pairs = (fours & 0x0fff_c000_0fff_c000) << 2 | (fours & 0x0000_3fff_0000_3fff);
    (pairs & 0x3f80_3f80_3f80_3f80) << 1 | (pairs & 0x007f_007f_007f_007f)
}

/// The same of one of nine or ten bytes.
#[inline]
fn spread_long(value: u64) -> (u128, usize) {
    let low = groups(value) | MORE;
    let high = value >> 56;
    // The ninth byte says that a tenth follows, which is the highest bit.
    let high = (high & 0x80) << 1 | (high & 0x80) | (high & 0x7f);
    (u128::from(low) | u128::from(high) << 64, length(value))
}

/// Appends the first `length` of these bytes. Copying all of them and taking some back is quicker than to
/// copy as many as there happen to be.
#[inline(always)]
pub(super) fn put<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(bytes);
    out.truncate(end);
}

/// Appends the number.
#[inline(always)]
pub(super) fn write(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        return out.push(value as u8);
    }
    let (bytes, length) = spread(value);
    put(out, &bytes.to_le_bytes(), length);
}

/// A signed number in the form whose small ones are short on both sides of zero.
#[inline(always)]
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// The signed number of [`zigzag`].
#[inline(always)]
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_with_anything_after_them() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                for tail in [0, 1, 12] {
                    let mut bytes = vec![0xff];
                    write(&mut bytes, value);
                    let end = bytes.len();
                    assert_eq!(length(value), end - 1, "{value}");
                    bytes.extend(std::iter::repeat_n(0x85, tail));
                    assert_eq!(read(&bytes, 1), Some((value, end)), "{value}");
                }
                let signed = value.cast_signed();
                for signed in [signed, signed.wrapping_neg(), !signed] {
                    assert_eq!(unzigzag(zigzag(signed)), signed);
                }
            }
        }
    }

    #[test]
    fn what_has_no_end_is_none() {
        assert_eq!(read(&[], 0), None);
        assert_eq!(read(&[0x80; 9], 0), None);
        assert_eq!(read(&[0x80; 20], 0), None);
        assert_eq!(read(&[1], 7), None);
        // Longer than need be is legal.
        assert_eq!(read(&[0x81, 0x80, 0x00], 0), Some((1, 3)));
    }
}
