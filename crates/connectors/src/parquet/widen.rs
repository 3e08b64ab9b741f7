//! Columns of a narrower type as columns of ours, where no value changes by it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};

/// `array` as `wanted`; `None` where it is not that simple.
pub(crate) fn widened(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    if array.data_type() == wanted {
        return Some(array.clone());
    }
    Some(match (array.data_type(), wanted) {
        (DataType::Int8, DataType::Int64) => integers::<Int8Type>(array),
        (DataType::Int16, DataType::Int64) => integers::<Int16Type>(array),
        (DataType::Int32, DataType::Int64) => integers::<Int32Type>(array),
        (DataType::UInt8, DataType::Int64) => integers::<UInt8Type>(array),
        (DataType::UInt16, DataType::Int64) => integers::<UInt16Type>(array),
        (DataType::UInt32, DataType::Int64) => integers::<UInt32Type>(array),
        (DataType::Float32, DataType::Float64) => {
            let values = array.as_primitive::<Float32Type>();
            Arc::new(values.unary::<_, Float64Type>(f64::from))
        }
        (
            DataType::Timestamp(TimeUnit::Millisecond, from),
            DataType::Timestamp(TimeUnit::Microsecond, to),
        ) if from.is_some() == to.is_some() => {
            let values = array.as_primitive::<TimestampMillisecondType>();
            let micros: PrimitiveArray<TimestampMicrosecondType> =
                values.unary_opt(|ms: i64| ms.checked_mul(1000));
            // What is beyond 64 bits of microseconds must not become null in silence.
            if micros.null_count() != values.null_count() {
                return None;
            }
            Arc::new(micros.with_timezone_opt(to.clone()))
        }
        (
            DataType::Timestamp(TimeUnit::Microsecond, from),
            DataType::Timestamp(TimeUnit::Microsecond, to),
        ) if from.is_some() == to.is_some() => {
            // A zone only says how to show a moment.
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Arc::new(values.clone().with_timezone_opt(to.clone()))
        }
        _ => return None,
    })
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef
where
    T::Native: Into<i64>,
{
    Arc::new(array.as_primitive::<T>().unary::<_, Int64Type>(Into::into))
}
