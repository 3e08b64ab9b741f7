//! What becomes of a table's columns when a stream's schema changed. Nothing that is there is lost:
//! columns are added, and widened where they must be; a column that the stream no longer has stays.

use crossdock_core::schema::DataType;

/// The type that holds the values of a column that there is and those to come. Text holds all.
pub(crate) fn widest(has: DataType, wants: DataType) -> DataType {
    use DataType::{
        Date, Integer, Number, String, TimestampWithTimezone, TimestampWithoutTimezone,
    };
    match (has, wants) {
        (has, wants) if has == wants => has,
        (Integer, Number) | (Number, Integer) => Number,
        (Date, TimestampWithTimezone) | (TimestampWithTimezone, Date) => TimestampWithTimezone,
        (Date, TimestampWithoutTimezone) | (TimestampWithoutTimezone, Date) => {
            TimestampWithoutTimezone
        }
        _ => String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [DataType; 11] = [
        DataType::String,
        DataType::Binary,
        DataType::Boolean,
        DataType::Integer,
        DataType::Number,
        DataType::Date,
        DataType::TimestampWithTimezone,
        DataType::TimestampWithoutTimezone,
        DataType::TimeWithTimezone,
        DataType::TimeWithoutTimezone,
        DataType::Json,
    ];

    #[test]
    fn widening_comes_to_an_end_and_does_not_depend_on_the_order() {
        for one in ALL {
            assert_eq!(widest(one, one), one);
            assert_eq!(widest(one, DataType::String), DataType::String);
            for other in ALL {
                let both = widest(one, other);
                assert_eq!(both, widest(other, one));
                assert_eq!(widest(both, one), both, "{one:?} {other:?}");
                assert_eq!(widest(both, other), both, "{one:?} {other:?}");
            }
        }
    }
}
