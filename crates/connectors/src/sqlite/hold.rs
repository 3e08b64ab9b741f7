//! Batches that wait for the checkpoint that covers them. In memory, and beyond a limit in a file
//! that nobody else sees and that is gone with the process: after a crash the source sends the
//! records again.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use crossdock_core::batch::{Operation, Operations};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};

use super::statement::SqlBatch;
use crate::file::fault::io;

/// The batches of one stream, in order.
#[derive(Default)]
pub(crate) struct Hold {
    spilled: Option<Spill>,
    batches: Vec<SqlBatch>,
    bytes: u64,
}

impl Hold {
    /// Adds a batch.
    pub(crate) fn push(&mut self, batch: SqlBatch) {
        self.bytes += batch.bytes();
        self.batches.push(batch);
    }

    /// Memory that it holds.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves what is in memory into a file in `folder`.
    pub(crate) fn spill(&mut self, folder: &Path) -> Result<()> {
        for batch in self.batches.drain(..) {
            let batch = with_operations(&batch)?;
            let spill = match &mut self.spilled {
                Some(spill) => spill,
                none => none.insert(Spill::begin(folder, &batch)?),
            };
            spill.write(&batch)?;
        }
        self.bytes = 0;
        Ok(())
    }

    /// Gives all batches to `take`, in order, and holds none.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(SqlBatch) -> Result<()>) -> Result<()> {
        if let Some(spill) = self.spilled.take() {
            spill.read(&mut take)?;
        }
        self.bytes = 0;
        self.batches.drain(..).try_for_each(take)
    }

    /// Forgets all batches.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

struct Spill {
    folder: PathBuf,
    writer: StreamWriter<BufWriter<File>>,
}

impl Spill {
    fn begin(folder: &Path, first: &RecordBatch) -> Result<Self> {
        let file =
            tempfile::tempfile_in(folder).map_err(io("create a temporary file in", folder))?;
        let writer = StreamWriter::try_new(BufWriter::new(file), &first.schema())
            .map_err(|e| fault(e, folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            writer,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|e| fault(e, &self.folder))
    }

    fn read(mut self, take: &mut impl FnMut(SqlBatch) -> Result<()>) -> Result<()> {
        let folder = self.folder;
        self.writer.finish().map_err(|e| fault(e, &folder))?;
        let buffer = self.writer.into_inner().map_err(|e| fault(e, &folder))?;
        let mut file = buffer
            .into_inner()
            .map_err(|e| io("write a temporary file in", &folder)(e.into_error()))?;
        file.rewind()
            .map_err(io("read a temporary file in", &folder))?;
        let reader =
            StreamReader::try_new(BufReader::new(file), None).map_err(|e| fault(e, &folder))?;
        for batch in reader {
            take(without_operations(&batch.map_err(|e| fault(e, &folder))?)?)?;
        }
        Ok(())
    }
}

fn fault(cause: ArrowError, folder: &Path) -> Error {
    match cause {
        ArrowError::IoError(_, cause) => io("write a temporary file in", folder)(cause),
        cause => Error::new(
            &code::INTERNAL,
            "could not keep a batch in a temporary file",
        )
        .caused_by(cause),
    }
}

const ALL: [Operation; 4] = [
    Operation::Create,
    Operation::Update,
    Operation::Delete,
    Operation::Snapshot,
];

/// The batch with its operations as a last column.
fn with_operations(batch: &SqlBatch) -> Result<RecordBatch> {
    let number = |row| ALL.iter().position(|o| *o == batch.operations.get(row));
    let rows = batch.values.num_rows();
    let numbers = (0..rows).map(|row| number(row).and_then(|n| u8::try_from(n).ok()).unwrap_or(0));
    let operations: ArrayRef = Arc::new(UInt8Array::from_iter_values(numbers));
    let schema = batch.values.schema();
    let fields = schema.fields().iter().cloned();
    let last = Arc::new(Field::new("operation", DataType::UInt8, false));
    let schema = Schema::new(fields.chain([last]).collect::<Vec<_>>());
    let mut columns = batch.values.columns().to_vec();
    columns.push(operations);
    RecordBatch::try_new(Arc::new(schema), columns).map_err(|e| fault(e, Path::new("")))
}

fn without_operations(batch: &RecordBatch) -> Result<SqlBatch> {
    let mut columns = batch.columns().to_vec();
    let last = columns.pop();
    let numbers = last
        .as_ref()
        .and_then(|c| c.as_any().downcast_ref::<UInt8Array>());
    let operation = |row: usize| {
        let number = numbers.map_or(0, |n| n.value(row));
        ALL.get(usize::from(number)).copied().unwrap_or_default()
    };
    let operations: Vec<_> = (0..batch.num_rows()).map(operation).collect();
    let fields: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .take(columns.len())
        .cloned()
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let values =
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map_err(|e| fault(e, Path::new("")))?;
    Ok(SqlBatch {
        values,
        operations: match operations.first() {
            Some(first) if operations.iter().all(|o| o == first) => Operations::Uniform(*first),
            _ => Operations::Each(operations),
        },
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;

    use super::*;

    fn batch(ids: std::ops::Range<i64>, operations: Operations) -> SqlBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
        let values = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        SqlBatch { values, operations }
    }

    #[test]
    fn batches_come_back_in_order_from_file_and_memory() {
        let folder = tempfile::tempdir().unwrap();
        let batches = [
            batch(0..3, Operations::Uniform(Operation::Delete)),
            batch(
                3..5,
                Operations::Each(vec![Operation::Update, Operation::Create]),
            ),
            batch(5..9, Operations::default()),
        ];
        let mut hold = Hold::default();
        hold.push(batches[0].clone());
        assert!(hold.bytes() > 0);
        hold.spill(folder.path()).unwrap();
        assert_eq!(hold.bytes(), 0);
        hold.push(batches[1].clone());
        hold.spill(folder.path()).unwrap();
        hold.push(batches[2].clone());
        let mut back = Vec::new();
        hold.drain(|batch| {
            back.push(batch);
            Ok(())
        })
        .unwrap();
        assert_eq!(back.len(), 3);
        for (back, batch) in back.iter().zip(&batches) {
            assert_eq!(back.values, batch.values);
            assert_eq!(back.operations, batch.operations);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        hold.drain(|_| panic!("nothing is left")).unwrap();
    }
}
