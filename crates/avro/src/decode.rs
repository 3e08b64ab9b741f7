//! Avro's binary form to JSON text. Every digit stays; bytes are base64, moments and days are text in
//! the form of Airbyte §1.9, a value that has no place in a day stays a number.

use crossdock_core::convert::{
    write_base64, write_date, write_sortable_timestamp, write_string, write_time, write_timestamp,
};

use crate::number::write_number;
use crate::schema::{Logical, Schema, Type};
use crossdock_core::fault::Fault;

/// Values nested deeper than this are refused (P11).
const DEEPEST: usize = 128;
/// More values than this in one record are refused: a few bytes can claim any number of empty ones.
const MOST_VALUES: u32 = 1 << 22;

/// Parts of a second in a moment of the finest kind.
const NANOS: i64 = 1_000_000_000;

impl Schema {
    /// Appends the value that `data` encodes as JSON text.
    ///
    /// # Errors
    /// If `data` is not of this schema, to its last byte.
    pub fn write_json(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut decoder = Decoder {
            schema: self,
            data,
            left: MOST_VALUES,
        };
        decoder.value(self.root(), out, 0)?;
        if decoder.data.is_empty() {
            Ok(())
        } else {
            Err(Fault::new("bytes follow after the end of an Avro value"))
        }
    }
}

struct Decoder<'a> {
    schema: &'a Schema,
    data: &'a [u8],
    left: u32,
}

