//! The processors of a pipeline.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_conduit::host::Registry;
use crossdock_config::{Pipeline, Processor};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::error::Result;
use crossdock_core::store::Store;
use crossdock_processors::{Chain, SchemaRegistry, Wanted};

use crate::memory::StoreMemory;

/// The processors of a list.
pub(crate) fn chain(processors: &[Processor]) -> Result<Chain> {
    let mut wanted = Vec::new();
    for processor in processors {
        let one = Wanted {
            id: processor.id.clone(),
            plugin: processor.plugin.clone(),
            condition: processor.condition.clone(),
            when: processor.when.clone(),
            scope: processor.scope.clone(),
            settings: processor.settings.clone(),
        };
        // Each alone first, since only here is known where it stands.
        Chain::new(std::slice::from_ref(&one)).map_err(|error| processor.at.locate(error))?;
        wanted.push(one);
    }
    Chain::new(&wanted)
}

/// The same, ready to process: with the registry of schemas that Conduit's connectors have, too.
pub(crate) fn working(processors: &[Processor], store: &Arc<dyn Store>) -> Result<Chain> {
    let memory = Arc::new(StoreMemory::new(store.clone(), "", ""));
    Ok(chain(processors)?.with_registry(Arc::new(Schemas(Registry::new(memory)))))
}

struct Schemas(Registry);

#[async_trait]
impl SchemaRegistry for Schemas {
    async fn by_id(&self, id: i32) -> Result<Option<String>> {
        self.0.text(id).await
    }

    async fn by_version(&self, subject: &str, version: i32) -> Result<Option<(i32, String)>> {
        let kept = self.0.get(subject, version).await?;
        Ok(kept.map(|kept| (kept.id, kept.text)))
    }

    async fn create(&self, subject: &str, text: &str) -> Result<i32> {
        Ok(self.0.create(subject, text).await?.id)
    }
}

/// The processors of the pipeline; those of its connectors are looked at, too.
pub(crate) fn chains(pipeline: &Pipeline) -> Result<Chain> {
    for connector in pipeline.sources.iter().chain(&pipeline.destinations) {
        chain(&connector.processors)?;
    }
    chain(&pipeline.processors)
}

/// Whether the streams of a catalog have what the processors need of them.
pub(crate) fn check(
    processors: &[Processor],
    chain: &Chain,
    catalog: &ConfiguredCatalog,
) -> Result<()> {
    chain
        .check(catalog)
        .map_err(|(at, error)| match processors.get(at) {
            Some(processor) => processor.at.locate(error),
            None => error,
        })
}

/// Whether records of the pipeline meet a processor before the destinations, or those of several sources.
pub(crate) fn has_way(pipeline: &Pipeline) -> bool {
    pipeline.sources.len() > 1
        || !pipeline.processors.is_empty()
        || pipeline
            .sources
            .iter()
            .any(|source| !source.processors.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crossdock_config::{ProcessEnvironment, parse};

    use super::*;

    /// The processors of a file with this one.
    fn of_file(processor: &str) -> Result<Chain> {
        let text = format!(
            "version: 1\npipelines:\n  - id: p\n    source: {{connector: native:sample}}\n    destination: {{connector: native:null}}\n    processors:\n      - {processor}\n"
        );
        let plan = parse(&text, "p.yaml", Path::new(""), &ProcessEnvironment).unwrap();
        chain(&plan.pipelines[0].processors)
    }

    #[test]
    fn processors_come_from_the_file_with_conditions_and_types() {
        let mask =
            "{processor: dataflow.mask, when: $.a, settings: {fields: [a], keepLength: true}}";
        assert!(!of_file(mask).unwrap().is_empty());
        let check = |processor: &str, expected: &str| {
            let error = of_file(processor).err().unwrap();
            assert_eq!(error.message(), expected, "{processor}");
        };
        check(
            "{processor: dataflow.mask, when: $.a =, settings: {fields: [a]}}",
            "`when`: at character 5: the operators are `==` and `!=`; in a name write a backslash before it",
        );
        check(
            "{processor: dataflow.mask, settings: {fields: a}}",
            "the setting `fields` is a text, not a list",
        );
        check(
            "{processor: filter, condition: '{{ foo'}",
            "the condition: an action is not closed by `}}`",
        );
    }

    /// Manifests name them without `dataflow.`, by a list of their own.
    #[test]
    fn every_transformation_of_a_manifest_is_a_processor() {
        let names = crossdock_processors::processors().map(|(name, _)| name);
        let kinds = names.filter_map(|name| name.strip_prefix("dataflow."));
        let mut known = 0;
        for kind in kinds.chain(["nothing"]) {
            let text = format!(
                "apiVersion: dataflow.dataflow.io/v1\nkind: DataFlow\nmetadata: {{name: p}}\nspec:\n  source: {{type: sample}}\n  sink: {{type: 'null'}}\n  transformations: [{{type: {kind}, config: {{}}}}]\n"
            );
            let plan = parse(&text, "p.yaml", Path::new(""), &ProcessEnvironment);
            let said = plan
                .err()
                .map_or_else(String::new, |wrong| wrong.to_string());
            let is_known = !said.contains("there is no transformation");
            // Ours alone, for the sinks of routes.
            assert_eq!(is_known, !matches!(kind, "routed" | "nothing"), "{kind}");
            known += usize::from(is_known);
        }
        assert_eq!(known, 18);
    }
}
