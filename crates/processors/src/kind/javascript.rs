//! `custom.javascript`: a function `process(record)` of the user's own, run by QuickJS.
//!
//! A record is an object as in Conduit: `Operation`, `Metadata`, `Key`, `Payload.Before`, `Payload.After`.
//! Raw data are a `Uint8Array`. Whole numbers that a double cannot hold are a `BigInt`; a number that the
//! function leaves as it was keeps its digits.

mod convert;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rquickjs::function::Func;
use rquickjs::{CatchResultExt as _, CaughtError, Context, Ctx, Function, Object, Runtime};

use super::{Outcome, Processor};
use crate::effect::Effect;
use crate::record::{Data, Record, operation_name, operation_of};
use crate::setting::Settings;
use crate::value::Value;
use convert::{from_js, reconciled, to_js};

/// Memory of one script (P7).
const MEMORY: usize = 256 << 20;
/// Its stack.
const STACK: usize = 512 << 10;
/// How long one record may take (P9).
const LONGEST: Duration = Duration::from_secs(10);

/// What scripts find beside the language itself.
const PRELUDE: &str = r#"
globalThis.RawData = function (text) {
  const bytes = [];
  for (const c of unescape(encodeURIComponent(text === undefined ? "" : String(text)))) {
    bytes.push(c.charCodeAt(0));
  }
  return new Uint8Array(bytes);
};
globalThis.StructuredData = function () { return {}; };
globalThis.Record = function () {
  return { Position: null, Operation: "", Metadata: {}, Key: null, Payload: { Before: null, After: null } };
};
globalThis.logger = (function () {
  const event = (level) => {
    const fields = [];
    const add = (name, value) => { fields.push(name + "=" + value); return self; };
    const self = {
      Str: add, Int: add, Int64: add, Float64: add, Bool: add, Any: add, Interface: add,
      Err: (error) => add("error", error),
      Msg: (text) => __log(level, [text, ...fields].join(" ")),
      Msgf: (text) => __log(level, [text, ...fields].join(" ")),
      Send: () => __log(level, fields.join(" ")),
    };
    return self;
  };
  return {
    Trace: () => event("trace"), Debug: () => event("debug"), Info: () => event("info"),
    Warn: () => event("warn"), Error: () => event("error"),
  };
})();
"#;

struct JavaScript {
    /// Ends with the context, before the runtime.
    context: Context,
    _runtime: Runtime,
    /// Until when the record that is being processed may take.
    deadline: Arc<Mutex<Option<Instant>>>,
}

pub(super) fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let script = match (settings.get("script"), settings.get("script.path")) {
        (Some(_), Some(_)) => return Err("`script` and `script.path` are both given".to_owned()),
        (Some(script), None) => script.to_owned(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|cause| format!("the setting `script.path`: `{path}`: {cause}"))?,
        (None, None) => return Err("the setting `script` or `script.path` is missing".to_owned()),
    };
    Ok(Box::new(JavaScript::new(&script)?))
}

impl JavaScript {
    fn new(script: &str) -> Result<Self, String> {
        let broken = |error: rquickjs::Error| format!("JavaScript cannot be started: {error}");
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_memory_limit(MEMORY);
        runtime.set_max_stack_size(STACK);
        let deadline = Arc::new(Mutex::new(None));
        let until = deadline.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || {
            let until: Option<Instant> = *until.lock().unwrap_or_else(PoisonError::into_inner);
            until.is_some_and(|until| Instant::now() > until)
        })));
        let context = Context::full(&runtime).map_err(broken)?;
        let this = Self {
            context,
            _runtime: runtime,
            deadline,
        };
        this.within(|ctx| {
            let log = |level: String, text: String| match level.as_str() {
                "error" => tracing::error!("{text}"),
                "warn" => tracing::warn!("{text}"),
                "info" => tracing::info!("{text}"),
                _ => tracing::debug!("{text}"),
            };
            ctx.globals()
                .set("__log", Func::from(log))
                .map_err(broken)?;
            ctx.eval::<(), _>(PRELUDE).map_err(broken)?;
            caught(ctx, ctx.eval::<(), _>(script))?;
            let process: rquickjs::Value<'_> = ctx.globals().get("process").map_err(broken)?;
            if process.is_function() {
                return Ok(());
            }
            Err("the script has no function `process`".to_owned())
        })?;
        Ok(this)
    }

    /// Does something with the context, which may take its time and no more.
    fn within<T>(&self, what: impl FnOnce(&Ctx<'_>) -> Result<T, String>) -> Result<T, String> {
        let set = |until| {
            *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = until;
        };
        set(Some(Instant::now() + LONGEST));
        let done = self.context.with(|ctx| what(&ctx));
        set(None);
        done
    }
}

