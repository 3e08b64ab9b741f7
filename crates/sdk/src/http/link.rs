//! The `Link` header (RFC 8288), as far as pages need it. Pure.

/// The address of the relation `next`.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        // Parameters go on to the next comma that is in no quotes.
        let tail = &rest[end + 1..];
        let mut quoted = false;
        let stop = tail.find(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        let parameters = &tail[..stop.unwrap_or(tail.len())];
        if parameters.split(';').any(is_next) {
            return Some(target);
        }
        rest = &tail[stop.unwrap_or(tail.len())..];
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel")
        && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_is_found() {
        let check = |header, expected| assert_eq!(next(header), expected, "{header}");
        check(
            r#"<https://x/?page=2>; rel="next""#,
            Some("https://x/?page=2"),
        );
        check(r#"</1>; rel="prev", </3>; rel="next""#, Some("/3"));
        check(r#"</3>; title="a, b; c"; rel="last next""#, Some("/3"));
        check("</3>;REL=Next", Some("/3"));
        check(r#"</a,b>; rel="prev", </c,d>; rel=next"#, Some("/c,d"));
        check(r#"</1>; rel="prev""#, None);
        check("<", None);
        check("", None);
    }
}
