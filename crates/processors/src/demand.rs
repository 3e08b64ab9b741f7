//! What a processor asks of the columns of a stream, and whether a stream has it. Most ask for nothing: they take
//! records as they come.

use crossdock_core::catalog::{ConfiguredStream, DestinationSyncMode, FieldPath};

use crate::effect::Shape;

/// What is left of the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Keeps {
    /// Not even that the same value becomes the same again.
    Nothing,
    /// The same value becomes the same, another another.
    Sameness,
    /// They are as they were, and so is their order.
    Order,
}

/// A field that a processor needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It is looked at.
    Reads(String),
    /// It is taken away.
    Removes(String),
    /// It goes on under a name, mostly another, and with values that keep so much.
    Moves {
        from: String,
        to: String,
        keeps: Keeps,
    },
}

/// What is wrong, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Unmet {
    fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Demand {
    fn field(&self) -> &str {
        match self {
            Self::Reads(field) | Self::Removes(field) | Self::Moves { from: field, .. } => field,
        }
    }

    fn keeps(&self) -> Keeps {
        match self {
            Self::Reads(_) => Keeps::Order,
            Self::Removes(_) => Keeps::Nothing,
            Self::Moves { keeps, .. } => *keeps,
        }
    }

    /// Whether a stream with these columns has what is asked for. `always`: every record goes through the
    /// processor.
    pub(crate) fn met(
        &self,
        stream: &ConfiguredStream,
        shape: &Shape,
        always: bool,
    ) -> Result<(), Unmet> {
        let field = self.field();
        if !shape.may_have(field) {
            let unmet = Unmet::new(format!("the stream has no field `{field}`"));
            let near = shape
                .names()
                .map(|name| (strsim::jaro_winkler(field, name), name))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            return Err(match near {
                Some((_, near)) => unmet.hint(format!("did you mean `{near}`?")),
                None => unmet.hint("say with `streams` which streams it is for"),
            });
        }
        if let Self::Moves { from, to, .. } = self
            && from != to
            && shape.names().any(|name| name == to)
        {
            return Err(Unmet::new(format!(
                "the stream has a field `{to}` already, so `{from}` cannot get this name"
            ))
            .hint("give it another name"));
        }
        self.leaves_rows_apart(stream, shape, always)
    }

    /// Whether a destination that keeps one row for each key can go on doing so.
    fn leaves_rows_apart(
        &self,
        stream: &ConfiguredStream,
        shape: &Shape,
        always: bool,
    ) -> Result<(), Unmet> {
        use DestinationSyncMode::{AppendDedup, SoftDelete, Update};
        if !matches!(
            stream.destination_sync_mode,
            AppendDedup | Update | SoftDelete
        ) || matches!(self, Self::Reads(_))
        {
            return Ok(());
        }
        let mode = stream.destination_sync_mode.as_str();
        let field = self.field();
        let is_here = |path: &FieldPath| {
            let path = shape.now(path);
            path.is_some_and(|path| path.first().is_some_and(|first| first == field))
        };
        let unmet = |what: &str, why: &str| {
            Err(
                Unmet::new(format!("`{field}` is {what}, which {mode} needs, {why}"))
                    .hint("use `destination_sync_mode: append`, or leave the field as it is"),
            )
        };
        let keys = stream.primary_key.iter().flatten();
        for path in keys.filter(|path| is_here(path)) {
            let what = "part of the primary key";
            match self.keeps() {
                _ if !always => return unmet(what, "and only some records would be changed"),
                Keeps::Nothing if matches!(self, Self::Removes(_)) => {
                    return unmet(what, "and would be taken away");
                }
                Keeps::Nothing => {
                    return unmet(what, "and the same value is encrypted otherwise each time");
                }
                Keeps::Sameness if path.len() > 1 => {
                    return unmet(what, "and what is inside of it would be lost");
                }
                Keeps::Sameness | Keeps::Order => {}
            }
        }
        let cursor = stream.cursor_field.as_ref();
        let cursor = cursor.or(stream.stream.default_cursor_field.as_ref());
        // Of rows with the same key none is later by a part of the key.
        let is_key = |path: &FieldPath| stream.primary_key.iter().flatten().any(|own| own == path);
        if cursor.is_some_and(|path| is_here(path) && !is_key(path)) {
            let what = "the cursor";
            match self.keeps() {
                _ if !always => return unmet(what, "and only some records would be changed"),
                Keeps::Order => {}
                Keeps::Nothing if matches!(self, Self::Removes(_)) => {
                    return unmet(what, "and would be taken away");
                }
                Keeps::Nothing | Keeps::Sameness => {
                    return unmet(what, "and its order would be lost");
                }
            }
        }
        Ok(())
    }
}
