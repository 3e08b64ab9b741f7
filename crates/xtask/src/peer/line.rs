//! A block of prepared RECORD lines.
//!
//! The lines are made once; for every further block only the leading digits of the identifiers and of the times are
//! written over, so that a source costs little more than a copy and still never says the same line twice.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::peer::setting::{Setting, Shape};

/// How many lines a block has at most: the number that the trailing digits of an identifier can tell apart.
const MAX_LINES: u64 = 10_000;
/// How many bytes a block should have at most.
const MAX_BYTES: usize = 8 << 20;
/// The number of the first block. Six digits, since a JSON number has no leading zeros.
pub(crate) const FIRST_BLOCK: u64 = 100_000;
/// How many blocks there can be before the digits run out.
const BLOCKS: u64 = 900_000;
const ID_DIGITS: usize = 6;
const TIME_DIGITS: usize = 9;
/// Where time begins for the block numbered 0, in units of ten seconds since the epoch.
const TIME_BASE: u64 = 179_428_945;

/// The name of the peers' one stream.
pub(crate) const STREAM: &str = "item";

/// Prepared lines, ready to be written as often as wanted.
pub(crate) struct Block {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// Where things are in the block's bytes.
struct Line {
    id: usize,
    time: usize,
    end: usize,
}

impl Block {
    /// Prepares as many lines as are sent between two states, as long as they take reasonable room.
    pub(crate) fn prepare(setting: &Setting) -> Result<Self> {
        let fitting = (MAX_BYTES / setting.line_bytes.max(1)).max(1) as u64;
        let count = fitting
            .min(MAX_LINES)
            .min(setting.state_every)
            .min(setting.records.max(1));
        if setting.records.div_ceil(count) + 1 > BLOCKS {
            bail!(
                "{} records in blocks of {count} are more than this peer can number",
                setting.records
            );
        }
        let mut block = Block {
            bytes: Vec::new(),
            lines: Vec::new(),
        };
        let mut chance = Chance(0x5eed);
        for index in 0..count {
            block.push(setting, index, &mut chance)?;
        }
        Ok(block)
    }

