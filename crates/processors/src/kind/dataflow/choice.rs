//! `filter`, `router`, and `routed`: which records go where.

use serde_json::Value as Json;

use super::config::{Config, missing, of_setting, wrong};
use crate::effect::Effect;
use crate::kind::{Outcome, Processor};
use crate::record::Record;
use crate::value::Value;
use crate::when::When;

/// The member of the metadata that names the route.
const ROUTE: &str = "routed_condition";

struct Filter(When);

pub(super) fn filter(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let condition = config.text("condition")?;
    let condition = condition.ok_or_else(|| missing("condition"))?;
    let when = of_setting("condition", When::parse(condition))?;
    Ok(Box::new(Filter(when)))
}

impl Processor for Filter {
    fn process(&mut self, mut record: Record) -> Outcome {
        match self.0.holds(&mut record) {
            Ok(true) => Outcome::One(record),
            Ok(false) => Outcome::Filtered,
            Err(why) => Outcome::Failed(why),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }
}

/// Conditions with their texts, by which the routes are known.
struct Router(Vec<(String, When)>);

pub(super) fn router(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let routes = config.list("routes")?;
    if routes.is_empty() {
        return Err(missing("routes"));
    }
    let routes = routes.iter().zip(0..).map(|(route, at)| {
        let Json::Object(members) = route else {
            return Err(wrong(&format!("routes.{at}"), route, "an object"));
        };
        // The sink of a route belongs to the pipeline, not to the records.
        let mut names = members.keys();
        if let Some(other) = names.find(|name| !matches!(name.as_str(), "condition" | "sink")) {
            return Err(format!(
                "the setting `routes.{at}.{other}` is not known; there are `condition`, `sink`"
            ));
        }
        let name = format!("routes.{at}.condition");
        let text = match members.get("condition") {
            Some(Json::String(text)) => text,
            Some(other) => return Err(wrong(&name, other, "a text")),
            None => return Err(missing(&name)),
        };
        Ok((text.clone(), of_setting(&name, When::parse(text))?))
    });
    Ok(Box::new(Router(routes.collect::<Result<_, _>>()?)))
}

impl Router {
    fn route(&self, record: &mut Record) -> Result<Option<Value>, String> {
        for (text, when) in &self.0 {
            if when.holds(record)? {
                return Ok(Some(Value::String(text.clone())));
            }
        }
        Ok(None)
    }
}

impl Processor for Router {
    fn process(&mut self, mut record: Record) -> Outcome {
        let route = match self.route(&mut record) {
            Ok(route) => route,
            Err(why) => return Outcome::Failed(why),
        };
        if record.metadata.get(ROUTE) != route.as_ref() {
            record.is_changed = true;
            match route {
                Some(route) => record.metadata.insert(ROUTE, route),
                // An earlier router's.
                None => drop(record.metadata.remove(ROUTE)),
            }
        }
        Outcome::One(record)
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }
}

/// The route whose records are kept; `None`: those of no route.
struct Routed(Option<String>);

pub(super) fn routed(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let condition = config.text("condition")?.map(str::to_owned);
    match (&condition, config.flag("otherwise")?) {
        (Some(_), true) => {
            Err("the settings `condition` and `otherwise` are both given".to_owned())
        }
        (None, false) => Err(
            "the setting `condition` is missing; `otherwise: true` keeps what has no route"
                .to_owned(),
        ),
        _ => Ok(Box::new(Routed(condition))),
    }
}

impl Processor for Routed {
    fn process(&mut self, record: Record) -> Outcome {
        let is_kept = match (record.metadata.get(ROUTE), &self.0) {
            (Some(Value::String(route)), Some(wanted)) => route == wanted,
            (None, None) => true,
            _ => false,
        };
        if is_kept {
            Outcome::One(record)
        } else {
            Outcome::Filtered
        }
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }
}
