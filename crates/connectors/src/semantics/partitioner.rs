//! Which of a stream's folders each record goes to, in the form that Hive began and most engines read:
//! `country=DE/created_at_day=2026-11-27/`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, TimestampMicrosecondArray};
use crossdock_core::batch::Body;
use crossdock_core::code;
use crossdock_core::convert::{self, RowsToColumns};
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::StreamSchema;

use super::column_shape::column;
use super::metadata::EXTRACTED_AT;
use super::partition::Partition;
use super::target::Target;

/// The setting `partition_by`: for each stream its fields, outermost folder first.
pub(crate) type PartitionBy = BTreeMap<String, Vec<String>>;

/// Stands for every stream that is not named.
const OTHERS: &str = "*";

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

impl Folders {
    /// All rows in the stream's own folder.
    pub(crate) fn one(rows: u64) -> Self {
        Self {
            names: vec![Arc::from("")],
            of_row: vec![0; usize::try_from(rows).unwrap_or_default()],
        }
    }
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
        let mut values = Vec::new();
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
                    let place = u32::try_from(folders.names.len()).unwrap_or(u32::MAX);
                    folders.names.push(self.folder(&arrays, row)?);
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
            column(columns, name, &wanted)
        };
        self.partitions.iter().map(array).collect()
    }

    /// The folder of a row.
    fn folder(&self, arrays: &[ArrayRef], row: usize) -> Result<Arc<str>> {
        let mut folder = String::new();
        for (partition, array) in self.partitions.iter().zip(arrays) {
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&partition.folder(array, row)?);
        }
        Ok(folder.into())
    }
}
