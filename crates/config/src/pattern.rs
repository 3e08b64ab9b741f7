//! Names with `*`.

/// Whether `name` fits `pattern`, in which each `*` stands for any text, also none. Takes at most
/// the product of both lengths, whatever the pattern.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // Each middle part is taken as early as it comes, which leaves the most for those after it.
    for part in parts {
        match rest.find(part) {
            Some(start) => rest = &rest[start + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_text() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        };
        check("users", "users", true);
        check("users", "users2", false);
        check("users", "user", false);
        check("*", "", true);
        check("*", "größe", true);
        check("orders_*", "orders_", true);
        check("orders_*", "orders_2024", true);
        check("orders_*", "my_orders_1", false);
        check("*_log", "a_log", true);
        check("*_log", "a_logs", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*a", "a", false);
        check("a**b", "ab", true);
        check("", "", true);
        check("", "x", false);
    }
}
