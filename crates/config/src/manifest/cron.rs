//! Schedules: five fields of cron, or six with the seconds first. Read only as far as to tell that they are right.

/// What a field counts.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names that stand for `least` and what follows it.
    names: &'static [&'static str],
}

const fn field(name: &'static str, least: u32, most: u32) -> Field {
    Field {
        name,
        least,
        most,
        names: &[],
    }
}

const FIELDS: [Field; 6] = [
    field("second", 0, 59),
    field("minute", 0, 59),
    field("hour", 0, 23),
    field("day of the month", 1, 31),
    Field {
        names: &[
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ],
        ..field("month", 1, 12)
    },
    Field {
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        ..field("day of the week", 0, 7)
    },
];

/// What is wrong with a schedule, if anything is.
pub(super) fn check(schedule: &str) -> Result<(), String> {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let from = match fields.len() {
        5 => 1,
        6 => 0,
        number => return Err(format!("it has {number} fields, not 5 or 6")),
    };
    let known = FIELDS[from..].iter();
    fields.iter().zip(known).try_for_each(|(text, field)| {
        let parts = text.split(',');
        parts
            .map(|part| field.part(part))
            .collect::<Option<Vec<()>>>()
            .map(|_| ())
            .ok_or_else(|| {
                let Field {
                    name, least, most, ..
                } = field;
                format!("the {name} is {least} to {most}, `*`, a range `a-b`, each with a step `/n` or not, or several with commas")
            })
    })
}

impl Field {
    /// `*`, `?`, a value or a range, with a step or without one.
    fn part(&self, text: &str) -> Option<()> {
        let range = match text.split_once('/') {
            None => text,
            Some((range, step)) => {
                let step: u32 = digits(step)?;
                if step == 0 || step > self.most {
                    return None;
                }
                range
            }
        };
        if matches!(range, "*" | "?") {
            return Some(());
        }
        match range.split_once('-') {
            None => self.value(range).map(|_| ()),
            Some((from, to)) => (self.value(from)? <= self.value(to)?).then_some(()),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().zip(self.least..);
        let mut named = named.filter(|(name, _)| text.eq_ignore_ascii_case(name));
        let value = match named.next() {
            Some((_, value)) => value,
            None => digits(text)?,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

/// A number without a sign.
fn digits(text: &str) -> Option<u32> {
    let is_plain = text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn schedules_by_cases() {
        for right in [
            "* * * * *",
            "*/5 * * * *",
            "0 2 * * MON-fri",
            "0,30 0-6/2 1 jan,JUL ?",
            "15 30 4 * * 7",
            " 0  0 31 12 0 ",
        ] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        for (wrong, why) in [
            ("", "it has 0 fields"),
            ("@daily", "it has 1 fields"),
            ("* * * *", "it has 4 fields"),
            ("0 0 0 * * * *", "it has 7 fields"),
            ("60 * * * *", "the minute is 0 to 59"),
            ("* 24 * * *", "the hour is 0 to 23"),
            ("* * 0 * *", "the day of the month is 1 to 31"),
            ("* * * 13 *", "the month is 1 to 12"),
            ("* * * * 8", "the day of the week is 0 to 7"),
            ("* * * * FUN", "the day of the week"),
            ("5-1 * * * *", "the minute"),
            ("*/0 * * * *", "the minute"),
            ("+5 * * * *", "the minute"),
            ("1,,2 * * * *", "the minute"),
            ("x * * * * *", "the second"),
            ("99999999999 * * * *", "the minute"),
        ] {
            let said = check(wrong).unwrap_err();
            assert!(said.starts_with(why), "{wrong}: {said}");
        }
    }
}