/// The error of the script, in its own words.
fn caught<'js, T>(ctx: &Ctx<'js>, result: rquickjs::Result<T>) -> Result<T, String> {
    result.catch(ctx).map_err(|error| match error {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            let place = exception.stack().unwrap_or_default();
            match place.lines().next().map(str::trim) {
                Some(line) if !line.is_empty() => format!("{message} ({line})"),
                _ => message,
            }
        }
        CaughtError::Value(value) => value
            .as_string()
            .and_then(|text| text.to_string().ok())
            .unwrap_or_else(|| "it threw something that is no error".to_owned()),
        CaughtError::Error(error) => error.to_string(),
    })
}

fn part<'js>(ctx: &Ctx<'js>, of: &Object<'js>, name: &str) -> Result<Value, String> {
    let part: rquickjs::Value<'js> = caught(ctx, of.get(name))?;
    from_js(ctx, &part).map_err(|why| format!("`{name}`: {why}"))
}

impl JavaScript {
    /// `None`: the function wants the record to be left out.
    fn processed(&self, mut record: Record) -> Result<Option<Record>, String> {
        let key = record.key.value()?;
        let before = record.before.value()?;
        let after = record.after.value()?;
        let metadata = Value::Object(record.metadata.clone());
        self.within(|ctx| {
            let given = {
                let made = (|| {
                    let payload = Object::new(ctx.clone())?;
                    payload.set("Before", to_js(ctx, &before)?)?;
                    payload.set("After", to_js(ctx, &after)?)?;
                    let given = Object::new(ctx.clone())?;
                    given.set("Position", rquickjs::Value::new_null(ctx.clone()))?;
                    given.set("Operation", operation_name(record.operation))?;
                    given.set("Metadata", to_js(ctx, &metadata)?)?;
                    given.set("Key", to_js(ctx, &key)?)?;
                    given.set("Payload", payload)?;
                    Ok(given)
                })();
                caught(ctx, made)?
            };
            let process: Function<'_> = caught(ctx, ctx.globals().get("process"))?;
            let answer: rquickjs::Value<'_> = caught(ctx, process.call((given,)))?;
            if answer.is_null() || answer.is_undefined() {
                return Ok(None);
            }
            let Some(answer) = answer.as_object() else {
                return Err("`process` returned neither a record nor null".to_owned());
            };
            let operation = part(ctx, answer, "Operation")?.to_text();
            record.operation = operation_of(&operation)?;
            match part(ctx, answer, "Metadata")? {
                Value::Object(texts) => record.metadata = texts,
                Value::Null => record.metadata = crate::value::Object::default(),
                other => return Err(format!("`Metadata` is {}", other.kind())),
            }
            let payload: Object<'_> = caught(ctx, answer.get("Payload"))?;
            record.key = Data::of(reconciled(&key, part(ctx, answer, "Key")?))?;
            record.before = Data::of(reconciled(&before, part(ctx, &payload, "Before")?))?;
            record.after = Data::of(reconciled(&after, part(ctx, &payload, "After")?))?;
            record.is_changed = true;
            Ok(Some(record))
        })
    }
}

impl Processor for JavaScript {
    fn process(&mut self, record: Record) -> Outcome {
        match self.processed(record) {
            Ok(Some(record)) => Outcome::One(record),
            Ok(None) => Outcome::Filtered,
            Err(why) => Outcome::Failed(why),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Whole]
    }
}

#[cfg(test)]
mod tests;
