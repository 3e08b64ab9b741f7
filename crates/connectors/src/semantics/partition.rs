//! Which of a stream's folders a record goes to, in the form that Hive began and most engines read:
//! `country=DE/created_at_day=2026-11-27/`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, TimestampMicrosecondArray};
use crossdock_core::batch::Body;
use crossdock_core::code;
use crossdock_core::convert::{self, RowsToColumns};
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, Field, StreamSchema};

use super::metadata::EXTRACTED_AT;
use super::plain_text::plain_text;
use super::target::Target;

/// The setting `partition_by`: for each stream its fields, outermost folder first.
pub(crate) type PartitionBy = BTreeMap<String, Vec<String>>;

/// Stands for every stream that is not named.
const OTHERS: &str = "*";

/// What a folder is named after where the field is null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The longest name of a folder, in bytes: what file systems allow.
const LONGEST: usize = 255;

/// What a record's folder is named after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    field: Field,
    unit: Option<Unit>,
    /// What stands before the `=`.
    name: String,
}

/// A part of a date that several days or hours share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
}

impl Unit {
    const ALL: [(&str, Self); 4] = [
        ("year", Self::Year),
        ("month", Self::Month),
        ("day", Self::Day),
        ("hour", Self::Hour),
    ];
}

impl Partition {
    /// Reads `field`, or `day(field)` and the like.
    fn parse(text: &str, schema: &StreamSchema) -> Result<Self> {
        let declared = |name: &str| schema.fields.iter().find(|field| field.name == name);
        let (unit, name) = match unit_of(text).filter(|_| declared(text).is_none()) {
            Some((word, unit, name)) => (Some((word, unit)), name),
            None => (None, text),
        };
        // Every destination that has files knows when a record was extracted.
        let extracted = Field::new(EXTRACTED_AT, DataType::TimestampWithTimezone);
        let field =
            declared(name).or((name == EXTRACTED_AT && unit.is_some()).then_some(&extracted));
        let Some(field) = field else {
            let known: Vec<_> = schema.fields.iter().map(|f| f.name.as_str()).collect();
            return Err(Error::new(
                &code::FIELD_UNKNOWN,
                format!("`partition_by` names the field `{name}`, which the stream does not have"),
            )
            .hint(format!("its fields are: {}", known.join(", "))));
        };
        let is_date = matches!(
            field.data_type,
            DataType::Date | DataType::TimestampWithTimezone | DataType::TimestampWithoutTimezone
        );
        let fits = match unit {
            Some((_, Unit::Hour)) => is_date && field.data_type != DataType::Date,
            Some(_) => is_date,
            None => !matches!(field.data_type, DataType::Json | DataType::Binary),
        };
        if !fits {
            let data_type = field.data_type.as_str();
            return Err(Error::new(
                &code::CONFIG_INVALID,
                format!("`partition_by` has `{text}`, but the field is of type {data_type}"),
            )
            .hint("use fields with few values; `year(…)`, `month(…)`, `day(…)` and `hour(…)` take dates and timestamps"));
        }
        let suffix = unit.map(|(word, _)| format!("_{word}")).unwrap_or_default();
        Ok(Self {
            name: encoded(&format!("{}{suffix}", field.name)),
            field: field.clone(),
            unit: unit.map(|(_, unit)| unit),
        })
    }

    /// The field whose value the folder's name says, so that files need not repeat it: readers
    /// take it from there, and some refuse to find it twice.
    pub(crate) fn field_in_path(&self) -> Option<&str> {
        self.unit.is_none().then_some(self.field.name.as_str())
    }

    /// Appends the value of a row.
    fn write(&self, out: &mut Vec<u8>, array: &dyn Array, row: usize) {
        let Some(unit) = self.unit else {
            if let Some(write) = plain_text(array.data_type()) {
                write(out, array, row);
            }
            return;
        };
        const DAY: i64 = 86_400_000_000;
        let (days, rest) = match self.field.data_type {
            DataType::Date => (array.as_primitive::<Date32Type>().value(row).into(), 0),
            _ => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                (micros.div_euclid(DAY), micros.rem_euclid(DAY))
            }
        };
        let start = out.len();
        convert::write_date(out, days);
        // The month and the day have two digits each; an era stands behind them.
        let end = out[start..].iter().position(|b| *b == b' ');
        let end = end.map_or(out.len(), |at| start + at);
        match unit {
            Unit::Year => drop(out.drain(end - 6..end)),
            Unit::Month => drop(out.drain(end - 3..end)),
            Unit::Day => {}
            Unit::Hour => {
                let hour = format!("-{:02}", rest / (DAY / 24));
                out.splice(end..end, hour.bytes());
            }
        }
    }
}

fn unit_of(text: &str) -> Option<(&'static str, Unit, &str)> {
    Unit::ALL.into_iter().find_map(|(word, unit)| {
        let rest = text.trim().strip_prefix(word)?;
        let name = rest.strip_prefix('(')?.strip_suffix(')')?;
        Some((word, unit, name.trim()))
    })
}

/// Percent-encodes what file systems, shells or URLs trip over; letters of every script stay.
fn encoded(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
            name.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    name
}

