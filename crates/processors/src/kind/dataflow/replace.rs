//! `replaceField`: fields chosen by their old names, then renamed.

use super::config::{Config, halves, of_setting};
use super::{Transform, Transforming};
use crate::effect::{Effect, FieldEffect};
use crate::kind::Processor;
use crate::path::Place;
use crate::record::Record;
use crate::value::{Object, Value};

enum Choice {
    All,
    Include(Vec<Place>),
    Exclude(Vec<Place>),
}

struct ReplaceField {
    choice: Choice,
    renames: Vec<(Place, Place)>,
}

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let renames = config.texts("renames")?.into_iter().map(|rename| {
        let (old, new) = halves("renames", rename, "old:new")?;
        let place = |path| of_setting("renames", Place::parse(path));
        Ok::<_, String>((place(old)?, place(new)?))
    });
    let renames: Vec<_> = renames.collect::<Result<_, _>>()?;
    let choice = match (config.has("include"), config.has("exclude")) {
        (true, true) => {
            return Err("the settings `include` and `exclude` are both given".to_owned());
        }
        (true, false) => Choice::Include(config.places("include")?),
        (false, true) => Choice::Exclude(config.places("exclude")?),
        (false, false) if renames.is_empty() => {
            return Err(
                "one of the settings `renames`, `include` and `exclude` is needed".to_owned(),
            );
        }
        (false, false) => Choice::All,
    };
    Ok(Transforming::boxed(ReplaceField { choice, renames }))
}

impl ReplaceField {
    fn choose(&self, payload: &mut Value) -> Result<bool, String> {
        match &self.choice {
            Choice::All => Ok(false),
            Choice::Exclude(places) => {
                let mut is_changed = false;
                for place in places {
                    is_changed |= place.remove(payload).is_some();
                }
                Ok(is_changed)
            }
            Choice::Include(places) => {
                let mut chosen = Value::Object(Object::default());
                for place in places {
                    if let Some(value) = place.get(payload) {
                        place.set(&mut chosen, value.clone())?;
                    }
                }
                *payload = chosen;
                Ok(true)
            }
        }
    }
}

impl Transform for ReplaceField {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        if !matches!(payload, Value::Object(_)) {
            return Ok(false);
        }
        let mut is_changed = self.choose(payload)?;
        for (old, new) in &self.renames {
            is_changed |= rename(payload, old, new)?;
        }
        Ok(is_changed)
    }

    fn effects(&self) -> Vec<Effect> {
        let mut effects: Vec<_> = match &self.choice {
            Choice::All => Vec::new(),
            Choice::Include(places) => {
                let member = |place: &Place| (place.names().to_vec(), place.names()[0].clone());
                vec![Effect::Only(places.iter().map(member).collect())]
            }
            Choice::Exclude(places) => {
                let places = places.iter();
                let removed = |place: &Place| removed(place);
                places.map(removed).collect()
            }
        };
        for (old, new) in &self.renames {
            match (old.names(), new.names()) {
                ([old], [new]) => {
                    let renamed = FieldEffect::Renamed(new.clone());
                    effects.push(Effect::Field(vec![old.clone()], renamed));
                }
                _ => {
                    effects.push(removed(old));
                    effects.push(Effect::Field(new.names().to_vec(), FieldEffect::Any));
                }
            }
        }
        effects
    }
}

fn removed(place: &Place) -> Effect {
    Effect::Field(place.names().to_vec(), FieldEffect::Removed)
}

/// Within one object the field keeps its place among the others.
fn rename(payload: &mut Value, old: &Place, new: &Place) -> Result<bool, String> {
    if old.names() == new.names() {
        return Ok(false);
    }
    if let (Value::Object(members), [from], [to]) = (&mut *payload, old.names(), new.names()) {
        if members.get(from).is_none() {
            return Ok(false);
        }
        members.remove(to);
        return Ok(members.rename(from, to));
    }
    match old.remove(payload) {
        Some(value) => new.set(payload, value).map(|()| true),
        None => Ok(false),
    }
}