impl<'a> Decoder<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.data.split_at_checked(count).ok_or_else(cut_off)?;
        self.data = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.data.split_first_chunk().ok_or_else(cut_off)?;
        self.data = rest;
        Ok(*taken)
    }

    fn long(&mut self) -> Result<i64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Fault::new("an Avro number is too long"))
    }

    fn sized(&mut self) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(self.long()?);
        self.take(length.map_err(|_| Fault::new("an Avro length is negative"))?)
    }

    fn text(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes).map_err(|_| Fault::new("an Avro string is not UTF-8"))?;
        write_string(out, bytes);
        Ok(())
    }

    fn value(&mut self, place: usize, out: &mut Vec<u8>, depth: usize) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(Fault::new("an Avro value is nested too deeply"));
        }
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| Fault::new("an Avro value has too many parts"))?;
        let schema = self.schema;
        let node = schema.node(place);
        match &node.kind {
            Type::Null => out.extend_from_slice(b"null"),
            Type::Boolean => {
                let [byte] = self.array()?;
                out.extend_from_slice(if byte == 0 { b"false" } else { b"true" });
            }
            Type::Int | Type::Long => {
                let number = self.long()?;
                write_long(out, number, node.logical);
            }
            Type::Float => {
                // Its own shortest digits: those of the double that equals it are noise.
                let float = f32::from_le_bytes(self.array()?);
                let text = float.to_string().parse();
                write_number(out, text.unwrap_or(f64::from(float)));
            }
            Type::Double => write_number(out, f64::from_le_bytes(self.array()?)),
            Type::Bytes => {
                let bytes = self.sized()?;
                write_bytes(out, bytes, node.logical);
            }
            Type::Fixed(size) => {
                let bytes = self.take(*size)?;
                write_bytes(out, bytes, node.logical);
            }
            Type::String => self.text(out)?,
            Type::Enum(symbols) => {
                let symbol = usize::try_from(self.long()?)
                    .ok()
                    .and_then(|at| symbols.get(at));
                let symbol = symbol.ok_or_else(|| Fault::new("an Avro enum has no such symbol"))?;
                write_string(out, symbol.as_bytes());
            }
            Type::Record(fields) => {
                out.push(b'{');
                for (at, (name, field)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_string(out, name.as_bytes());
                    out.push(b':');
                    self.value(*field, out, depth + 1)?;
                }
                out.push(b'}');
            }
            Type::Array(element) => {
                out.push(b'[');
                self.blocks(out, |this, out| this.value(*element, out, depth + 1))?;
                out.push(b']');
            }
            Type::Map(value) => {
                out.push(b'{');
                self.blocks(out, |this, out| {
                    this.text(out)?;
                    out.push(b':');
                    this.value(*value, out, depth + 1)
                })?;
                out.push(b'}');
            }
            Type::Union(branches) => {
                let branch = usize::try_from(self.long()?)
                    .ok()
                    .and_then(|at| branches.get(at));
                let branch =
                    branch.ok_or_else(|| Fault::new("an Avro union has no such branch"))?;
                self.value(*branch, out, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The items of an array or map: blocks, each led by a count; a negative one by its size, too.
    fn blocks(
        &mut self,
        out: &mut Vec<u8>,
        mut item: impl FnMut(&mut Self, &mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut first = true;
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                if !std::mem::replace(&mut first, false) {
                    out.push(b',');
                }
                item(self, out)?;
            }
        }
    }
}

fn cut_off() -> Fault {
    Fault::new("an Avro value is cut off")
}

fn write_long(out: &mut Vec<u8>, number: i64, logical: Option<Logical>) {
    let quoted = |out: &mut Vec<u8>, write: &dyn Fn(&mut Vec<u8>)| {
        out.push(b'"');
        write(out);
        out.push(b'"');
    };
    let micros = |per_second: i64| {
        if per_second >= 1_000_000 {
            Some(number.div_euclid(per_second / 1_000_000))
        } else {
            number.checked_mul(1_000_000 / per_second)
        }
    };
    match logical {
        Some(Logical::Date) => return quoted(out, &|out| write_date(out, number)),
        Some(Logical::TimeMillis | Logical::TimeMicros) => {
            let scale = if logical == Some(Logical::TimeMillis) {
                1_000
            } else {
                1
            };
            let start = out.len();
            out.push(b'"');
            if number
                .checked_mul(scale)
                .is_some_and(|micros| write_time(out, micros))
            {
                out.push(b'"');
                return;
            }
            out.truncate(start);
        }
        Some(Logical::Timestamp(per_second) | Logical::LocalTimestamp(per_second)) => {
            let zoned = matches!(logical, Some(Logical::Timestamp(_)));
            if let Some(micros) = micros(per_second) {
                let nanos = (per_second == NANOS).then(|| number.rem_euclid(1_000));
                return quoted(out, &|out| match nanos {
                    Some(nanos @ 1..) => {
                        write_sortable_timestamp(out, micros, false);
                        out.extend_from_slice(format!("{nanos:03}").as_bytes());
                        out.extend_from_slice(if zoned { b"Z" } else { b"" });
                    }
                    _ => write_timestamp(out, micros, zoned),
                });
            }
        }
        _ => {}
    }
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8], logical: Option<Logical>) {
    if let Some(Logical::Decimal(scale)) = logical {
        return write_decimal(out, bytes, scale as usize);
    }
    out.push(b'"');
    write_base64(out, bytes);
    out.push(b'"');
}

