//! Between the two shapes of a batch, once for all connectors (design §5). Pure functions.
//!
//! **Rows to columns** ([`RowsToColumns`]): each record's JSON object is read in one pass into
//! typed columns. Reading is lenient, for schemas lie (Airbyte §6, 6 and 21), and nothing is lost
//! in silence: a value that does not fit its column becomes null, one that fits in part is cut, and
//! both are noted in the record's metadata under `changes` (Airbyte §1.2).
//!
//! | column | takes | and also |
//! |---|---|---|
//! | String, TimeWithTimezone | strings | anything else as its JSON text, digits and all |
//! | Binary | base64, standard or URL alphabet, padded or not | |
//! | Boolean | `true`, `false` | |
//! | Integer | integers of 64 bits | `5.0`, `5e3`; strings that are canonical integers |
//! | Number | numbers | strings that are JSON numbers |
//! | Date | `2021-01-23`, longer years, ` BC` | a timestamp, cut to its day |
//! | Timestamp… | RFC 3339 | a space for `T`, `+0500`, no seconds, no zone (UTC), a date, ` BC` |
//! | TimeWithoutTimezone | `01:23:45.678` | no seconds; a zone is cut off |
//! | Json | anything, as its text on one line | |
//! | struct, list ([`Nested`]) | objects, arrays; each part by the row of its own type | |
//!
//! | noted as | when |
//! |---|---|
//! | `NULLED`, `DESTINATION_TYPECAST_ERROR` | the value does not fit the column |
//! | `NULLED`, `SOURCE_SERIALIZATION_ERROR` | it is no JSON: `NaN`, `Infinity`, a broken escape; where such a token stands inside an array or object, only it becomes null |
//! | `TRUNCATED`, `DESTINATION_FIELD_SIZE_LIMITATION` | digits that a double cannot hold, fractions beyond microseconds, a zone in a column without one |
//! | `TRUNCATED`, `SOURCE_SERIALIZATION_ERROR` | invalid UTF-8 or a lone surrogate: U+FFFD stands instead |
//!
//! Of a struct or list the change names the part (`address.zip`). Where a part did not fit, or an
//! object has members that are not declared, the whole value as it came also stands among the
//! undeclared members of its row, under its column's name.
//!
//! Of a key that stands twice the last value counts. A row that is no JSON object is an error.
//!
//! **Columns to rows** ([`columns_to_rows`]): every column is written, a null as `null`.
//!
//! **Values with types of their own** ([`Typed`]), as protobuf has them, go to either shape without a JSON
//! step ([`TypedToColumns`], [`TypedToRows`]). One that does not suit its column is read as its JSON text would be.

mod cell;
mod change;
mod column;
mod columns_to_rows;
mod key;
mod metadata;
mod nested;
mod number;
mod rows_to_columns;
mod scratch;
mod structured;
mod text;
mod time;
mod typed;
mod typed_to_columns;
mod typed_to_rows;
mod undeclared;

use std::sync::Arc;

use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{SchemaRef, TimeUnit};

pub use columns_to_rows::columns_to_rows;
pub use rows_to_columns::RowsToColumns;
pub use text::{BadEscape, decode_base64, unescape_into, write_base64, write_string};
pub use time::{write_date, write_sortable_timestamp, write_time, write_timestamp};
pub use typed::{Fit, Typed};
pub use typed_to_columns::TypedToColumns;
pub use typed_to_rows::TypedToRows;

use crate::schema::{DataType, Field, Nested, StreamSchema};

/// The name of Arrow's own extension type for text columns whose values are JSON text, to be written
/// into rows as they are.
pub const JSON_EXTENSION: &str = "arrow.json";

/// The Arrow type of a column of type `data_type`.
#[must_use]
pub fn arrow_type(data_type: DataType) -> arrow_schema::DataType {
    use arrow_schema::DataType as Arrow;
    match data_type {
        DataType::String | DataType::TimeWithTimezone | DataType::Json => Arrow::Utf8,
        DataType::Binary => Arrow::Binary,
        DataType::Boolean => Arrow::Boolean,
        DataType::Integer => Arrow::Int64,
        DataType::Number => Arrow::Float64,
        DataType::Date => Arrow::Date32,
        DataType::TimestampWithTimezone => {
            Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        DataType::TimestampWithoutTimezone => Arrow::Timestamp(TimeUnit::Microsecond, None),
        DataType::TimeWithoutTimezone => Arrow::Time64(TimeUnit::Microsecond),
    }
}

/// The Arrow field of a column. It may be null; one of JSON text is of the extension type [`JSON_EXTENSION`].
#[must_use]
pub fn arrow_field(field: &Field) -> arrow_schema::Field {
    use arrow_schema::DataType as Arrow;
    let data_type = match &field.nested {
        Some(Nested::Struct(members)) => Arrow::Struct(members.iter().map(arrow_field).collect()),
        Some(Nested::List(element)) => Arrow::List(Arc::new(arrow_field(element))),
        None => arrow_type(field.data_type),
    };
    let arrow = arrow_schema::Field::new(&field.name, data_type, true);
    if field.data_type == DataType::Json && field.nested.is_none() {
        return arrow.with_metadata([
            (EXTENSION_TYPE_NAME_KEY, JSON_EXTENSION),
            (EXTENSION_TYPE_METADATA_KEY, ""),
        ]);
    }
    arrow
}

/// The Arrow schema of a stream's columns, and of the column `additional` for undeclared members
/// if it is named. Its fields are those of [`arrow_field`].
#[must_use]
pub fn arrow_schema(schema: &StreamSchema, additional: Option<&str>) -> SchemaRef {
    let declared = schema.fields.iter().map(arrow_field);
    let additional = additional.map(|name| arrow_field(&Field::new(name, DataType::Json)));
    let fields: Vec<_> = declared.chain(additional).collect();
    Arc::new(arrow_schema::Schema::new(fields))
}
