//! Batches of either shape to the columns of a table.

use crossdock_core::batch::Body;
use crossdock_core::convert;
use crossdock_core::error::Result;

use super::statement::SqlBatch;
use crate::semantics::column_shape::ColumnShape;
use crate::semantics::shape::Shape;
use crate::semantics::target::Target;

/// Brings the batches of one stream into the columns of its table.
pub(crate) struct SqlShape {
    columns: ColumnShape,
    /// The table is wider than the stream: columns have to be read as the wider types.
    is_wider: bool,
    is_keyed: bool,
}

impl SqlShape {
    /// `target` with the types that the table has; `is_wider` if the stream's own differ.
    pub(crate) fn new(target: &Target, metadata_columns: bool, is_wider: bool) -> Self {
        Self {
            columns: ColumnShape::new(target, metadata_columns),
            is_wider,
            is_keyed: target.dedup.is_some(),
        }
    }
}

impl Shape<SqlBatch> for SqlShape {
    fn tells_deletes(&self) -> bool {
        self.is_keyed || self.columns.tells_deletes()
    }

    fn shape(&mut self, body: Body) -> Result<SqlBatch> {
        let body = match body {
            Body::Columns(columns) if self.is_wider => {
                Body::Rows(convert::columns_to_rows(&columns, None)?)
            }
            body => body,
        };
        let operations = match &body {
            Body::Rows(rows) => rows.operations().clone(),
            Body::Columns(columns) => columns.operations.clone(),
        };
        Ok(SqlBatch {
            values: self.columns.shape(body)?,
            operations,
        })
    }
}
