//! `filter`, `router`, `routed`.

use super::*;

#[test]
fn filter_by_cases() {
    let filter = |condition: &str, expected: &str| {
        let settings = serde_json::json!({"condition": condition}).to_string();
        check("filter", &settings, r#"{"a": 1,"b":"x"}"#, expected);
    };
    let kept = r#"{"a": 1,"b":"x"}"#;
    filter("$.a == 1", kept);
    filter("$.b == 'x' && metadata.topic == t", kept);
    filter("$.a == 2", "filtered");
    filter("$.missing != 2", "filtered");
    filter("!($.missing == 2)", kept);
    filter("", "filtered");
    refused("filter", "{}", "the setting `condition` is missing");
    refused(
        "filter",
        r#"{"condition":"($.a"}"#,
        "the setting `condition`: at character 5: a `)` is missing",
    );
    let (metadata, after) = raw("no json");
    let row = (Operation::Create, metadata.as_str(), "", "", after.as_str());
    let of = |condition: &str| wanted("filter", &format!(r#"{{"condition":"{condition}"}}"#));
    assert_eq!(outcome(&[of("$.a")], row), ["filtered"]);
    let kept = format!("users Create {metadata} - - {after}");
    assert_eq!(outcome(&[of("metadata.topic == t")], row), [kept]);
}

const ROUTES: &str = r#"{"routes":[
    {"condition":"$.a == 1","sink":{"type":"kafka","config":{"topic":"x"}}},
    {"condition":"$.a","sink":{"type":"kafka","config":{"topic":"y"}}},
    {"condition":"metadata.topic == t"}]}"#;

#[test]
fn router_by_cases() {
    let route = |metadata: &str, after: &str, expected: &str| {
        let row = (Operation::Create, metadata, "", "", after);
        let found = outcome(&[wanted("router", ROUTES)], row);
        assert_eq!(found, [format!("users Create {expected} - - {after}")]);
    };
    route("", r#"{"a":1}"#, r#"{"routed_condition":"$.a == 1"}"#);
    route("", r#"{"a":2}"#, r#"{"routed_condition":"$.a"}"#);
    route("", r#"{"a":0}"#, "-");
    route(
        r#"{"topic":"t"}"#,
        r#"{"a":0}"#,
        r#"{"topic":"t","routed_condition":"metadata.topic == t"}"#,
    );
    // What an earlier router said does not count.
    route(
        r#"{"x":1,"routed_condition":"old"}"#,
        r#"{"a":0}"#,
        r#"{"x":1}"#,
    );
    route(
        r#"{"routed_condition":"old"}"#,
        r#"{"a":1}"#,
        r#"{"routed_condition":"$.a == 1"}"#,
    );
    refused("router", "{}", "the setting `routes` is missing");
    refused(
        "router",
        r#"{"routes":["x"]}"#,
        "the setting `routes.0` is a text, not an object",
    );
    refused(
        "router",
        r#"{"routes":[{"condition":"$.a"},{"sink":{}}]}"#,
        "the setting `routes.1.condition` is missing",
    );
    refused(
        "router",
        r#"{"routes":[{"condition":"$.a ="}]}"#,
        "the setting `routes.0.condition`: at character 5: the operators are `==` and `!=`; in a name write a backslash before it",
    );
    refused(
        "router",
        r#"{"routes":[{"condition":"$.a","sinks":{}}]}"#,
        "the setting `routes.0.sinks` is not known; there are `condition`, `sink`",
    );
}

#[test]
fn every_record_takes_one_route() {
    let take = |settings: &str, after: &str| {
        let steps = [wanted("router", ROUTES), wanted("routed", settings)];
        let row = (Operation::Create, "", "", "", after);
        outcome(&steps, row) != ["filtered"]
    };
    let shares = [
        r#"{"condition":"$.a == 1"}"#,
        r#"{"condition":"$.a"}"#,
        r#"{"otherwise":true}"#,
    ];
    for (after, expected) in [
        (r#"{"a":1}"#, [true, false, false]),
        (r#"{"a":2}"#, [false, true, false]),
        (r#"{"a":0}"#, [false, false, true]),
    ] {
        assert_eq!(shares.map(|share| take(share, after)), expected, "{after}");
    }
    refused(
        "routed",
        "{}",
        "the setting `condition` is missing; `otherwise: true` keeps what has no route",
    );
    refused(
        "routed",
        r#"{"condition":"$.a","otherwise":true}"#,
        "the settings `condition` and `otherwise` are both given",
    );
}