/// Appends a big-endian two's complement number of any size, as a JSON number with all its digits.
fn write_decimal(out: &mut Vec<u8>, bytes: &[u8], scale: usize) {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude: Vec<u8> = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    // Long division by ten, for numbers of some dozen bytes.
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0u16;
        for byte in &mut magnitude {
            let value = rest << 8 | u16::from(*byte);
            *byte = (value / 10) as u8;
            rest = value % 10;
        }
        digits.push(b'0' + rest as u8);
    }
    while digits.len() <= scale {
        digits.push(b'0');
    }
    digits.reverse();
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(&[][..], |last| &fraction[..=last]);
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(whole);
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &str, data: &[u8], expected: &str) {
        let schema = Schema::parse(schema.as_bytes()).unwrap();
        let mut out = Vec::new();
        schema.write_json(data, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        for cut in 0..data.len() {
            let whole = schema.write_json(&data[..cut], &mut Vec::new());
            assert!(whole.is_err(), "{expected} cut at {cut}");
        }
        let longer = [data, &[0]].concat();
        assert!(schema.write_json(&longer, &mut Vec::new()).is_err());
    }

    #[test]
    fn values_are_decoded() {
        check("\"null\"", &[], "null");
        check("\"boolean\"", &[1], "true");
        check("\"int\"", &[3], "-2");
        check(
            "\"long\"",
            &[254, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            "9223372036854775807",
        );
        check("\"float\"", &0.1f32.to_le_bytes(), "0.1");
        check("\"double\"", &0.1f64.to_le_bytes(), "0.1");
        check("\"bytes\"", &[4, 0xff, 0], "\"/wA=\"");
        check("\"string\"", b"\x04a\"", "\"a\\\"\"");
        check(
            r#"{"type":"enum","name":"e","symbols":["x","y"]}"#,
            &[2],
            "\"y\"",
        );
        check(
            r#"{"type":"fixed","name":"f","size":2}"#,
            &[0, 1],
            "\"AAE=\"",
        );
        check(r#"["null","long"]"#, &[2, 14], "7");
        check(
            r#"{"type":"array","items":"int"}"#,
            &[4, 2, 4, 2, 6, 0],
            "[1,2,3]",
        );
        check(
            r#"{"type":"array","items":"int"}"#,
            &[3, 4, 2, 4, 0],
            "[1,2]",
        );
        check(
            r#"{"type":"map","values":"int"}"#,
            &[2, 2, b'a', 2, 0],
            r#"{"a":1}"#,
        );
        let record = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":"string"}]}"#;
        check(record, &[2, 2, b'x'], r#"{"a":1,"b":"x"}"#);
        check(r#"{"type":"record","name":"r","fields":[]}"#, &[], "{}");
    }

    fn zigzag(number: i64) -> Vec<u8> {
        let mut out = Vec::new();
        crate::varint::write_varint(&mut out, (number << 1 ^ number >> 63) as u64);
        out
    }

    #[test]
    fn meanings_are_kept() {
        let logical =
            |kind: &str, name: &str| format!(r#"{{"type":"{kind}","logicalType":"{name}"}}"#);
        check(&logical("int", "date"), &zigzag(19_000), "\"2022-01-08\"");
        check(
            &logical("long", "time-micros"),
            &zigzag(3_723_000_004),
            "\"01:02:03.000004\"",
        );
        check(
            &logical("int", "time-millis"),
            &zigzag(1),
            "\"00:00:00.001\"",
        );
        check(
            &logical("long", "time-micros"),
            &zigzag(90_000_000_000),
            "90000000000",
        );
        let micros = 1_700_000_000_123_456;
        check(
            &logical("long", "timestamp-micros"),
            &zigzag(micros),
            "\"2023-11-14T22:13:20.123456Z\"",
        );
        check(
            &logical("long", "timestamp-millis"),
            &zigzag(micros / 1000),
            "\"2023-11-14T22:13:20.123Z\"",
        );
        check(
            &logical("long", "timestamp-nanos"),
            &zigzag(micros * 1000),
            "\"2023-11-14T22:13:20.123456Z\"",
        );
        check(
            &logical("long", "timestamp-nanos"),
            &zigzag(micros * 1000 + 7),
            "\"2023-11-14T22:13:20.123456007Z\"",
        );
        check(
            &logical("long", "local-timestamp-micros"),
            &zigzag(-1),
            "\"1969-12-31T23:59:59.999999\"",
        );
        check(&logical("string", "uuid"), b"\x02a", "\"a\"");
        let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":31,"scale":2}"#;
        check(decimal, &[4, 0x04, 0xd2], "12.34");
        check(decimal, &[4, 0xfb, 0x2e], "-12.34");
        check(decimal, &[2, 5], "0.05");
        check(decimal, &[2, 100], "1");
        check(decimal, &[0], "0");
        check(
            decimal,
            &[18, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            "184467440737095516.16",
        );
    }

    #[test]
    fn claims_of_no_end_are_refused() {
        let schema = Schema::parse(br#"{"type":"array","items":"null"}"#).unwrap();
        let claim = [zigzag(i64::MAX), vec![0]].concat();
        assert!(schema.write_json(&claim, &mut Vec::new()).is_err());
        let schema =
            Schema::parse(br#"{"type":"record","name":"r","fields":[{"name":"r","type":"r"}]}"#);
        assert!(schema.unwrap().write_json(&[], &mut Vec::new()).is_err());
    }
}
