//! Names in another case.

/// Which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// `order_id`
    Snake,
    /// `OrderId`
    Pascal,
}

impl Case {
    /// A name in this case. A name without a letter or digit stays.
    pub(crate) fn of(self, name: &str) -> String {
        let words = words(name);
        if words.is_empty() {
            return name.to_owned();
        }
        match self {
            Self::Snake => {
                // What begins with an underscore is often meant to: `_id`, `__op`.
                let underscores = name.len() - name.trim_start_matches('_').len();
                let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
                format!("{}{}", "_".repeat(underscores), words.join("_"))
            }
            Self::Pascal => words.iter().map(|word| capital(word)).collect(),
        }
    }
}

/// The words of a name: between what is no letter or digit, and at capitals. Of several capitals the last
/// one begins a word if small letters follow: `HTTPServer`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            begins = true;
            continue;
        }
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after_small = before.is_some_and(|c| c.is_lowercase() || c.is_numeric());
        let before_small = letters.get(at + 1).is_some_and(|c| c.is_lowercase());
        if begins || (letter.is_uppercase() && (after_small || before_small)) {
            words.push(String::new());
        }
        begins = false;
        if let Some(word) = words.last_mut() {
            word.push(*letter);
        }
    }
    words
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_cases() {
        let check = |name: &str, snake: &str, pascal: &str| {
            assert_eq!(Case::Snake.of(name), snake, "{name}");
            assert_eq!(Case::Pascal.of(name), pascal, "{name}");
        };
        check("orderId", "order_id", "OrderId");
        check("order_id", "order_id", "OrderId");
        check("OrderID", "order_id", "OrderID");
        check("HTTPServer", "http_server", "HTTPServer");
        check("userHTTPCode", "user_http_code", "UserHTTPCode");
        check("first name", "first_name", "FirstName");
        check("first-name.x", "first_name_x", "FirstNameX");
        check("address2", "address2", "Address2");
        check("line2Text", "line2_text", "Line2Text");
        check("_id", "_id", "Id");
        check("__opCode", "__op_code", "OpCode");
        check("", "", "");
        check("__", "__", "__");
        check("größeÄnderung", "größe_änderung", "GrößeÄnderung");
        check("ID", "id", "ID");
        check("a", "a", "A");
    }
}
