//! The processors of Avro, with a registry in memory.

use super::*;

/// A registry in memory.
#[derive(Default)]
struct Kept(std::sync::Mutex<Vec<(String, String)>>);

#[async_trait::async_trait]
impl SchemaRegistry for Kept {
    async fn by_id(&self, id: i32) -> Result<Option<String>> {
        let all = self.0.lock().unwrap();
        let place = usize::try_from(id - 1).unwrap();
        Ok(all.get(place).map(|(_, text)| text.clone()))
    }

    async fn by_version(&self, subject: &str, version: i32) -> Result<Option<(i32, String)>> {
        let text = self.by_id(version).await?;
        Ok(text.filter(|_| subject == "s").map(|text| (version, text)))
    }

    async fn create(&self, subject: &str, text: &str) -> Result<i32> {
        let mut all = self.0.lock().unwrap();
        let known = all.iter().position(|(_, own)| own == text);
        let place = known.unwrap_or_else(|| {
            all.push((subject.to_owned(), text.to_owned()));
            all.len() - 1
        });
        Ok(i32::try_from(place + 1).unwrap())
    }
}

#[test]
fn avro_there_and_back() {
    let registry = Arc::new(Kept::default());
    let field: (&str, &str) = ("field", ".Payload.After");
    let made = [
        field,
        ("schema.strategy", "autoRegister"),
        ("schema.autoRegister.subject", "s"),
    ];
    let after = r#"{"a":9007199254740993,"b":"x","c":[1,2],"d":{"e":1.5,"f":null},"g":true}"#;
    let row = (Operation::Create, META, "", "", after);
    let mut encode = chain(&[("avro.encode", "", &made)]).with_registry(registry.clone());
    let mut processed = now(encode.process(batch(&[row]))).unwrap();
    assert!(processed.failed.is_empty(), "{:?}", processed.failed);
    let encoded = processed.batches.pop().unwrap();
    let mut decode = chain(&[("avro.decode", "", &[field])]).with_registry(registry.clone());
    let processed = now(decode.process(encoded)).unwrap();
    assert_eq!(
        shown(&processed),
        [format!("users Create {META} - - {after}")]
    );
    // The same schema, kept before.
    let kept = [
        field,
        ("schema.strategy", "preRegistered"),
        ("schema.preRegistered.subject", "s"),
        ("schema.preRegistered.version", "1"),
    ];
    let mut encode = chain(&[("avro.encode", "", &kept)]).with_registry(registry);
    let rows = [row, (Operation::Create, META, "", "", r#"{"z":1}"#)];
    let processed = now(encode.process(batch(&rows))).unwrap();
    assert_eq!(processed.batches[0].records(), 1);
    assert_eq!(processed.failed[0].reason, "the schema has no field `z`");
}
