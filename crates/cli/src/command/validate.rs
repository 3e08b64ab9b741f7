//! `crossdock validate`.

use crossdock_config::{ProcessEnvironment, load};
use crossdock_control::command::{self, Validity};
use crossdock_control::ui::Role;
use crossdock_core::Error;
use serde_json::json;

use crate::answer::Answer;
use crate::args::Validate;
use crate::context::Context;

/// Checks a pipeline file without starting anything. All faults of its connectors are told at once.
pub(super) async fn execute(args: Validate, context: &Context) -> Result<Answer, Error> {
    let plan = load(&args.file, &ProcessEnvironment)?;
    context.warn(&plan);
    let (mut data, mut errors, mut text) = (Vec::new(), Vec::new(), String::new());
    for pipeline in &plan.pipelines {
        let ask = context.ask(pipeline.settings.clone());
        let sources = pipeline.sources.iter().map(|s| (Role::Source, s));
        let destinations = pipeline.destinations.iter().map(|d| (Role::Destination, d));
        let letters = pipeline.dead_letters.iter();
        let letters = letters.filter_map(|letters| letters.connector.as_ref());
        let letters = letters.map(|d| (Role::Destination, d));
        text.push_str(&format!("{}\n", pipeline.id));
        let mut connectors = Vec::new();
        for (role, connector) in sources.chain(destinations).chain(letters) {
            let (word, why) = match command::validate(connector, role, &ask).await {
                Ok(Validity::Valid) => ("valid", ""),
                Ok(Validity::Unknown) => (
                    "not checked",
                    ": only the connector itself knows, see `crossdock check`",
                ),
                Err(error) => {
                    errors.push(error.with("pipeline", &pipeline.id));
                    ("invalid", "")
                }
            };
            let reference = &connector.reference;
            text.push_str(&format!("  {} `{reference}`: {word}{why}\n", role.as_str()));
            connectors.push(json!({
                "role": role.as_str(),
                "connector": reference.to_string(),
                "config": word,
            }));
        }
        let processors = command::validate_processors(pipeline);
        errors.extend(
            processors
                .err()
                .map(|error| error.with("pipeline", &pipeline.id)),
        );
        data.push(json!({"id": pipeline.id, "connectors": connectors}));
    }
    let answer = Answer::new(&json!({"pipelines": data}), text)?;
    Ok(answer.failed(errors))
}
