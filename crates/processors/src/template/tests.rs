use crossdock_core::batch::{RowSpans, RowsBuilder, Span};
use crossdock_core::stream::StreamId;

use super::*;

const METADATA: &str = r#"{"opencdc.collection":"users","a":"x","opencdc.version":"v1"}"#;
const AFTER: &str = r#"{"id":7,"name":"Ada Lovelace","big":9007199254740993,"price":12.50,"tags":["a","b"],"none":null,"inner":{"x":{"y":"deep"}},"ok":true}"#;

fn record() -> Record {
    let mut buffer = Vec::new();
    let mut add = |text: &str| {
        let start = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        Span::new(start, buffer.len()).unwrap()
    };
    let row = RowSpans {
        after: add(AFTER),
        key: add(r#"{"id":7}"#),
        metadata: add(METADATA),
        ..RowSpans::default()
    };
    let mut rows = RowsBuilder::default();
    rows.push(row);
    let rows = rows.finish(buffer.into(), None);
    Record::read(&StreamId::new("users"), &rows, 0).unwrap()
}

#[test]
fn templates_by_cases() {
    let check = |template: &str, expected: &str| {
        let made = Template::parse(template).and_then(|t| t.execute(&mut record()));
        assert_eq!(made.as_deref(), Ok(expected), "{template}");
    };
    check("plain", "plain");
    check("{{ .Payload.After.name }}", "Ada Lovelace");
    check("{{ .Payload.After.id }}/{{ .Key.id }}", "7/7");
    check("{{ .Payload.After.big }}", "9007199254740993");
    check("{{ .Payload.After.price }}", "12.50");
    check("{{ .Payload.After.inner.x.y }}", "deep");
    check(
        "{{ .Payload.After.missing }}|{{ .Payload.After.none }}",
        "<no value>|<no value>",
    );
    check("{{ .Payload.After.tags }}", "[a b]");
    check("{{ .Payload.Before }}", "<nil>");
    check("{{ .Key }}", "map[id:7]");
    check("{{ .Operation }}", "create");
    check("{{ .Operation.String | upper }}", "CREATE");
    check(
        "{{ .Metadata.a }}{{ index .Metadata \"opencdc.version\" }}",
        "xv1",
    );
    check("{{ .Metadata.GetCollection }}", "users");
    check("{{- /* nothing */ -}} a {{- \" b\" -}}  ", "a b");
    check(
        "{{ printf \"%s-%05d %.2f %q %v\" \"x\" 42 1.5 \"y\" true }}",
        "x-00042 1.50 \"y\" true",
    );
    check(
        "{{ if eq .Payload.After.id 7 }}yes{{ else }}no{{ end }}",
        "yes",
    );
    check(
        "{{ if false }}a{{ else if .Payload.After.ok }}b{{ else }}c{{ end }}",
        "b",
    );
    check(
        "{{ range $i, $t := .Payload.After.tags }}{{ $i }}={{ $t }};{{ end }}",
        "0=a;1=b;",
    );
    check(
        "{{ range .Payload.After.tags }}{{ . }}{{ $.Key.id }}{{ end }}",
        "a7b7",
    );
    check(
        "{{ range .Payload.After.missing }}x{{ else }}empty{{ end }}",
        "empty",
    );
    check("{{ with .Payload.After.inner }}{{ .x.y }}{{ end }}", "deep");
    check(
        "{{ $n := .Payload.After.name }}{{ if true }}{{ $n = \"z\" }}{{ end }}{{ $n }}",
        "z",
    );
    check(
        "{{ and .Payload.After.ok (gt .Payload.After.id 5) }}",
        "true",
    );
    check("{{ or .Payload.After.missing \"other\" }}", "other");
    check("{{ not (hasPrefix \"Ada\" .Payload.After.name) }}", "false");
    check(
        "{{ eq .Payload.After.name \"x\" \"Ada Lovelace\" }}",
        "true",
    );
    check(
        "{{ lt 1.5 2 }}{{ ge 2 2 }}{{ ne \"a\" \"b\" }}",
        "truetruetrue",
    );
    check(
        "{{ .Payload.After.name | lower | replace \" \" \"_\" }}",
        "ada_lovelace",
    );
    check("{{ .Payload.After.missing | default \"none\" }}", "none");
    check("{{ coalesce nil \"\" \"c\" }}", "c");
    check("{{ ternary \"a\" \"b\" .Payload.After.ok }}", "a");
    check(
        "{{ .Payload.After.inner | toJson }}",
        r#"{"x":{"y":"deep"}}"#,
    );
    check("{{ (fromJson \"{\\\"q\\\":1}\").q }}", "1");
    check("{{ \"secret\" | sha256sum | trunc 8 }}", "2bb80d53");
    check("{{ \"hi\" | b64enc }}{{ \"aGk=\" | b64dec }}", "aGk=hi");
    check(
        "{{ add 1 2 3 }}{{ sub 5 1 }}{{ mul 2 3 }}{{ div 7 2 }}{{ mod 7 2 }}",
        "64631",
    );
    check(
        "{{ join \",\" .Payload.After.tags }}{{ len .Payload.After.tags }}",
        "a,b2",
    );
    check("{{ substr 0 3 .Payload.After.name }}", "Ada");
    check("{{ regexReplaceAll \"[aeiou]\" \"hello\" \"_\" }}", "h_ll_");
    check(
        "{{ snakecase \"FirstName\" }} {{ camelcase \"first_name\" }}",
        "first_name FirstName",
    );
    check(
        "{{ toDate \"2006-01-02\" \"2024-02-29\" | date \"Mon Jan 2 15:04:05 2006\" }}",
        "Thu Feb 29 00:00:00 2024",
    );
    check(
        "{{ (toDate \"2006-01-02\" \"2024-02-29\").Format \"02/01/06\" }}",
        "29/02/24",
    );
    check("{{ (toDate \"2006-01-02\" \"1970-01-02\").Unix }}", "86400");
    check("{{ gt now.Unix 1700000000 }}", "true");
    check("{{ dict \"a\" 1 \"b\" 2 | toJson }}", r#"{"a":1,"b":2}"#);
    check("{{ list 1 2 | last }}", "2");
    check(
        "{{ 0x1F }} {{ 1_000 }} {{ -5 }} {{ `raw` }}",
        "31 1000 -5 raw",
    );
    check(
        "{{ int \"12\" }}{{ float64 \"1.5\" }}{{ toString 7 }}",
        "121.57",
    );
    check("{{ printf \"%s\" .Key.Bytes }}", r#"{"id":7}"#);
}

#[test]
fn broken_templates_are_explained() {
    let check = |template: &str, expected: &str| {
        let made = Template::parse(template).and_then(|t| t.execute(&mut record()));
        assert_eq!(made.unwrap_err(), expected, "{template}");
    };
    check("{{ .Key", "an action is not closed by `}}`");
    check(
        "{{ uper \"x\" }}",
        "there is no function `uper`; did you mean `upper`?",
    );
    check("{{ $x }}", "the variable `$x` is not known");
    check("{{ if true }}", "`if` has no `end`");
    check("{{ end }}", "`end` stands where nothing is open");
    check("{{ (.Key }}", "a `(` has no `)`");
    check("{{ \"a }}", "a string is not closed by `\"`");
    check(
        "{{ template \"x\" }}",
        "`template` is not supported in templates here",
    );
    check("{{ upper }}", "`upper` takes 1 arguments, and got 0");
    check("{{ div 1 0 }}", "`div`: a division by zero");
    check("{{ fail \"no\" }}", "`fail`: no");
    check("{{ .Foo }}", "a record has no field or method `Foo`");
    check(
        "{{ .Payload.After.missing.x }}",
        "`.x`: there is nothing that could have a field",
    );
    check("{{ }}", "an action or a pair of brackets is empty");
    check(
        &format!(
            "{}1{}",
            "{{ ".to_owned() + &"(".repeat(200),
            ")".repeat(200) + " }}"
        ),
        "it is nested more than 100 deep",
    );
}

#[test]
fn conditions_by_cases() {
    let check = |text: &str, expected: Result<bool, &str>| {
        let condition = Condition::parse(text).unwrap().unwrap();
        let holds = condition.holds(&mut record());
        assert_eq!(
            holds.as_ref().map(|b| *b).map_err(String::as_str),
            expected,
            "{text}"
        );
    };
    check("{{ eq .Metadata.a \"x\" }}", Ok(true));
    check("{{ eq .Operation.String \"delete\" }}", Ok(false));
    check("true", Ok(true));
    check("{{ 1 }}", Ok(true));
    check(
        " true",
        Err("the condition came out as ` true`, which is neither true nor false"),
    );
    assert!(Condition::parse("  ").unwrap().is_none());
}

proptest::proptest! {
    /// P11: whatever stands in a template, it is an error or a text.
    #[test]
    fn any_text_is_read_or_refused(text in "[{}$.|()\"a-z0-9 \\-:=,`]{0,40}") {
        let template = format!("{{{{ {text}");
        for text in [text, template] {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.execute(&mut record());
            }
        }
    }
}
