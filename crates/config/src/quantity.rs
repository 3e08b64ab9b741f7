//! Durations and sizes as people write them: `90s`, `1h30m`, `256MiB`.

use std::time::Duration;

/// The longest duration: ten years. Clocks overflow far beyond, and nobody means more.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// A pattern for JSON Schema that every accepted duration satisfies.
pub(crate) const DURATION_PATTERN: &str = r"^\s*([0-9]+\s*(ms|s|m|h|d)\s*)+$";

/// A pattern for JSON Schema that every accepted size satisfies.
pub(crate) const SIZE_PATTERN: &str = r"^\s*[0-9]+\s*([KkMmGgTt]?[Ii]?[Bb])\s*$";

/// Reads a duration: whole numbers with units `ms`, `s`, `m`, `h` and `d`, added up. The error is
/// what to tell the user.
pub fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "a duration is a whole number and a unit, e.g. `500ms`, `10s`, `5m`, `2h`";
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(FORM.into());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, unit) = split(&mut rest).ok_or(FORM)?;
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(FORM.into()),
        };
        total = number
            .checked_mul(milliseconds)
            .and_then(|part| total.checked_add(Duration::from_millis(part)))
            .filter(|total| *total <= LONGEST)
            .ok_or("a duration is at most ten years, `3650d`")?;
    }
    Ok(total)
}

/// Reads a size in bytes: a whole number with a unit, decimal (`MB`) or binary (`MiB`), upper or
/// lower case. The error is what to tell the user.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    const FORM: &str = "a size is a whole number and a unit, e.g. `256MiB`, `64MB`, `4096B`";
    let mut rest = text.trim();
    let (number, unit) = split(&mut rest).ok_or(FORM)?;
    if !rest.is_empty() {
        return Err(FORM.into());
    }
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(FORM.into()),
    };
    number
        .checked_mul(factor)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| "the size is larger than this machine can address".into())
}

/// Takes `12` and `ms` from the front of `12ms…`.
fn split<'a>(rest: &mut &'a str) -> Option<(u64, &'a str)> {
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let number = rest[..digits].parse().ok()?;
    let tail = rest[digits..].trim_start();
    let end = tail
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(tail.len());
    *rest = tail[end..].trim_start();
    Some((number, &tail[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, milliseconds: Option<u64>| {
            let read = duration(text).ok().map(|d| d.as_millis());
            assert_eq!(read, milliseconds.map(u128::from), "{text}");
        };
        check("10s", Some(10_000));
        check(" 5 m ", Some(300_000));
        check("1h30m", Some(5_400_000));
        check("200ms", Some(200));
        check("0s", Some(0));
        check("3650d", Some(315_360_000_000));
        check("3651d", None);
        check("99999999999999999999s", None);
        check("18446744073709551615d", None);
        for wrong in [
            "",
            "10",
            "s",
            "1.5h",
            "-1s",
            "10 seconds",
            "10S",
            "1h-",
            "٣s",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn sizes() {
        let check = |text: &str, bytes: Option<usize>| {
            assert_eq!(size(text).ok(), bytes, "{text}");
        };
        check("256MiB", Some(256 << 20));
        check("64 MB", Some(64_000_000));
        check("1gib", Some(1 << 30));
        check("0B", Some(0));
        for wrong in [
            "",
            "12",
            "MiB",
            "1M",
            "1.5GB",
            "1MB1MB",
            "99999999999TiB",
            "-1B",
        ] {
            check(wrong, None);
        }
    }
}
