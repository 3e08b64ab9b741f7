//! What JSON text holds, without building a document from it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Members, Seen, ValueKind};
use crate::fault::Fault;

impl Members {
    /// Takes the text of a JSON object into account. `true` if it had something new. Text that is valid
    /// JSON all through passes and no other; what an error left behind of it stays.
    pub fn see_text(&mut self, text: &[u8]) -> Result<bool, Fault> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let grown = InObject(self)
            .deserialize(&mut reader)
            .and_then(|grown| reader.end().map(|()| grown));
        grown.map_err(|cause| Fault::new(cause.to_string()))
    }
}

/// A value of one field.
struct InValue<'a>(&'a mut Seen);

/// The members of an object.
struct InObject<'a>(&'a mut Members);

impl<'de> DeserializeSeed<'de> for InValue<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for InObject<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for InValue<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Ok(self.0.mark(ValueKind::Boolean))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(self.0.mark(ValueKind::Integer))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        Ok(self.0.mark(match i64::try_from(number) {
            Ok(_) => ValueKind::Integer,
            Err(_) => ValueKind::Number,
        }))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(self.0.mark(ValueKind::Number))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(self.0.mark(ValueKind::String))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut grown = self.0.mark(ValueKind::Array);
        while let Some(more) = items.next_element_seed(InValue(self.0.elements()))? {
            grown |= more;
        }
        Ok(grown)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let grown = self.0.mark(ValueKind::Object);
        if let Some(seen) = self.0.members() {
            return InObject(seen).visit_map(members).map(|more| grown | more);
        }
        // Its keys are data, but it must be valid all the same.
        while members
            .next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?
            .is_some()
        {}
        Ok(grown)
    }
}

impl<'de> Visitor<'de> for InObject<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut grown = false;
        while let Some(name) = members.next_key_seed(Name)? {
            let (seen, is_new) = self.0.member(&name);
            grown |= members.next_value_seed(InValue(seen))? | is_new;
        }
        Ok(grown)
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = std::borrow::Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = std::borrow::Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(name.into())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(name.to_owned().into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn text_tells_what_its_document_tells() {
        let texts = [
            r#"{}"#,
            r#"{"a":1,"b":null,"c":[1,"x",{"d":2.5}],"e\n":{"f":true}}"#,
            r#"{"a":2.5,"b":"x","c":[[]],"g":18446744073709551616,"h":9223372036854775808}"#,
            r#"{"c":[],"e\n":{"z":{}}}"#,
        ];
        let (mut by_text, mut by_document) = (Members::default(), Members::default());
        for text in texts {
            let document: Value = serde_json::from_str(text).unwrap();
            let grown = by_document.see(document.as_object().unwrap());
            assert_eq!(by_text.see_text(text.as_bytes()), Ok(grown), "{text}");
            assert_eq!(by_text.properties(), by_document.properties());
        }
    }

    #[test]
    fn text_that_is_no_object_is_refused() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for text in [
            "",
            "1",
            "[]",
            "{\"a\":1",
            "{\"a\":1} x",
            "{\"a\":NaN}",
            "{\"a\":\"\\x\"}",
            &deep,
        ] {
            assert!(
                Members::default().see_text(text.as_bytes()).is_err(),
                "{text}"
            );
        }
    }
}
