//! Which value of a record is whose: values carry no names, only their place (§4.4).

use crossdock_core::schema::{DataType, StreamSchema};
use serde_json::Value;

/// The fields of a stream in the order of its schema, and the order in which the wire has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    /// The columns, in the order of the schema.
    pub(super) schema: StreamSchema,
    /// For each place on the wire the column's index.
    pub(super) columns: Vec<usize>,
}

impl Positions {
    /// Both sides sort the same configured catalog: the names of its top-level properties, compared by
    /// their UTF-16 code units, since that is what the platform's languages compare by.
    pub(super) fn of(json_schema: &Value) -> Self {
        let schema = StreamSchema::from_json_schema(json_schema);
        let mut columns: Vec<usize> = (0..schema.fields.len()).collect();
        columns.sort_by(|a, b| {
            let units = |index: &usize| schema.fields[*index].name.encode_utf16();
            units(a).cmp(units(b))
        });
        Self { schema, columns }
    }

    /// The fields' names and types, in the order of the wire.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, DataType)> {
        let fields = &self.schema.fields;
        let at = self.columns.iter().map(|index| &fields[*index]);
        at.map(|field| (field.name.as_str(), field.data_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_in_the_order_of_their_code_units() {
        let check = |names: &[&str], expected: &[&str]| {
            let properties: serde_json::Map<_, _> = names
                .iter()
                .map(|name| ((*name).to_owned(), json!({"type": "string"})))
                .collect();
            let positions = Positions::of(&json!({"properties": properties}));
            let sorted: Vec<_> = positions.fields().map(|(name, _)| name).collect();
            assert_eq!(sorted, expected);
            let kept: Vec<_> = positions.schema.fields.iter().map(|f| &f.name).collect();
            assert_eq!(kept, names);
        };
        check(
            &["b", "a", "_ab_cdc_lsn", "B", "aa", ""],
            &["", "B", "_ab_cdc_lsn", "a", "aa", "b"],
        );
        // A pair of surrogates comes before the last of the single units.
        check(
            &["\u{fb01}", "\u{1f600}", "é"],
            &["é", "\u{1f600}", "\u{fb01}"],
        );
        check(&[], &[]);
        assert_eq!(Positions::of(&json!(true)).fields().count(), 0);
    }
}
