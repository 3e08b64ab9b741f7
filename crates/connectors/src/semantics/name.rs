//! Names at the destination: file names and identifiers made of any text.

/// Longest file name part that is kept as it is, in bytes; most file systems allow 255.
const LONGEST: usize = 180;

/// A file name for any text, one to one: different texts get different names. Letters of every
/// script stay; what file systems or shells trip over is percent-encoded; over-long names end in a
/// hash.
pub(crate) fn safe(text: &str) -> String {
    if text.is_empty() {
        // `%` alone is never the result of encoding.
        return "%".to_owned();
    }
    let mut name = String::with_capacity(text.len());
    let last = text.chars().count() - 1;
    for (at, c) in text.chars().enumerate() {
        let edge = (at == 0 && c == '.') || (at == last && matches!(c, '.' | ' '));
        let awkward = matches!(
            c,
            '/' | '\\' | '%' | '<' | '>' | ':' | '"' | '|' | '?' | '*'
        );
        if edge || awkward || c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        } else {
            name.push(c);
        }
    }
    // `%~` is not the beginning of an encoded byte.
    shortened(&mut name, LONGEST, "%~", text);
    name
}

/// Longest identifier that is kept as it is, in bytes.
const LONGEST_IDENTIFIER: usize = 120;

/// A table's or column's name for any text, for people who would not like to quote it: letters and
/// digits of every script and `_` stay, everything else becomes `_`, and a digit in front gets a
/// `_` before it. Different texts may meet: whoever uses it refuses collisions.
pub(crate) fn identifier(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 1);
    if text.chars().next().is_none_or(|c| c.is_numeric()) {
        name.push('_');
    }
    name.extend(
        text.chars()
            .map(|c| if c.is_alphanumeric() { c } else { '_' }),
    );
    shortened(&mut name, LONGEST_IDENTIFIER, "_", text);
    name
}

/// Cuts a name that is too long and ends it in a hash of the whole text.
fn shortened(name: &mut String, longest: usize, mark: &str, text: &str) {
    if name.len() > longest {
        let mut end = longest - 16 - mark.len();
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.push_str(&format!("{mark}{:016x}", hash(&[text])));
    }
}

/// FNV-1a over the parts, each closed by a byte that is not in UTF-8. Stable across versions,
/// since names on disk rest on it.
pub(crate) fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_safe() {
        let check = |text: &str, expected: &str| assert_eq!(safe(text), expected, "{text:?}");
        check("users", "users");
        check("Über 用户", "Über 用户");
        check("a/b\\c", "a%2Fb%5Cc");
        check(".hidden", "%2Ehidden");
        check("..", "%2E%2E");
        check("trailing.", "trailing%2E");
        check("100%", "100%25");
        check("tab\there\0", "tab%09here%00");
        check("a:b*c?", "a%3Ab%2Ac%3F");
        check("", "%");
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = |end: &str| format!("{}{end}", "é".repeat(300));
        let (a, b) = (safe(&long("a")), safe(&long("b")));
        assert_ne!(a, b);
        assert!(
            a.len() <= LONGEST && b.len() <= LONGEST,
            "{} {}",
            a.len(),
            b.len()
        );
        assert_eq!(a, safe(&long("a")));
    }

    #[test]
    fn identifiers_need_no_quotes() {
        let check = |text: &str, expected: &str| assert_eq!(identifier(text), expected, "{text:?}");
        check("users", "users");
        check("Order Date", "Order_Date");
        check("größe", "größe");
        check("a-b.c", "a_b_c");
        check("2nd", "_2nd");
        check("", "_");
        check("\"; DROP TABLE x", "___DROP_TABLE_x");
        let long = identifier(&"x".repeat(500));
        assert_eq!(long.len(), LONGEST_IDENTIFIER);
        assert_ne!(long, identifier(&"x".repeat(501)));
    }
}
