//! What had to be changed in a value.

/// A change to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The value does not fit the column: null.
    Misfit,
    /// The source sent something that JSON has no value for, such as `NaN`: null.
    NoValue,
    /// The column holds less than the text said: digits beyond a double's, a zone, nanoseconds.
    Cut,
    /// The text was not valid Unicode: U+FFFD stands where it was not.
    Garbled,
}

impl Change {
    pub(super) fn change_and_reason(self) -> (&'static str, &'static str) {
        match self {
            Self::Misfit => ("NULLED", "DESTINATION_TYPECAST_ERROR"),
            Self::NoValue => ("NULLED", "SOURCE_SERIALIZATION_ERROR"),
            Self::Cut => ("TRUNCATED", "DESTINATION_FIELD_SIZE_LIMITATION"),
            Self::Garbled => ("TRUNCATED", "SOURCE_SERIALIZATION_ERROR"),
        }
    }
}
