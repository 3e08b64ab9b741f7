//! A measured number, with the bar it has to take.

use std::fmt;

use serde_json::{Value, json};

/// What a figure must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bar {
    AtLeast(f64),
    Below(f64),
}

/// A measured number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    value: f64,
    unit: &'static str,
    rounds: Vec<f64>,
    bar: Option<Bar>,
    aim: Option<f64>,
}

impl Figure {
    /// The median of what the rounds gave.
    pub(crate) fn median(name: impl Into<String>, rounds: Vec<f64>, unit: &'static str) -> Self {
        Figure {
            rounds: rounds.clone(),
            ..Figure::single(name, median(rounds), unit)
        }
    }

    /// The number itself.
    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    /// The largest of what the rounds gave: for memory, where the worst counts.
    pub(crate) fn largest(name: impl Into<String>, rounds: Vec<f64>, unit: &'static str) -> Self {
        let value = rounds.iter().copied().fold(0.0, f64::max);
        Figure {
            rounds,
            ..Figure::single(name, value, unit)
        }
    }

    /// How many times as much `this` is as `that`, by their medians.
    pub(crate) fn ratio(this: &Figure, that: &Figure) -> Self {
        Figure::single("ratio", this.value / that.value, "×")
    }

    /// How much more `this` is than `that`, by their medians.
    pub(crate) fn difference(this: &Figure, that: &Figure) -> Self {
        Figure::single("added", this.value - that.value, this.unit)
    }

    fn single(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Figure {
            name: name.into(),
            value,
            unit,
            rounds: Vec::new(),
            bar: None,
            aim: None,
        }
    }

    /// With a bar from below, and what to aim for beyond it.
    pub(crate) fn at_least(self, bar: f64, aim: f64) -> Self {
        Figure {
            bar: Some(Bar::AtLeast(bar)),
            aim: Some(aim),
            ..self
        }
    }

    /// With a bar from above.
    pub(crate) fn below(self, bar: f64) -> Self {
        Figure {
            bar: Some(Bar::Below(bar)),
            ..self
        }
    }

    /// Whether the figure does not keep to its bar. One that is not a number keeps to none.
    pub(crate) fn is_missed(&self) -> bool {
        let kept = match self.bar {
            None => true,
            Some(Bar::AtLeast(bar)) => self.value >= bar,
            Some(Bar::Below(bar)) => self.value < bar,
        };
        !kept
    }

    /// All of it, for `--json`.
    pub(crate) fn to_json(&self) -> Value {
        let bar = match self.bar {
            None => Value::Null,
            Some(Bar::AtLeast(bar)) => json!({"at_least": bar, "aim": self.aim}),
            Some(Bar::Below(bar)) => json!({"below": bar}),
        };
        json!({
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "rounds": self.rounds,
            "bar": bar,
            "kept": !self.is_missed(),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<34}{:>9} {:<6}",
            self.name,
            digits(self.value),
            self.unit
        )?;
        if self.rounds.len() > 1 && self.rounds.len() < 10 {
            let rounds: Vec<String> = self.rounds.iter().map(|value| digits(*value)).collect();
            write!(f, "  ({})", rounds.join(" "))?;
        }
        let verdict = if self.is_missed() { "MISSED" } else { "kept" };
        match self.bar {
            None => Ok(()),
            Some(Bar::AtLeast(bar)) => {
                write!(f, "  {verdict}: at least {bar}")?;
                match self.aim {
                    Some(aim) if self.value >= aim => write!(f, ", aim {aim} reached"),
                    Some(aim) => write!(f, ", aim {aim} not reached"),
                    None => Ok(()),
                }
            }
            Some(Bar::Below(bar)) => write!(f, "  {verdict}: below {bar}"),
        }
    }
}

/// Three digits or so: more would be noise.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        for (values, expected) in [
            (vec![3.0, 1.0, 2.0], 2.0),
            (vec![4.0, 1.0], 2.5),
            (vec![7.0], 7.0),
        ] {
            assert_eq!(median(values.clone()), expected, "{values:?}");
        }
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn bars_are_kept_or_missed() {
        let figure = |value| Figure::median("relay", vec![value], "×");
        for (figure, missed, text) in [
            (
                figure(0.6).at_least(0.6, 0.8),
                false,
                "kept: at least 0.6, aim 0.8 not reached",
            ),
            (figure(0.9).at_least(0.6, 0.8), false, "aim 0.8 reached"),
            (
                figure(0.59).at_least(0.6, 0.8),
                true,
                "MISSED: at least 0.6",
            ),
            (figure(64.0).below(64.0), true, "MISSED: below 64"),
            (figure(63.0).below(64.0), false, "kept: below 64"),
            (
                Figure::median("relay", Vec::new(), "×").below(1.0),
                true,
                "MISSED",
            ),
            (figure(1.0), false, "relay"),
        ] {
            assert_eq!(figure.is_missed(), missed, "{figure}");
            assert_eq!(figure.to_json()["kept"], !missed, "{figure}");
            assert!(figure.to_string().contains(text), "{figure}");
        }
    }

    #[test]
    fn two_sides_are_compared_by_their_medians() {
        let this = Figure::median("a", vec![2.0, 100.0, 3.0], "MB/s");
        let that = Figure::median("b", vec![4.0, 6.0, 5.0], "MB/s");
        assert_eq!(Figure::ratio(&this, &that).value, 0.6);
        assert_eq!(Figure::difference(&that, &this).value, 2.0);
        assert_eq!(Figure::largest("c", vec![1.0, 3.0, 2.0], "MB").value, 3.0);
    }
}
