//! Single values as plain text: what stands in a CSV field or in the name of a folder.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_schema::{DataType, TimeUnit};
use crossdock_core::convert;

/// Appends the value of a row, which is not null.
pub(crate) type WriteText = fn(&mut Vec<u8>, &dyn Array, usize);

/// What writes values of a column of this type; `None` for those with parts.
pub(crate) fn plain_text(data_type: &DataType) -> Option<WriteText> {
    Some(match data_type {
        DataType::Utf8 => |out, array, row| {
            out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes());
        },
        DataType::Binary => |out, array, row| {
            convert::write_base64(out, array.as_binary::<i32>().value(row));
        },
        DataType::Boolean => |out, array, row| {
            let is_true = array.as_boolean().value(row);
            out.extend_from_slice(if is_true { b"true" } else { b"false" });
        },
        DataType::Int64 => |out, array, row| {
            let value = array.as_primitive::<Int64Type>().value(row);
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        },
        DataType::Float64 => |out, array, row| {
            let value = array.as_primitive::<Float64Type>().value(row);
            out.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
        },
        DataType::Date32 => |out, array, row| {
            let value = array.as_primitive::<Date32Type>().value(row);
            convert::write_date(out, value.into());
        },
        DataType::Time64(TimeUnit::Microsecond) => |out, array, row| {
            let value = array.as_primitive::<Time64MicrosecondType>().value(row);
            convert::write_time(out, value);
        },
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => |out, array, row| {
            let value = array.as_primitive::<TimestampMicrosecondType>().value(row);
            convert::write_timestamp(out, value, true);
        },
        DataType::Timestamp(TimeUnit::Microsecond, None) => |out, array, row| {
            let value = array.as_primitive::<TimestampMicrosecondType>().value(row);
            convert::write_timestamp(out, value, false);
        },
        _ => return None,
    })
}
