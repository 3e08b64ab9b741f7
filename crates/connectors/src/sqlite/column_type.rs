//! Between a stream's types and the types that SQLite's columns declare.
//!
//! SQLite gives a column an affinity by the words in its declared type and keeps any value
//! anywhere. The names here are chosen so that each keeps our values as they are: JSON text must
//! not lose digits to a number, so `JSON TEXT` has the word that makes it text. Dates and times
//! have numeric affinity, which leaves text that is no number alone.

use crossdock_core::schema::DataType;

/// Each type with the name that it is declared by.
const NAMES: [(DataType, &str); 11] = [
    (DataType::String, "TEXT"),
    (DataType::Binary, "BLOB"),
    (DataType::Boolean, "BOOLEAN"),
    (DataType::Integer, "INTEGER"),
    (DataType::Number, "REAL"),
    (DataType::Date, "DATE"),
    (DataType::TimestampWithTimezone, "TIMESTAMPTZ"),
    (DataType::TimestampWithoutTimezone, "TIMESTAMP"),
    (DataType::TimeWithTimezone, "TIMETZ"),
    (DataType::TimeWithoutTimezone, "TIME"),
    (DataType::Json, "JSON TEXT"),
];

/// The name that a column of this type is declared by.
pub(crate) fn declared(data_type: DataType) -> &'static str {
    NAMES
        .iter()
        .find(|(known, _)| *known == data_type)
        .map_or("TEXT", |(_, name)| name)
}

/// The type of a column that is declared like this, by whomever: our own names, else what SQLite's
/// rules of affinity make of it.
pub(crate) fn parse(declared: &str) -> DataType {
    let upper = declared.trim().to_ascii_uppercase();
    if let Some((data_type, _)) = NAMES.iter().find(|(_, name)| *name == upper) {
        return *data_type;
    }
    let has = |word: &str| upper.contains(word);
    // A length or precision says nothing of the kind: `VARCHAR(20)`, `DECIMAL(10,2)`.
    let bare = upper.split('(').next().unwrap_or_default().trim();
    match bare {
        "BOOL" => return DataType::Boolean,
        "DATETIME" => return DataType::TimestampWithoutTimezone,
        "JSON" | "JSONB" => return DataType::Json,
        _ => {}
    }
    if has("INT") {
        DataType::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        DataType::String
    } else if has("BLOB") {
        DataType::Binary
    } else if has("REAL") || has("FLOA") || has("DOUB") || has("DEC") || has("NUM") {
        DataType::Number
    } else {
        // No type, or one that says nothing: any value may be there, and text holds all.
        DataType::String
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_names_read_back() {
        for (data_type, name) in NAMES {
            assert_eq!(parse(name), data_type);
            assert_eq!(declared(data_type), name);
        }
    }

    #[test]
    fn names_of_others() {
        let check = |declared: &str, expected| assert_eq!(parse(declared), expected, "{declared}");
        check("varchar(20)", DataType::String);
        check("BIGINT UNSIGNED", DataType::Integer);
        check("DECIMAL(10,2)", DataType::Number);
        check("double precision", DataType::Number);
        check("datetime", DataType::TimestampWithoutTimezone);
        check("bool", DataType::Boolean);
        check("json", DataType::Json);
        check("", DataType::String);
        check("GEOMETRY", DataType::String);
    }
}