/// Gives each target its partitions.
pub(crate) fn assign(targets: &mut [Target], by: &PartitionBy) -> Result<()> {
    for target in targets.iter_mut() {
        let names = [target.stream.to_string(), target.stream.name.to_string()];
        let fields = names.iter().find_map(|name| by.get(name));
        for field in fields.or_else(|| by.get(OTHERS)).into_iter().flatten() {
            let partition = Partition::parse(field, &target.schema)
                .map_err(|error| error.with("stream", &target.stream))?;
            if target
                .partitions
                .iter()
                .any(|other| other.name == partition.name)
            {
                return Err(Error::new(
                    &code::CONFIG_INVALID,
                    format!("`partition_by` names `{field}` twice"),
                )
                .with("stream", &target.stream));
            }
            target.partitions.push(partition);
        }
    }
    let is_of = |name: &str, target: &Target| {
        *target.stream.name == *name || target.stream.to_string() == name
    };
    let stray = by
        .keys()
        .find(|name| *name != OTHERS && !targets.iter().any(|target| is_of(name, target)));
    stray.map_or(Ok(()), |name| {
        let known: Vec<_> = targets.iter().map(|t| t.stream.to_string()).collect();
        Err(Error::new(
            &code::STREAM_UNKNOWN,
            format!("`partition_by` names the stream `{name}`, which the pipeline does not have"),
        )
        .hint(format!("its streams are: {}", known.join(", "))))
    })
}

/// The folders of a batch's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folders {
    /// Those that occur, by first occurrence; each once.
    pub(crate) names: Vec<Arc<str>>,
    /// For each row the index of its folder.
    pub(crate) of_row: Vec<u32>,
}

/// Tells the records of one stream's batches apart by their folder.
pub(crate) struct Partitioner {
    partitions: Vec<Partition>,
    collect: RowsToColumns,
}

impl Partitioner {
    /// None if the stream is not partitioned.
    pub(crate) fn of(target: &Target) -> Option<Self> {
        if target.partitions.is_empty() {
            return None;
        }
        let mut schema = StreamSchema::default();
        for partition in &target.partitions {
            if !schema.fields.contains(&partition.field) {
                schema.fields.push(partition.field.clone());
            }
        }
        Some(Self {
            partitions: target.partitions.clone(),
            collect: RowsToColumns::new(&schema, None),
        })
    }

    /// The folder of each row.
    pub(crate) fn folders(&mut self, body: &Body) -> Result<Folders> {
        let arrays = self.arrays(body)?;
        let mut places: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut folders = Folders {
            names: Vec::new(),
            of_row: Vec::with_capacity(body.len()),
        };
        let (mut values, mut folder) = (Vec::new(), Vec::new());
        for row in 0..body.len() {
            values.clear();
            for (partition, array) in self.partitions.iter().zip(&arrays) {
                // No text has this byte, so the values cannot run into each other.
                values.push(if array.is_null(row) { 0xfe } else { 0xff });
                if !array.is_null(row) {
                    partition.write(&mut values, array, row);
                }
            }
            let place = match places.get(&values) {
                Some(place) => *place,
                None => {
                    self.folder(&mut folder, &arrays, row)?;
                    let place = u32::try_from(folders.names.len()).unwrap_or(u32::MAX);
                    folders.names.push(String::from_utf8_lossy(&folder).into());
                    places.insert(values.clone(), place);
                    place
                }
            };
            folders.of_row.push(place);
        }
        Ok(folders)
    }

    /// The values of each partition's field.
    fn arrays(&mut self, body: &Body) -> Result<Vec<ArrayRef>> {
        let collected;
        let (columns, emitted_at) = match body {
            Body::Columns(columns) => (&columns.values, &columns.emitted_at),
            Body::Rows(rows) => {
                self.collect.append(rows)?;
                collected = self.collect.finish()?;
                (&collected.values, &collected.emitted_at)
            }
        };
        let array = |partition: &Partition| {
            let name = &partition.field.name;
            let wanted = convert::arrow_type(partition.field.data_type);
            if name == EXTRACTED_AT {
                let micros = emitted_at.iter().map(|ms| ms.saturating_mul(1000));
                return Ok(
                    Arc::new(TimestampMicrosecondArray::from_iter_values(micros)) as ArrayRef,
                );
            }
            match columns.column_by_name(name) {
                Some(array) if *array.data_type() == wanted => Ok(array.clone()),
                None => Ok(arrow_array::new_null_array(&wanted, columns.num_rows())),
                Some(array) => {
                    let has = array.data_type();
                    Err(Error::new(
                        &code::DATA_INVALID,
                        format!("a column is of type {has} where the schema says {wanted}"),
                    )
                    .with("field", name))
                }
            }
        };
        self.partitions.iter().map(array).collect()
    }

    /// The folder of a row.
    fn folder(&self, out: &mut Vec<u8>, arrays: &[ArrayRef], row: usize) -> Result<()> {
        out.clear();
        let mut value = Vec::new();
        for (partition, array) in self.partitions.iter().zip(arrays) {
            value.clear();
            let text = if array.is_null(row) {
                NULL.to_owned()
            } else {
                partition.write(&mut value, array, row);
                encoded(&String::from_utf8_lossy(&value))
            };
            let folder = format!("{}={text}", partition.name);
            if folder.len() > LONGEST {
                return Err(Error::new(
                    &code::DATA_INVALID,
                    "a value is too long to be the name of a folder",
                )
                .with("field", &partition.field.name)
                .with("value", text.chars().take(60).collect::<String>() + "…")
                .hint("choose a field with short values for `partition_by`"));
            }
            if !out.is_empty() {
                out.push(b'/');
            }
            out.extend_from_slice(folder.as_bytes());
        }
        Ok(())
    }
}
