//! Numbers of as many bytes as they need.

/// Appends a number, seven bits in each byte, the lowest first.
#[inline]
pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The number that Avro writes for a signed one, small for small ones of either sign.
#[must_use]
pub fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}