    fn push(&mut self, setting: &Setting, index: u64, chance: &mut Chance) -> Result<()> {
        let begin = self.bytes.len();
        let mut head =
            format!(r#"{{"type":"RECORD","record":{{"stream":"{STREAM}","data":{{"id":"#);
        let id = begin + head.len();
        write!(head, "{FIRST_BLOCK}{index:04}")?;
        let tail = format!(
            r#"}},"emitted_at":{:09}{index:04}}}}}"#,
            TIME_BASE + FIRST_BLOCK
        );
        match setting.shape {
            Shape::Columns => columns(&mut head, chance)?,
            Shape::Flat => flat(&mut head, chance)?,
            Shape::Nested => nested(&mut head, chance)?,
        }
        self.bytes.extend_from_slice(head.as_bytes());
        if setting.shape != Shape::Columns {
            let fixed = head.len() + r#","note":"""#.len() + tail.len() + 1;
            let Some(room) = setting.line_bytes.checked_sub(fixed) else {
                bail!("`line_bytes` is at least {fixed} for this shape");
            };
            self.bytes.extend_from_slice(br#","note":""#);
            note(&mut self.bytes, room, chance);
            self.bytes.push(b'"');
        }
        self.bytes.extend_from_slice(tail.as_bytes());
        self.bytes.push(b'\n');
        let end = self.bytes.len();
        self.lines.push(Line {
            id,
            time: end - "0000000000000}}\n".len(),
            end,
        });
        Ok(())
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The first `count` lines, numbered as the block `number`.
    pub(crate) fn numbered(&mut self, number: u64, count: usize) -> &[u8] {
        let lines = &self.lines[..count];
        let id = format!("{number:06}");
        let time = format!("{:09}", TIME_BASE + number);
        for line in lines {
            self.bytes[line.id..line.id + ID_DIGITS].copy_from_slice(id.as_bytes());
            self.bytes[line.time..line.time + TIME_DIGITS].copy_from_slice(time.as_bytes());
        }
        &self.bytes[..lines.last().map_or(0, |line| line.end)]
    }

    /// Each line without its line feed.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut begin = 0;
        self.lines.iter().map(move |line| {
            let text = &self.bytes[begin..line.end - 1];
            begin = line.end;
            text
        })
    }
}

/// The identifier that a line has: what a state says has been read.
pub(crate) fn identifier(number: u64, index: usize) -> u64 {
    number * MAX_LINES + index as u64
}

fn flat(out: &mut String, chance: &mut Chance) -> Result<()> {
    let person = chance.below(100_000);
    write!(
        out,
        r#","name":"{} {person}","email":"person{person}@example.com","amount":{}.{:02},"active":{},"created_at":"{}""#,
        chance.of(&["Ada", "Grace", "Alan", "Edsger", "Barbara", "Jos\u{e9}"]),
        chance.below(10_000),
        chance.below(100),
        chance.below(2) == 0,
        chance.moment(),
    )?;
    Ok(())
}

fn nested(out: &mut String, chance: &mut Chance) -> Result<()> {
    flat(out, chance)?;
    write!(
        out,
        r#","address":{{"city":"{}","zip":"{:05}"}},"items":[{{"sku":"A-{}","n":{}}},{{"sku":"B-{}","n":{}}}]"#,
        chance.of(&["Leipzig", "Porto", "Turin", "Lyon"]),
        chance.below(100_000),
        chance.below(1_000),
        chance.below(10),
        chance.below(1_000),
        chance.below(10),
    )?;
    Ok(())
}

fn columns(out: &mut String, chance: &mut Chance) -> Result<()> {
    let account = chance.below(100_000);
    let discount = match chance.below(10) {
        0 => "null".to_owned(),
        part => format!("0.0{part}"),
    };
    write!(
        out,
        r#","account_id":{account},"quantity":{},"unit_price":{}.{:02},"discount":{discount},"total":{}.{:02},"active":{},"gift":{},"status":"{}","country":"{}","city":"{}","sku":"AB-{:05}","email":"person{account}@example.com","created_at":"{}","updated_at":"{}","birth_date":"{}","score":0.{:06},"visits":{},"latitude":{}.{:04},"note":"{}""#,
        chance.below(20),
        chance.below(1_000),
        chance.below(100),
        chance.below(20_000),
        chance.below(100),
        chance.below(2) == 0,
        chance.below(8) == 0,
        chance.of(&["new", "paid", "shipped", "returned"]),
        chance.of(&["DE", "FR", "IT", "PT", "PL"]),
        chance.of(&["Leipzig", "Porto", "Turin", "Lyon", "Gda\u{144}sk"]),
        chance.below(100_000),
        chance.moment(),
        chance.moment(),
        chance.day(),
        chance.below(1_000_000),
        chance.below(5_000),
        chance.below(90),
        chance.below(10_000),
        chance.of(&[
            "left at the door",
            "call before noon",
            "nobody at home",
            "paid in cash"
        ]),
    )?;
    Ok(())
}

/// Text of exactly `room` bytes, with an escaped quotation mark now and then, as real text has.
fn note(out: &mut Vec<u8>, room: usize, chance: &mut Chance) {
    const LETTERS: &[u8; 32] = b"etaoin shrdlu cmfwyp vbgkqjxzETA";
    let end = out.len() + room;
    while out.len() < end {
        if out.len() + 2 <= end && chance.below(64) == 0 {
            out.extend_from_slice(br#"\""#);
            continue;
        }
        let mut bits = chance.next();
        for _ in 0..8.min(end - out.len()) {
            out.push(LETTERS[(bits & 31) as usize]);
            bits >>= 5;
        }
    }
}

/// The JSON Schema of the records, as a database source would declare it.
pub(crate) fn schema(shape: Shape) -> Value {
    let column = |kind: &str| json!({"type": ["null", kind]});
    let moment = json!({"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone"});
    let mut fields = vec![("id", json!({"type": "integer"}))];
    if shape == Shape::Columns {
        fields.extend(["account_id", "quantity", "visits"].map(|name| (name, column("integer"))));
        fields.extend(
            ["unit_price", "discount", "total", "score", "latitude"]
                .map(|name| (name, column("number"))),
        );
        fields.extend(["active", "gift"].map(|name| (name, column("boolean"))));
        fields.extend(
            ["status", "country", "city", "sku", "email", "note"]
                .map(|name| (name, column("string"))),
        );
        fields.extend(["created_at", "updated_at"].map(|name| (name, moment.clone())));
        fields.push((
            "birth_date",
            json!({"type": ["null", "string"], "format": "date"}),
        ));
    } else {
        fields.extend(["name", "email", "note"].map(|name| (name, column("string"))));
        fields.extend([
            ("amount", column("number")),
            ("active", column("boolean")),
            ("created_at", moment),
        ]);
    }
    if shape == Shape::Nested {
        fields.extend([("address", column("object")), ("items", column("array"))]);
    }
    let properties: serde_json::Map<_, _> = fields
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect();
    json!({"type": "object", "properties": properties})
}

/// A small generator of even numbers of chance (splitmix64), the same on every run and every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    fn day(&mut self) -> String {
        format!(
            "{}-{:02}-{:02}",
            1960 + self.below(60),
            1 + self.below(12),
            1 + self.below(28)
        )
    }

    fn moment(&mut self) -> String {
        format!(
            "{}T{:02}:{:02}:{:02}Z",
            self.day(),
            self.below(24),
            self.below(60),
            self.below(60)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn setting(shape: Shape, records: u64, line_bytes: usize) -> Setting {
        Setting {
            records,
            line_bytes,
            shape,
            ..Setting::default()
        }
    }

    #[test]
    fn every_line_is_a_record_of_the_declared_columns() {
        for shape in [Shape::Flat, Shape::Nested, Shape::Columns] {
            let mut block = Block::prepare(&setting(shape, 300, 500)).unwrap();
            let schema = schema(shape);
            let declared = schema["properties"].as_object().unwrap();
            let mut seen = HashSet::new();
            for number in [FIRST_BLOCK, FIRST_BLOCK + 17] {
                let count = block.len();
                block.numbered(number, count);
                for (index, line) in block.lines().enumerate() {
                    let value: Value = serde_json::from_slice(line).unwrap();
                    let data = value["record"]["data"].as_object().unwrap();
                    assert_eq!(data["id"], identifier(number, index));
                    assert!(seen.insert(data["id"].to_string()));
                    assert!(
                        data.keys().all(|name| declared.contains_key(name)),
                        "{value}"
                    );
                    assert_eq!(data.len(), declared.len());
                    assert!(value["record"]["emitted_at"].is_u64());
                    if shape != Shape::Columns {
                        assert_eq!(line.len() + 1, 500);
                    }
                }
            }
            assert_eq!(seen.len(), 600);
        }
    }

    #[test]
    fn the_typed_lines_have_twenty_columns_and_the_length_of_the_measurement() {
        assert_eq!(
            schema(Shape::Columns)["properties"]
                .as_object()
                .unwrap()
                .len(),
            20
        );
        let mut block = Block::prepare(&setting(Shape::Columns, 1_000, 500)).unwrap();
        let bytes = block.numbered(FIRST_BLOCK, 1_000).len();
        assert!((450_000..490_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_line_can_be_huge_but_not_shorter_than_its_fields() {
        let mut block = Block::prepare(&setting(Shape::Flat, 1, 20_000_000)).unwrap();
        assert_eq!(block.numbered(FIRST_BLOCK, 1).len(), 20_000_000);
        assert!(Block::prepare(&setting(Shape::Flat, 1, 50)).is_err());
    }

    #[test]
    fn a_part_of_a_block_ends_with_a_whole_line() {
        let mut block = Block::prepare(&setting(Shape::Flat, 300, 500)).unwrap();
        assert_eq!(block.numbered(FIRST_BLOCK, 7).len(), 3_500);
        assert_eq!(block.numbered(FIRST_BLOCK, 0).len(), 0);
    }
}
