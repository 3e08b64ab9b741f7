//! Names in paths.

use reqwest::Url;

/// A name as one part of a path: a slash, a space or a question mark in it is a part of the name. Names of dots alone,
/// which no path can have, become empty.
#[must_use]
pub fn segment(name: &str) -> String {
    let Ok(mut url) = Url::parse("http://server") else {
        return String::new();
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(name);
    }
    url.path().trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_whatever_is_in_it() {
        let check = |name: &str, expected: &str| assert_eq!(segment(name), expected);
        check("people", "people");
        check("n.people", "n.people");
        check("a/b?c#d%e f", "a%2Fb%3Fc%23d%25e%20f");
        check("größe", "gr%C3%B6%C3%9Fe");
        check("..", "");
    }
}
